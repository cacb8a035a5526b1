package cuda

import (
	"fmt"
	"runtime"
	"unsafe"
)

// Functions of cuBLAS.
const (
	blasCreate = iota
	blasDestroy
	blasSetStream
	blasSetWorkspace
	blasSetMathMode
	blasGetVersion
	blasGetProperty
	blasGetStatusName
	blasSgemm
	blasSgemmStridedBatched
	blasGemmEx
)

var blasFunctions = []string{
	blasCreate:              "cublasCreate_v2",
	blasDestroy:             "cublasDestroy_v2",
	blasSetStream:           "cublasSetStream_v2",
	blasSetWorkspace:        "cublasSetWorkspace_v2", // CUDA 11.2
	blasSetMathMode:         "cublasSetMathMode",
	blasGetVersion:          "cublasGetVersion_v2",
	blasGetProperty:         "cublasGetProperty",
	blasGetStatusName:       "cublasGetStatusName", // CUDA 11.4
	blasSgemm:               "cublasSgemm_v2",
	blasSgemmStridedBatched: "cublasSgemmStridedBatched",
	blasGemmEx:              "cublasGemmEx",
}

// Numbers of cublas_api.h and library_types.h.
const (
	blasMathDefault  = 0
	blasMathTF32     = 3
	blasFloat32      = 0  // CUDA_R_32F
	blasCompute32F   = 68 // CUBLAS_COMPUTE_32F
	blasComputeTF32  = 77 // CUBLAS_COMPUTE_32F_FAST_TF32
	blasDefaultAlgo  = -1 // CUBLAS_GEMM_DEFAULT
	blasMajorVersion = 0  // libraryPropertyType
	blasMinorVersion = 1
	blasPatchLevel   = 2
)

// loadBLAS finds and loads cuBLAS, once.
func (d *Driver) loadBLAS() (*table, error) {
	d.blas.Do(func() {
		handle, path, err := d.finder.find(blasLibrary)
		if err != nil {
			d.blas.err = err
			return
		}
		t := newTable(handle, path, blasFunctions)
		if t.has(blasGetProperty) {
			var v [3]int32
			for i, p := range []uintptr{blasMajorVersion, blasMinorVersion, blasPatchLevel} {
				t.fill(blasGetProperty, p, uintptr(unsafe.Pointer(&v[i]))) // 0 stays on failure
			}
			t.version = fmt.Sprintf("%d.%d.%d", v[0], v[1], v[2])
		}
		d.blas.table = t
	})
	return d.blas.table, d.blas.err
}

// BLAS is a handle of cuBLAS: products of matrices, put on one stream.
type BLAS struct {
	ctx    *Context
	table  *table
	handle uintptr
	tf32   bool

	alpha, beta float32 // of the call: read by address while it lasts
}

// NewBLAS loads cuBLAS if that was not done before, and makes a handle whose work goes on s.
// It fails with a *LibraryError where there is no cuBLAS.
func (c *Context) NewBLAS(s *Stream) (*BLAS, error) {
	t, err := c.driver.loadBLAS()
	if err != nil {
		return nil, err
	}
	b := &BLAS{ctx: c, table: t}
	if err := b.call(blasCreate, heap(&b.handle)); err != nil {
		return nil, err
	}
	if err := b.SetStream(s); err != nil {
		_ = b.Close() // the first error counts
		return nil, err
	}
	return b, nil
}

// call keeps b alive, and with it alpha and beta: a BLAS is on the heap.
func (b *BLAS) call(f int, args ...uintptr) error {
	err := b.ctx.foreign(b.table, b.status, f, args...)
	runtime.KeepAlive(b)
	return err
}

func (b *BLAS) status(code int32) string {
	if s := b.table.text(blasGetStatusName, uintptr(code)); s != "" {
		return s
	}
	return "cuBLAS status"
}

func (b *BLAS) open() error {
	if b == nil || b.handle == 0 {
		return errClosed("handle of cuBLAS")
	}
	return nil
}

// Close destroys the handle.
func (b *BLAS) Close() error {
	if b == nil || b.handle == 0 {
		return nil
	}
	h := b.handle
	b.handle = 0
	return b.call(blasDestroy, h)
}

// Path is the file of cuBLAS.
func (b *BLAS) Path() string { return b.table.path }

// Version is such as 12.4.5.
func (b *BLAS) Version() string { return b.table.version }

// SetStream sends later work to s. It takes the workspace away: see SetWorkspace.
func (b *BLAS) SetStream(s *Stream) error {
	if err := firstOf(b.open(), s.open()); err != nil {
		return err
	}
	return b.call(blasSetStream, b.handle, s.handle)
}

// SetWorkspace gives cuBLAS memory of the device for its own use (NVIDIA's advice: 4 MB, and
// 32 MB from capability 9.0 on). Products that are captured in a Graph need it: else the
// graph keeps memory that cuBLAS believes to own. It must be set after SetStream, and live as
// long as the handle and every graph that used it.
func (b *BLAS) SetWorkspace(w *Buffer) error {
	if err := firstOf(b.open(), w.holds(0)); err != nil {
		return err
	}
	return b.call(blasSetWorkspace, b.handle, w.addr, uintptr(w.bytes))
}

// SetTF32 lets products round their factors to 10 bits after the point, for
// tensor cores. It is off in a new handle.
func (b *BLAS) SetTF32(on bool) error {
	if err := b.open(); err != nil {
		return err
	}
	mode := uintptr(blasMathDefault)
	if on {
		mode = blasMathTF32
	}
	if err := b.call(blasSetMathMode, b.handle, mode); err != nil {
		return err
	}
	b.tf32 = on
	return nil
}

