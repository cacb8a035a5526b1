package gpu_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/device"
	"medusa/internal/spec"
)

// What is drawn is the CPU's to the bit.
func TestRandomNumbers(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 21))
	p := pair{t: t, d: sim(t)}
	for _, state := range [][]float32{{5, 0, 0, 0}, {123456, 77, spec.DropoutBase - 1, 3}} {
		p.run(spec.Advance{}, spec.DropoutDigits, state)
		for _, n := range []int{1, 3, 4, 17, 1025, 70001} {
			p.run(spec.Uniform{N: n, Stream: 2}, n, state)
			p.run(spec.Normal{N: n, Stream: 1<<32 - 1}, n, state)
			p.run(spec.Bernoulli{N: n, P: 0.37, Stream: 0}, n, state)
		}
		for _, c := range [][3]int{{1, 1, 1}, {3, 7, 2}, {2, 256, 300}, {5, 1000, 3}} {
			weights := make([]float32, c[0]*c[1])
			for i := range weights {
				weights[i] = max(0, float32(rng.NormFloat64())) * float32(math.Ldexp(1, rng.IntN(60)-30))
			}
			p.run(spec.DrawnColumns{Rows: c[0], Cols: c[1], K: c[2], Stream: 4}, c[0]*c[2], state, weights)
			p.run(spec.DrawnColumns{Rows: c[0], Cols: c[1], K: c[2], Stream: 4}, c[0]*c[2], state, make([]float32, c[0]*c[1]))
		}
	}
	p.run(spec.Bernoulli{N: 9, P: 1}, 9, []float32{1, 2, 3, 4})
}

func TestChoiceComplains(t *testing.T) {
	d := sim(t)
	p := pair{t: t, d: d}
	k, err := d.Kernel(spec.DrawnColumns{Rows: 2, Cols: 3, K: 1})
	require.NoError(t, err)
	out, err := d.Alloc(2)
	require.NoError(t, err)
	for _, bad := range []float32{-1, float32(math.NaN()), float32(math.Inf(1))} {
		in := []device.Memory{{Remote: p.upload([]float32{1, 0, 0, 0})}, {Remote: p.upload([]float32{1, 0, 2, 0, bad, 1})}}
		require.NoError(t, k.Run([]device.Memory{{Remote: out}}, in))
		require.EqualError(t, d.Check(), "gpu: weight at position 4, want a finite number of at least 0", fmt.Sprint(bad))
	}
}

// The queue as it was, as it is, and where it goes on.
func TestEnqueue(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 22))
	p := pair{t: t, d: sim(t)}
	for _, s := range []spec.Enqueue{{Rows: 1, Cols: 1, Slots: 1}, {Rows: 3, Cols: 1, Slots: 5}, {Rows: 4, Cols: 70, Slots: 9}, {Rows: 64, Cols: 33, Slots: 64}} {
		for at := range s.Slots {
			p.run(s, s.Slots*s.Cols, random(rng, s.Rows*s.Cols), random(rng, s.Slots*s.Cols), []float32{float32(at)})
		}
	}
}
