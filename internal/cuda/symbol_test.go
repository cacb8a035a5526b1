package cuda_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/internal/cuda"
	"medusa/internal/cuda/cudatest"
)

// A library that lacks a function is an error that names function, library and version, for
// every function there is.
func TestMissingFunctionsAreErrors(t *testing.T) {
	d, _ := cudatest.Open(t)
	dev, err := d.Device(0)
	require.NoError(t, err)
	c, err := dev.Context()
	require.NoError(t, err)
	defer func() { assert.NoError(t, c.Close()) }()
	cuda.Forget(d, "cuStreamCreate")
	_, err = c.NewStream()
	var e *cuda.SymbolError
	require.ErrorAs(t, err, &e)
	assert.Equal(t, "cuStreamCreate", e.Symbol)
	assert.Equal(t, "CUDA 12.4", e.Version)
	assert.True(t, strings.HasSuffix(e.Library, "libcuda.so.1"))
	assert.ErrorContains(t, err, "(CUDA 12.4) has no function cuStreamCreate: install a newer driver or library")
}

func TestOldDriversServeAsFarAsTheyGo(t *testing.T) {
	d, f := cudatest.Open(t)
	cuda.Forget(d, "cuFuncGetParamInfo", "cuGraphInstantiateWithFlags", "cuGraphUpload", "cuGetErrorName", "cuGetErrorString")
	c, s := first(t, d)
	fn := load(t, c, "nothing")
	require.NoError(t, s.Capture())
	require.NoError(t, fn.Launch(s, cuda.Dim{}, cuda.Dim{}, 0, cuda.NewArgs().Int32(1)), "unknown parameters are not checked")
	g, err := s.EndCapture()
	require.NoError(t, err)
	assert.Equal(t, []string{"cuGraphInstantiate_v2 (nil) (nil) 0"}, f.Calls("cuGraphInstantiate_v2"))
	assert.ErrorContains(t, g.Upload(s), "cuGraphUpload")
	require.NoError(t, g.Launch(s))
	require.NoError(t, s.Synchronize())
	require.NoError(t, g.Close())
	_, err = d.Device(99)
	assert.EqualError(t, err, "cuda: cuDeviceGet: CUDA_ERROR (101)")

	blas, err := c.NewBLAS(s)
	require.NoError(t, err)
	defer blas.Close()
	dnn, err := c.NewDNN(s)
	require.NoError(t, err)
	defer dnn.Close()
	cuda.Forget(d, "cublasSetWorkspace_v2", "cublasGetStatusName", "cudnnGetErrorString", "cudnnGetConvolutionForwardAlgorithm_v7",
		"cudnnGetConvolutionBackwardDataAlgorithm_v7", "cudnnGetConvolutionBackwardFilterAlgorithm_v7", "cudnnConvolutionForward")
	x := alloc(t, c, s, []float32{1})
	var e *cuda.SymbolError
	require.ErrorAs(t, blas.SetWorkspace(x), &e)
	assert.Equal(t, "12.4.5", e.Version)
	f.Inject("cublasSetMathMode", 1, 7)
	assert.EqualError(t, blas.SetTF32(true), "cuda: cublasSetMathMode: cuBLAS status (7)")
	conv, err := dnn.Convolution(cuda.ConvShape{N: 1, C: 1, H: 1, W: 1, K: 1, R: 1, S: 1})
	require.NoError(t, err, "without a list there is still the algorithm that always works")
	defer conv.Close()
	fw, bd, bf := conv.Algorithms()
	assert.Equal(t, []int{0, 1, 1}, []int{fw, bd, bf})
	assert.ErrorContains(t, conv.Forward(1, x, x, 0, x, nil), "(9.13.1) has no function cudnnConvolutionForward")
	f.Inject("cudnnSetStream", 1, 2000)
	assert.EqualError(t, dnn.SetStream(s), "cuda: cudnnSetStream: cuDNN status (2000)")
}

// A file of the right name that is no driver at all.
func TestALibraryThatIsNoDriverIsAnError(t *testing.T) {
	cudatest.Prepare(t) // skips where libraries cannot be loaded
	_, err := cuda.OpenWith(nil, t.TempDir(), func(string) (uintptr, error) { return cuda.Dlopen("libc.so.6") })
	var e *cuda.SymbolError
	require.ErrorAs(t, err, &e)
	assert.Equal(t, "cuDriverGetVersion", e.Symbol)
}

// Without cuBLAS and cuDNN the driver still serves.
func TestWithoutLibrariesTheDriverServes(t *testing.T) {
	cudatest.Prepare(t)
	folder, err := cudatest.Folder()
	require.NoError(t, err)
	d, err := cuda.OpenWith(nil, t.TempDir(), func(path string) (uintptr, error) {
		if path == folder+"/libcuda.so.1" {
			return cuda.Dlopen(path)
		}
		return cuda.Dlopen("/nowhere")
	})
	require.NoError(t, err)
	dev, err := d.Device(0)
	require.NoError(t, err)
	c, err := dev.Context()
	require.NoError(t, err)
	defer c.Close()
	var e *cuda.LibraryError
	for range 2 { // looked for once
		_, err = c.NewBLAS(nil)
		require.ErrorAs(t, err, &e)
		assert.Equal(t, "libcublas", e.Library)
		_, err = c.NewDNN(nil)
		require.ErrorAs(t, err, &e)
		assert.Equal(t, "libcudnn", e.Library)
	}
}
