package loops

import (
	"math/bits"
	"unsafe"
)

// microArgs is what a micro-kernel works on: a tile of C, held in registers while the
// products of a few rows of A and a few vectors of columns of B are summed over k. The
// assembly knows the layout. Steps are in bytes.
type microArgs[T Float] struct {
	a           unsafe.Pointer // first element of the first row
	aRow, aStep int            // from row to row, and from one k to the next
	b           unsafe.Pointer // first column
	bStep       int            // from one k to the next
	c           unsafe.Pointer // first element of the tile
	cRow        int            // from row to row
	k           int            // number of products in a sum
	bias        unsafe.Pointer // of the tile's first row or column
	flags       int            // what happens to the sums
	lanes       uint64         // bits of the lanes in use of the last vector
	mask        unsafe.Pointer // the same as sign bits of eight 32-bit words
	alpha       T              // scale of the sums

	// Of the kernels that read A through a table: there is no aRow and no aStep.
	aRows    unsafe.Pointer // offset of each row from a
	segments unsafe.Pointer // offset of each segment of k from the start of a row
	segCount int            // number of segments; the kernel counts it down
	segLen   int            // products in a segment, contiguous in A
	counter  int            // the kernel's own
	segPos   int            // 0; the kernel's own

	bRow int // from B to B, of the kernels with several
}

// Bits of microArgs.flags, in the order in which they act.
const (
	flagAdd     = 1 << iota // C is added to
	flagBiasRow             // a bias for each row is added
	flagBiasCol             // a bias for each column is added
	flagRelu                // negative sums become 0
	flagAlpha               // before all: the sums are scaled
	flagTail                // the last vector is a partial one
)

// micro is a family of micro-kernels for all tiles up to rows × len(table[0])·lanes.
type micro[T Float] struct {
	rows  int // of the largest tile
	lanes int // of a vector
	table [][]func(*microArgs[T])

	// indirect holds kernels that read A through a table of rows and one of segments,
	// and packed columns of B.
	indirect [][]func(*microArgs[T])

	// turned holds kernels for few rows, by their number, of a B that is stored column by column; nil where
	// there are none. Columns are vectors of eight, whatever lanes is.
	turned [][]func(*microArgs[T])

	// strip multiplies a row of A with several packed panels of B, bRow apart, to a row of C; each does as many rows
	// with a panel each. Both work on whole panels, and are nil where there is no assembly.
	strip, each func(*microArgs[T])
}

// severalBs is how many panels strip and apart work on.
const severalBs = 4

// cols is the width of the largest tile.
func (m *micro[T]) cols() int { return m.lanes * len(m.table[0]) }

// pitch is the distance of packed columns of A, in elements.
func (m *micro[T]) pitch() int { return (m.rows + 3) &^ 3 }

// run does one tile of rows × cols elements. All of args but lanes, mask and the tail
// flag is set.
func (m *micro[T]) run(args *microArgs[T], rows, cols int) {
	m.table[rows-1][m.prepare(args, cols)-1](args)
}

// runIndirect does the same through tables.
func (m *micro[T]) runIndirect(args *microArgs[T], rows, cols int) {
	args.segPos = 0
	m.indirect[rows-1][m.prepare(args, cols)-1](args)
}

// runTurned does one tile of rows × 8·vecs elements.
func (m *micro[T]) runTurned(args *microArgs[T], rows, vecs int) {
	args.flags &^= flagTail
	args.mask = unsafe.Pointer(&laneMasks[0])
	m.turned[rows-1][vecs-1](args)
}

// runSeveral does whole panels by strip or each.
func (m *micro[T]) runSeveral(kernel func(*microArgs[T]), args *microArgs[T]) {
	m.prepare(args, m.cols())
	kernel(args)
}

// prepare sets the mask of the last vector and returns the number of vectors.
func (m *micro[T]) prepare(args *microArgs[T], cols int) int {
	vecs := (cols + m.lanes - 1) / m.lanes
	rest := cols - (vecs-1)*m.lanes
	args.lanes = 1<<rest - 1
	args.flags &^= flagTail
	if rest < m.lanes {
		args.flags |= flagTail
	}
	args.mask = unsafe.Pointer(&laneMasks[8-rest*8/m.lanes])
	return vecs
}

// laneMasks: eight words from [8−n] on have n set ones.
var laneMasks = [16]int32{-1, -1, -1, -1, -1, -1, -1, -1}

