package gpu

import (
	"fmt"
	"math"
	"slices"

	"medusa/internal/cuda"
	"medusa/internal/device"
	"medusa/internal/device/cpu"
)

// build gathers the steps of a spec; false if the device has no kernel for it.
func (b *builder) build(spec any) bool {
	switch s := spec.(type) {
	case device.Unary:
		return b.unary(s)
	case device.UnaryGrad:
		return b.unaryGrad(s)
	case device.Binary:
		return b.binary(s)
	case device.AddRelu:
		b.launch("add_relu", flat(s.N), s.N, in(0), in(1), out)
	case device.Where:
		b.where(s)
	case device.Constant:
		b.step(fill(out, s.N, s.Value))
	case device.Iota:
		b.launch("iota", flat(s.N), s.N, out)
	case device.Copy:
		b.step(copyOf(out, in(0), s.N))
	case device.SymmetricInverse: // by products, which it is handed
		b.step(copyOf(out, in(1), s.N*s.N))
	case device.Keep:
		b.keep(s)
	case device.Dropout:
		b.dropout(s)
	case device.DropoutGrad:
		return b.dropoutGrad(s)
	case device.Advance, device.Uniform, device.Normal, device.Bernoulli, device.DrawnColumns, device.DrawnPartners, device.Levelled, device.Enqueue:
		b.random(s)
	case device.Row:
		b.step(copyOf(out, in(0).from(s.I*s.Cols), s.Cols))
	case device.Slice:
		n := s.To - s.From
		b.launch("copy_block", flat(s.Rows*n), s.Rows*n, divisor(n), in(0).from(s.From), s.Width, out, n)
	case device.SliceGrad:
		b.launch("slice_grad", flat(s.Rows*s.Width), s.Rows*s.Width, divisor(s.Width), s.From, s.To, in(0), out)
	case device.Concat:
		b.concat(s)
	case device.Transpose:
		b.launch("transpose", cuda.Dim{X: (s.Cols + 31) / 32, Y: (s.Rows + 31) / 32}, s.Rows, s.Cols, in(0), out)
	case device.SumTo:
		return b.sumTo(s)
	case device.Broadcast:
		return b.broadcast(s)
	case device.Gather:
		b.launch("gather", flat(s.N*s.Cols), s.N*s.Cols, divisor(s.Cols), s.Rows, in(0), in(1), out, b.d.reportTo(), b.d.check(s.Index(), s.Rows))
	case device.GatherGrad:
		b.gatherGrad(s)
	case device.GatherRows:
		b.launch("label_first", flat(s.N), s.N, in(0), in(0), out) // no index is below 0
	case device.GatherRowsGrad:
		b.launch("gather_rows_grad", blocks(s.N), s.N, s.Cols, in(0), in(1), out)
	case device.HostOp:
		return false // functions of Go
	case device.Permute:
		return b.permute(s)
	case device.WhereElse:
		b.launch("where_else", flat(s.N), s.N, in(0), in(1), in(2), out)
	case device.Values:
		b.values(s)
	case device.BatchMatMul:
		b.products(s.Batch, s.TransA, s.TransB, s.M, s.N, s.K, in(0), in(1), out)
	case device.MatMul:
		b.product(s.TransA, s.TransB, s.M, s.N, s.K, in(0), in(1), out)
	case device.Linear:
		b.linear(s)
	case device.Conv, device.ConvNorm, device.ConvPool, device.ConvGradInput, device.ConvGradWeight, device.BiasGrad:
		b.convolution(s)
	case device.ChannelSum:
		b.channelSum(s.N, s.C, s.Plane, in(0), out)
	case device.BatchStats:
		grid, parts := parted(s.C, s.N*s.Plane)
		b.work(4 * s.C * parts)
		b.launch("part_stats", grid, s.N, s.C, divisor(s.Plane), in(0), work(0))
		b.launch("batch_stats", flat(s.C), s.N*s.Plane, s.C, parts, f32(s.Momentum), f32(s.Eps), work(0), out, in(1), in(2))
	case device.RunningStats:
		b.launch("running_stats", flat(s.C), s.C, f32(s.Eps), in(0), in(1), out)
	case device.BatchNorm:
		b.scaleShift(s.BatchNorm, s.Relu, null, out)
	case device.BatchNormAdd:
		b.scaleShift(s.BatchNorm, true, in(4), out)
	case device.BatchNormParamsGrad:
		grid, parts := parted(s.C, s.N*s.Plane)
		b.work(4 * s.C * parts)
		b.launch("norm_params_grad", grid, s.N, s.C, divisor(s.Plane), s.Relu, in(0), in(1), in(2), in(3), in(4), work(0), out)
		b.addParts(2*s.C, parts, out)
	case device.BatchNormGrad:
		n := s.N * s.C * s.Plane
		b.launch("norm_grad", flat(n), n, divisor(s.C), divisor(s.Plane), s.N, s.Relu, in(0), in(1), in(2), in(3), in(4), in(5).or(!s.Fixed), out)
	case device.NormPool:
		b.work(s.N * s.C * s.Plane)
		b.scaleShift(s.BatchNorm, false, null, work(0))
		b.maxPool(s.Pool, s.Relu, s.Saved, work(0))
	case device.MaxPool:
		b.maxPool(s.Pool2D, s.Relu, s.Saved, in(0))
	case device.MaxPoolGrad:
		return b.maxPoolGrad(s)
	case device.AvgPool:
		p := s.Pool2D.WithDefaults()
		n := p.Planes * p.OutH() * p.OutW()
		b.launch("avg_pool", flat(n), n, divisor(p.OutH()*p.OutW()), divisor(p.OutW()), p.H, p.W, p.KH, p.KW, p.StrideH, p.StrideW, p.PadH, p.PadW, p.ExcludePad, in(0), out)
	case device.AvgPoolGrad:
		p := s.Pool2D.WithDefaults()
		n := p.Planes * p.H * p.W
		b.launch("avg_pool_grad", flat(n), n, divisor(p.H*p.W), divisor(p.W), p.H, p.OutH(), p.OutW(), p.KH, p.KW, divisor(p.StrideH), divisor(p.StrideW), p.PadH, p.PadW, p.ExcludePad, in(0), out)
	case device.PlaneMean:
		b.launch("plane_mean", blocks((s.Planes+7)/8), s.Planes, s.Size, in(0), out)
	case device.PlaneMeanGrad:
		b.launch("plane_mean_grad", flat(s.Planes*s.Size), s.Planes*s.Size, divisor(s.Size), in(0), out)
	default:
		return b.buildRows(spec)
	}
	return true
}

