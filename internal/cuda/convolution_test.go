package cuda_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/internal/cuda"
)

// place is the index of (a, b, c, d) in an array of sides v, channels (b) first or last.
func place(last bool, v [4]int, a, b, c, d int) int {
	if last {
		return ((a*v[2]+c)*v[3]+d)*v[1] + b
	}
	return ((a*v[1]+b)*v[2]+c)*v[3] + d
}

// plainConvolution calls visit for each product: indices into pictures, filters and results.
func plainConvolution(s cuda.ConvShape, visit func(x, w, y int)) {
	oh, ow := s.Out()
	xs, ws, ys := [4]int{s.N, s.C, s.H, s.W}, [4]int{s.K, s.C / s.Groups, s.R, s.S}, [4]int{s.N, s.K, oh, ow}
	for n := range s.N {
		for k := range s.K {
			group := k / (s.K / s.Groups)
			for i := range oh {
				for j := range ow {
					for c := range s.C / s.Groups {
						for r := range s.R {
							for q := range s.S {
								h, w := i*s.StrideH-s.PadH+r*s.DilateH, j*s.StrideW-s.PadW+q*s.DilateW
								if h >= 0 && h < s.H && w >= 0 && w < s.W {
									visit(place(s.ChannelsLast, xs, n, group*(s.C/s.Groups)+c, h, w),
										place(s.ChannelsLast, ws, k, c, r, q), place(s.ChannelsLast, ys, n, k, i, j))
								}
							}
						}
					}
				}
			}
		}
	}
}

func TestConvolutionsAgreeWithThePlainLoop(t *testing.T) {
	c, s, _ := device(t)
	dnn, err := c.NewDNN(s)
	require.NoError(t, err)
	defer dnn.Close()
	convolutionsAgree(t, c, s, dnn, true)
}

// convolutionsAgree compares the three passes of random shapes with the plain loop.
func convolutionsAgree(t *testing.T, c *cuda.Context, s *cuda.Stream, dnn *cuda.DNN, channelsLast bool) {
	t.Helper()
	r := rand.New(rand.NewPCG(3, 4))
	for range 25 {
		groups := 1 + r.IntN(2)
		shape := cuda.ConvShape{N: 1 + r.IntN(3), C: groups * (1 + r.IntN(2)), H: 5 + r.IntN(4), W: 5 + r.IntN(4),
			K: groups * (1 + r.IntN(3)), R: 1 + r.IntN(3), S: 1 + r.IntN(3), PadH: r.IntN(2), PadW: r.IntN(3),
			StrideH: 1 + r.IntN(2), StrideW: 1 + r.IntN(3), DilateH: 1 + r.IntN(2), DilateW: 1 + r.IntN(2), Groups: groups,
			ChannelsLast: channelsLast && r.IntN(2) == 1, AnyOrder: r.IntN(2) == 1}
		oh, ow := shape.Out()
		conv, err := dnn.Convolution(shape)
		require.NoError(t, err, "%+v", shape)
		x, w := random(r, shape.N*shape.C*shape.H*shape.W), random(r, shape.K*shape.C/groups*shape.R*shape.S)
		y := random(r, shape.N*shape.K*oh*ow)
		wantY, wantX, wantW := make([]float64, len(y)), make([]float64, len(x)), make([]float64, len(w))
		plainConvolution(shape, func(a, b, o int) {
			wantY[o] += float64(x[a]) * float64(w[b])
			wantX[a] += float64(y[o]) * float64(w[b])
			wantW[b] += float64(y[o]) * float64(x[a])
		})
		bx, bw, by := alloc(t, c, s, x), alloc(t, c, s, w), alloc(t, c, s, y)
		var space *cuda.Buffer
		if n := conv.Workspace(); n > 0 {
			space = alloc(t, c, s, make([]byte, n))
		}
		out, dx, dw := alloc(t, c, s, y), alloc(t, c, s, x), alloc(t, c, s, w)
		require.NoError(t, conv.Forward(2, bx, bw, 0.5, out, space))
		require.NoError(t, conv.BackwardData(1, bw, by, 0, dx, space))
		require.NoError(t, conv.BackwardFilter(1, bx, by, 1, dw, space))
		for i, v := range download[float32](t, s, out) {
			require.InDelta(t, 2*wantY[i]+0.5*float64(y[i]), v, 1e-4)
		}
		for i, v := range download[float32](t, s, dx) {
			require.InDelta(t, wantX[i], v, 1e-4)
		}
		for i, v := range download[float32](t, s, dw) {
			require.InDelta(t, wantW[i]+float64(w[i]), v, 1e-4)
		}
		require.NoError(t, conv.Close())
	}
}

