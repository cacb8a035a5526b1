package cuda_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/internal/cuda"
	"medusa/internal/cuda/cudatest"
)

// device is the fake's context and a stream, closed with the test.
func device(t testing.TB) (*cuda.Context, *cuda.Stream, *cudatest.Fake) {
	t.Helper()
	d, f := cudatest.Open(t)
	c, s := first(t, d)
	return c, s, f
}

// first is the first device's context and a stream, closed with the test.
func first(t testing.TB, d *cuda.Driver) (*cuda.Context, *cuda.Stream) {
	t.Helper()
	dev, err := d.Device(0)
	require.NoError(t, err)
	c, err := dev.Context()
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, c.Close()) })
	s, err := c.NewStream()
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	return c, s
}

// alloc is a buffer with these values, freed with the test.
func alloc[T cuda.Number](t testing.TB, c *cuda.Context, s *cuda.Stream, values []T) *cuda.Buffer {
	t.Helper()
	b, err := c.Alloc(max(1, len(values)*sizeOf[T]()))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, b.Free()) })
	require.NoError(t, cuda.Upload(s, b, values))
	return b
}

func sizeOf[T cuda.Number]() int {
	var t T
	switch any(t).(type) {
	case int8, uint8:
		return 1
	case int16, uint16:
		return 2
	case float64, int64, uint64:
		return 8
	}
	return 4
}

func download[T cuda.Number](t testing.TB, s *cuda.Stream, b *cuda.Buffer) []T {
	t.Helper()
	out := make([]T, b.Bytes()/sizeOf[T]())
	require.NoError(t, cuda.Download(s, out, b))
	return out
}

func TestDevicesAreDescribed(t *testing.T) {
	f := cudatest.Prepare(t)
	f.Set("devices", 2)
	f.Set("version", 11040)
	f.Set("memory", 5<<30)
	f.Set("major", 8)
	f.Set("minor", 6)
	d, err := cuda.Open()
	require.NoError(t, err)
	assert.Equal(t, 11040, d.Version())
	assert.True(t, strings.HasSuffix(d.Path(), "/libcuda.so.1"), d.Path())
	assert.Empty(t, d.Release(), "libcuda.so.1 does not tell it")
	n, err := d.DeviceCount()
	require.NoError(t, err)
	assert.Equal(t, 2, n)
	dev, err := d.Device(1)
	require.NoError(t, err)
	assert.Equal(t, 1, dev.Ordinal())
	name, err := dev.Name()
	require.NoError(t, err)
	assert.Equal(t, "Fake GPU 1", name)
	memory, err := dev.Memory()
	require.NoError(t, err)
	assert.EqualValues(t, 5<<30, memory)
	major, minor, err := dev.Capability()
	require.NoError(t, err)
	assert.Equal(t, []int{8, 6}, []int{major, minor})
	for a, want := range map[cuda.Attribute]int{
		cuda.MaxThreadsPerBlock: 1024, cuda.MaxSharedPerBlock: 49152, cuda.WarpSize: 32, cuda.Multiprocessors: 132,
		cuda.MaxSharedPerBlockOptin: 232448,
	} {
		got, err := dev.Attribute(a)
		require.NoError(t, err)
		assert.Equal(t, want, got, a)
	}
	_, err = dev.Attribute(9999)
	assert.ErrorIs(t, err, cuda.InvalidValue)
	_, err = d.Device(2)
	assert.ErrorIs(t, err, cuda.InvalidDevice)
	_, err = d.Device(-1)
	assert.ErrorContains(t, err, "numbers start at 0")
}

func TestNoDeviceIsToldWithNameNumberAndAdvice(t *testing.T) {
	f := cudatest.Prepare(t)
	f.Set("devices", 0)
	_, err := cuda.Open()
	require.ErrorIs(t, err, cuda.NoDevice)
	var e *cuda.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, "cuInit", e.Call)
	for _, want := range []string{"CUDA_ERROR_NO_DEVICE", "(100)", "no CUDA-capable device is detected", "nvidia-smi", "--gpus all"} {
		assert.ErrorContains(t, err, want)
	}
}

func TestAnyCodeHasText(t *testing.T) {
	for code, advice := range map[cuda.Result]string{
		cuda.NotInitialized: "initialization error", cuda.StubLibrary: "stub", cuda.JITCompilerNotFound: "ptxjitcompiler",
		cuda.UnsupportedPTXVersion: "too old", cuda.SystemNotReady: "fabricmanager", cuda.SystemDriverMismatch: "reboot",
		cuda.Unknown: "modprobe", 12345: "(12345)",
	} {
		f := cudatest.Prepare(t)
		f.Inject("cuInit", 1, code)
		_, err := cuda.Open()
		require.ErrorIs(t, err, code)
		assert.ErrorContains(t, err, "CUDA_ERROR")
		assert.ErrorContains(t, err, advice)
	}
}