// buildRows is build for functions of rows and what losses are made of.
func (b *builder) buildRows(spec any) bool {
	switch s := spec.(type) {
	case device.Normalize:
		b.launch("normalize", blocks(s.Rows), s.Cols, f32(s.P), f32(s.Eps), in(0), out)
	case device.NormalizeGrad:
		b.launch("normalize_grad", blocks(s.Rows), s.Cols, f32(s.P), f32(s.Eps), in(0), in(1), in(2), out)
	case device.LogSoftmax:
		b.launch("log_softmax", blocks(s.Rows), s.Cols, in(0), out)
	case device.LogSoftmaxGrad:
		b.launch("log_softmax_grad", blocks(s.Rows), s.Cols, in(0), in(1), out)
	case device.Softmax:
		b.launch("softmax", blocks(s.Rows), s.Cols, in(0), out)
	case device.SoftmaxGrad:
		b.launch("softmax_grad", blocks(s.Rows), s.Cols, in(0), in(1), out)
	case device.LayerNorm, device.LayerNormGrad, device.LayerNormParamsGrad:
		b.layerNorm(s)
	case device.CrossEntropy:
		b.launch("cross_entropy", blocks(s.Rows), s.Classes, f32(s.Smoothing), in(0), in(1), out, b.d.reportTo(), b.d.check("label", s.Classes))
	case device.CrossEntropyGrad:
		b.launch("cross_entropy_grad", blocks(s.Rows), s.Classes, f32(s.Smoothing), in(0), in(1), in(2), out, b.d.reportTo(), b.d.check("label", s.Classes))
	case device.Distance:
		return b.distance(s)
	case device.PairGrad:
		return b.pairGrad(s)
	case device.Labels:
		b.launch("labels", flat(s.N), s.N, in(0), out, b.d.reportTo(), b.d.checkFor("label", fmt.Sprintf("a whole number between -%d and %[1]d; number the classes from 0 on", 1<<device.LabelBits)))
	case device.Places:
		b.launch("places", flat(s.N), s.N, s.Cols, in(0), out, b.d.reportTo(), b.d.checkFor("column", fmt.Sprintf("one of 0 … %d, or -1 for none", s.Cols-1)))
	case device.PairMask:
		b.makeMask(s.Mask, s.Rows, s.Cols, 0, out)
	case device.RowTerms:
		b.rowTerms(s)
	case device.RowTermsGrad:
		b.rowTermsGrad(s, in(0), 1, 0, out, false)
	case device.RowReduce:
		b.rowReduce(s)
	case device.RowReduceGrad:
		b.rowReduceGrad(s, in(0), 1, 0, out, false)
	case device.ShareBound:
		b.shareBound(s)
	case device.RowKth:
		b.rowKth(s)
	case device.RowCount:
		b.rowCount(s)
	case device.Triplets:
		b.triplets(s)
	case device.TripletsGrad:
		b.tripletsGrad(device.Triplets(s))
	case device.TripletsAmongGrad:
		b.tripletsAmongGrad(device.Triplets(s))
	case device.PairLogSumExp:
		b.pairLogSumExp(s)
	case device.PairLogSumExpGrad:
		b.pairLogSumExpGrad(s)
	case device.PairLogSumExpAmongGrad:
		b.pairLogSumExpAmongGrad(s)
	default:
		return b.buildBins(spec)
	}
	return true
}