func TestCallsOfDNNHaveTheirArgumentsInOrder(t *testing.T) {
	c, s, f := device(t)
	dnn, err := c.NewDNN(s)
	require.NoError(t, err)
	defer dnn.Close()
	assert.Equal(t, "9.13.1", dnn.Version())
	assert.Contains(t, dnn.Path(), "libcudnn.so.9")
	shape := cuda.ConvShape{N: 2, C: 6, H: 17, W: 19, K: 4, R: 3, S: 5, PadH: 1, PadW: 2, StrideH: 2, StrideW: 3,
		DilateH: 4, DilateW: 1, Groups: 2}
	oh, ow := shape.Out()
	assert.Equal(t, []int{6, 7}, []int{oh, ow}) // (17+2−9)/2+1 = 6, (19+4−5)/3+1 = 7
	conv, err := dnn.Convolution(shape)
	require.NoError(t, err)
	assert.Equal(t, []string{"cudnnSetTensor4dDescriptor 0 0 2 6 17 19", "cudnnSetTensor4dDescriptor 0 0 2 4 6 7"},
		f.Calls("cudnnSetTensor4dDescriptor"))
	assert.Equal(t, []string{"cudnnSetFilter4dDescriptor 0 0 4 3 3 5"}, f.Calls("cudnnSetFilter4dDescriptor"))
	assert.Equal(t, []string{"cudnnSetConvolution2dDescriptor 1 2 2 3 4 1 1 0"}, f.Calls("cudnnSetConvolution2dDescriptor"))
	assert.Equal(t, []string{"cudnnSetConvolutionGroupCount 2"}, f.Calls("cudnnSetConvolutionGroupCount"))
	assert.Equal(t, []string{"cudnnSetConvolutionMathType 3"}, f.Calls("cudnnSetConvolutionMathType"), "float32 throughout")
	// The fake's list: one whose order is free, a failed one, a deterministic one with 1 MB.
	fw, bd, bf := conv.Algorithms()
	assert.Equal(t, []int{4, 5, 3}, []int{fw, bd, bf})
	assert.Equal(t, 1<<20, conv.Workspace())

	zeros := make([]float32, 2*6*17*19)
	x, w, y := alloc(t, c, s, zeros), alloc(t, c, s, zeros), alloc(t, c, s, zeros)
	space := alloc(t, c, s, make([]byte, 1<<20))
	require.NoError(t, conv.Forward(0.5, x, w, 0.25, y, space))
	require.NoError(t, conv.BackwardData(0.5, w, y, 0.25, x, space))
	require.NoError(t, conv.BackwardFilter(0.5, x, y, 0.25, w, space))
	px, pw, py, ps := x.Address(), w.Address(), y.Address(), space.Address()
	line := func(name string, algorithm int, a, b, r uintptr) []string {
		return []string{fmt.Sprintf("%s 0.5 %#x %#x %d %#x 1048576 0.25 %#x", name, a, b, algorithm, ps, r)}
	}
	assert.Equal(t, line("cudnnConvolutionForward", 4, px, pw, py), f.Calls("cudnnConvolutionForward"))
	assert.Equal(t, line("cudnnConvolutionBackwardData", 5, pw, py, px), f.Calls("cudnnConvolutionBackwardData"))
	assert.Equal(t, line("cudnnConvolutionBackwardFilter", 3, px, py, pw), f.Calls("cudnnConvolutionBackwardFilter"))

	small, err := space.Part(0, 100)
	require.NoError(t, err)
	assert.ErrorContains(t, conv.Forward(1, x, w, 0, y, small), "do not fit")
	assert.ErrorContains(t, conv.Forward(1, x, w, 0, y, nil), "closed")
	short, err := x.Part(0, 8)
	require.NoError(t, err)
	assert.ErrorContains(t, conv.Forward(1, short, w, 0, y, space), "do not fit")
	assert.ErrorContains(t, conv.BackwardData(1, w, short, 0, x, space), "do not fit")
	assert.ErrorContains(t, conv.BackwardFilter(1, x, y, 0, short, space), "do not fit")
	require.NoError(t, conv.Close())
	require.NoError(t, conv.Close())
	assert.ErrorContains(t, conv.Forward(1, x, w, 0, y, space), "closed")
}