// Gemm is C ← Alpha·op(A)·op(B) + Beta·C of float32 matrices as cuBLAS has them: column-major,
// op(A) of M×K, op(B) of K×N, C of M×N, and LD the distance between two columns. With Batch
// above 1 there are that many products, Stride elements apart; a stride of 0 uses one factor
// for all.
type Gemm struct {
	TransA, TransB            bool
	M, N, K                   int
	Alpha, Beta               float32
	A, B, C                   *Buffer
	LDA, LDB, LDC             int
	StrideA, StrideB, StrideC int
	Batch                     int
}

// RowMajor turns a product of row-major matrices, described in the same terms with LD the
// distance between two rows, into the one that cuBLAS computes: Cᵀ = op(B)ᵀ·op(A)ᵀ.
func (g Gemm) RowMajor() Gemm {
	g.TransA, g.TransB = g.TransB, g.TransA
	g.M, g.N = g.N, g.M
	g.A, g.B = g.B, g.A
	g.LDA, g.LDB = g.LDB, g.LDA
	g.StrideA, g.StrideB = g.StrideB, g.StrideA
	return g
}

// validate checks sizes, so that no product reads or writes beside its buffers.
func (g *Gemm) validate(batch int) error {
	if g.M < 1 || g.N < 1 || g.K < 1 {
		return wrong("product of %d×%d×%d", g.M, g.N, g.K)
	}
	const most = 1<<31 - 1
	for _, x := range [...]struct {
		name                 string
		b                    *Buffer
		trans                bool
		rows, columns        int
		ld, stride, smallest int
	}{
		{"A", g.A, g.TransA, g.M, g.K, g.LDA, g.StrideA, 0},
		{"B", g.B, g.TransB, g.K, g.N, g.LDB, g.StrideB, 0},
		{"C", g.C, false, g.M, g.N, g.LDC, g.StrideC, 1},
	} {
		rows, columns := x.rows, x.columns
		if x.trans {
			rows, columns = columns, rows
		}
		if rows > most || columns > most || x.ld > most || x.ld < rows {
			return wrong("product: %s of %d×%d with %d between columns", x.name, rows, columns, x.ld)
		}
		if batch > 1 && (x.stride < 0 || x.stride > 1<<40 || x.smallest == 1 && x.stride < (columns-1)*x.ld+rows) {
			return wrong("product: %s with %d elements between two of a batch", x.name, x.stride)
		}
		if x.b == nil || x.b.addr == 0 {
			return errClosed("buffer " + x.name)
		}
		if need := ((columns-1)*x.ld + rows) + (batch-1)*x.stride; need > x.b.bytes/4 {
			return wrong("product: %s needs %d elements, its buffer has %d", x.name, need, x.b.bytes/4)
		}
	}
	return nil
}

func operation(trans bool) uintptr {
	if trans {
		return 1
	}
	return 0
}

func (b *BLAS) ready(g *Gemm, batch int) error {
	if err := b.open(); err != nil {
		return err
	}
	b.alpha, b.beta = g.Alpha, g.Beta
	return g.validate(batch)
}

// Sgemm puts one product on the stream (cublasSgemm_v2).
func (b *BLAS) Sgemm(g *Gemm) error {
	if err := b.ready(g, 1); err != nil {
		return err
	}
	return b.call(blasSgemm, b.handle, operation(g.TransA), operation(g.TransB),
		uintptr(g.M), uintptr(g.N), uintptr(g.K), heap(&b.alpha),
		g.A.addr, uintptr(g.LDA), g.B.addr, uintptr(g.LDB),
		heap(&b.beta), g.C.addr, uintptr(g.LDC))
}

// SgemmBatched puts g.Batch products on the stream (cublasSgemmStridedBatched).
func (b *BLAS) SgemmBatched(g *Gemm) error {
	if g.Batch < 1 || g.Batch > 1<<31-1 {
		return wrong("batch of %d products", g.Batch)
	}
	if err := b.ready(g, g.Batch); err != nil {
		return err
	}
	return b.call(blasSgemmStridedBatched, b.handle, operation(g.TransA), operation(g.TransB),
		uintptr(g.M), uintptr(g.N), uintptr(g.K), heap(&b.alpha),
		g.A.addr, uintptr(g.LDA), uintptr(g.StrideA), g.B.addr, uintptr(g.LDB), uintptr(g.StrideB),
		heap(&b.beta), g.C.addr, uintptr(g.LDC), uintptr(g.StrideC), uintptr(g.Batch))
}

// GemmEx puts one product on the stream with the type of computation stated in the call
// (cublasGemmEx): TF32 if SetTF32 is on, else float32.
func (b *BLAS) GemmEx(g *Gemm) error {
	if err := b.ready(g, 1); err != nil {
		return err
	}
	compute := uintptr(blasCompute32F)
	if b.tf32 {
		compute = blasComputeTF32
	}
	algo := blasDefaultAlgo
	return b.call(blasGemmEx, b.handle, operation(g.TransA), operation(g.TransB),
		uintptr(g.M), uintptr(g.N), uintptr(g.K), heap(&b.alpha),
		g.A.addr, blasFloat32, uintptr(g.LDA), g.B.addr, blasFloat32, uintptr(g.LDB),
		heap(&b.beta), g.C.addr, blasFloat32, uintptr(g.LDC), compute, uintptr(algo))
}
