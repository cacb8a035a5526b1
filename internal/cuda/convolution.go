package cuda

// ConvShape is a convolution of float32 pictures (N, C, H, W) with K filters (K, C/Groups, R,
// S). A zero stride, dilation or number of groups stands for 1.
type ConvShape struct {
	N, C, H, W       int
	K, R, S          int
	PadH, PadW       int
	StrideH, StrideW int
	DilateH, DilateW int
	Groups           int
	ChannelsLast     bool // pictures are (N, H, W, C), filters (K, R, S, C/Groups)
	TF32             bool // factors may be rounded to 10 bits after the point
	AnyOrder         bool // results may differ from run to run: more algorithms to choose from
	MostWorkspace    int  // bytes that an algorithm may ask for; 0 for no bound

	outHeight, outWidth int // set by complete
}

// Out is the height and width of the result.
func (s ConvShape) Out() (height, width int) {
	s = s.complete()
	return s.outHeight, s.outWidth
}

func (s ConvShape) complete() ConvShape {
	for _, p := range []*int{&s.StrideH, &s.StrideW, &s.DilateH, &s.DilateW, &s.Groups} {
		if *p == 0 {
			*p = 1
		}
	}
	s.outHeight = outSide(s.H, s.R, s.PadH, s.StrideH, s.DilateH)
	s.outWidth = outSide(s.W, s.S, s.PadW, s.StrideW, s.DilateW)
	return s
}

func outSide(in, filter, pad, stride, dilate int) int {
	span := in + 2*pad - (dilate*(filter-1) + 1)
	if span < 0 || stride < 1 {
		return 0
	}
	return span/stride + 1
}

func (s ConvShape) validate() error {
	const most = 1 << 24 // of one side; products are checked below
	for _, v := range []int{s.N, s.C, s.H, s.W, s.K, s.R, s.S, s.StrideH, s.StrideW, s.DilateH, s.DilateW, s.Groups} {
		if v < 1 || v > most {
			return wrong("convolution: a size of %d in %+v", v, s)
		}
	}
	if s.PadH < 0 || s.PadW < 0 || s.PadH > most || s.PadW > most || s.C%s.Groups != 0 || s.K%s.Groups != 0 || s.outHeight < 1 || s.outWidth < 1 {
		return wrong("convolution: %+v has no result", s)
	}
	for _, sides := range [][]int{{s.N, s.C, s.H, s.W}, {s.N, s.K, s.outHeight, s.outWidth}, {s.K, s.C, s.R, s.S}} {
		n := 1
		for _, v := range sides {
			if n *= v; n > 1<<31-1 {
				return wrong("convolution: %v is more than cuDNN takes", sides)
			}
		}
	}
	return nil
}

// Convolution is a convolution of one shape with the algorithms that cuDNN has chosen.
type Convolution struct {
	dnn                                  *DNN
	shape                                ConvShape
	input, output, filter, description   uintptr
	forward, data, weights               int32 // algorithms
	forwardBytes, dataBytes, weightBytes int
}

// perf is cudnnConvolution…AlgoPerf_t, 48 bytes, of which all three have the same shape.
type perf struct {
	algo        int32
	status      int32
	_           [2]int32 // time, and a gap
	_           uint64   // workspace
	determinism int32
	_           [5]int32 // type of arithmetic, three reserved, and a gap
}

// direction is one of the three passes: how its algorithm is chosen.
type direction struct {
	choose, size int
	fallback     int32 // serves every shape and is deterministic
}

var (
	forwardPass = direction{dnnForwardAlgorithm, dnnForwardWorkspace, 0} // IMPLICIT_GEMM
	dataPass    = direction{dnnDataAlgorithm, dnnDataWorkspace, 1}       // ALGO_1
	filterPass  = direction{dnnFilterAlgorithm, dnnFilterWorkspace, 1}   // ALGO_1
)

