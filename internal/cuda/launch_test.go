package cuda_test

import (
	_ "embed"
	"encoding/binary"
	"math"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/internal/cuda"
	"medusa/internal/cuda/cudatest"
)

//go:embed testdata/saxpy.ptx
var saxpyPTX string

func load(t testing.TB, c *cuda.Context, name string) *cuda.Function {
	t.Helper()
	m, err := c.LoadPTX(saxpyPTX)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, m.Close()) })
	f, err := m.Function(name)
	require.NoError(t, err)
	return f
}

// computing makes the fake compute saxpy.
func computing(t testing.TB, f *cudatest.Fake) {
	t.Helper()
	lib := filepath.Join(t.TempDir(), "kernels.so")
	out, err := exec.Command("cc", "-shared", "-fPIC", "-O1", "-o", lib, "testdata/host_kernels.c").CombinedOutput()
	if err != nil {
		t.Skipf("no cc for the kernels: %v %s", err, out)
	}
	require.NoError(t, f.HostLibrary(lib))
	t.Cleanup(func() { assert.NoError(t, f.HostLibrary("")) })
}

func TestLaunchPassesEveryArgument(t *testing.T) {
	c, s, f := device(t)
	b := alloc(t, c, s, []float32{1})
	fn := load(t, c, "everything")
	assert.Equal(t, "everything", fn.Name())
	a := cuda.NewArgs().Buffer(b).Int32(-2).Uint32(math.MaxUint32).Int64(math.MinInt64).Uint64(math.MaxUint64).
		Float32(-1.5).Float64(math.Pi).Buffer(nil)
	assert.Equal(t, 8, a.Len())
	require.NoError(t, fn.AllowShared(100<<10))
	require.NoError(t, fn.Launch(s, cuda.Dim{X: 7, Y: 5, Z: 3}, cuda.Dim{X: 32, Y: 4, Z: 2}, 64<<10, a))
	require.NoError(t, a.SetInt32(1, 11))
	require.NoError(t, a.SetInt64(3, 12))
	require.NoError(t, a.SetFloat32(5, 13))
	part, err := b.Part(0, 4)
	require.NoError(t, err)
	require.NoError(t, a.SetBuffer(7, part))
	require.NoError(t, fn.Launch(s, cuda.Dim{X: 1 << 30}, cuda.Dim{X: 1024}, 0, a))

	assert.Equal(t, []string{"cuFuncSetAttribute 8 102400"}, f.Calls("cuFuncSetAttribute"))
	ls, err := f.Launches()
	require.NoError(t, err)
	require.Len(t, ls, 2)
	l := ls[0]
	assert.Equal(t, "everything", l.Name)
	assert.Equal(t, cuda.Dim{X: 7, Y: 5, Z: 3}, l.Grid)
	assert.Equal(t, cuda.Dim{X: 32, Y: 4, Z: 2}, l.Block)
	assert.Equal(t, 64<<10, l.Shared)
	le := binary.LittleEndian
	u32 := func(v uint32) []byte { return le.AppendUint32(nil, v) }
	u64 := func(v uint64) []byte { return le.AppendUint64(nil, v) }
	minusTwo := int32(-2)
	assert.Equal(t, [][]byte{u64(uint64(b.Address())), u32(uint32(minusTwo)), u32(math.MaxUint32), u64(1 << 63),
		u64(math.MaxUint64), u32(math.Float32bits(-1.5)), u64(math.Float64bits(math.Pi)), u64(0)}, l.Params)
	l = ls[1]
	assert.Equal(t, cuda.Dim{X: 1 << 30, Y: 1, Z: 1}, l.Grid)
	assert.Equal(t, cuda.Dim{X: 1024, Y: 1, Z: 1}, l.Block)
	assert.Equal(t, [][]byte{u64(uint64(b.Address())), u32(11), u32(math.MaxUint32), u64(12), u64(math.MaxUint64),
		u32(math.Float32bits(13)), u64(math.Float64bits(math.Pi)), u64(uint64(b.Address()))}, l.Params)
}

