package device

import (
	"slices"

	"medusa/internal/device/cpu"
)

// chainShift is ±x ± c of a matrix x and a number c of each row or of all, cut at zero if Relu is set. A similarity
// enters formulas with its sign turned, is taken from a number, and is cut: that is one pass over a row then, and
// no number is rounded in another way.
type chainShift struct {
	X, C float64 // 1 or −1
	Relu bool
}

// shifts is steps in which such differences are made of what stands before them. What nobody reads any more is not
// made.
func shifts(leaves []Leaf, steps []ChainStep) []ChainStep {
	steps = slices.Clone(steps)
	at := func(v int) *ChainStep {
		if v < len(leaves) {
			return nil
		}
		return &steps[v-len(leaves)]
	}
	for i, step := range steps {
		switch s := step.Spec.(type) {
		case Binary:
			if s.Op != Add && s.Op != Sub {
				continue
			}
			second := 1.0
			if s.Op == Sub {
				second = -1
			}
			if isNumber(leaves, step.In[1]) && at(step.In[0]) != nil {
				steps[i] = shiftOf(at, step.In[0], step.In[1], 1, second)
			} else if isNumber(leaves, step.In[0]) && at(step.In[1]) != nil {
				steps[i] = shiftOf(at, step.In[1], step.In[0], second, 1)
			}
		case Unary:
			if from := at(step.In[0]); s.F == Relu && from != nil {
				if shift, ok := from.Spec.(chainShift); ok && !shift.Relu {
					shift.Relu = true
					steps[i] = ChainStep{Spec: shift, In: from.In}
				}
			}
		}
	}
	return steps
}

// isNumber reports whether v is one number of each row, or of all.
func isNumber(leaves []Leaf, v int) bool {
	return v < len(leaves) && (leaves[v] == ColumnLeaf || leaves[v] == SingleLeaf)
}

// shiftOf is x·k + c·l, of what x is made of if its sign alone was turned.
func shiftOf(at func(int) *ChainStep, x, c int, k, l float64) ChainStep {
	for {
		from := at(x)
		if from == nil {
			break
		}
		u, ok := from.Spec.(Unary)
		if !ok || u.F != Affine || u.B != 0 || u.A != 1 && u.A != -1 {
			break
		}
		x, k = from.In[0], k*u.A
	}
	return ChainStep{Spec: chainShift{X: k, C: l}, In: []int{x, c}}
}

func chainShiftOf[T cpu.Float](s chainShift) chainWork[T] {
	do := cpu.Affine[T]
	if s.Relu {
		do = cpu.Hinge[T]
	}
	return func(dst []T, in []chainValue[T], _ int, _ *chainWorker[T]) {
		do(dst, in[0].x, T(s.X), T(s.C)*in[1].x[0])
	}
}