func kernels[T Float]() *micro[T] {
	var m any = &active.f32
	if unsafe.Sizeof(T(0)) == 8 {
		m = &active.f64
	}
	return m.(*micro[T])
}

func at[T Float](p unsafe.Pointer, offset int) *T { return (*T)(unsafe.Add(p, offset)) }

// Numbers of rows as types, so that a table can hold microLoop for each.
type (
	rows1 [1]struct{}
	rows2 [2]struct{}
	rows3 [3]struct{}
	rows4 [4]struct{}
)

// microLoop is the meaning of a micro-kernel, and the one of small tiles where there is
// no assembly.
func microLoop[T Float, R rows1 | rows2 | rows3 | rows4](args *microArgs[T]) {
	var r R
	size := int(unsafe.Sizeof(T(0)))
	for i := range len(r) {
		for j := range bits.Len64(args.lanes) {
			var sum T
			for p := range args.k {
				sum += *at[T](args.a, i*args.aRow+p*args.aStep) * *at[T](args.b, p*args.bStep+j*size)
			}
			microStore(args, i, j, sum)
		}
	}
}

// microIndirect is the meaning of a kernel that reads A through tables. A packed row of B
// has four elements here.
func microIndirect[T Float, R rows1 | rows2 | rows3 | rows4](args *microArgs[T]) {
	var r R
	size := int(unsafe.Sizeof(T(0)))
	for i := range len(r) {
		row := unsafe.Add(args.a, *(*int)(unsafe.Add(args.aRows, i*8)))
		var sums [4]T
		b := 0 // offset of the packed row
		for s := range args.segCount {
			a := unsafe.Add(row, *(*int)(unsafe.Add(args.segments, s*8)))
			for p := range args.segLen {
				v := *at[T](a, p*size)
				for j, w := range (*[4]T)(unsafe.Add(args.b, b)) {
					sums[j] += v * w
				}
				b += 4 * size
			}
		}
		for j := range bits.Len64(args.lanes) {
			microStore(args, i, j, sums[j])
		}
	}
}

// microStore ends a sum as the flags say.
func microStore[T Float](args *microArgs[T], i, j int, sum T) {
	size := int(unsafe.Sizeof(sum))
	c := at[T](args.c, i*args.cRow+j*size)
	if args.flags&flagAlpha != 0 {
		sum *= args.alpha
	}
	if args.flags&flagAdd != 0 {
		sum += *c
	}
	if args.flags&flagBiasRow != 0 {
		sum += *at[T](args.bias, i*size)
	}
	if args.flags&flagBiasCol != 0 {
		sum += *at[T](args.bias, j*size)
	}
	if args.flags&flagRelu != 0 && sum < 0 {
		sum = 0
	}
	*c = sum
}

// microTile4 does full tiles of 4×4 with the sums in variables.
func microTile4[T Float](args *microArgs[T]) {
	if args.flags&flagTail != 0 {
		microLoop[T, rows4](args)
		return
	}
	var s [16]T
	s00, s01, s02, s03 := s[0], s[0], s[0], s[0]
	s10, s11, s12, s13 := s[0], s[0], s[0], s[0]
	s20, s21, s22, s23 := s[0], s[0], s[0], s[0]
	s30, s31, s32, s33 := s[0], s[0], s[0], s[0]
	for p := range args.k {
		a, b := unsafe.Add(args.a, p*args.aStep), (*[4]T)(unsafe.Add(args.b, p*args.bStep))
		b0, b1, b2, b3 := b[0], b[1], b[2], b[3]
		v := *at[T](a, 0)
		s00, s01, s02, s03 = s00+v*b0, s01+v*b1, s02+v*b2, s03+v*b3
		v = *at[T](a, args.aRow)
		s10, s11, s12, s13 = s10+v*b0, s11+v*b1, s12+v*b2, s13+v*b3
		v = *at[T](a, 2*args.aRow)
		s20, s21, s22, s23 = s20+v*b0, s21+v*b1, s22+v*b2, s23+v*b3
		v = *at[T](a, 3*args.aRow)
		s30, s31, s32, s33 = s30+v*b0, s31+v*b1, s32+v*b2, s33+v*b3
	}
	s = [16]T{s00, s01, s02, s03, s10, s11, s12, s13, s20, s21, s22, s23, s30, s31, s32, s33}
	for i, sum := range s {
		microStore(args, i/4, i%4, sum)
	}
}
