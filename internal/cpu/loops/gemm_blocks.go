package loops

import "unsafe"

// gemmShape is one call of Gemm.
type gemmShape[T Float] struct {
	transA, transB bool
	m, n, k        int
	alpha, beta    T
	a, b, c        []T
	lda, ldb, ldc  int
	bias           []T // of columns, or nil
	relu           bool
	packed         *Packed[T] // stands for b, if not nil
	upper          bool       // see GemmUpper
	first          int        // the columns before it, which fill whole panels, are left alone
	alike          bool       // a row has the same bits however many there are
}

// gemmJob is a matrix product under way. The product is cut along k into blocks that
// stay in the cache; for each, A is packed into panels of as many rows as the
// micro-kernel's tile has and B into panels of as many columns, unless they can be
// read where they stand, and then C is computed in pieces of tileM × tileN.
type gemmJob[T Float] struct {
	gemmShape[T]
	micro            *micro[T]
	k0, kc           int // the block along k
	tileM, tileN     int
	packA, packB     bool
	panelsA, panelsB int // packing work
	bufA, bufB       []T
	args             []microArgs[T] // by worker
	dots             [][4]float32   // by worker
}

const (
	gemmBlockK    = 512     // longest block along k
	gemmTileM     = 96      // rows of a piece, a multiple of all tile heights
	gemmTileN     = 128     // columns of a piece, a multiple of all tile widths
	gemmPieceWork = 1 << 19 // multiply-adds that a piece should have at least
	packGroup     = 4       // panels packed in one piece
	fewRowsWork   = 1 << 16 // numbers of B from which on threads pay for few rows: reading them takes as long as gemmPieceWork/2 multiply-adds
)

var (
	gemmJobs32 freeList[gemmJob[float32]]
	gemmJobs64 freeList[gemmJob[float64]]
)

func gemmJobs[T Float]() *freeList[gemmJob[T]] {
	var l any = &gemmJobs32
	if unsafe.Sizeof(T(0)) == 8 {
		l = &gemmJobs64
	}
	return l.(*freeList[gemmJob[T]])
}

func gemm[T Float](s gemmShape[T]) {
	if s.m <= 0 || s.n <= 0 {
		return
	}
	s.check()
	runGemm(s)
}

// runGemm is gemm of a shape that was checked.
func runGemm[T Float](s gemmShape[T]) {
	jobs := gemmJobs[T]()
	j := jobs.get()
	j.gemmShape = s
	j.run()
	j.gemmShape = gemmShape[T]{} // do not keep the caller's memory
	for i := range j.args {
		j.args[i] = microArgs[T]{}
	}
	jobs.put(j)
}

// check panics on slices too short for the shape.
func (s *gemmShape[T]) check() {
	k := max(s.k, 0)
	a, b := extent(s.m, k, s.lda), extent(k, s.n, s.ldb)
	if s.transA {
		a = extent(k, s.m, s.lda)
	}
	if s.transB {
		b = extent(s.n, k, s.ldb)
	}
	mustHold("Gemm", "A", s.a, a)
	mustHold("Gemm", "B", s.b, b)
	mustHold("Gemm", "C", s.c, extent(s.m, s.n, s.ldc))
	if s.bias != nil {
		mustHold("Gemm", "bias", s.bias, s.n)
	}
}

func (j *gemmJob[T]) run() {
	j.micro = kernels[T]()
	if j.beta != 0 && j.beta != 1 {
		for i := range j.m {
			scale(j.beta, j.c[i*j.ldc:i*j.ldc+j.n])
		}
	}
	if j.alpha == 0 {
		j.k = 0
	}
	if j.isDots() {
		j.kc, j.args = j.k, j.args[:0]
		j.dots = grow(j.dots, Threads())
		j.do(ceil(j.n, dotsGroup), (*gemmDots[T])(j))
		return
	}
	j.args, j.dots = grow(j.args, Threads()), j.dots[:0]
	if j.isTurned() {
		j.runTurned()
		return
	}
	j.plan()
	for i := range gemmBlocks(j.k) {
		j.k0, j.kc = gemmBlock(j.k, i)
		j.pack()
		j.do(ceil(j.m, j.tileM)*ceil(j.n, j.tileN), (*gemmTiles[T])(j))
	}
}

