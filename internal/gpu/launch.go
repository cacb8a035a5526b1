package gpu

import (
	"io"
	"math"
	"math/bits"

	"github.com/pkg/errors"

	"medusa/internal/cuda"
	"medusa/internal/device"
)

// threads is the size of a block, of every kernel.
const threads = sizeWidth

// step is one piece of work of a kernel, put on the device's stream.
type step interface {
	run(b *buffers) error
}

// buffers is what a step's operands stand for in one run.
type buffers struct {
	d   *Device
	out []*cuda.Buffer // nil of an output that nobody reads
	in  []*cuda.Buffer
}

// operand is memory that a step works on, from the number at on.
type operand struct {
	kind operandKind
	i    int // of an input or an output
	at   int
	buf  *cuda.Buffer
}

type operandKind uint8

const (
	isNull operandKind = iota
	isOut
	isIn
	isWork // the device's workspace, shared by all kernels, of use within one run of one
	isFixed
)

var (
	null = operand{}
	out  = operand{kind: isOut}
)

func in(i int) operand { return operand{kind: isIn, i: i} }

// output is output i; null to a kernel if nobody reads it.
func output(i int) operand { return operand{kind: isOut, i: i} }

func work(at int) operand { return operand{kind: isWork, at: at} }

func fixed(b *cuda.Buffer) operand { return operand{kind: isFixed, buf: b} }

func (o operand) from(at int) operand { o.at += at; return o }

func (o operand) or(use bool) operand {
	if use {
		return o
	}
	return null
}

// whole is the buffer that the operand lies in.
func (b *buffers) whole(o operand) *cuda.Buffer {
	switch o.kind {
	case isOut:
		return b.out[o.i]
	case isIn:
		return b.in[o.i]
	case isWork:
		return b.d.workspace
	case isFixed:
		return o.buf
	}
	return nil
}

// part is the operand's memory; it is remembered as long as the buffer stays the same.
type part struct {
	o     operand
	whole *cuda.Buffer
	buf   *cuda.Buffer
}

func (p *part) bind(b *buffers) (changed bool, err error) {
	whole := b.whole(p.o)
	if whole == p.whole && (p.buf != nil || whole == nil) {
		return false, nil
	}
	p.whole, p.buf = whole, whole
	if p.o.at > 0 && whole != nil {
		p.buf, err = whole.Part(4*p.o.at, whole.Bytes()-4*p.o.at)
	}
	return true, err
}

// launch is a kernel with its arguments.
type launch struct {
	f     *cuda.Function
	grid  cuda.Dim
	args  *cuda.Args
	parts []part
	at    []int // the argument of each part
}

// divisor is a number by which a kernel divides (Divisor in medusa.cuh).
type divisor int

// packed is the number in the upper 32 bits and in the lower ones ⌈2^(31+s)/d⌉, with the least s
// for which 2ˢ ≥ d.
func (d divisor) packed() uint64 {
	s := bits.Len32(uint32(d - 1))
	return uint64(d)<<32 | (1<<(31+s)+uint64(d)-1)/uint64(d)
}

// launch makes a step of the kernel name: arguments are int, bool, float32, float64, uint64,
// divisor and operand, in the order of the kernel's parameters.
func (d *Device) launch(name string, grid cuda.Dim, args ...any) (step, error) {
	f, err := d.function(name)
	if err != nil {
		return nil, err
	}
	l := &launch{f: f, grid: grid, args: cuda.NewArgs()}
	for i, a := range args {
		switch a := a.(type) {
		case int:
			if a != int(int32(a)) {
				return nil, errors.Errorf("gpu: %s: %d is beyond 32 bits: the tensor is too large for the device's kernels; take a smaller batch", name, a)
			}
			l.args.Int32(int32(a))
		case bool:
			l.args.Int32(int32(btoi(a)))
		case float32:
			l.args.Float32(a)
		case float64:
			l.args.Float64(a)
		case uint64:
			l.args.Uint64(a)
		case divisor:
			if a < 1 || a != divisor(int32(a)) {
				return nil, errors.Errorf("gpu: %s: a divisor of %d", name, a)
			}
			l.args.Uint64(a.packed())
		case operand:
			l.args.Buffer(nil)
			if a.kind != isNull {
				l.parts = append(l.parts, part{o: a})
				l.at = append(l.at, i)
			}
		default:
			return nil, errors.Errorf("gpu: %s: argument %d of type %T", name, i, a)
		}
	}
	return l, nil
}

func (l *launch) run(b *buffers) error {
	for i := range l.parts {
		changed, err := l.parts[i].bind(b)
		if err != nil {
			return err
		}
		switch at, buf := l.at[i], l.parts[i].buf; {
		case !changed:
		case buf == nil: // an output that nobody reads
			err = l.args.SetNull(at)
		default:
			err = l.args.SetBuffer(at, buf)
		}
		if err != nil {
			return err
		}
	}
	return l.f.Launch(b.d.stream, l.grid, cuda.Dim{X: threads}, 0, l.args)
}

// flat is the grid of a kernel that strides over n elements.
func flat(n int) cuda.Dim { return cuda.Dim{X: min(max((n+threads-1)/threads, 1), 1<<14)} }

// blocks is a grid of n blocks.
func blocks(n int) cuda.Dim { return cuda.Dim{X: n} }