// Convolution describes the shape to cuDNN and lets it choose an algorithm for each pass:
// the first of its list that is deterministic (unless AnyOrder) and fits MostWorkspace.
func (d *DNN) Convolution(shape ConvShape) (*Convolution, error) {
	if err := d.open(); err != nil {
		return nil, err
	}
	shape = shape.complete()
	if err := shape.validate(); err != nil {
		return nil, err
	}
	c := &Convolution{dnn: d, shape: shape}
	err := c.describe()
	if err == nil {
		err = c.choose()
	}
	if err != nil {
		_ = c.Close() // the first error counts
		return nil, err
	}
	return c, nil
}

func (c *Convolution) describe() error {
	d, s := c.dnn, c.shape
	format := uintptr(dnnNCHW)
	if s.ChannelsLast {
		format = dnnNHWC
	}
	math := uintptr(dnnMathFMA)
	if s.TF32 {
		math = dnnMathDefault
	}
	u := func(n int) uintptr { return uintptr(n) }
	for _, step := range []func() error{
		func() error { return d.call(dnnCreateTensor, heap(&c.input)) },
		func() error { return d.call(dnnSetTensor4d, c.input, format, dnnFloat, u(s.N), u(s.C), u(s.H), u(s.W)) },
		func() error { return d.call(dnnCreateTensor, heap(&c.output)) },
		func() error {
			return d.call(dnnSetTensor4d, c.output, format, dnnFloat, u(s.N), u(s.K), u(s.outHeight), u(s.outWidth))
		},
		func() error { return d.call(dnnCreateFilter, heap(&c.filter)) },
		func() error {
			return d.call(dnnSetFilter4d, c.filter, dnnFloat, format, u(s.K), u(s.C/s.Groups), u(s.R), u(s.S))
		},
		func() error { return d.call(dnnCreateConvolution, heap(&c.description)) },
		func() error {
			return d.call(dnnSetConvolution2d, c.description, u(s.PadH), u(s.PadW), u(s.StrideH), u(s.StrideW),
				u(s.DilateH), u(s.DilateW), dnnCorrelation, dnnFloat)
		},
		func() error { return d.call(dnnSetConvolutionGroups, c.description, u(s.Groups)) },
		func() error { return d.call(dnnSetConvolutionMath, c.description, math) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (c *Convolution) choose() (err error) {
	if c.forward, c.forwardBytes, err = c.algorithm(forwardPass, c.input, c.filter, c.output); err != nil {
		return err
	}
	if c.data, c.dataBytes, err = c.algorithm(dataPass, c.filter, c.output, c.input); err != nil {
		return err
	}
	c.weights, c.weightBytes, err = c.algorithm(filterPass, c.input, c.output, c.filter)
	return err
}

// algorithm chooses for one pass, whose descriptors are first, second → result.
func (c *Convolution) algorithm(p direction, first, second, result uintptr) (int32, int, error) {
	d, most := c.dnn, c.shape.MostWorkspace
	var list [10]perf
	var n int32
	if d.table.has(p.choose) {
		err := d.call(p.choose, d.handle, first, second, c.description, result,
			uintptr(len(list)), heap(&n), heap(&list[0]))
		if err != nil {
			return 0, 0, err
		}
	}
	candidates := make([]int32, 0, len(list)+1)
	for _, l := range list[:min(max(n, 0), int32(len(list)))] {
		if l.status == 0 && (c.shape.AnyOrder || l.determinism == dnnDeterministic) {
			candidates = append(candidates, l.algo)
		}
	}
	// The workspace is asked for again: the list's is for its own type of arithmetic.
	var bytes uint64
	for _, algo := range append(candidates, p.fallback) {
		err := d.call(p.size, d.handle, first, second, c.description, result, uintptr(algo), heap(&bytes))
		if err != nil && algo == p.fallback {
			return 0, 0, err
		}
		if err == nil && (most == 0 || bytes <= uint64(most)) {
			return algo, int(bytes), nil
		}
	}
	return 0, 0, wrong("convolution: cuDNN has no algorithm with a workspace of at most %d bytes; one with %d", most, bytes)
}

// Workspace is the bytes that the largest of the three passes needs, maybe 0.
func (c *Convolution) Workspace() int { return max(c.forwardBytes, c.dataBytes, c.weightBytes) }

// Algorithms is cuDNN's numbers of the chosen algorithms.
func (c *Convolution) Algorithms() (forward, data, filter int) {
	return int(c.forward), int(c.data), int(c.weights)
}

func (c *Convolution) bytes() (input, filter, output int) {
	s := c.shape
	return 4 * s.N * s.C * s.H * s.W, 4 * s.K * (s.C / s.Groups) * s.R * s.S, 4 * s.N * s.K * s.outHeight * s.outWidth
}

// ready checks buffers and sets the factors of the call. It returns the workspace.
func (c *Convolution) ready(input, filter, output, workspace *Buffer, need int, alpha, beta float32) (uintptr, error) {
	if c == nil || c.description == 0 {
		return 0, errClosed("convolution")
	}
	if err := c.dnn.open(); err != nil {
		return 0, err
	}
	i, f, o := c.bytes()
	if err := firstOf(input.holds(i), filter.holds(f), output.holds(o)); err != nil {
		return 0, err
	}
	c.dnn.alpha, c.dnn.beta = alpha, beta
	if need == 0 {
		return 0, nil
	}
	if err := workspace.holds(need); err != nil {
		return 0, err
	}
	return workspace.addr, nil
}

// Forward puts y ← alpha·conv(x, w) + beta·y on the stream.
func (c *Convolution) Forward(alpha float32, x, w *Buffer, beta float32, y, workspace *Buffer) error {
	space, err := c.ready(x, w, y, workspace, c.forwardBytes, alpha, beta)
	if err != nil {
		return err
	}
	d := c.dnn
	return d.call(dnnForward, d.handle, heap(&d.alpha), c.input, x.addr, c.filter, w.addr,
		c.description, uintptr(c.forward), space, uintptr(c.forwardBytes),
		heap(&d.beta), c.output, y.addr)
}

// BackwardData puts dx ← alpha·(the gradient to x, of dy) + beta·dx on the stream.
func (c *Convolution) BackwardData(alpha float32, w, dy *Buffer, beta float32, dx, workspace *Buffer) error {
	space, err := c.ready(dx, w, dy, workspace, c.dataBytes, alpha, beta)
	if err != nil {
		return err
	}
	d := c.dnn
	return d.call(dnnData, d.handle, heap(&d.alpha), c.filter, w.addr, c.output, dy.addr,
		c.description, uintptr(c.data), space, uintptr(c.dataBytes),
		heap(&d.beta), c.input, dx.addr)
}

// BackwardFilter puts dw ← alpha·(the gradient to w, of dy) + beta·dw on the stream.
func (c *Convolution) BackwardFilter(alpha float32, x, dy *Buffer, beta float32, dw, workspace *Buffer) error {
	space, err := c.ready(x, dw, dy, workspace, c.weightBytes, alpha, beta)
	if err != nil {
		return err
	}
	d := c.dnn
	return d.call(dnnFilter, d.handle, heap(&d.alpha), c.input, x.addr, c.output, dy.addr,
		c.description, uintptr(c.weights), space, uintptr(c.weightBytes),
		heap(&d.beta), c.filter, dw.addr)
}

// Close destroys the descriptions.
func (c *Convolution) Close() error {
	if c == nil {
		return nil
	}
	var first error
	for _, x := range []struct {
		destroy int
		h       *uintptr
	}{
		{dnnDestroyConvolution, &c.description}, {dnnDestroyFilter, &c.filter},
		{dnnDestroyTensor, &c.output}, {dnnDestroyTensor, &c.input},
	} {
		if *x.h != 0 {
			first = firstOf(first, c.dnn.call(x.destroy, *x.h))
			*x.h = 0
		}
	}
	return first
}
