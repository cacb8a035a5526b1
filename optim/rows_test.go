package optim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/device/cpu"
	"medusa/internal/device/gpu/gputest"
	"medusa/machine"
)

// named is a graph that gathers rows of a table, w0, and gives them the gradients that a test says: the
// loss is Σ over i of g_i·w[index_i].
type named struct {
	*fed
	indices []float32 // (N)
	grads   []float32 // (N, E)
	cols    int
}

// gatherFrom makes a table (C, E) of these numbers, of which n rows are named; beside it stands a vector w1
// of two numbers whose gradient is 1.
func gatherFrom(t testing.TB, table []float64, cols, n int, dev *machine.Device) *named {
	t.Helper()
	f := &named{fed: &fed{params: graph.NewParams(1)}, cols: cols}
	g := gorgonia.NewGraph()
	f.graph = g
	init := func(_ *rand.Rand, _ tensor.Shape, dst []float64) { copy(dst, table) }
	w := f.params.Weight(g, "w0", tensor.Float32, init, len(table)/cols, cols)
	v := f.params.Weight(g, "w1", tensor.Float32, graph.Fill(1), 2)
	in := func(name string, shape ...int) (graph.Expr, []float32) {
		buf := make([]float32, tensor.Shape(shape).TotalSize())
		x := gorgonia.NewTensor(g, tensor.Float32, len(shape), gorgonia.WithName(name), gorgonia.WithShape(shape...),
			gorgonia.WithValue(tensor.New(tensor.WithShape(shape...), tensor.WithBacking(buf))))
		return graph.Data(x), buf
	}
	var indices, grads graph.Expr
	indices, f.indices = in("indices", n)
	grads, f.grads = in("gradients", n, cols)
	cost, err := graph.Gather(w, indices).Mul(grads).Sum().Add(v.Sum()).Node()
	require.NoError(t, err)
	f.tensors, err = Gradients(cost, f.params)
	require.NoError(t, err)
	require.NotNil(t, f.tensors[0].Rows, "the gradient is kept by rows")
	require.Nil(t, f.tensors[1].Rows)
	f.loss, err = graph.Keep(cost)
	require.NoError(t, err)
	f.vm, err = machine.On(g, dev, f.params)
	require.NoError(t, err)
	t.Cleanup(func() { f.vm.Close() })
	return f
}

// run runs the graph with gradients to the rows named.
func (f *named) run(t testing.TB, indices []int, grads []float64) {
	t.Helper()
	for i, r := range indices {
		f.indices[i] = float32(r)
	}
	copy(f.grads, single(grads))
	f.vm.Reset()
	require.NoError(t, f.vm.RunAll())
}

// whole is the gradient to all of a table of that many rows.
func whole(rows, cols int, indices []int, grads []float64) []float64 {
	out := make([]float64, rows*cols)
	for i, r := range indices {
		for c := range cols {
			out[r*cols+c] += grads[i*cols+c]
		}
	}
	return out
}

// allRules are configurations of all solvers.
func allRules() map[string]Config {
	return map[string]Config{
		"sgd": {Name: "sgd", LR: 0.05, WeightDecay: 0.1}, "momentum": {Name: "sgd", LR: 0.05, Momentum: 0.9, WeightDecay: 0.1},
		"nesterov": {Name: "sgd", LR: 0.05, Momentum: 0.9, Nesterov: true}, "adam": {LR: 0.02, WeightDecay: 0.1},
		"adamw": {Name: "adamw", LR: 0.02, WeightDecay: 0.1}, "rmsprop": {Name: "rmsprop", WeightDecay: 0.1},
		"rmsprop momentum": {Name: "rmsprop", Momentum: 0.5}, "lion": {Name: "lion", LR: 0.01, WeightDecay: 0.1},
		"lamb": {Name: "lamb", LR: 0.01, WeightDecay: 0.1},
	}
}

// draw names n of the rows, some of them often, with their gradients.
func draw(rng *rand.Rand, rows, cols, n int) (indices []int, grads []float64) {
	for range n {
		indices = append(indices, rng.IntN(rows))
	}
	return indices, double(single(normals(rng, n*cols)))
}

