package cuda_test

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/internal/cuda"
	"medusa/internal/cuda/cudatest"
)

func TestUploadAndDownload(t *testing.T) {
	c, s, _ := device(t)
	t.Run("float32", func(t *testing.T) {
		roundTrip(t, c, s, []float32{1, -2, float32(math.Inf(1)), math.SmallestNonzeroFloat32})
	})
	t.Run("float64", func(t *testing.T) { roundTrip(t, c, s, []float64{math.Pi, math.Copysign(0, -1)}) })
	t.Run("int8", func(t *testing.T) { roundTrip(t, c, s, []int8{-128, 127, 3}) })
	t.Run("uint16", func(t *testing.T) { roundTrip(t, c, s, []uint16{1, 65535}) })
	t.Run("int64", func(t *testing.T) { roundTrip(t, c, s, []int64{math.MinInt64}) })
	t.Run("none", func(t *testing.T) {
		b := alloc(t, c, s, []float32{1})
		require.NoError(t, cuda.Upload(s, b, []float32{}))
		require.NoError(t, cuda.Download(s, []float32(nil), b))
	})
}

func roundTrip[T cuda.Number](t *testing.T, c *cuda.Context, s *cuda.Stream, want []T) {
	assert.Equal(t, want, download[T](t, s, alloc(t, c, s, want)))
}

// What was uploaded may be changed at once, also if the device does its work later.
func TestUploadCopiesAtOnce(t *testing.T) {
	c, s, _ := device(t)
	src := []float32{1, 2}
	b := alloc(t, c, s, src)
	src[0] = 9
	assert.Equal(t, []float32{1, 2}, download[float32](t, s, b))
}

func TestCopiesAndFillsHaveTheirArguments(t *testing.T) {
	c, s, f := device(t)
	src := alloc(t, c, s, []uint32{1, 2, 3, 4})
	dst := alloc(t, c, s, []uint32{9, 9, 9, 9})
	f.ClearLog()
	part, err := dst.Part(4, 8)
	require.NoError(t, err)
	require.NoError(t, s.Copy(part, src, 8))
	assert.Equal(t, []uint32{9, 1, 2, 9}, download[uint32](t, s, dst))
	require.NoError(t, s.FillWords(dst, math.Float32bits(1.5), 3))
	require.NoError(t, s.FillBytes(part, 0xab, 4))
	assert.Equal(t, []uint32{0x3fc00000, 0xabababab, 0x3fc00000, 9}, download[uint32](t, s, dst))
	require.Len(t, f.Calls("cuMemcpyDtoDAsync_v2"), 1)
	assert.Contains(t, f.Calls("cuMemcpyDtoDAsync_v2")[0], fmt.Sprintf("%#x %#x 8 ", part.Address(), src.Address()))
	assert.Contains(t, f.Calls("cuMemsetD32Async")[0], fmt.Sprintf("%#x %d 3 ", dst.Address(), 0x3fc00000))
	assert.Contains(t, f.Calls("cuMemsetD8Async")[0], fmt.Sprintf("%#x 171 4 ", part.Address()))
}

func TestPinnedMemoryNeedsAWait(t *testing.T) {
	c, s, _ := device(t)
	p, err := c.AllocPinned(12)
	require.NoError(t, err)
	assert.Equal(t, 12, p.Bytes())
	v := cuda.View[float32](p)
	require.Len(t, v, 3)
	copy(v, []float32{1, 2, 3})
	b := alloc(t, c, s, []float32{0, 0, 0})
	require.NoError(t, s.Synchronize())
	require.NoError(t, s.CopyIn(b, p, 12))
	require.NoError(t, s.Synchronize())
	copy(v, []float32{7, 7, 7})
	require.NoError(t, s.CopyOut(p, b, 8))
	done, err := s.Done()
	require.NoError(t, err)
	assert.False(t, done)
	assert.Equal(t, []float32{7, 7, 7}, v, "the fake does nothing before it is waited for")
	require.NoError(t, s.Synchronize())
	done, err = s.Done()
	require.NoError(t, err)
	assert.True(t, done)
	assert.Equal(t, []float32{1, 2, 7}, v)
	require.NoError(t, p.Free())
	require.NoError(t, p.Free())
	assert.Nil(t, cuda.View[float32](p))
	assert.ErrorContains(t, s.CopyIn(b, p, 1), "closed")
	assert.ErrorContains(t, s.CopyOut(p, b, 1), "closed")
	_, err = c.AllocPinned(0)
	assert.ErrorContains(t, err, "0 bytes")
}

