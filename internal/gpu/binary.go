package gpu

import "medusa/internal/spec"

func init() {
	registerSome((*builder).binary)
}

// operators are their numbers in point.cu.
var operators = map[spec.Operator]int{
	spec.Add:          operatorAdd,
	spec.Sub:          operatorSub,
	spec.Mul:          operatorMul,
	spec.Div:          operatorDiv,
	spec.Max:          operatorMax,
	spec.Min:          operatorMin,
	spec.Greater:      operatorGreater,
	spec.GreaterEqual: operatorGreaterEqual,
	spec.Same:         operatorSame,
}

func (b *builder) binary(s spec.Binary) bool {
	f, ok := operators[s.Op]
	return ok && b.stretch(f, s.A, s.B, in(0), in(1))
}

// stretch is the operator of number f on shapes of one rank, stretched where a side is 1.
func (b *builder) stretch(f int, shapeA, shapeB []int, x, y operand) bool {
	axes := foldAxes(shapeA, shapeB)
	if len(axes) > 4 {
		return false
	}
	n := 1
	for _, a := range axes {
		n *= a.n
	}
	if len(axes) <= 1 && (len(axes) == 0 || axes[0].a && axes[0].b) {
		b.launchBinaryFlat(flat(n), n, f, x, y, out)
		return true
	}
	size, sa, sb := [4]int{1, 1, 1, 1}, [4]int{}, [4]int{}
	na, nb := 1, 1
	for i := range axes {
		a := axes[len(axes)-1-i]
		size[3-i] = a.n
		if a.a {
			sa[3-i] = na
			na *= a.n
		}
		if a.b && f != operatorFirst {
			sb[3-i] = nb
			nb *= a.n
		}
	}
	b.launchBinary(flat(n), n, f, divisor(size[1]), divisor(size[2]), divisor(size[3]), sa[0], sa[1], sa[2], sa[3], sb[0], sb[1], sb[2], sb[3], x, y, out)
	return true
}

// axis is one axis of two stretched operands: its size, and whether they move along it.
type axis struct {
	n    int
	a, b bool
}

// foldAxes joins axes along which the operands move alike, and leaves out those of size 1.
func foldAxes(shapeA, shapeB []int) []axis {
	var axes []axis
	for i := range shapeA {
		x := axis{max(shapeA[i], shapeB[i]), shapeA[i] > 1, shapeB[i] > 1}
		if x.n == 1 {
			continue
		}
		if l := len(axes) - 1; l >= 0 && axes[l].a == x.a && axes[l].b == x.b {
			axes[l].n *= x.n
			continue
		}
		axes = append(axes, x)
	}
	return axes
}