func TestAlgorithmsAreChosenByWhatIsAsked(t *testing.T) {
	c, s, f := device(t)
	dnn, err := c.NewDNN(s)
	require.NoError(t, err)
	shape := cuda.ConvShape{N: 1, C: 1, H: 4, W: 4, K: 1, R: 3, S: 3, TF32: true, ChannelsLast: true}
	for _, x := range []struct {
		any        bool
		most       int
		fw, bd, bf int
		workspace  int
	}{
		{true, 0, 2, 0, 0, 0},              // the fastest
		{false, 0, 4, 5, 3, 1 << 20},       // the fastest that is deterministic
		{false, 1 << 19, 1, 3, 5, 1024},    // with less workspace
		{false, 1 << 9, 0, 1, 1, 0},        // what is in no list but always works
		{false, 1 << 20, 4, 5, 3, 1 << 20}, // just enough
	} {
		shape.AnyOrder, shape.MostWorkspace = x.any, x.most
		conv, err := dnn.Convolution(shape)
		require.NoError(t, err)
		fw, bd, bf := conv.Algorithms()
		assert.Equal(t, []int{x.fw, x.bd, x.bf}, []int{fw, bd, bf}, x)
		assert.Equal(t, x.workspace, conv.Workspace())
		require.NoError(t, conv.Close())
	}
	assert.Equal(t, "cudnnSetConvolutionMathType 0", f.Calls("cudnnSetConvolutionMathType")[0], "TF32")
	assert.Equal(t, "cudnnSetTensor4dDescriptor 1 0 1 1 4 4", f.Calls("cudnnSetTensor4dDescriptor")[0], "channels last")
	assert.Equal(t, "cudnnSetFilter4dDescriptor 0 1 1 1 3 3", f.Calls("cudnnSetFilter4dDescriptor")[0])
	assert.Equal(t, "cudnnSetConvolution2dDescriptor 0 0 1 1 1 1 1 0", f.Calls("cudnnSetConvolution2dDescriptor")[0], "zeros stand for 1")

	for _, bad := range []cuda.ConvShape{
		{}, {N: 1, C: 1, H: 2, W: 2, K: 1, R: 3, S: 3}, {N: 1, C: 3, H: 4, W: 4, K: 2, R: 1, S: 1, Groups: 2},
		{N: 1, C: 1, H: 4, W: 4, K: 1, R: 1, S: 1, StrideH: -1}, {N: 1, C: 1, H: 4, W: 4, K: 1, R: 1, S: 1, PadH: -1},
		{N: 1 << 24, C: 1 << 24, H: 1 << 24, W: 1 << 24, K: 1, R: 1, S: 1}, {N: 1 << 40, C: 1, H: 1, W: 1, K: 1, R: 1, S: 1},
	} {
		_, err := dnn.Convolution(bad)
		assert.ErrorContains(t, err, "convolution", "%+v", bad)
	}
	for _, call := range []string{"cudnnCreateTensorDescriptor", "cudnnSetFilter4dDescriptor", "cudnnSetConvolutionMathType",
		"cudnnGetConvolutionForwardAlgorithm_v7", "cudnnGetConvolutionBackwardFilterAlgorithm_v7"} {
		f.Inject(call, 1, 2000)
		_, err := dnn.Convolution(shape)
		assert.EqualError(t, err, "cuda: "+call+": CUDNN_STATUS_BAD_PARAM (2000)")
	}
	f.Reset()
	for nth := range 3 { // a candidate whose workspace cannot be told is passed over, the last one is an error
		f.Inject("cudnnGetConvolutionForwardWorkspaceSize", nth+1, 3000)
	}
	shape.AnyOrder, shape.MostWorkspace = false, 0
	_, err = dnn.Convolution(shape)
	assert.EqualError(t, err, "cuda: cudnnGetConvolutionForwardWorkspaceSize: CUDNN_STATUS_NOT_SUPPORTED (3000)")
	require.NoError(t, dnn.Close())
	require.NoError(t, dnn.Close())
	_, err = dnn.Convolution(shape)
	assert.ErrorContains(t, err, "closed")
	assert.ErrorContains(t, dnn.SetStream(s), "closed")
	f.Inject("cudnnCreate", 1, 1001)
	_, err = c.NewDNN(s)
	assert.ErrorContains(t, err, "CUDNN_STATUS_NOT_INITIALIZED (1001)")
	_, err = c.NewDNN(nil)
	assert.ErrorContains(t, err, "closed")
}
