package device

import (
	"fmt"

	"medusa/internal/device/cpu"
)

// Operator names a function of two variables.
type Operator string

// The operators of Binary.
const (
	Add          Operator = "+"
	Sub          Operator = "-"
	Mul          Operator = "*"
	Div          Operator = "/"
	Max          Operator = "max"
	Min          Operator = "min"
	Greater      Operator = ">"  // 1 or 0
	GreaterEqual Operator = ">=" // 1 or 0
	Same         Operator = "==" // 1 or 0
)

// Binary computes a ∘ b with the shapes of a and b, of one rank, stretched where a side
// is 1.
type Binary struct {
	Op   Operator
	A, B []int // shapes of the operands
}

func (s Binary) String() string { return fmt.Sprintf("Binary %s %v %v", s.Op, s.A, s.B) }

func (s Binary) cpu() Kernel { return host(binary[float32](s), binary[float64](s)) }

func binary[T cpu.Float](s Binary) func(out []T, in [][]T) {
	w := newWalk(s.A, s.B)
	f := operator[T](s.Op)
	var a, b, out []T
	row := func(lo, hi int) {
		for r := lo; r < hi; r++ {
			ia, ib := w.offsets(r)
			f(out[r*w.width:(r+1)*w.width], a[ia:], b[ib:], w.stepA, w.stepB)
		}
	}
	return func(o []T, in [][]T) {
		out, a, b = o, in[0], in[1]
		cpu.Parallel(w.rows, rowGrain(w.width), row)
	}
}

// operator returns a loop over one row; a step of 0 repeats the operand's first element.
func operator[T cpu.Float](op Operator) func(out, a, b []T, sa, sb int) {
	switch op {
	case Add:
		return wholeRows(cpu.Add[T], shifted(1, 1, rowLoop(func(x, y T) T { return x + y })))
	case Sub:
		return wholeRows(cpu.Sub[T], shifted(1, -1, rowLoop(func(x, y T) T { return x - y })))
	case Mul:
		return wholeRows(cpu.Mul[T], scaled(rowLoop(func(x, y T) T { return x * y })))
	case Div:
		return wholeRows(cpu.Div[T], divided(rowLoop(func(x, y T) T { return x / y })))
	case Max:
		return wholeRows(cpu.MaxOf[T], rowLoop(func(x, y T) T { return max(x, y) }))
	case Min:
		return wholeRows(cpu.MinOf[T], rowLoop(func(x, y T) T { return min(x, y) }))
	case Greater:
		return wholeRows(cpu.Greater[T], rowLoop(func(x, y T) T { return indicator[T](x > y) }))
	case GreaterEqual:
		return wholeRows(cpu.GreaterEqual[T], rowLoop(func(x, y T) T { return indicator[T](x >= y) }))
	case Same:
		return wholeRows(cpu.Same[T], sameAs(rowLoop(func(x, y T) T { return indicator[T](x == y) })))
	}
	panic("device: unknown operator " + string(op))
}

func rowLoop[T cpu.Float](f func(x, y T) T) func(out, a, b []T, sa, sb int) {
	return func(out, a, b []T, sa, sb int) {
		ia, ib := 0, 0
		for i := range out {
			out[i] = f(a[ia], b[ib])
			ia += sa
			ib += sb
		}
	}
}

// wholeRows takes f where neither operand is stretched along the row.
func wholeRows[T cpu.Float](f func(out, a, b []T), stretched func(out, a, b []T, sa, sb int)) func(out, a, b []T, sa, sb int) {
	return func(out, a, b []T, sa, sb int) {
		if sa == 1 && sb == 1 {
			f(out, a, b)
			return
		}
		stretched(out, a, b, sa, sb)
	}
}

// shifted is ka·a + kb·b where one operand is the same number along the row; both ±1.
func shifted[T cpu.Float](ka, kb T, both func(out, a, b []T, sa, sb int)) func(out, a, b []T, sa, sb int) {
	return func(out, a, b []T, sa, sb int) {
		switch {
		case sa == 1 && sb == 0:
			cpu.Affine(out, a, ka, kb*b[0])
		case sa == 0 && sb == 1:
			cpu.Affine(out, b, kb, ka*a[0])
		default:
			both(out, a, b, sa, sb)
		}
	}
}