func (b *builder) gatherGrad(s device.GatherGrad) {
	if b.d.options.AnyOrder {
		b.step(fill(out, s.Rows*s.Cols, 0))
		b.launch("scatter_add", flat(s.N*s.Cols), s.N*s.Cols, s.Cols, s.Rows, in(0), in(1), out, b.d.reportTo(), b.d.check(device.Gather(s).Index(), s.Rows))
		return
	}
	b.launch("gather_grad", blocks(s.Rows), s.N, s.Cols, s.Rows, in(0), in(1), out, b.d.reportTo(), b.d.check(device.Gather(s).Index(), s.Rows))
}

// functions are those of point.cu, in the order of its numbers.
var functions = []device.Func{device.Affine, device.Relu, device.Hinge, device.Square, device.Sqrt, device.Exp, device.Log,
	device.Softplus, device.Sigmoid, device.Abs, device.Clamp, device.Step, device.Equal, device.Tanh, device.Power, device.Acos, device.Cos,
	device.Gelu, device.GeluTanh, device.Swish, device.HardSwish}

func (b *builder) unary(s device.Unary) bool {
	f := slices.Index(functions, s.F)
	if f >= 0 {
		b.launch("unary", flat(s.N), s.N, f, f32(s.A), f32(s.B), in(0), out)
	}
	return f >= 0
}

func (b *builder) unaryGrad(s device.UnaryGrad) bool {
	f := slices.Index(functions, s.F)
	if f < 0 {
		return false
	}
	needX, needY := s.F.Needs()
	dy := in(btoi(needX) + btoi(needY))
	x, y := dy, dy // not looked at
	if needX {
		x = in(0)
	}
	if needY {
		y = in(btoi(needX))
	}
	b.launch("unary_grad", flat(s.N), s.N, f, f32(s.A), f32(s.B), x, y, dy, out)
	return true
}

// operators are those of point.cu, in the order of its numbers; the last copies the first
// operand.
var operators = []device.Operator{device.Add, device.Sub, device.Mul, device.Div, device.Max, device.Min,
	device.Greater, device.GreaterEqual, device.Same}

func (b *builder) binary(s device.Binary) bool {
	f := slices.Index(operators, s.Op)
	return f >= 0 && b.stretch(f, s.A, s.B, in(0), in(1))
}

