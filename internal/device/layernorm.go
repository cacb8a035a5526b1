package device

import "medusa/internal/device/cpu"

// LayerNorm normalises each row of x (Rows, Cols) to mean 0 and variance 1, with ε = Eps, and
// with Gamma times γ (Cols), with Beta plus β (Cols). Its inputs are x and those of γ and β that
// there are.
type LayerNorm struct {
	Rows, Cols  int
	Eps         float64
	Gamma, Beta bool
}

func (s LayerNorm) cpu() Kernel { return host(layerNorm[float32](s), layerNorm[float64](s)) }

// normOf is the normalisation of s with γ and β among the inputs from the second on.
func normOf[T cpu.Float](s LayerNorm, in [][]T) cpu.LayerNorm[T] {
	l := cpu.LayerNorm[T]{Cols: s.Cols, Eps: s.Eps}
	if s.Gamma {
		l.Gamma, in = in[1], in[1:]
	}
	if s.Beta {
		l.Beta = in[1]
	}
	return l
}

func layerNorm[T cpu.Float](s LayerNorm) func(out []T, in [][]T) {
	var l cpu.LayerNorm[T]
	var x, y []T
	body := func(lo, hi int) {
		for r := lo; r < hi; r++ {
			l.Row(y[r*s.Cols:(r+1)*s.Cols], x[r*s.Cols:(r+1)*s.Cols])
		}
	}
	return func(out []T, in [][]T) {
		l, x, y = normOf(s, in), in[0], out
		cpu.Parallel(s.Rows, rowGrain(s.Cols), body)
	}
}

// LayerNormGrad computes the gradient to x from x, γ if there is one, and dy.
type LayerNormGrad LayerNorm

func (s LayerNormGrad) cpu() Kernel {
	return host(layerNormGrad[float32](s), layerNormGrad[float64](s))
}

func layerNormGrad[T cpu.Float](s LayerNormGrad) func(out []T, in [][]T) {
	var l cpu.LayerNorm[T]
	var x, dy, dx []T
	s.Beta = false // it is not among the inputs
	body := func(lo, hi int) {
		for r := lo; r < hi; r++ {
			i, j := r*s.Cols, (r+1)*s.Cols
			l.GradRow(dx[i:j], x[i:j], dy[i:j])
		}
	}
	return func(out []T, in [][]T) {
		l, x, dy, dx = normOf(LayerNorm(s), in), in[0], in[len(in)-1], out
		cpu.Parallel(s.Rows, rowGrain(s.Cols), body)
	}
}

// LayerNormParamsGrad computes the gradients (2, Cols) to γ and to β from x and dy.
type LayerNormParamsGrad LayerNorm

func (s LayerNormParamsGrad) cpu() Kernel {
	return host(layerNormParamsGrad[float32](s), layerNormParamsGrad[float64](s))
}

// layerNormParamsGrad adds rows up in groups, whose number depends on the sizes alone, and the
// groups in float64.
func layerNormParamsGrad[T cpu.Float](s LayerNormParamsGrad) func(out []T, in [][]T) {
	const most = 64
	each := max(rowGrain(s.Cols), (s.Rows+most-1)/most) // rows of a group
	groups := (s.Rows + each - 1) / each
	width := 2 * s.Cols
	sums := make([]T, groups*width)
	l := cpu.LayerNorm[T]{Cols: s.Cols, Eps: s.Eps}
	var x, dy, out []T
	group := func(lo, hi int) {
		sum := sums[lo/each*width:][:width]
		clear(sum)
		for r := lo; r < hi; r++ {
			i, j := r*s.Cols, (r+1)*s.Cols
			l.ParamsGrad(sum[:s.Cols], sum[s.Cols:], x[i:j], dy[i:j])
		}
	}
	return func(o []T, in [][]T) {
		x, dy, out = in[0], in[1], o
		cpu.Parallel(s.Rows, each, group)
		for i := range out {
			var sum float64
			for g := range groups {
				sum += float64(sums[g*width+i])
			}
			out[i] = T(sum)
		}
	}
}