// scaled is a·b where one operand is the same number along the row.
func scaled[T cpu.Float](both func(out, a, b []T, sa, sb int)) func(out, a, b []T, sa, sb int) {
	return func(out, a, b []T, sa, sb int) {
		switch {
		case sa == 1 && sb == 0:
			cpu.Affine(out, a, b[0], 0)
		case sa == 0 && sb == 1:
			cpu.Affine(out, b, a[0], 0)
		default:
			both(out, a, b, sa, sb)
		}
	}
}

// divided is a/b where one operand is the same number along the row: quotients of vectors take less time than the row
// of that number does to make.
func divided[T cpu.Float](both func(out, a, b []T, sa, sb int)) func(out, a, b []T, sa, sb int) {
	return func(out, a, b []T, sa, sb int) {
		switch {
		case len(out) < shortRow:
			both(out, a, b, sa, sb)
		case sa == 1 && sb == 0:
			fill(out, b[0])
			cpu.Div(out, a, out)
		case sa == 0 && sb == 1:
			fill(out, a[0])
			cpu.Div(out, out, b)
		default:
			both(out, a, b, sa, sb)
		}
	}
}

func fill[T cpu.Float](x []T, v T) {
	for i := range x {
		x[i] = v
	}
}

// sameAs is a = b where one operand is the same number along the row.
func sameAs[T cpu.Float](both func(out, a, b []T, sa, sb int)) func(out, a, b []T, sa, sb int) {
	return func(out, a, b []T, sa, sb int) {
		switch {
		case sa == 1 && sb == 0:
			cpu.Equals(out, a, b[0])
		case sa == 0 && sb == 1:
			cpu.Equals(out, b, a[0])
		default:
			both(out, a, b, sa, sb)
		}
	}
}

// walk goes through two stretched operands row by row. Axes that stretch alike are
// folded together first, so that equal shapes are one long row.
type walk struct {
	rows, width  int
	stepA, stepB int // 0 or 1 along the row
	dims         []int
	strideA      []int
	strideB      []int
}

// longRow is where a row that needs no stretching is cut, for work in parallel.
const longRow = 4096

func newWalk(a, b []int) walk {
	type axis struct{ n, a, b int } // size, and whether a and b move along it
	var axes []axis
	for i := range a {
		n := max(a[i], b[i])
		if a[i] == 0 || b[i] == 0 {
			return walk{}
		}
		x := axis{n, btoi(a[i] > 1), btoi(b[i] > 1)}
		if n == 1 {
			continue
		}
		if l := len(axes) - 1; l >= 0 && axes[l].a == x.a && axes[l].b == x.b {
			axes[l].n *= n
			continue
		}
		axes = append(axes, x)
	}
	w := walk{rows: 1, width: 1}
	if len(axes) == 0 {
		return w
	}
	last := axes[len(axes)-1]
	if len(axes) == 1 && last.n > longRow && last.n%longRow == 0 {
		axes = []axis{{last.n / longRow, last.a, last.b}, {longRow, last.a, last.b}}
		last = axes[1]
	}
	w.width, w.stepA, w.stepB = last.n, last.a, last.b
	sa, sb := 1, 1
	if last.a == 1 {
		sa = last.n
	}
	if last.b == 1 {
		sb = last.n
	}
	outer := axes[:len(axes)-1]
	w.dims = make([]int, len(outer))
	w.strideA = make([]int, len(outer))
	w.strideB = make([]int, len(outer))
	for i := len(outer) - 1; i >= 0; i-- {
		x := outer[i]
		w.dims[i] = x.n
		w.rows *= x.n
		if x.a == 1 {
			w.strideA[i] = sa
			sa *= x.n
		}
		if x.b == 1 {
			w.strideB[i] = sb
			sb *= x.n
		}
	}
	return w
}

// offsets is where row r of the output begins in a and in b.
func (w *walk) offsets(r int) (a, b int) {
	for i := len(w.dims) - 1; i >= 0; i-- {
		k := r % w.dims[i]
		r /= w.dims[i]
		a += k * w.strideA[i]
		b += k * w.strideB[i]
	}
	return a, b
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