// parted is a grid that makes n results of m numbers each, with as many blocks a result as keep
// a large GPU busy and have something to do.
func parted(n, m int) (grid cuda.Dim, parts int) {
	const busy, least = 1024, 8 * threads
	parts = max(1, min((busy+n-1)/n, m/least))
	return cuda.Dim{X: n, Y: parts}, parts
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func f32(v float64) float32 { return float32(v) }

// copyStep copies n numbers.
type copyStep struct {
	to, from part
	n        int
}

func copyOf(to, from operand, n int) step {
	return &copyStep{to: part{o: to}, from: part{o: from}, n: n}
}

func (c *copyStep) run(b *buffers) error {
	if _, err := c.to.bind(b); err != nil {
		return err
	}
	if _, err := c.from.bind(b); err != nil {
		return err
	}
	return b.d.stream.Copy(c.to.buf, c.from.buf, 4*c.n)
}

// fillStep sets n numbers to v.
type fillStep struct {
	to part
	n  int
	v  float32
}

func fill(to operand, n int, v float64) step { return &fillStep{part{o: to}, n, float32(v)} }

func (f *fillStep) run(b *buffers) error {
	if _, err := f.to.bind(b); err != nil {
		return err
	}
	return b.d.stream.FillWords(f.to.buf, math.Float32bits(f.v), f.n)
}

// gemmStep is a product of row-major matrices by cuBLAS, or some that follow each other.
type gemmStep struct {
	g       cuda.Gemm
	a, b, c part
}

func (s *gemmStep) run(b *buffers) error {
	for _, p := range []struct {
		p   *part
		buf **cuda.Buffer
	}{{&s.a, &s.g.A}, {&s.b, &s.g.B}, {&s.c, &s.g.C}} {
		if _, err := p.p.bind(b); err != nil {
			return err
		}
		*p.buf = p.p.buf
	}
	g := s.g.RowMajor()
	if g.Batch > 1 {
		return b.d.blas.SgemmBatched(&g)
	}
	return b.d.blas.Sgemm(&g)
}

// program is a kernel: steps in their order.
type program struct {
	b     buffers
	steps []step
	owned []*cuda.Buffer
}

var (
	_ device.Kernel = (*program)(nil)
	_ io.Closer     = (*program)(nil)
)

// Close gives the kernel's own memory back, for other kernels: work that uses it is done
// before theirs.
func (p *program) Close() error {
	for _, b := range p.owned {
		p.b.d.giveBack(b)
	}
	p.owned, p.steps = nil, nil
	return nil
}

// Run puts the steps on the stream.
func (p *program) Run(out, in []device.Memory) error {
	p.b.out, p.b.in = p.b.out[:0], p.b.in[:0]
	for i, m := range out {
		if i > 0 && m.Remote == nil { // nobody reads it
			p.b.out = append(p.b.out, nil)
			continue
		}
		b, err := buffer("output", i, m)
		if err != nil {
			return err
		}
		p.b.out = append(p.b.out, b)
	}
	for i, m := range in {
		b, err := buffer("input", i, m)
		if err != nil {
			return err
		}
		p.b.in = append(p.b.in, b)
	}
	for _, s := range p.steps {
		if err := s.run(&p.b); err != nil {
			return err
		}
	}
	return nil
}

// buffer is memory of the device.
func buffer(what string, i int, m device.Memory) (*cuda.Buffer, error) {
	b, ok := m.Remote.(*cuda.Buffer)
	if !ok {
		return nil, errors.Errorf("gpu: %s %d is not memory of the device", what, i)
	}
	return b, addressable(b)
}

// most is the number of elements that kernels count to, with room for a grid's stride.
const most = math.MaxInt32 - 1<<23

func addressable(b *cuda.Buffer) error {
	if n := b.Bytes() / 4; n > most {
		return errors.Errorf("gpu: a tensor of %d numbers, and kernels count to %d: take a smaller batch", n, most)
	}
	return nil
}

// builder gathers steps; the first error stands for all.
type builder struct {
	d     *Device
	steps []step
	owned []*cuda.Buffer
	spare int // where in the workspace a library may begin
	err   error
}

// own is memory for n numbers that lives as long as the kernel.
func (b *builder) own(n int) *cuda.Buffer {
	if b.err != nil {
		return nil
	}
	buf, err := b.d.take(n)
	if err != nil {
		b.err = err
		return nil
	}
	b.owned = append(b.owned, buf)
	return buf
}

func (b *builder) add(s step, err error) {
	if b.err == nil {
		b.err = err
	}
	b.steps = append(b.steps, s)
}

func (b *builder) launch(name string, grid cuda.Dim, args ...any) {
	b.add(b.d.launch(name, grid, args...))
}

func (b *builder) step(s step) { b.add(s, nil) }

// ifRead gathers what makes output i, which is done where somebody reads that.
func (b *builder) ifRead(i int, gather func()) {
	from := len(b.steps)
	gather()
	for k, s := range b.steps[from:] {
		b.steps[from+k] = forOutput{s, i}
	}
}

// forOutput is a step for the sake of an output alone.
type forOutput struct {
	step
	i int
}

func (s forOutput) run(b *buffers) error {
	if b.out[s.i] == nil {
		return nil
	}
	return s.step.run(b)
}

// work makes sure of n numbers of workspace.
func (b *builder) work(n int) {
	if b.err == nil {
		b.err = b.d.reserve(4 * n)
	}
}