func (b *builder) broadcast(s device.Broadcast) bool {
	from := s.From
	if len(from) == 0 {
		from = slices.Repeat([]int{1}, len(s.To))
	}
	return b.stretch(len(operators), from, s.To, in(0), in(0))
}

// stretch is the operator of number f on shapes of one rank, stretched where a side is 1.
func (b *builder) stretch(f int, shapeA, shapeB []int, x, y operand) bool {
	axes := foldAxes(shapeA, shapeB)
	if len(axes) > 4 {
		return false
	}
	n := 1
	for _, a := range axes {
		n *= a.n
	}
	if len(axes) <= 1 && (len(axes) == 0 || axes[0].a && axes[0].b) {
		b.launch("binary_flat", flat(n), n, f, x, y, out)
		return true
	}
	size, sa, sb := [4]int{1, 1, 1, 1}, [4]int{}, [4]int{}
	na, nb := 1, 1
	for i := range axes {
		a := axes[len(axes)-1-i]
		size[3-i] = a.n
		if a.a {
			sa[3-i] = na
			na *= a.n
		}
		if a.b && f < len(operators) {
			sb[3-i] = nb
			nb *= a.n
		}
	}
	b.launch("binary", flat(n), n, f, divisor(size[1]), divisor(size[2]), divisor(size[3]), sa[0], sa[1], sa[2], sa[3], sb[0], sb[1], sb[2], sb[3], x, y, out)
	return true
}

// axis is one axis of two stretched operands: its size, and whether they move along it.
type axis struct {
	n    int
	a, b bool
}

// foldAxes joins axes along which the operands move alike, and leaves out those of size 1.
func foldAxes(shapeA, shapeB []int) []axis {
	var axes []axis
	for i := range shapeA {
		x := axis{max(shapeA[i], shapeB[i]), shapeA[i] > 1, shapeB[i] > 1}
		if x.n == 1 {
			continue
		}
		if l := len(axes) - 1; l >= 0 && axes[l].a == x.a && axes[l].b == x.b {
			axes[l].n *= x.n
			continue
		}
		axes = append(axes, x)
	}
	return axes
}

func (b *builder) keep(s device.Keep) {
	own := b.own(s.N)
	if own == nil {
		return
	}
	*s.Into = device.Memory{Remote: own, On: b.d}
	b.step(copyOf(fixed(own), in(0), s.N))
}

// dropoutPiece is the number of elements that share a generator.
const dropoutPiece = 4096

// dropout copies the state to where the gradient finds it, draws, and counts the run.
func (b *builder) dropout(s device.Dropout) {
	draw := b.own(device.DropoutDigits)
	if draw == nil {
		return
	}
	b.d.draws[s.Draw] = draw
	b.done = append(b.done, func() { delete(b.d.draws, s.Draw) })
	b.step(copyOf(fixed(draw), in(1), device.DropoutDigits))
	b.mask(s, fixed(draw))
	b.launch("dropout_count", blocks(1), fixed(draw), in(1))
}

func (b *builder) dropoutGrad(s device.DropoutGrad) bool {
	draw := b.d.draws[s.Draw]
	if draw != nil {
		b.mask(device.Dropout(s), fixed(draw))
	}
	return draw != nil
}

func (b *builder) mask(s device.Dropout, draw operand) {
	limit := uint64(math.Round(s.Rate * (1 << 32)))
	b.launch("dropout", blocks((s.N+dropoutPiece-1)/dropoutPiece), s.N, limit, float32(1/(1-s.Rate)), draw, in(0), out)
}

func (b *builder) concat(s device.Concat) {
	width, at := 0, 0
	for _, w := range s.Widths {
		width += w
	}
	for i, w := range s.Widths {
		b.launch("copy_block", flat(s.Rows*w), s.Rows*w, divisor(w), in(i), w, out.from(at), width)
		at += w
	}
}

