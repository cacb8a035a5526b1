package cpu

import (
	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

func init() {
	register(layerNorm[float32], layerNorm[float64])
	register(layerNormGrad[float32], layerNormGrad[float64])
	registerSeveral(layerNormParamsGrad[float32], layerNormParamsGrad[float64])
}

// normOf is the normalisation of s with γ and β among the inputs from the second on.
func normOf[T loops.Float](s spec.LayerNorm, in [][]T) loops.LayerNorm[T] {
	l := loops.LayerNorm[T]{Cols: s.Cols, Eps: s.Eps}
	if s.Gamma {
		l.Gamma, in = in[1], in[1:]
	}
	if s.Beta {
		l.Beta = in[1]
	}
	return l
}

func layerNorm[T loops.Float](s spec.LayerNorm) func(out []T, in [][]T) {
	var l loops.LayerNorm[T]
	var x, y []T
	body := func(lo, hi int) {
		for r := lo; r < hi; r++ {
			l.Row(y[r*s.Cols:(r+1)*s.Cols], x[r*s.Cols:(r+1)*s.Cols])
		}
	}
	return func(out []T, in [][]T) {
		l, x, y = normOf(s, in), in[0], out
		loops.Parallel(s.Rows, rowGrain(s.Cols), body)
	}
}

func layerNormGrad[T loops.Float](s spec.LayerNormGrad) func(out []T, in [][]T) {
	var l loops.LayerNorm[T]
	var x, dy, dx []T
	s.Beta = false // it is not among the inputs
	body := func(lo, hi int) {
		for r := lo; r < hi; r++ {
			i, j := r*s.Cols, (r+1)*s.Cols
			l.GradRow(dx[i:j], x[i:j], dy[i:j])
		}
	}
	return func(out []T, in [][]T) {
		l, x, dy, dx = normOf(spec.LayerNorm(s), in), in[0], in[len(in)-1], out
		loops.Parallel(s.Rows, rowGrain(s.Cols), body)
	}
}

// layerNormParamsGrad adds rows up in groups, whose number depends on the sizes alone, and the
// groups in float64.
func layerNormParamsGrad[T loops.Float](s spec.LayerNormParamsGrad) func(out, in [][]T) {
	const most = 64
	each := max(rowGrain(s.Cols), (s.Rows+most-1)/most) // rows of a group
	groups := (s.Rows + each - 1) / each
	width := 2 * s.Cols
	sums := make([]T, groups*width)
	l := loops.LayerNorm[T]{Cols: s.Cols, Eps: s.Eps}
	var x, dy []T
	group := func(lo, hi int) {
		sum := sums[lo/each*width:][:width]
		clear(sum)
		for r := lo; r < hi; r++ {
			i, j := r*s.Cols, (r+1)*s.Cols
			l.ParamsGrad(sum[:s.Cols], sum[s.Cols:], x[i:j], dy[i:j])
		}
	}
	return func(out, in [][]T) {
		x, dy = in[0], in[1]
		loops.Parallel(s.Rows, each, group)
		for k, grads := range out { // to γ and β
			for i := range grads {
				var sum float64
				for g := range groups {
					sum += float64(sums[g*width+k*s.Cols+i])
				}
				grads[i] = T(sum)
			}
		}
	}
}