// Golden: PyTorch's SparseAdam and SGD over a sparse embedding in float64, and momentum and weight decay of
// the rows named alone, a loop of numpy's.
func TestRowsOfPyTorch(t *testing.T) {
	raw, err := os.ReadFile("testdata/rows.json")
	require.NoError(t, err)
	var golden struct {
		Rows, Cols, Named int
		Start             []float64
		Indices           [][]int
		Grads             [][]float64
		Cases             map[string]struct {
			Config Config
			Steps  [][]float64
		}
	}
	require.NoError(t, json.Unmarshal(raw, &golden))
	require.Len(t, golden.Cases, 5)
	for name, c := range golden.Cases {
		t.Run(name, func(t *testing.T) {
			f := gatherFrom(t, golden.Start, golden.Cols, golden.Named, nil)
			s, err := New(c.Config, f.tensors, Options{})
			require.NoError(t, err)
			for i, want := range c.Steps {
				f.run(t, golden.Indices[i], golden.Grads[i])
				_, err := s.Step(f.loss, c.Config.LR)
				require.NoError(t, err)
				// 12 steps in float32 on weights of size 1.
				require.InDeltaSlice(t, want, double(f.tensors[0].Weights), 3e-6, "step %d", i+1)
			}
		})
	}
}

// Property: where all steps name the same rows, these move as a tensor of these rows alone would, whatever
// the solver and the clipping, bit for bit; all others stay as they are, and so does what is known of them.
func TestRowsAreSteppedAsATensorOfTheirs(t *testing.T) {
	const rows, cols = 9, 5
	kept := []int{7, 2, 4}
	for name, c := range allRules() {
		for _, o := range []Options{{}, {Clip: 2, ClipValue: 0.75}} {
			t.Run(fmt.Sprintf("%s, clip %v", name, o.Clip), func(t *testing.T) {
				rng := rand.New(rand.NewPCG(3, 1))
				table := double(single(normals(rng, rows*cols)))
				var part []float64
				for _, r := range kept {
					part = append(part, table[r*cols:(r+1)*cols]...)
				}
				f, alone := gatherFrom(t, table, cols, len(kept), nil), feed(t, []int{len(kept), cols}, part, []float64{1, 1})
				s, err := New(c, f.tensors, o)
				require.NoError(t, err)
				want, err := New(c, alone.tensors, o)
				require.NoError(t, err)
				for range 4 {
					grads := normals(rng, len(kept)*cols)
					f.run(t, kept, grads)
					alone.give(t, grads, []float64{1, 1})
					got, err := s.Step(f.loss, 0.1)
					require.NoError(t, err)
					r, err := want.Step(alone.loss, 0.1)
					require.NoError(t, err)
					require.Equal(t, r.Squared, got.Squared)
				}
				for i, r := range kept {
					copy(table[r*cols:(r+1)*cols], double(alone.tensors[0].Weights)[i*cols:])
				}
				require.Equal(t, table, double(f.tensors[0].Weights))
				for i, m := range s.State() {
					if m.Shape[0] != rows {
						continue
					}
					rest := double(m.F32)
					for k, r := range kept {
						require.Equal(t, double(want.State()[i].F32)[k*cols:(k+1)*cols], rest[r*cols:(r+1)*cols], m.Name)
						clear(rest[r*cols : (r+1)*cols])
					}
					require.Equal(t, make([]float64, rows*cols), rest, "%s of other rows", m.Name)
				}
			})
		}
	}
}

// With AllRows steps are those of a gradient to the whole table, bit for bit; and those of plain SGD
// without weight decay are so in any case.
func TestAllRowsAsOfAWholeGradient(t *testing.T) {
	const rows, cols, n = 11, 3, 6
	rules := allRules()
	for name, c := range rules {
		c.AllRows = true
		rules[name] = c
	}
	rules["plain"] = Config{Name: "sgd", LR: 0.05}
	for name, c := range rules {
		for _, clipValue := range []float64{0, 0.75} {
			t.Run(fmt.Sprintf("%s, clip value %v", name, clipValue), func(t *testing.T) {
				rng := rand.New(rand.NewPCG(3, 2))
				table := double(single(normals(rng, rows*cols)))
				o := Options{Clip: 2, ClipValue: clipValue}
				if name == "plain" {
					o.Clip = 0 // the norm's square is added up in another order
				}
				f, dense := gatherFrom(t, table, cols, n, nil), feed(t, []int{rows, cols}, table, []float64{1, 1})
				s, err := New(c, f.tensors, o)
				require.NoError(t, err)
				want, err := New(c, dense.tensors, o)
				require.NoError(t, err)
				for range 5 {
					indices, grads := draw(rng, rows, cols, n)
					f.run(t, indices, grads)
					dense.give(t, whole(rows, cols, indices, grads), []float64{1, 1})
					for i, r := range f.tensors[0].Rows.Indices().Float32s() { // sums of float32, as the graph has them
						if r >= 0 {
							copy(dense.tensors[0].Grad.Float32s()[int(r)*cols:][:cols], f.tensors[0].Grad.Float32s()[i*cols:])
						}
					}
					_, err := s.Step(f.loss, 0.1)
					require.NoError(t, err)
					_, err = want.Step(dense.loss, 0.1)
					require.NoError(t, err)
				}
				require.Equal(t, double(dense.tensors[0].Weights), double(f.tensors[0].Weights))
				require.NotEqual(t, table, double(f.tensors[0].Weights))
			})
		}
	}
}

