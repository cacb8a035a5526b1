package optim

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/internal/cpu/loops"
)

// drive makes a solver over one tensor and gives it gradients, one slice a step; clip
// scales are 1. It returns the weights after every step.
func drive(t testing.TB, cfg Config, w []float64, shape []int, grads [][]float64) [][]float64 {
	in := feed(t, shape, w)
	solver, err := New(cfg, in.tensors, Options{})
	require.NoError(t, err)
	var out [][]float64
	for _, g := range grads {
		in.give(t, g)
		_, err := solver.Step(in.loss, solver.Config().LR)
		require.NoError(t, err)
		out = append(out, double(in.tensors[0].Weights))
	}
	return out
}

func single(x []float64) []float32 {
	y := make([]float32, len(x))
	for i, v := range x {
		y[i] = float32(v)
	}
	return y
}

func double(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// textbook is each solver as its paper or PyTorch's documentation prints it, with the
// sums and bias corrections written out over the whole history in place of recursions.
func textbook(c Config, w float64, grads []float64) []float64 {
	c = c.Defaults()
	var seen, out []float64
	var buffer float64
	for i, g := range grads {
		if c.Name != "adamw" {
			g += c.WeightDecay * w
		}
		seen = append(seen, g)
		t := float64(i + 1)
		// mean is the exponentially weighted mean of f over the history, not corrected.
		mean := func(decay float64, f func(float64) float64) (sum float64) {
			for j, x := range seen {
				sum += (1 - decay) * math.Pow(decay, float64(i-j)) * f(x)
			}
			return sum
		}
		same := func(x float64) float64 { return x }
		square := func(x float64) float64 { return x * x }
		switch c.Name {
		case "sgd":
			v := 0.0
			for j, x := range seen {
				v += math.Pow(c.Momentum, float64(i-j)) * x
			}
			if c.Nesterov {
				v = g + c.Momentum*v
			}
			w -= c.LR * v
		case "adam", "adamw":
			// Kingma and Ba, algorithm 1; Loshchilov and Hutter 2019, algorithm 2 with PyTorch's LR·WeightDecay.
			mhat := mean(c.Beta1, same) / (1 - math.Pow(c.Beta1, t))
			vhat := mean(c.Beta2, square) / (1 - math.Pow(c.Beta2, t))
			if c.Name == "adamw" {
				w -= c.LR * c.WeightDecay * w
			}
			w -= c.LR * mhat / (math.Sqrt(vhat) + c.Eps)
		case "rmsprop":
			buffer = c.Momentum*buffer + g/(math.Sqrt(mean(c.Alpha, square))+c.Eps)
			w -= c.LR * buffer
		}
		out = append(out, w)
	}
	return out
}

func TestSolversAgainstTextbook(t *testing.T) {
	for name, c := range map[string]Config{
		"sgd":                   {Name: "sgd", LR: 0.1},
		"sgd, decay":            {Name: "sgd", LR: 0.1, WeightDecay: 0.2, DecayAll: true},
		"sgd, momentum":         {Name: "sgd", LR: 0.1, Momentum: 0.9, WeightDecay: 0.01, DecayAll: true},
		"sgd, Nesterov":         {Name: "sgd", LR: 0.1, Momentum: 0.8, Nesterov: true, WeightDecay: 0.01, DecayAll: true},
		"adam":                  {Name: "adam", LR: 0.01},
		"adam, other constants": {Name: "adam", LR: 0.02, Beta1: 0.7, Beta2: 0.95, Eps: 1e-3, WeightDecay: 0.1, DecayAll: true},
		"adamw":                 {Name: "adamw", LR: 0.01, WeightDecay: 0.3, DecayAll: true},
		"rmsprop":               {Name: "rmsprop", LR: 0.01, WeightDecay: 0.1, DecayAll: true},
		"rmsprop, momentum":     {Name: "rmsprop", LR: 0.01, Alpha: 0.9, Momentum: 0.9, Eps: 1e-4},
	} {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(5, 6))
			const steps, n = 30, 7
			start := make([]float64, n)
			grads := make([][]float64, steps)
			for i := range start {
				start[i] = float64(float32(rng.NormFloat64()))
			}
			for s := range grads {
				grads[s] = make([]float64, n)
				for i := range grads[s] {
					grads[s][i] = float64(float32(rng.NormFloat64()))
				}
			}
			got := drive(t, c, start, []int{n}, grads)
			for i := range n {
				mine := make([]float64, steps)
				for s := range mine {
					mine[s] = grads[s][i]
				}
				for s, want := range textbook(c, start[i], mine) {
					// 30 steps in float32 (2⁻²⁴ relative each) on weights of size 1.
					require.InDelta(t, want, got[s][i], 5e-6, "step %d, element %d", s+1, i)
				}
			}
		})
	}
}

