package cuda_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/internal/cuda"
	"medusa/internal/cuda/cudatest"
)

func TestReportOfWhatIsThere(t *testing.T) {
	f := cudatest.Prepare(t)
	f.Set("devices", 2)
	f.Set("memory", 80<<30)
	folder, err := cudatest.Folder()
	require.NoError(t, err)
	var b strings.Builder
	cuda.Report(&b)
	assert.Equal(t, "driver   CUDA 12.4  "+folder+"/libcuda.so.1\n"+
		"cuBLAS   12.4.5  "+folder+"/libcublas.so.12\n"+
		"cuDNN    9.13.1  "+folder+"/libcudnn.so.9\n"+
		"GPU 0    Fake GPU 0, capability 9.0, 132 multiprocessors, 81920.0 MB of memory (81920.0 MB free)\n"+
		"GPU 1    Fake GPU 1, capability 9.0, 132 multiprocessors, 81920.0 MB of memory (81920.0 MB free)\n", b.String())
	assert.Len(t, f.Calls("cuDevicePrimaryCtxRelease_v2"), 2, "contexts are given back")
}

func TestReportOfADriverWithoutAGPU(t *testing.T) {
	f := cudatest.Prepare(t)
	f.Set("devices", 0)
	var b strings.Builder
	cuda.Report(&b)
	for _, want := range []string{"driver   CUDA 12.4", "GPU      cuInit: CUDA_ERROR_NO_DEVICE (100): no CUDA-capable device is detected; no GPU is visible"} {
		assert.Contains(t, b.String(), want)
	}
	for _, call := range []string{"cuDeviceGetCount", "cuDeviceGet", "cuDeviceGetName", "cuDeviceGetAttribute", "cuDevicePrimaryCtxRetain", "cuMemGetInfo_v2", "cuDriverGetVersion"} {
		f := cudatest.Prepare(t)
		f.Inject(call, 1, cuda.Unknown)
		b.Reset()
		cuda.Report(&b)
		assert.Contains(t, b.String(), call+": CUDA_ERROR (999)", call)
		assert.Contains(t, b.String(), "cuBLAS   12.4.5", call)
	}
}

func TestReportOfNothing(t *testing.T) {
	var b strings.Builder
	cuda.ReportWith(&b, func(name string) string {
		return map[string]string{cuda.PathVariable: "/nowhere/mine", "VIRTUAL_ENV": "/nowhere/venv"}[name]
	}, "/nowhere", nil)
	out := b.String()
	if !cuda.Supported {
		assert.Regexp(t, `^CUDA     CUDA is supported on Linux, .* this is \w+/\w+\n$`, out)
		_, err := cuda.Open()
		assert.ErrorContains(t, err, "CUDA is supported on Linux")
		return
	}
	for _, want := range []string{
		"driver   not found: libcuda.so.1\n", "cuBLAS   not found: libcublas.so.13, libcublas.so.12, libcublas.so.11\n", "cuDNN    not found: libcudnn.so.9\n",
		"           /nowhere/mine: no such folder\n", "           libcuda.so.1 (the system's loader): ",
		"           /nowhere/usr/local/cuda/lib64: no such folder\n", "           /nowhere/venv/lib/python3*/site-packages/nvidia/*/lib: no such folder\n",
		"         install NVIDIA's driver", "         install the CUDA toolkit", "         optional; install cuDNN 9", "or name its folder in MEDUSA_CUDA_LIBRARY_PATH\n",
	} {
		assert.Contains(t, out, want)
	}
	assert.NotContains(t, out, "GPU 0")
}