// The norm, and its clipping, are those of the whole gradient; what is not finite in a row is told, and
// nothing moves.
func TestNormOfRows(t *testing.T) {
	f := gatherFrom(t, make([]float64, 8), 2, 3, nil)
	s, err := New(Config{Name: "sgd"}, f.tensors, Options{Clip: math.Sqrt(78) / 2})
	require.NoError(t, err)
	f.run(t, []int{3, 1, 3}, []float64{1, 2, 4, 5, 3, -1}) // row 3: (4, 1), row 1: (4, 5); and w1's 1, 1
	r, err := s.Step(f.loss, 1)
	require.NoError(t, err)
	require.Equal(t, 16.0+1+16+25+1+1, r.Squared)
	factor := math.Sqrt(78) / 2 / math.Sqrt(60)
	require.InDeltaSlice(t, []float64{0, 0, -4 * factor, -5 * factor, 0, 0, -4 * factor, -factor}, double(f.tensors[0].Weights), 1e-6)
	before := double(f.tensors[0].Weights)
	f.run(t, []int{0, 1, 2}, []float64{1, 2, math.Inf(1), 5, 3, -1})
	_, err = s.Step(f.loss, 1)
	var bad *NotFiniteError
	require.ErrorAs(t, err, &bad)
	require.Equal(t, []string{"w0"}, bad.Result.Broken)
	require.Equal(t, before, double(f.tensors[0].Weights))
	require.Equal(t, 1, s.Steps())
}

// Property: neither the threads nor the pieces change anything, and a solver that is saved and loaded goes
// on as the one that was not.
func TestRowsByThreadsAndResumed(t *testing.T) {
	defer cpu.SetThreads(0)
	const cols, rows, n = 96, 500, 400 // of three pieces
	require.Greater(t, n*cols, 2*pieceSize)
	for _, c := range []Config{{}, {Name: "lamb"}, {Name: "sgd", Momentum: 0.9, LR: 0.1}} {
		var all [][]float64
		for _, threads := range []int{1, 2, 7} {
			cpu.SetThreads(threads)
			rng := rand.New(rand.NewPCG(3, 3))
			f := gatherFrom(t, normals(rng, rows*cols), cols, n, nil)
			s, err := New(c, f.tensors, Options{Clip: 5})
			require.NoError(t, err)
			for i := range 4 {
				indices, grads := draw(rng, rows, cols, n)
				f.run(t, indices, grads)
				_, err := s.Step(f.loss, 0.1)
				require.NoError(t, err)
				if i == 1 && threads == 2 {
					var file bytes.Buffer
					require.NoError(t, s.Save(&file))
					s, err = New(c, f.tensors, Options{Clip: 5})
					require.NoError(t, err)
					require.NoError(t, s.Load(bytes.NewReader(file.Bytes()), int64(file.Len())))
				}
			}
			all = append(all, double(f.tensors[0].Weights))
		}
		require.Equal(t, all[0], all[1])
		require.Equal(t, all[0], all[2])
	}
}

// Averages are those of all rows, also where a step does not move these.
func TestAveragesOfRows(t *testing.T) {
	f := gatherFrom(t, []float64{8, 8}, 1, 1, nil)
	into := setLike(t, f.params)
	s, err := New(Config{Name: "sgd"}, f.tensors, Options{Average: &Averaging{AverageConfig{Decay: 0.5, Constant: true}, f.params, into}})
	require.NoError(t, err)
	for _, step := range []struct {
		row int
		g   float64
	}{{0, 4}, {1, 8}} {
		f.run(t, []int{step.row}, []float64{step.g})
		_, err = s.Step(f.loss, 1)
		require.NoError(t, err)
	}
	require.Equal(t, []float32{4, 0}, f.tensors[0].Weights)
	require.Equal(t, []float64{5, 4}, double(into.Lookup("w0").Value.Float32s())) // 8, 6, 5 and 8, 8, 4
}

