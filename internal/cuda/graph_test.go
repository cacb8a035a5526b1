package cuda_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/internal/cuda"
)

func TestGraphReplaysWhatWasCaptured(t *testing.T) {
	c, s, f := device(t)
	computing(t, f)
	fn := load(t, c, "saxpy")
	x, y := alloc(t, c, s, []float32{1, 2}), alloc(t, c, s, []float32{0, 0})
	product := alloc(t, c, s, []float32{0})
	blas, err := c.NewBLAS(s)
	require.NoError(t, err)
	defer blas.Close()
	in, err := c.AllocPinned(8)
	require.NoError(t, err)
	defer in.Free()
	out, err := c.AllocPinned(12)
	require.NoError(t, err)
	defer out.Free()
	results, err := x.Part(0, 8)
	require.NoError(t, err)

	require.NoError(t, s.Capture())
	require.NoError(t, s.CopyIn(x, in, 8))
	require.NoError(t, s.FillWords(y, 0, 2))
	require.NoError(t, fn.Launch(s, cuda.Dim{X: 1}, cuda.Dim{X: 2}, 0, cuda.NewArgs().Buffer(y).Buffer(results).Float32(3).Int32(2)))
	require.NoError(t, blas.Sgemm(&cuda.Gemm{TransA: true, M: 1, N: 1, K: 2, Alpha: 1, A: x, B: y, C: product, LDA: 2, LDB: 2, LDC: 1}))
	require.NoError(t, s.CopyOut(out, product, 4))
	assert.ErrorContains(t, cuda.Upload(s, x, []float32{1}), "pinned memory")
	assert.ErrorContains(t, cuda.Download(s, []float32{1}, x), "pinned memory")
	assert.ErrorContains(t, s.Synchronize(), "end the capture")
	assert.ErrorContains(t, s.Capture(), "already")
	g, err := s.EndCapture()
	require.NoError(t, err)
	assert.Equal(t, 5, g.Nodes())
	_, err = s.EndCapture()
	assert.ErrorContains(t, err, "not being captured")
	assert.Equal(t, []float32{0, 0}, download[float32](t, s, y), "a capture does nothing")

	require.NoError(t, g.Upload(s))
	for _, v := range [][]float32{{1, 2}, {3, 5}, {-1, 0}} {
		copy(cuda.View[float32](in), v)
		require.NoError(t, g.Launch(s))
		require.NoError(t, s.Synchronize())
		assert.Equal(t, 3*(v[0]*v[0]+v[1]*v[1]), cuda.View[float32](out)[0])
	}
	for _, want := range []string{"cuStreamBeginCapture_v2", "cuStreamEndCapture", "cuGraphInstantiateWithFlags", "cuGraphUpload"} {
		assert.Len(t, f.Calls(want), 1, want)
	}
	assert.Regexp(t, " 2$", f.Calls("cuStreamBeginCapture_v2")[0], "relaxed")
	assert.Len(t, f.Calls("cuGraphLaunch"), 3)
	require.NoError(t, g.Close())
	require.NoError(t, g.Close())
	assert.ErrorContains(t, g.Launch(s), "closed")
	assert.ErrorContains(t, g.Upload(s), "closed")
}

// The goroutine that ends a capture may be on another thread than the one that began it.
func TestCaptureMayEndOnAnotherThread(t *testing.T) {
	c, s, _ := device(t)
	b := alloc(t, c, s, []float32{1})
	for i := range 20 {
		require.NoError(t, s.Capture())
		var wg sync.WaitGroup
		wg.Go(func() { assert.NoError(t, s.FillWords(b, uint32(i), 1)) })
		wg.Wait()
		var g *cuda.Graph
		wg.Go(func() {
			var err error
			g, err = s.EndCapture()
			assert.NoError(t, err)
		})
		wg.Wait()
		require.Equal(t, 1, g.Nodes())
		require.NoError(t, g.Close())
	}
}

func TestErrorsOfGraphs(t *testing.T) {
	_, s, f := device(t)
	for _, call := range []string{"cuStreamEndCapture", "cuGraphGetNodes", "cuGraphInstantiateWithFlags"} {
		require.NoError(t, s.Capture())
		f.Inject(call, 1, cuda.StreamCaptureInvalid)
		_, err := s.EndCapture()
		assert.ErrorIs(t, err, cuda.StreamCaptureInvalid, call)
	}
	f.Inject("cuStreamBeginCapture_v2", 1, cuda.InvalidValue)
	assert.ErrorIs(t, s.Capture(), cuda.InvalidValue)
	require.NoError(t, s.Synchronize(), "not captured")
	assert.ErrorContains(t, (*cuda.Stream)(nil).Capture(), "closed")
	_, err := (*cuda.Stream)(nil).EndCapture()
	assert.ErrorContains(t, err, "closed")
}
