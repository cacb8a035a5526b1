//go:build linux && (amd64 || arm64) && !nocuda

package cudatest_test

import (
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/internal/cuda"
	"medusa/internal/cuda/cudatest"
)

func prepared(t *testing.T) (*cudatest.Fake, *cuda.Context, *cuda.Stream) {
	t.Helper()
	f := cudatest.Prepare(t)
	t.Cleanup(f.Forget)
	d, err := cuda.Open()
	require.NoError(t, err)
	dev, err := d.Device(0)
	require.NoError(t, err)
	c, err := dev.Context()
	require.NoError(t, err)
	s, err := c.NewStream()
	require.NoError(t, err)
	return f, c, s
}

// A kernel that writes behind a buffer is seen when the buffer is freed.
func TestOverrunsAreSeen(t *testing.T) {
	f, c, s := prepared(t)
	lib := filepath.Join(t.TempDir(), "kernels.so")
	if out, err := exec.Command("cc", "-shared", "-fPIC", "-o", lib, "../testdata/host_kernels.c").CombinedOutput(); err != nil {
		t.Skipf("no cc for the kernels: %v %s", err, out)
	}
	require.NoError(t, f.HostLibrary(lib))
	defer func() { assert.NoError(t, f.HostLibrary("")) }()
	ptx, err := os.ReadFile("../testdata/saxpy.ptx")
	require.NoError(t, err)
	m, err := c.LoadPTX(string(ptx))
	require.NoError(t, err)
	fn, err := m.Function("saxpy")
	require.NoError(t, err)
	for _, beyond := range []int32{0, 1} {
		x, err := c.Alloc(6 * 4)
		require.NoError(t, err)
		y, err := c.Alloc(5 * 4)
		require.NoError(t, err)
		require.NoError(t, cuda.Upload(s, x, []float32{1, 1, 1, 1, 1, 1}))
		require.NoError(t, cuda.Upload(s, y, []float32{1, 1, 1, 1, 1}))
		require.NoError(t, fn.Launch(s, cuda.Dim{X: 1}, cuda.Dim{X: 32}, 0,
			cuda.NewArgs().Buffer(y).Buffer(x).Float32(math.MaxFloat32).Int32(5+beyond)))
		require.NoError(t, s.Synchronize())
		require.NoError(t, y.Free())
		assert.EqualValues(t, beyond, f.Left().Overruns)
		require.NoError(t, x.Free())
	}
}

func TestNewMemoryIsNotZero(t *testing.T) {
	_, c, s := prepared(t)
	b, err := c.Alloc(4)
	require.NoError(t, err)
	got := make([]uint32, 1)
	require.NoError(t, cuda.Download(s, got, b))
	assert.EqualValues(t, 0xc5c5c5c5, got[0])
}

func TestWhatIsLeftIsCounted(t *testing.T) {
	f, c, s := prepared(t)
	_, err := c.Alloc(4)
	require.NoError(t, err)
	_, err = c.AllocPinned(4)
	require.NoError(t, err)
	_, err = c.NewEvent(false)
	require.NoError(t, err)
	_, err = c.LoadPTX(".version 7.4 .target sm_80")
	require.NoError(t, err)
	require.NoError(t, s.Capture())
	_, err = s.EndCapture()
	require.NoError(t, err)
	assert.Equal(t, cudatest.Left{Buffers: 1, Pinned: 1, Streams: 1, Events: 1, Modules: 1, Execs: 1}, f.Left())
	f.Forget()
	assert.Equal(t, cudatest.Left{}, f.Left())
}

func TestLibrariesThatAreNoneAreRefused(t *testing.T) {
	f := cudatest.Prepare(t)
	assert.ErrorContains(t, f.HostLibrary("/nowhere.so"), "cannot be loaded")
	folder, err := cudatest.Folder()
	require.NoError(t, err)
	assert.Error(t, f.HostLibrary(filepath.Join(folder, "libcudnn.so.9")), "no medusa_host_launch in it")
}