// sumTo splits the axes into those of the result and those that are summed over.
func (b *builder) sumTo(s device.SumTo) bool {
	to := s.To
	if len(to) == 0 {
		to = slices.Repeat([]int{1}, len(s.From))
	}
	axes := foldAxes(to, s.From) // a moves along what is left, b along all
	type dim struct{ n, stride int }
	var kept, summed []dim
	stride := 1
	for _, a := range slices.Backward(axes) {
		if a.a {
			kept = append(kept, dim{a.n, stride})
		} else {
			summed = append(summed, dim{a.n, stride})
		}
		stride *= a.n
	}
	if len(kept) > 4 || len(summed) > 3 {
		return false
	}
	n, m := 1, 1
	for _, d := range kept {
		n *= d.n
	}
	for _, d := range summed {
		m *= d.n
	}
	for len(kept) < 4 {
		kept = append(kept, dim{1, 0})
	}
	for len(summed) < 3 {
		summed = append(summed, dim{1, 0})
	}
	// The kernel's last axis is the fastest; ours is the first.
	grid, parts := parted(n, m)
	b.work(2 * n * parts)
	b.launch("sum_axes", grid, kept[2].n, kept[1].n, kept[0].n, kept[3].stride, kept[2].stride, kept[1].stride, kept[0].stride,
		m, divisor(summed[1].n), divisor(summed[0].n), summed[2].stride, summed[1].stride, summed[0].stride, in(0), work(0), out)
	b.addParts(n, parts, out)
	return true
}

// channelSum sums x (N, C, plane) over images and places.
func (b *builder) channelSum(images, c, plane int, x, y operand) {
	grid, parts := parted(c, images*plane)
	b.work(2 * c * parts)
	b.launch("channel_sum", grid, images, c, divisor(plane), x, work(0), y)
	b.addParts(c, parts, y)
}

// addParts adds up the parts of n results that lie in the workspace; one part alone was written
// to y.
func (b *builder) addParts(n, parts int, y operand) {
	if parts > 1 {
		b.launch("add_parts", flat(n), n, parts, work(0), y)
	}
}

func (b *builder) linear(s device.Linear) {
	if b.d.blas == nil {
		b.ownProduct(false, true, s.B, s.O, s.F, in(0), in(1), out, epilogue{bias: in(2).or(s.Bias), relu: s.Relu})
		return
	}
	b.product(false, true, s.B, s.O, s.F, in(0), in(1), out)
	if s.Bias || s.Relu {
		b.launch("bias_relu", flat(s.B*s.O), s.B*s.O, divisor(s.O), divisor(1), s.Relu, in(2).or(s.Bias), out)
	}
}

// scaleShift is a batch normalisation of inputs 0 to 3, plus z if it is not null.
func (b *builder) scaleShift(s cpu.BatchNorm, relu bool, z, y operand) {
	n := s.N * s.C * s.Plane
	b.launch("scale_shift", flat(n), n, divisor(s.C), divisor(s.Plane), relu, in(0), in(1), in(2), in(3), z, y)
}

func (b *builder) maxPool(p cpu.Pool2D, relu bool, saved *device.Saved, x operand) {
	p = p.WithDefaults()
	n := p.Planes * p.OutH() * p.OutW()
	arg := null
	if saved.Wanted {
		buf := b.own(n)
		if buf == nil {
			return
		}
		b.d.saved[saved] = buf
		b.done = append(b.done, func() { delete(b.d.saved, saved) })
		arg = fixed(buf)
	}
	b.launch("max_pool", flat(n), n, divisor(p.OutH()*p.OutW()), divisor(p.OutW()), p.H, p.W, p.KH, p.KW, p.StrideH, p.StrideW, p.PadH, p.PadW, relu, x, out, arg)
}

func (b *builder) maxPoolGrad(s device.MaxPoolGrad) bool {
	p := s.Pool2D.WithDefaults()
	arg := b.d.saved[s.Saved]
	if arg == nil {
		return false
	}
	n := p.Planes * p.H * p.W
	b.launch("max_pool_grad", flat(n), n, divisor(p.H*p.W), divisor(p.W), p.OutH(), p.OutW(), p.KH, p.KW, divisor(p.StrideH), divisor(p.StrideW), p.PadH, p.PadW, in(0), fixed(arg), out)
	return true
}