// do runs small products on this goroutine.
func (j *gemmJob[T]) do(pieces int, t Task) {
	if j.m*j.n*j.kc < gemmPieceWork/2 && !(j.isStrip() && j.n*j.kc >= fewRowsWork) {
		for i := range pieces {
			t.Piece(i, 0)
		}
		return
	}
	doAtMost(max(len(j.args), len(j.dots)), pieces, t)
}

// plan chooses the pieces, and whether A and B are packed.
func (j *gemmJob[T]) plan() {
	size := int(unsafe.Sizeof(T(0)))
	j.tileM, j.tileN = gemmTileM, gemmTileN
	kc := max(1, min(j.k, gemmBlockK))
	for j.tileM < j.m && j.tileM*min(j.tileN, j.n)*kc < gemmPieceWork {
		j.tileM *= 2
	}
	for j.tileN < j.n && j.tileM*j.tileN*kc < gemmPieceWork {
		j.tileN *= 2
	}
	// Rows a large power of two apart fall into the same few sets of the cache.
	aliased := func(ld int) bool { return ld*size%2048 == 0 }
	j.packA = j.n > 2*j.micro.cols() && (j.transA || aliased(j.lda) || !j.upper && j.n*j.m > 1<<16)
	j.packB = j.packed == nil && (j.transB || j.m > 2*j.micro.rows && (aliased(j.ldb) || j.m > 64))
}

// pack copies the block's parts of A and B into panels.
func (j *gemmJob[T]) pack() {
	j.panelsA, j.panelsB = 0, 0
	if j.packA {
		j.panelsA = ceil(j.m, j.micro.rows)
		j.bufA = grow(j.bufA, j.panelsA*j.micro.pitch()*j.kc)
	}
	if j.packB {
		j.panelsB = ceil(j.n, j.micro.cols())
		j.bufB = grow(j.bufB, j.panelsB*j.micro.cols()*j.kc)
	}
	if j.kc > 0 && j.panelsA+j.panelsB > 0 {
		j.do(ceil(j.panelsA, packGroup)+ceil(j.panelsB, packGroup), (*gemmPanels[T])(j))
	}
}

// gemmPanels is the packing, a few panels a piece: first those of A.
type gemmPanels[T Float] gemmJob[T]

func (j *gemmPanels[T]) Piece(piece, _ int) {
	if groups := ceil(j.panelsA, packGroup); piece >= groups {
		piece -= groups
		for p := piece * packGroup; p < min((piece+1)*packGroup, j.panelsB); p++ {
			packPanel(j.bufB, j.micro.cols(), j.micro.cols(), p, j.b, j.ldb, j.n, j.k0, j.kc, j.transB)
		}
		return
	}
	for p := piece * packGroup; p < min((piece+1)*packGroup, j.panelsA); p++ {
		packPanel(j.bufA, j.micro.rows, j.micro.pitch(), p, j.a, j.lda, j.m, j.k0, j.kc, !j.transA)
	}
}

// packPanel packs panel p of a matrix of count rows or columns, the k0-th to the
// (k0+kc)-th element of each. Along k, src is contiguous if turn is set.
func packPanel[T Float](buf []T, width, pitch, p int, src []T, ld, count, k0, kc int, turn bool) {
	lo := p * width
	w := min(width, count-lo)
	dst := buf[p*pitch*kc : (p+1)*pitch*kc]
	if turn {
		packColumns(dst, pitch, src[lo*ld+k0:], ld, w, kc)
		return
	}
	packRows(dst, pitch, src[k0*ld+lo:], ld, w, kc)
}

// gemmTiles is the product of the block, a piece of C at a time.
type gemmTiles[T Float] gemmJob[T]

