package cuda_test

import (
	"errors"
	"math"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/internal/cuda"
	"medusa/internal/cuda/cudatest"
)

// The same checks on the fake device and, where there is one, on a GPU.
func TestDeviceOnTheFake(t *testing.T) {
	d, f := cudatest.Open(t)
	computing(t, f)
	checkDevice(t, d)
}

const onGPU = "MEDUSA_TEST_GPU"

// On a GPU the checks run in a process of their own: in this one the fake's libcuda has the
// name of the real one.
func TestDeviceOnAGPU(t *testing.T) {
	if os.Getenv(onGPU) != "" {
		d, err := cuda.Open()
		if err != nil {
			t.Skip(err)
		}
		cuda.Report(os.Stdout)
		checkDevice(t, d)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^TestDeviceOnAGPU$", "-test.v")
	cmd.Env = append(os.Environ(), onGPU+"=1")
	out, err := cmd.CombinedOutput()
	switch {
	case err != nil:
		t.Errorf("%v\n%s", err, out)
	case strings.Contains(string(out), "--- SKIP"):
		t.Skipf("no GPU: %s", out)
	default:
		t.Logf("%s", out)
	}
}

func checkDevice(t *testing.T, d *cuda.Driver) {
	c, s := first(t, d)
	for _, part := range []struct {
		name  string
		check func(*testing.T, *cuda.Context, *cuda.Stream)
	}{
		{"memory", checkMemory}, {"kernels", checkKernels}, {"graph", checkGraph}, {"errors", checkErrors},
		{"products", checkProducts}, {"convolutions", checkConvolutions},
	} {
		t.Run(part.name, func(t *testing.T) { part.check(t, c, s) })
	}
}

func checkMemory(t *testing.T, c *cuda.Context, s *cuda.Stream) {
	want := make([]float32, 1<<18+3)
	for i := range want {
		want[i] = float32(i)
	}
	b := alloc(t, c, s, want)
	assert.Zero(t, b.Address()%256, "aligned")
	assert.Equal(t, want, download[float32](t, s, b))
	other := alloc(t, c, s, make([]float32, len(want)))
	require.NoError(t, s.Copy(other, b, b.Bytes()))
	assert.Equal(t, want, download[float32](t, s, other))
	part, err := other.Part(4, 8)
	require.NoError(t, err)
	require.NoError(t, s.FillWords(part, math.Float32bits(-7), 2))
	require.NoError(t, s.FillBytes(other, 0, 4))
	assert.Equal(t, []float32{0, -7, -7, 3}, download[float32](t, s, other)[:4])
	p, err := c.AllocPinned(16)
	require.NoError(t, err)
	defer p.Free()
	require.NoError(t, s.CopyOut(p, other, 16))
	require.NoError(t, s.Synchronize())
	assert.Equal(t, []float32{0, -7, -7, 3}, cuda.View[float32](p))
	free, total, err := c.MemoryInfo()
	require.NoError(t, err)
	assert.Positive(t, free)
	assert.LessOrEqual(t, free, total)
}

func checkKernels(t *testing.T, c *cuda.Context, s *cuda.Stream) {
	const n = 100_003
	x, y := make([]float32, n), make([]float32, n)
	for i := range x {
		x[i], y[i] = float32(i%97), float32(i%31)
	}
	fn := load(t, c, "saxpy")
	bx, by := alloc(t, c, s, x), alloc(t, c, s, y)
	a := cuda.NewArgs().Buffer(by).Buffer(bx).Float32(3).Int32(n)
	require.NoError(t, fn.Launch(s, cuda.Dim{X: (n + 255) / 256}, cuda.Dim{X: 256}, 0, a))
	require.NoError(t, a.SetFloat32(2, 1000), "the launch has its own copy")
	for i, v := range download[float32](t, s, by) {
		require.Equal(t, y[i]+3*x[i], v) // small whole numbers: exact
	}
	threads, err := fn.Attribute(cuda.FunctionMaxThreads)
	require.NoError(t, err)
	assert.Equal(t, 1024, threads)
	require.NoError(t, load(t, c, "nothing").Launch(s, cuda.Dim{}, cuda.Dim{}, 0, nil))
	every := cuda.NewArgs().Buffer(bx).Int32(1).Uint32(2).Int64(3).Uint64(4).Float32(5).Float64(6).Buffer(nil)
	require.NoError(t, load(t, c, "everything").Launch(s, cuda.Dim{X: 2, Y: 3, Z: 4}, cuda.Dim{X: 8, Y: 4, Z: 2}, 0, every))
	require.NoError(t, s.Synchronize())
}

func checkGraph(t *testing.T, c *cuda.Context, s *cuda.Stream) {
	fn := load(t, c, "saxpy")
	x, y := alloc(t, c, s, []float32{0, 0}), alloc(t, c, s, []float32{0, 0})
	in, err := c.AllocPinned(8)
	require.NoError(t, err)
	defer in.Free()
	out, err := c.AllocPinned(8)
	require.NoError(t, err)
	defer out.Free()
	start, err := c.NewEvent(true)
	require.NoError(t, err)
	defer start.Close()
	end, err := c.NewEvent(true)
	require.NoError(t, err)
	defer end.Close()
	require.NoError(t, s.Capture())
	require.NoError(t, s.CopyIn(x, in, 8))
	require.NoError(t, s.FillBytes(y, 0, 8))
	require.NoError(t, fn.Launch(s, cuda.Dim{}, cuda.Dim{X: 2}, 0, cuda.NewArgs().Buffer(y).Buffer(x).Float32(2).Int32(2)))
	require.NoError(t, s.CopyOut(out, y, 8))
	g, err := s.EndCapture()
	require.NoError(t, err)
	defer g.Close()
	assert.Equal(t, 4, g.Nodes())
	require.NoError(t, g.Upload(s))
	require.NoError(t, start.Record(s))
	for i := range 5 {
		copy(cuda.View[float32](in), []float32{float32(i), -float32(i)})
		require.NoError(t, g.Launch(s))
		require.NoError(t, s.Synchronize())
		assert.Equal(t, []float32{2 * float32(i), -2 * float32(i)}, cuda.View[float32](out))
	}
	require.NoError(t, end.Record(s))
	require.NoError(t, end.Synchronize())
	ms, err := end.Since(start)
	require.NoError(t, err)
	assert.Positive(t, ms)
}

func checkErrors(t *testing.T, c *cuda.Context, s *cuda.Stream) {
	_, err := c.LoadPTX(".version 7.4\nnonsense")
	var e *cuda.Error
	require.ErrorAs(t, err, &e)
	assert.ErrorIs(t, err, cuda.InvalidPTX)
	assert.NotEmpty(t, e.Log)
	total, err := c.Device().Memory()
	require.NoError(t, err)
	_, err = c.Alloc(2 * int(total))
	var m *cuda.MemoryError
	require.ErrorAs(t, err, &m)
	assert.EqualValues(t, 2*total, m.Requested)
	assert.Positive(t, m.Total)
	err = load(t, c, "nothing").Launch(s, cuda.Dim{}, cuda.Dim{X: 2048}, 0, nil)
	assert.ErrorIs(t, err, cuda.InvalidValue)
	require.NoError(t, s.Synchronize(), "none of these breaks the context")
}

func checkProducts(t *testing.T, c *cuda.Context, s *cuda.Stream) {
	blas, err := c.NewBLAS(s)
	skipWithout(t, err)
	defer blas.Close()
	productsAgree(t, c, s)
	workspace, err := c.Alloc(4 << 20)
	require.NoError(t, err)
	defer workspace.Free()
	require.NoError(t, blas.SetWorkspace(workspace))
	x, y := alloc(t, c, s, []float32{1, 2, 3, 4}), alloc(t, c, s, make([]float32, 4))
	product := cuda.Gemm{M: 2, N: 2, K: 2, Alpha: 1, A: x, B: x, C: y, LDA: 2, LDB: 2, LDC: 2}.RowMajor()
	require.NoError(t, s.Capture())
	require.NoError(t, blas.Sgemm(&product))
	g, err := s.EndCapture()
	require.NoError(t, err)
	defer g.Close()
	require.NoError(t, g.Launch(s))
	assert.Equal(t, []float32{7, 10, 15, 22}, download[float32](t, s, y))
	require.NoError(t, blas.SetTF32(true))
	require.NoError(t, blas.GemmEx(&product))
	assert.Equal(t, []float32{7, 10, 15, 22}, download[float32](t, s, y), "small whole numbers are exact in TF32 too")
}

func checkConvolutions(t *testing.T, c *cuda.Context, s *cuda.Stream) {
	dnn, err := c.NewDNN(s)
	skipWithout(t, err)
	defer dnn.Close()
	convolutionsAgree(t, c, s, dnn, false)
}

// skipWithout skips a part for whose library there is no copy.
func skipWithout(t *testing.T, err error) {
	t.Helper()
	var missing *cuda.LibraryError
	if errors.As(err, &missing) {
		t.Skip(missing)
	}
	require.NoError(t, err)
}
