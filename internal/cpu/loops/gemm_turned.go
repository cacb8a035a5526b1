package loops

import "unsafe"

// gemmTurned is A·Bᵀ for few rows of A, with B read where it stands: packing would write and read it once more,
// for a few products of each of its numbers. The kernels turn it in registers. A sum is made in the order of
// the packed product, so that a row has the same bits however many there are.
type gemmTurned[T Float] gemmJob[T]

const (
	turnedLanes = 8  // columns of a vector
	turnedGroup = 64 // columns of a piece, a multiple of every kernel's
)

// isTurned reports whether the product goes this way.
func (j *gemmJob[T]) isTurned() bool {
	return j.m <= len(j.micro.turned) && !j.transA && j.transB && j.packed == nil && !j.upper && j.k > 0
}

// runTurned makes the product, a group of columns a piece.
func (j *gemmJob[T]) runTurned() {
	j.kc = j.k
	groups := ceil(j.n, turnedGroup)
	j.bufB = grow(j.bufB, len(j.args)*j.micro.cols()*min(j.k, gemmBlockK))
	if j.n*j.k < fewRowsWork {
		for i := range groups {
			(*gemmTurned[T])(j).Piece(i, 0)
		}
		return
	}
	doAtMost(len(j.args), groups, (*gemmTurned[T])(j))
}

func (j *gemmTurned[T]) Piece(piece, worker int) {
	args, size := &j.args[worker], int(unsafe.Sizeof(T(0)))
	from, to := piece*turnedGroup, min((piece+1)*turnedGroup, j.n)
	whole := to - (to-from)%turnedLanes
	args.aRow, args.cRow, args.alpha = j.lda*size, j.ldc*size, j.alpha
	for i := range gemmBlocks(j.k) {
		k0, kc := gemmBlock(j.k, i)
		args.k = kc
		args.flags = (*gemmJob[T])(j).epilogue(k0, kc)
		args.aStep, args.bStep = size, j.ldb*size
		most := turnedLanes * len(j.micro.turned[j.m-1])
		for q := from; q < whole; q += most {
			j.place(args, k0, q)
			args.b = unsafe.Pointer(&j.b[q*j.ldb+k0])
			j.micro.runTurned(args, j.m, min(most, whole-q)/turnedLanes)
		}
		if whole < to {
			j.rest(args, worker, k0, kc, whole, to-whole)
		}
	}
}

// place points args to the rows of A from k0 on, and to C and the bias from column q on.
func (j *gemmTurned[T]) place(args *microArgs[T], k0, q int) {
	args.a, args.c = unsafe.Pointer(&j.a[k0]), unsafe.Pointer(&j.c[q])
	if args.flags&flagBiasCol != 0 {
		args.bias = unsafe.Pointer(&j.bias[q])
	}
}

// rest does the last columns, fewer than a vector's, as a product of packed ones.
func (j *gemmTurned[T]) rest(args *microArgs[T], worker, k0, kc, q, cols int) {
	size, width := int(unsafe.Sizeof(T(0))), j.micro.cols()
	packed := j.bufB[worker*width*min(j.k, gemmBlockK):]
	packPanel(packed, width, width, 0, j.b[q*j.ldb:], j.ldb, cols, k0, kc, true)
	args.bStep = width * size
	for i := 0; i < j.m; i += j.micro.rows {
		j.place(args, k0, q)
		args.a, args.c = unsafe.Add(args.a, i*args.aRow), unsafe.Add(args.c, i*args.cRow)
		args.b = unsafe.Pointer(&packed[0])
		j.micro.run(args, min(j.micro.rows, j.m-i), cols)
	}
}
