package gpu_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/gpu"
	"medusa/internal/spec"
)

func TestPermute(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	p := pair{t: t, d: sim(t)} // copies: to the bit
	for _, c := range []struct {
		shape, axes []int
		kernel      string
	}{
		{[]int{3, 4}, []int{1, 0}, "transpose_each"}, {[]int{70, 33}, []int{1, 0}, "transpose_each"},
		{[]int{2, 19, 5, 7}, []int{0, 2, 3, 1}, "transpose_each"}, {[]int{2, 5, 7, 40}, []int{0, 3, 1, 2}, "transpose_each"},
		{[]int{2, 5, 3, 9}, []int{0, 2, 1, 3}, "permute"}, {[]int{2, 3, 4}, []int{2, 1, 0}, "permute"}, {[]int{2, 3, 4, 5}, []int{3, 2, 1, 0}, "permute"},
		{[]int{2, 3, 2, 3, 2, 3}, []int{5, 3, 1, 4, 2, 0}, "permute"},
	} {
		n := 1
		for _, d := range c.shape {
			n *= d
		}
		s := spec.Permute{Shape: c.shape, Axes: c.axes}
		kern, err := p.d.Kernel(s)
		require.NoError(t, err)
		require.Equal(t, []string{c.kernel}, gpu.Launches(kern), "%v", c)
		p.run(s, n, random(rng, n))
	}
	p.run(spec.Permute{Shape: []int{1, 5, 1}, Axes: []int{2, 1, 0}}, 5, random(rng, 5))
}

func TestWhereElseAndValues(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 2))
	p := pair{t: t, d: sim(t)}
	for _, n := range []int{1, 300} {
		p.run(spec.WhereElse{N: n}, n, mask(rng, n), random(rng, n), random(rng, n))
		numbers := make([]float64, n)
		for i := range numbers {
			numbers[i] = rng.NormFloat64()
		}
		p.run(spec.NewValues(numbers), n, random(rng, 3))
	}
}