// What can be said in closed form.
func TestSolversClosedForms(t *testing.T) {
	twenty := func(g float64) [][]float64 {
		out := make([][]float64, 20)
		for i := range out {
			out[i] = []float64{g}
		}
		return out
	}
	t.Run("the first step of Adam has length LR, whatever the gradient", func(t *testing.T) {
		for _, g := range []float64{1e-3, 1, -1e4} { // Kingma and Ba, section 2.1
			w := drive(t, Config{Name: "adam", LR: 0.5}, []float64{0}, []int{1}, twenty(g)[:1])
			assert.InDelta(t, -math.Copysign(0.5, g), w[0][0], 1e-5)
		}
	})
	t.Run("momentum under a constant gradient", func(t *testing.T) {
		w := drive(t, Config{Name: "sgd", LR: 0.1, Momentum: 0.5}, []float64{0}, []int{1}, twenty(1))
		assert.InDelta(t, -0.1, w[0][0], 1e-7)
		assert.InDelta(t, -0.1*(1+1.5+1.75), w[2][0], 1e-7)
	})
	t.Run("Nesterov under a constant gradient", func(t *testing.T) {
		w := drive(t, Config{Name: "sgd", LR: 0.1, Momentum: 0.5, Nesterov: true}, []float64{0}, []int{1}, twenty(1))
		assert.InDelta(t, -0.1*(1.5+1.75), w[1][0], 1e-7)
	})
	t.Run("RMSProp's first step", func(t *testing.T) {
		w := drive(t, Config{Name: "rmsprop", LR: 0.1, Alpha: 0.75}, []float64{0}, []int{1}, twenty(-3)[:1])
		assert.InDelta(t, 0.2, w[0][0], 1e-6) // 0.1·3/√(0.25·9)
	})
	t.Run("decoupled decay without gradient is geometric", func(t *testing.T) {
		w := drive(t, Config{Name: "adamw", LR: 0.1, WeightDecay: 0.5}, []float64{2, 2}, []int{2, 1, 1}, [][]float64{{0, 0}, {0, 0}, {0, 0}})
		assert.InDelta(t, 2.0, w[2][0], 0, "a vector is spared")
		w = drive(t, Config{Name: "adamw", LR: 0.1, WeightDecay: 0.5}, []float64{2, 2, 2, 2}, []int{2, 2}, [][]float64{{0, 0, 0, 0}, {0, 0, 0, 0}, {0, 0, 0, 0}})
		assert.InDelta(t, 2*0.95*0.95*0.95, w[2][0], 1e-6)
	})
}

// The pieces into which work is cut, and the threads that do it, change nothing.
func TestSolverThreadsAndPieces(t *testing.T) {
	defer loops.SetThreads(0)
	rng := rand.New(rand.NewPCG(1, 1))
	const n = 3*pieceSize + 5
	w, g := make([]float64, n), make([]float64, n)
	for i := range w {
		w[i], g[i] = rng.NormFloat64(), rng.NormFloat64()
	}
	for _, c := range []Config{{Name: "adam"}, {Name: "sgd", Momentum: 0.9, LR: 0.1}, {Name: "rmsprop"}} {
		var all [][]float64
		for _, threads := range []int{1, 2, 7} {
			loops.SetThreads(threads)
			all = append(all, drive(t, c, w, []int{n}, [][]float64{g, g, g})[2])
		}
		require.Equal(t, all[0], all[1])
		require.Equal(t, all[0], all[2])
		last := drive(t, c, w[n-1:], []int{1}, [][]float64{g[n-1:], g[n-1:], g[n-1:]})[2]
		require.Equal(t, last[0], all[0][n-1])
	}
}

func TestSquaredNormOverTensors(t *testing.T) {
	in := feed(t, []int{3}, []float64{0, 0, 0}, []float64{0, 0})
	s, err := New(Config{Name: "sgd"}, in.tensors, Options{})
	require.NoError(t, err)
	in.give(t, []float64{1, 2, 3}, []float64{4, 5})
	r, err := s.Step(in.loss, 0)
	require.NoError(t, err)
	require.Equal(t, 55.0, r.Squared)
	for _, bad := range []float64{math.Inf(-1), math.NaN()} {
		in.give(t, []float64{1, 2, 3}, []float64{4, bad})
		r, err = s.Step(in.loss, 1)
		require.ErrorAs(t, err, new(*NotFiniteError))
		require.Equal(t, []string{"w1"}, r.Broken)
		require.Equal(t, []float64{0, 0, 0}, double(in.tensors[0].Weights), "nothing moves")
		require.Equal(t, 1, s.Steps())
	}
}

func BenchmarkStep(b *testing.B) {
	const n = 550_000 // an MLP 784-512-256-64
	for _, name := range namesOf(Kinds()) {
		b.Run(name, func(b *testing.B) {
			in := feed(b, []int{n / 2, 2}, make([]float64, n))
			in.give(b, make([]float64, n))
			s, err := New(Default(name), in.tensors, Options{})
			require.NoError(b, err)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Step(in.loss, 1e-3); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestClipping(t *testing.T) {
	require.Equal(t, 0.25, clipping(2, 8))
	require.Equal(t, 1.0, clipping(2, 1))
	require.Equal(t, 1.0, clipping(0, 8))
}