// A driver's file is named after its release; the fake's is copied to such a name.
func TestReleaseIsReadFromTheFile(t *testing.T) {
	cudatest.Prepare(t)
	folder, err := cudatest.Folder()
	require.NoError(t, err)
	raw, err := os.ReadFile(filepath.Join(folder, "libcuda.so.1"))
	require.NoError(t, err)
	mine := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(mine, "libcuda.so.535.261.03"), raw, 0o700))
	require.NoError(t, os.Symlink("libcuda.so.535.261.03", filepath.Join(mine, "libcuda.so.1")))
	t.Setenv(cuda.PathVariable, mine)
	d, err := cuda.Open()
	require.NoError(t, err)
	assert.Equal(t, "535.261.03", d.Release())
	assert.Equal(t, filepath.Join(mine, "libcuda.so.535.261.03"), d.Path())
}

func TestContextIsRetainedAndReleased(t *testing.T) {
	d, f := cudatest.Open(t)
	dev, err := d.Device(0)
	require.NoError(t, err)
	c, err := dev.Context()
	require.NoError(t, err)
	assert.Same(t, dev, c.Device())
	require.NoError(t, c.Synchronize())
	free, total, err := c.MemoryInfo()
	require.NoError(t, err)
	assert.EqualValues(t, 1<<30, free)
	assert.EqualValues(t, 1<<30, total)
	require.NoError(t, c.Close())
	require.NoError(t, c.Close(), "a second Close does nothing")
	assert.Equal(t, []string{"cuDevicePrimaryCtxRetain 40"}, f.Calls("cuDevicePrimaryCtxRetain"))
	assert.Equal(t, []string{"cuDevicePrimaryCtxRelease_v2 40"}, f.Calls("cuDevicePrimaryCtxRelease_v2"))
	assert.ErrorContains(t, c.Synchronize(), "closed")
	_, err = c.Alloc(4)
	assert.ErrorContains(t, err, "closed")
	f.Inject("cuDevicePrimaryCtxRetain", 1, cuda.OutOfMemory)
	_, err = dev.Context()
	assert.ErrorIs(t, err, cuda.OutOfMemory)
}

// Goroutines that change threads all the time: the fake refuses a call on a thread without
// the context, and the race detector watches the rest.
func TestManyGoroutinesShareAContext(t *testing.T) {
	c, _, _ := device(t)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			s, err := c.NewStream()
			if !assert.NoError(t, err) {
				return
			}
			for i := range 50 {
				want := []int32{int32(g), int32(i)}
				b, err := c.Alloc(8)
				assert.NoError(t, err)
				assert.NoError(t, cuda.Upload(s, b, want))
				runtime.Gosched()
				got := make([]int32, 2)
				assert.NoError(t, cuda.Download(s, got, b))
				assert.Equal(t, want, got)
				assert.NoError(t, b.Free())
			}
			assert.NoError(t, s.Close())
		})
	}
	wg.Wait()
}

// Two devices have two contexts, and a goroutine that is made to wait between setting its
// context and the call behind it would meet another's if it were not locked to its thread.
func TestGoroutinesOfTwoDevicesKeepTheirContexts(t *testing.T) {
	f := cudatest.Prepare(t)
	f.Set("devices", 2)
	d, err := cuda.Open()
	require.NoError(t, err)
	f.Set("slow", 200) // microseconds in cuCtxSetCurrent
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			dev, err := d.Device(g % 2)
			assert.NoError(t, err)
			c, err := dev.Context()
			if !assert.NoError(t, err) {
				return
			}
			s, err := c.NewStream()
			assert.NoError(t, err)
			b, err := c.Alloc(4)
			assert.NoError(t, err)
			for i := range 50 {
				assert.NoError(t, s.FillWords(b, uint32(i), 1))
			}
			assert.NoError(t, b.Free())
			assert.NoError(t, s.Close())
			assert.NoError(t, c.Close())
		})
	}
	wg.Wait()
	assert.Equal(t, cudatest.Left{}, f.Left())
}

func TestAStreamOfAnotherContextIsRefused(t *testing.T) {
	f := cudatest.Prepare(t)
	f.Set("devices", 2)
	d, err := cuda.Open()
	require.NoError(t, err)
	var contexts [2]*cuda.Context
	for i := range contexts {
		dev, err := d.Device(i)
		require.NoError(t, err)
		contexts[i], err = dev.Context()
		require.NoError(t, err)
		defer contexts[i].Close()
	}
	s, err := contexts[1].NewStream()
	require.NoError(t, err)
	defer s.Close()
	e, err := contexts[0].NewEvent(false)
	require.NoError(t, err)
	defer e.Close()
	assert.ErrorIs(t, e.Record(s), cuda.InvalidHandle)
}