func TestSizesAreCheckedBeforeTheDriverIsCalled(t *testing.T) {
	c, s, f := device(t)
	b := alloc(t, c, s, []float32{1, 2})
	p, err := c.AllocPinned(8)
	require.NoError(t, err)
	defer p.Free()
	before := len(f.Log())
	var none *cuda.Buffer
	for i, err := range []error{
		cuda.Upload(s, b, make([]float32, 3)), cuda.Download(s, make([]float32, 3), b),
		cuda.Upload(s, none, []float32{1}), cuda.Download(s, []float32{1}, none),
		s.CopyIn(b, p, 9), s.CopyOut(p, b, 9), s.CopyIn(b, nil, 1), s.CopyOut(nil, b, 1),
		s.Copy(b, b, 9), s.Copy(none, b, 1), s.Copy(b, b, -1),
		s.FillBytes(b, 1, 9), s.FillBytes(none, 1, 1), s.FillWords(b, 1, 3), s.FillWords(none, 1, 1), s.FillWords(b, 1, math.MaxInt),
	} {
		assert.Error(t, err, i)
	}
	for _, part := range [][2]int{{-1, 1}, {0, 9}, {9, 0}, {4, 5}, {1, math.MaxInt}, {0, -1}} {
		_, err := b.Part(part[0], part[1])
		assert.Error(t, err, part)
	}
	_, err = c.Alloc(0)
	assert.Error(t, err)
	_, err = c.Alloc(-5)
	assert.Error(t, err)
	assert.Len(t, f.Log(), before, "no call")
	part, err := b.Part(8, 0)
	require.NoError(t, err, "the empty part at the end")
	assert.Zero(t, part.Bytes())
}

func TestFreedBuffersAreErrors(t *testing.T) {
	c, s, _ := device(t)
	b, err := c.Alloc(4)
	require.NoError(t, err)
	part, err := b.Part(0, 4)
	require.NoError(t, err)
	require.NoError(t, part.Free(), "frees nothing")
	require.NoError(t, cuda.Upload(s, b, []float32{1}))
	require.NoError(t, b.Free())
	require.NoError(t, b.Free())
	assert.ErrorContains(t, cuda.Upload(s, b, []float32{1}), "closed")
	_, err = b.Part(0, 1)
	assert.ErrorContains(t, err, "closed")
}

func TestOutOfMemoryTellsSizesAndAWayOut(t *testing.T) {
	c, _, f := device(t)
	f.Set("memory", 1<<20)
	first, err := c.Alloc(1 << 19)
	require.NoError(t, err)
	defer first.Free()
	_, err = c.Alloc(1 << 20)
	var m *cuda.MemoryError
	require.ErrorAs(t, err, &m)
	assert.Equal(t, "GPU 0 (Fake GPU 0)", m.Device)
	assert.EqualValues(t, 1<<20, m.Requested)
	assert.EqualValues(t, 1<<19, m.Free)
	assert.EqualValues(t, 1<<20, m.Total)
	assert.ErrorIs(t, err, cuda.OutOfMemory)
	assert.ErrorContains(t, err, "1.0 MB asked for")
	assert.ErrorContains(t, err, "524288 bytes free of 1.0 MB")
	assert.ErrorContains(t, err, "make the batch")

	f.Set("memory", 1<<30)
	f.Inject("cuMemAlloc_v2", 3, cuda.OutOfMemory)
	f.Inject("cuMemGetInfo_v2", 1, cuda.InvalidValue)
	for i := range 4 {
		b, err := c.Alloc(16)
		if i != 2 {
			require.NoError(t, err)
			require.NoError(t, b.Free())
			continue
		}
		require.ErrorAs(t, err, &m)
		assert.EqualValues(t, -1, m.Free)
		assert.ErrorContains(t, err, "16 bytes asked for on GPU 0 (Fake GPU 0), which has an unknown amount free of 1024.0 MB")
	}
}

// The proof that the fake catches a host access: a process that reads the device's memory dies.
func TestHostAccessToTheDeviceIsAFault(t *testing.T) {
	if os.Getenv("MEDUSA_TEST_TOUCH") != "" {
		c, s, _ := device(t)
		b := alloc(t, c, s, []float32{1})
		addr := b.Address()
		fmt.Println("about to touch", addr != 0)
		fmt.Println("touched", **(**float32)(unsafe.Pointer(&addr)))
		return
	}
	cudatest.Prepare(t)
	cmd := exec.Command(os.Args[0], "-test.run", "^TestHostAccessToTheDeviceIsAFault$")
	cmd.Env = append(os.Environ(), "MEDUSA_TEST_TOUCH=1")
	out, err := cmd.CombinedOutput()
	require.Error(t, err)
	assert.Contains(t, string(out), "about to touch true")
	assert.NotContains(t, string(out), "touched ")
	assert.Contains(t, string(out), "unexpected fault address")
}

// Streams run beside each other: what one reads of another needs a wait for an event.
func TestStreamsWaitByEvents(t *testing.T) {
	c, s, _ := device(t)
	other, err := c.NewStream()
	require.NoError(t, err)
	defer other.Close()
	e, err := c.NewEvent(false)
	require.NoError(t, err)
	defer e.Close()
	p, err := c.AllocPinned(4)
	require.NoError(t, err)
	defer p.Free()
	b := alloc(t, c, s, []float32{1})
	for _, waits := range []bool{false, true} {
		require.NoError(t, s.Synchronize())
		cuda.View[float32](p)[0] += 2
		require.NoError(t, other.CopyIn(b, p, 4))
		require.NoError(t, e.Record(other))
		want := cuda.View[float32](p)[0]
		if waits {
			require.NoError(t, s.Wait(e))
		} else {
			want = 1
		}
		assert.Equal(t, []float32{want}, download[float32](t, s, b))
		require.NoError(t, e.Synchronize())
	}
}