// Every solver moves rows on a device as on the CPU, with or without the others.
func TestRowsOnDevice(t *testing.T) {
	gputest.Prepare(t)
	const rows, cols, n = 50, 96, 43 // of two pieces of a device
	for name, c := range allRules() {
		for _, allRows := range []bool{false, true} {
			if allRows && c.Name != "lamb" && c.Momentum == 0 { // what is seen by one rule is by all
				continue
			}
			t.Run(fmt.Sprintf("%s, all rows %v", name, allRows), func(t *testing.T) {
				c := c
				c.AllRows = allRows
				dev, err := machine.Open("cuda", machine.Options{})
				require.NoError(t, err)
				defer func() { require.NoError(t, dev.Close()) }()
				rng := rand.New(rand.NewPCG(3, 4))
				table := normals(rng, rows*cols)
				in := []*named{gatherFrom(t, table, cols, n, nil), gatherFrom(t, table, cols, n, dev)}
				var solvers [2]*Solver
				for i, o := range []Options{{Clip: 5, ClipValue: 1.5}, {Clip: 5, ClipValue: 1.5, Device: dev}} {
					solvers[i], err = New(c, in[i].tensors, o)
					require.NoError(t, err)
				}
				for range 3 {
					indices, grads := draw(rng, rows, cols, n)
					var r [2]Result
					for i, s := range solvers {
						in[i].run(t, indices, grads)
						r[i], err = s.Step(in[i].loss, s.Config().LR)
						require.NoError(t, err)
					}
					require.InEpsilon(t, r[0].Squared, r[1].Squared, 1e-6)
				}
				require.NoError(t, solvers[1].Fetch())
				require.NoError(t, dev.Read(in[1].tensors[0].Weights))
				// Three steps in float32, some with products and sums fused.
				require.InDeltaSlice(t, double(in[0].tensors[0].Weights), double(in[1].tensors[0].Weights), 3e-6)
				for i, m := range solvers[0].State() {
					require.InDeltaSlice(t, double(m.F32), double(solvers[1].State()[i].F32), 3e-6, m.Name)
				}
				before := double(in[1].tensors[0].Weights)
				in[1].run(t, make([]int, n), append([]float64{math.NaN()}, make([]float64, n*cols-1)...))
				r, err := solvers[1].Step(in[1].loss, 1)
				require.ErrorAs(t, err, new(*NotFiniteError))
				require.Equal(t, []string{"w0"}, r.Broken)
				require.NoError(t, dev.Read(in[1].tensors[0].Weights))
				require.Equal(t, before, double(in[1].tensors[0].Weights))
			})
		}
	}
}

// A step by rows takes no memory, of any solver.
func TestStepOfRowsAllocatesNothing(t *testing.T) {
	for _, kind := range Kinds() {
		for _, all := range []bool{false, true} {
			f := gatherFrom(t, make([]float64, 4*pieceSize), 16, 10, nil)
			c := Default(kind.Name)
			c.AllRows = all
			s, err := New(c, f.tensors, Options{Clip: 1, ClipValue: 1})
			require.NoError(t, err)
			f.run(t, make([]int, 10), make([]float64, 160))
			require.Zero(t, testing.AllocsPerRun(20, func() {
				if _, err := s.Step(f.loss, 0.1); err != nil {
					t.Fatal(err)
				}
			}), kind.Name)
		}
	}
}

// Rows of another tensor are told.
func TestRowsOfAnotherTensor(t *testing.T) {
	f, other := gatherFrom(t, make([]float64, 8), 2, 3, nil), gatherFrom(t, make([]float64, 6), 2, 3, nil)
	x := f.tensors[0]
	x.Rows, x.Grad = other.tensors[0].Rows, other.tensors[0].Grad
	_, err := New(Config{}, []Tensor{x}, Options{})
	require.ErrorContains(t, err, "the rows of the gradient to tensor w0 are of another tensor")
	_, err = RowsOf(f.params.Lookup("w0"), nil)
	require.ErrorContains(t, err, "the rows of a gradient are nil")
	s, err := New(Config{}, f.tensors, Options{})
	require.NoError(t, err)
	_, err = s.Step(f.loss, 1)
	require.ErrorContains(t, err, "run the graph first")
}