func (j *gemmTiles[T]) Piece(piece, worker int) {
	across := ceil(j.n, j.tileN)
	i0, j0 := piece/across*j.tileM, piece%across*j.tileN
	i1, j1 := min(i0+j.tileM, j.m), min(j0+j.tileN, j.n)
	size := int(unsafe.Sizeof(T(0)))
	args := &j.args[worker]
	args.k, args.cRow, args.alpha = j.kc, j.ldc*size, j.alpha
	args.flags = (*gemmJob[T])(j).epilogue(j.k0, j.kc)
	rows, cols := j.micro.rows, j.micro.cols()
	for i := i0; i < i1; i += rows {
		first := max(j0, j.first)
		if j.upper {
			first = max(first, UpperFrom(i))
		}
		if first >= j1 {
			break
		}
		j.rowsOfA(args, i, size)
		a := args.a
		for q := first; q < j1; q += cols {
			args.a = a
			if n := severalBs * cols; q+n <= j1 && (*gemmJob[T])(j).isStrip() {
				j.strip(args, q, size)
				q += n - cols
				continue
			}
			j.colsOfB(args, q, size)
			args.c = unsafe.Pointer(&j.c[i*j.ldc+q])
			if args.flags&flagBiasCol != 0 {
				args.bias = unsafe.Pointer(&j.bias[q])
			}
			j.micro.run(args, min(rows, i1-i), min(cols, j1-q))
		}
	}
}

// isStrip reports whether a row is multiplied with several packed panels at once, since a product of one row and one panel has too
// few sums for the processor.
func (j *gemmJob[T]) isStrip() bool { return j.m == 1 && j.packed != nil && j.micro.strip != nil }

func (j *gemmTiles[T]) strip(args *microArgs[T], q, size int) {
	j.colsOfB(args, q, size)
	args.bRow = args.bStep * j.kc
	args.c = unsafe.Pointer(&j.c[q])
	if args.flags&flagBiasCol != 0 {
		args.bias = unsafe.Pointer(&j.bias[q])
	}
	j.micro.runSeveral(j.micro.strip, args)
}

// epilogue is what the micro-kernels do with the sums of a block along k.
func (j *gemmJob[T]) epilogue(k0, kc int) (flags int) {
	if j.alpha != 1 {
		flags |= flagAlpha
	}
	if k0 > 0 || j.beta != 0 {
		flags |= flagAdd
	}
	if k0+kc < j.k {
		return flags
	}
	if j.bias != nil {
		flags |= flagBiasCol
	}
	if j.relu {
		flags |= flagRelu
	}
	return flags
}

func (j *gemmTiles[T]) rowsOfA(args *microArgs[T], i, size int) {
	switch {
	case j.kc == 0:
	case j.packA:
		args.a = unsafe.Pointer(&j.bufA[i/j.micro.rows*j.micro.pitch()*j.kc])
		args.aRow, args.aStep = size, j.micro.pitch()*size
	case j.transA:
		args.a = unsafe.Pointer(&j.a[j.k0*j.lda+i])
		args.aRow, args.aStep = size, j.lda*size
	default:
		args.a = unsafe.Pointer(&j.a[i*j.lda+j.k0])
		args.aRow, args.aStep = j.lda*size, size
	}
}

func (j *gemmTiles[T]) colsOfB(args *microArgs[T], q, size int) {
	switch {
	case j.kc == 0:
	case j.packed != nil:
		args.b = j.packed.columns(j.k0, j.kc, q)
		args.bStep = j.micro.cols() * size
	case j.packB:
		args.b = unsafe.Pointer(&j.bufB[q*j.kc])
		args.bStep = j.micro.cols() * size
	default:
		args.b = unsafe.Pointer(&j.b[j.k0*j.ldb+q])
		args.bStep = j.ldb * size
	}
}

func ceil(n, d int) int { return (n + d - 1) / d }

// grow returns a slice of n elements, s itself if it is large enough. The values are any.
func grow[E any](s []E, n int) []E {
	if cap(s) < n {
		return make([]E, n)
	}
	return s[:n]
}