func TestLaunchWithWrongArgumentsIsAnError(t *testing.T) {
	c, s, f := device(t)
	b := alloc(t, c, s, []float32{1})
	freed, err := c.Alloc(4)
	require.NoError(t, err)
	require.NoError(t, freed.Free())
	fn := load(t, c, "saxpy")
	one := cuda.Dim{}
	many := cuda.NewArgs()
	for range 65 {
		many.Int32(1)
	}
	good := cuda.NewArgs().Buffer(b).Buffer(b).Float32(1).Int32(1)
	before := len(f.Calls("cuLaunchKernel"))
	var none *cuda.Function
	for want, err := range map[string]error{
		"takes 4 arguments, not 0": fn.Launch(s, one, one, 0, nil),
		"takes 4 arguments, not 3": fn.Launch(s, one, one, 0, cuda.NewArgs().Buffer(b).Buffer(b).Float32(1)),
		"argument 2 takes 4 bytes": fn.Launch(s, one, one, 0, cuda.NewArgs().Buffer(b).Buffer(b).Float64(1).Int32(1)),
		"more than 64 arguments":   fn.Launch(s, one, one, 0, many),
		"is closed":                fn.Launch(s, one, one, 0, cuda.NewArgs().Buffer(freed).Buffer(b).Float32(1).Int32(1)),
		"block {-1 0 0}":           fn.Launch(s, one, cuda.Dim{X: -1}, 0, good),
		"grid {4294967296 0 0}":    fn.Launch(s, cuda.Dim{X: 1 << 32}, one, 0, good),
		"-1 bytes shared":          fn.Launch(s, one, one, -1, good),
		"this stream is closed":    fn.Launch(nil, one, one, 0, good),
		"this function is closed":  none.Launch(s, one, one, 0, good),
		"no argument 4 of 4 bytes": good.SetInt32(4, 1),
		"no argument 0 of 4 bytes": good.SetFloat32(0, 1),
		"no argument -1 of 8":      good.SetInt64(-1, 1),
		"this buffer is closed":    good.SetBuffer(0, freed),
	} {
		assert.ErrorContains(t, err, want)
	}
	assert.Len(t, f.Calls("cuLaunchKernel"), before, "no call")
	assert.ErrorIs(t, fn.Launch(s, one, cuda.Dim{X: 1025}, 0, good), cuda.InvalidValue, "the driver's own check")
	assert.ErrorIs(t, fn.Launch(s, one, one, 64<<10, good), cuda.InvalidValue, "shared memory without AllowShared")
	require.NoError(t, many.Reset().Buffer(b).Buffer(b).Float32(1).Int32(1).SetInt32(3, 2))
	assert.NoError(t, fn.Launch(s, one, one, 0, many))
	assert.NoError(t, load(t, c, "nothing").Launch(s, one, one, 0, nil))
}

// A driver of before CUDA 12.4 does not tell parameters: the launch goes through unchecked.
func TestLaunchWhereTheDriverDoesNotTellParameters(t *testing.T) {
	c, s, f := device(t)
	f.Inject("cuFuncGetParamInfo", 1, cuda.InvalidValue) // told as a kernel without parameters
	fn := load(t, c, "saxpy")
	assert.ErrorContains(t, fn.Launch(s, cuda.Dim{}, cuda.Dim{}, 0, cuda.NewArgs().Int32(1)), "takes 0 arguments")
	f.Inject("cuFuncGetParamInfo", 2, cuda.LaunchFailed)
	m, err := c.LoadPTX(saxpyPTX)
	require.NoError(t, err)
	defer m.Close()
	_, err = m.Function("saxpy")
	assert.ErrorIs(t, err, cuda.LaunchFailed)
}

func TestKernelsComputeOnTheDevice(t *testing.T) {
	c, s, f := device(t)
	computing(t, f)
	fn := load(t, c, "saxpy")
	x, y := alloc(t, c, s, []float32{1, 2, 3, 4, 5}), alloc(t, c, s, []float32{10, 20, 30, 40, 50})
	a := cuda.NewArgs().Buffer(y).Buffer(x).Float32(2).Int32(5)
	require.NoError(t, fn.Launch(s, cuda.Dim{X: 3}, cuda.Dim{X: 2}, 0, a))
	require.NoError(t, a.SetFloat32(2, 100), "the launch has its own copy")
	assert.Equal(t, []float32{12, 24, 36, 48, 60}, download[float32](t, s, y))
}

