//go:build !race

package cuda_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/internal/cuda"
)

// A step in steady state allocates nothing on the host. (The race detector empties
// the pools of calls now and then.)
func TestSteadyStateAllocatesNothing(t *testing.T) {
	c, s, f := device(t)
	f.Set("quiet", 1)
	fn := load(t, c, "saxpy")
	x, y := alloc(t, c, s, []float32{1, 2}), alloc(t, c, s, []float32{0, 0})
	a := cuda.NewArgs().Buffer(y).Buffer(x).Float32(3).Int32(2)
	blas, err := c.NewBLAS(s)
	require.NoError(t, err)
	defer blas.Close()
	p, err := c.AllocPinned(8)
	require.NoError(t, err)
	defer p.Free()
	e, err := c.NewEvent(false)
	require.NoError(t, err)
	defer e.Close()
	host := make([]float32, 2)
	g := &cuda.Gemm{TransA: true, M: 1, N: 1, K: 2, Alpha: 1, A: x, B: y, C: x, LDA: 2, LDB: 2, LDC: 1}
	require.NoError(t, s.Capture())
	require.NoError(t, s.FillBytes(x, 0, 8))
	graph, err := s.EndCapture()
	require.NoError(t, err)
	defer graph.Close()
	grid, block := cuda.Dim{X: 1}, cuda.Dim{X: 2}
	for name, step := range map[string]func() error{
		"Launch":      func() error { return fn.Launch(s, grid, block, 0, a) },
		"CopyIn":      func() error { return s.CopyIn(x, p, 8) },
		"Upload":      func() error { return cuda.Upload(s, x, host) },
		"Download":    func() error { return cuda.Download(s, host, x) },
		"Sgemm":       func() error { return blas.Sgemm(g) },
		"GemmEx":      func() error { return blas.GemmEx(g) },
		"Graph":       func() error { return graph.Launch(s) },
		"Event":       func() error { return e.Record(s) },
		"FillWords":   func() error { return s.FillWords(x, 1, 2) },
		"Synchronize": func() error { return s.Synchronize() },
	} {
		var err error
		n := testing.AllocsPerRun(100, func() {
			if e := step(); e != nil {
				err = e
			}
		})
		require.NoError(t, err, name)
		assert.Zero(t, n, name)
	}
}