func TestModulesAndFunctionsAreFoundOrExplained(t *testing.T) {
	c, _, f := device(t)
	_, err := c.LoadPTX("this is no PTX")
	require.ErrorIs(t, err, cuda.InvalidPTX)
	var e *cuda.Error
	require.ErrorAs(t, err, &e)
	assert.Contains(t, e.Log, "Missing .version directive")
	assert.Contains(t, e.Log, "this is no PTX")
	assert.ErrorContains(t, err, "ptxas fake, line 1", "the log is part of the error's text")
	assert.Contains(t, f.Log()[len(f.Log())-1], "14 bytes 2 options")
	_, err = c.LoadPTX("a\x00b")
	assert.ErrorContains(t, err, "zero byte")

	m, err := c.LoadPTX(saxpyPTX)
	require.NoError(t, err)
	_, err = m.Function("sax")
	assert.ErrorIs(t, err, cuda.NotFound)
	assert.ErrorContains(t, err, "no kernel sax in this module")
	fn, err := m.Function("saxpy")
	require.NoError(t, err)
	n, err := fn.Attribute(cuda.FunctionRegisters)
	require.NoError(t, err)
	assert.Equal(t, 37, n)
	n, err = fn.Attribute(cuda.FunctionMaxThreads)
	require.NoError(t, err)
	assert.Equal(t, 1024, n)
	_, err = fn.Attribute(77)
	assert.ErrorIs(t, err, cuda.InvalidValue)
	require.NoError(t, m.Close())
	require.NoError(t, m.Close())
	_, err = m.Function("saxpy")
	assert.ErrorContains(t, err, "closed")
}

func TestErrorsOfKernelsShowThemselvesAtTheNextWait(t *testing.T) {
	c, s, f := device(t)
	fn := load(t, c, "nothing")
	f.Inject("work", 1, cuda.IllegalAddress)
	require.NoError(t, fn.Launch(s, cuda.Dim{}, cuda.Dim{}, 0, nil), "the launch itself is fine")
	err := s.Synchronize()
	require.ErrorIs(t, err, cuda.IllegalAddress)
	assert.ErrorContains(t, err, "compute-sanitizer")
	_, err = c.Alloc(4)
	assert.ErrorIs(t, err, cuda.IllegalAddress, "and every later call has it")
	f.Set("lazy", 1)
	f.Inject("cuLaunchKernel", 1, cuda.LaunchFailed)
	assert.ErrorIs(t, fn.Launch(s, cuda.Dim{}, cuda.Dim{}, 0, nil), cuda.LaunchFailed)
	f.Reset() // so that the test can close things
}

func TestEventsOrderStreamsAndKeepTime(t *testing.T) {
	c, s, f := device(t)
	other, err := c.NewStream()
	require.NoError(t, err)
	start, err := c.NewEvent(true)
	require.NoError(t, err)
	end, err := c.NewEvent(true)
	require.NoError(t, err)
	mark, err := c.NewEvent(false)
	require.NoError(t, err)
	assert.Equal(t, []string{"cuEventCreate 0", "cuEventCreate 0", "cuEventCreate 2"}, f.Calls("cuEventCreate"))
	assert.Equal(t, []string{"cuStreamCreate 1", "cuStreamCreate 1"}, f.Calls("cuStreamCreate"))
	require.NoError(t, start.Record(s))
	require.NoError(t, mark.Record(s))
	require.NoError(t, other.Wait(mark))
	require.NoError(t, end.Record(other))
	done, err := end.Done()
	require.NoError(t, err)
	assert.False(t, done)
	_, err = end.Since(start)
	assert.ErrorIs(t, err, cuda.NotReady)
	require.NoError(t, end.Synchronize())
	done, err = end.Done()
	require.NoError(t, err)
	assert.True(t, done)
	ms, err := end.Since(start)
	require.NoError(t, err)
	assert.EqualValues(t, 2, ms, "the fake's clock ticks at each event")
	_, err = mark.Since(start)
	assert.ErrorIs(t, err, cuda.InvalidHandle, "not timed")
	for _, e := range []*cuda.Event{start, end, mark} {
		require.NoError(t, e.Close())
		require.NoError(t, e.Close())
	}
	_, err = end.Since(start)
	assert.ErrorContains(t, err, "closed")
	_, err = end.Done()
	assert.ErrorContains(t, err, "closed")
	assert.ErrorContains(t, end.Synchronize(), "closed")
	assert.ErrorContains(t, end.Record(s), "closed")
	assert.ErrorContains(t, s.Wait(nil), "closed")
	require.NoError(t, other.Close())
	require.NoError(t, other.Close())
	assert.ErrorContains(t, other.Synchronize(), "closed")
	_, err = other.Done()
	assert.ErrorContains(t, err, "closed")
}
