package gpu

import (
	"fmt"
	"math"
	"os"
	"strings"

	"github.com/pkg/errors"

	"medusa/internal/cuda"
	"medusa/internal/device"
	"medusa/internal/gpu/kernels"
)

// Device is one GPU with its memory, its stream of work and its kernels.
type Device struct {
	ordinal    int
	processors int // multiprocessors
	ctx        *cuda.Context
	stream     *cuda.Stream
	copies     *cuda.Stream                   // of feeds
	modules    [len(kernels.PTX)]*cuda.Module // made when a kernel of theirs is
	blas       *cuda.BLAS                     // nil where there is no cuBLAS
	dnn        *cuda.DNN                      // nil where there is no cuDNN
	convs      map[cuda.ConvShape]*cuda.Convolution
	ownFaster  map[pass]bool // what timing said, with Options.AnyOrder
	options    Options
	functions  map[string]*cuda.Function

	workspace *cuda.Buffer // of the kernels, one after the other
	buffers   []*cuda.Buffer
	free      map[int][]*cuda.Buffer // given back, by size in bytes
	report    *cuda.Buffer           // what kernels complain of: number of the check, place
	checks    []check
	answer    []int32

	feeds  []*feed
	staged map[*cuda.Buffer]*staging
	closes []func() error // of what else was made
}

// staging is pinned memory through which one buffer is filled, without a wait.
type staging struct {
	memory *cuda.Pinned
	copied *cuda.Event
}

// Options is how a Device computes.
type Options struct {
	// TF32 lets products and convolutions round their factors to 10 bits after the point, for
	// tensor cores.
	TF32 bool
	// AnyOrder lets sums be made in any order where that is faster, by atomics, by more of
	// cuDNN's algorithms, or by kernels of ours where they take less time than cuDNN: equal input
	// then need not give equal bits.
	AnyOrder bool
}

// check is a test that a kernel makes of its input.
type check struct {
	what string
	want string
}

var _ device.Accelerator = (*Device)(nil)

// Open makes the GPU of that number, from 0, ready. The error says what was looked for
// where it fails; see package cuda.
func Open(ordinal int, o Options) (d *Device, err error) {
	hardware, err := find(ordinal)
	if err != nil {
		return nil, err
	}
	d = &Device{ordinal: ordinal, options: o, convs: map[cuda.ConvShape]*cuda.Convolution{}, ownFaster: map[pass]bool{}, functions: map[string]*cuda.Function{},
		staged: map[*cuda.Buffer]*staging{}, free: map[int][]*cuda.Buffer{}, answer: make([]int32, 2)}
	opened := d // a return of an error takes it out of d
	defer func() {
		if err != nil {
			opened.Close()
		}
	}()
	if d.processors, err = hardware.Attribute(cuda.Multiprocessors); err != nil {
		return nil, errors.Wrap(err, "gpu")
	}
	if d.ctx, err = hardware.Context(); err != nil {
		return nil, errors.Wrap(err, "gpu")
	}
	if d.stream, err = d.ctx.NewStream(); err != nil {
		return nil, errors.Wrap(err, "gpu")
	}
	if d.copies, err = d.ctx.NewStream(); err != nil {
		return nil, errors.Wrap(err, "gpu")
	}
	if _, err = d.function("unary"); err != nil { // the driver tells early if it cannot read PTX
		return nil, err
	}
	if err = d.openLibraries(); err != nil {
		return nil, errors.Wrap(err, "gpu")
	}
	if d.report, err = d.buffer(4); err != nil {
		return nil, err
	}
	if err = d.stream.FillWords(d.report, 0, 4); err != nil {
		return nil, errors.Wrap(err, "gpu")
	}
	if err = d.reserve(1 << 20); err != nil {
		return nil, err
	}
	return d, nil
}

// find is the GPU of that number if it can run the kernels.
func find(ordinal int) (*cuda.Device, error) {
	driver, err := cuda.Open()
	if err != nil {
		return nil, errors.Wrap(err, "gpu")
	}
	hardware, err := driver.Device(ordinal)
	if err != nil {
		return nil, errors.Wrap(err, "gpu")
	}
	major, minor, err := hardware.Capability()
	if err != nil {
		return nil, errors.Wrap(err, "gpu")
	}
	if major < kernels.Capability/10 {
		return nil, errors.Errorf("gpu: device %d has compute capability %d.%d, want at least %d.%d: an A100 or a GPU of the 30 series, or newer",
			ordinal, major, minor, kernels.Capability/10, kernels.Capability%10)
	}
	return hardware, nil
}

// Check is the error that Open would give before it makes anything on the GPU.
func Check(ordinal int) error {
	_, err := find(ordinal)
	return err
}

// WhyNot is an error of Open in short: of a library that is missing not every place that was
// looked at.
func WhyNot(err error) string {
	var missing *cuda.LibraryError
	if errors.As(err, &missing) {
		if missing.Library == "libcuda" {
			return "no NVIDIA driver found"
		}
		return "no " + missing.Library + " (" + strings.Join(missing.Names, ", ") + ") on this machine"
	}
	return errors.Cause(err).Error()
}

// librariesEnv, set to off, leaves cuBLAS and cuDNN alone: where they do not work, and to compare.
const librariesEnv = "MEDUSA_CUDA_LIBRARIES"

// openLibraries takes cuBLAS and cuDNN if they are there; without them the kernels of our own
// do.
func (d *Device) openLibraries() (err error) {
	switch v := os.Getenv(librariesEnv); v {
	case "":
	case "off":
		return nil
	default:
		return errors.Errorf("%s is %q, want off or nothing", librariesEnv, v)
	}
	var missing *cuda.LibraryError
	if d.dnn, err = d.ctx.NewDNN(d.stream); err != nil && !errors.As(err, &missing) {
		return err
	}
	blas, err := d.ctx.NewBLAS(d.stream)
	if errors.As(err, &missing) {
		return nil
	}
	if err != nil {
		return err
	}
	d.blas = blas
	if err := blas.SetTF32(d.options.TF32); err != nil {
		return err
	}
	const workspace = 32 << 20
	w, err := d.buffer(workspace / 4)
	if err != nil {
		return err
	}
	return blas.SetWorkspace(w)
}

// Name is such as cuda:0.
func (d *Device) Name() string { return fmt.Sprintf("cuda:%d", d.ordinal) }

func (d *Device) function(name string) (*cuda.Function, error) {
	if f := d.functions[name]; f != nil {
		return f, nil
	}
	m := &d.modules[kernels.Part(name)]
	if *m == nil {
		var err error
		if *m, err = d.ctx.LoadPTX(kernels.PTX[kernels.Part(name)]); err != nil {
			return nil, errors.Wrap(err, "gpu: kernels")
		}
	}
	f, err := (*m).Function(name)
	if err != nil {
		return nil, errors.Wrapf(err, "gpu: kernel %s", name)
	}
	d.functions[name] = f
	return f, nil
}

// buffer is memory for n numbers, until Close.
func (d *Device) buffer(n int) (*cuda.Buffer, error) {
	b, err := d.ctx.Alloc(4 * n)
	if err != nil {
		return nil, errors.Wrapf(err, "gpu: memory for %d numbers", n)
	}
	d.buffers = append(d.buffers, b)
	return b, nil
}

// reserve makes sure of a workspace of that many bytes. A smaller one stays, since recorded
// work may use it.
func (d *Device) reserve(bytes int) error {
	if d.workspace != nil && d.workspace.Bytes() >= bytes {
		return nil
	}
	if d.workspace != nil {
		bytes = max(bytes, 2*d.workspace.Bytes())
	}
	w, err := d.buffer((bytes + 3) / 4)
	if err != nil {
		return err
	}
	d.workspace = w
	return nil
}

// take is memory for n numbers, given back before or new.
func (d *Device) take(n int) (*cuda.Buffer, error) {
	if free := d.free[4*n]; len(free) > 0 {
		d.free[4*n] = free[:len(free)-1]
		return free[len(free)-1], nil
	}
	return d.buffer(n)
}

func (d *Device) giveBack(b *cuda.Buffer) {
	if d.free != nil { // not closed
		d.free[b.Bytes()] = append(d.free[b.Bytes()], b)
	}
}

// Alloc is memory for n numbers.
func (d *Device) Alloc(n int) (device.Remote, error) { return d.take(n) }

// Release gives memory of Alloc back, for later work.
func (d *Device) Release(r device.Remote) {
	if b, ok := r.(*cuda.Buffer); ok && b != nil {
		d.giveBack(b)
	}
}

// pinned is memory of the host that the GPU reads, until Close.
func (d *Device) pinned(bytes int) (*cuda.Pinned, error) {
	p, err := d.ctx.AllocPinned(bytes)
	if err != nil {
		return nil, errors.Wrapf(err, "gpu: %d bytes of pinned memory", bytes)
	}
	d.closes = append(d.closes, p.Free)
	return p, nil
}

func (d *Device) event() (*cuda.Event, error) {
	e, err := d.ctx.NewEvent(false)
	if err != nil {
		return nil, errors.Wrap(err, "gpu: event")
	}
	d.closes = append(d.closes, e.Close)
	return e, nil
}

// Allocated is how many bytes it has taken: of a GPU none are given back before Close.
func (d *Device) Allocated() int64 {
	sum := int64(0)
	for _, b := range d.buffers {
		sum += int64(b.Bytes())
	}
	return sum
}

// Upload copies src to the start of dst, after all work so far. It waits only for the last
// upload to the same memory.
func (d *Device) Upload(dst device.Remote, src []float32) error {
	b, ok := dst.(*cuda.Buffer)
	if !ok || b == nil {
		return errors.New("gpu: upload to memory that is not of this device")
	}
	if len(src) == 0 {
		return nil
	}
	s := d.staged[b]
	if s == nil || s.memory.Bytes() < 4*len(src) {
		s = &staging{}
		var err error
		if s.memory, err = d.pinned(4 * len(src)); err != nil {
			return err
		}
		if s.copied, err = d.event(); err != nil {
			return err
		}
		d.staged[b] = s
	} else if err := s.copied.Synchronize(); err != nil {
		return errors.Wrap(err, "gpu: upload")
	}
	copy(cuda.View[float32](s.memory), src)
	if err := d.stream.CopyIn(b, s.memory, 4*len(src)); err != nil {
		return errors.Wrapf(err, "gpu: upload of %d numbers", len(src))
	}
	return errors.Wrap(s.copied.Record(d.stream), "gpu: upload")
}

// Fill sets n numbers to v.
func (d *Device) Fill(dst device.Remote, n int, v float32) error {
	b, ok := dst.(*cuda.Buffer)
	if !ok {
		return errors.New("gpu: memory that is not of this device")
	}
	return errors.Wrap(d.stream.FillWords(b, math.Float32bits(v), n), "gpu: fill")
}

type recording struct {
	graph *cuda.Graph
	d     *Device
}

// Record captures what body puts on the stream.
func (d *Device) Record(body func() error) (device.Recording, error) {
	if err := d.stream.Capture(); err != nil {
		return nil, errors.Wrap(err, "gpu: record")
	}
	failed := body()
	g, err := d.stream.EndCapture()
	if failed != nil {
		if g != nil {
			g.Close()
		}
		return nil, failed
	}
	if err != nil {
		return nil, errors.Wrap(err, "gpu: record")
	}
	return &recording{g, d}, nil
}

func (r *recording) Replay() error { return errors.Wrap(r.graph.Launch(r.d.stream), "gpu: replay") }

func (r *recording) Close() error {
	if err := r.d.stream.Synchronize(); err != nil {
		return errors.Wrap(err, "gpu")
	}
	return errors.Wrap(r.graph.Close(), "gpu")
}

// Download copies the start of src to dst and waits for that.
func (d *Device) Download(dst []float32, src device.Remote) error {
	b, ok := src.(*cuda.Buffer)
	if !ok {
		return errors.New("gpu: download from memory that is not of this device")
	}
	return errors.Wrapf(cuda.Download(d.stream, dst, b), "gpu: download of %d numbers", len(dst))
}

// reportTo is where kernels complain.
func (d *Device) reportTo() operand { return fixed(d.report) }

// check gives a test a number: what must be a whole number from 0 to n − 1.
func (d *Device) check(what string, n int) int {
	return d.checkFor(what, fmt.Sprintf("a whole number from 0 to %d", n-1))
}

// checkFor is check of what must be as want says.
func (d *Device) checkFor(what, want string) int {
	d.checks = append(d.checks, check{what, want})
	return len(d.checks)
}

// Check waits for all work so far and returns the first complaint of a kernel, or the error
// that ended the work.
func (d *Device) Check() error {
	if err := cuda.Download(d.stream, d.answer, d.report); err != nil {
		return errors.Wrap(err, "gpu")
	}
	if d.answer[0] == 0 {
		return nil
	}
	if err := d.stream.FillWords(d.report, 0, 4); err != nil {
		return errors.Wrap(err, "gpu")
	}
	return d.complaint(int(d.answer[0]), int(d.answer[1]))
}

// complaint is the error of a check of that number, nil of 0.
func (d *Device) complaint(number, place int) error {
	switch {
	case number == 0:
		return nil
	case number < 0 || number > len(d.checks):
		return errors.Errorf("gpu: a kernel complains of check %d, there are %d", number, len(d.checks))
	}
	c := d.checks[number-1]
	return errors.Errorf("gpu: %s at position %d, want %s", c.what, place, c.want)
}

// Close gives everything back. Nothing of the device may be used after that.
func (d *Device) Close() error {
	var failed []string
	note := func(err error) {
		if err != nil {
			failed = append(failed, err.Error())
		}
	}
	if d.stream != nil {
		note(d.stream.Synchronize())
	}
	for len(d.feeds) > 0 {
		note(d.feeds[0].Close())
	}
	for _, c := range d.convs {
		note(c.Close())
	}
	if d.dnn != nil {
		note(d.dnn.Close())
	}
	if d.blas != nil {
		note(d.blas.Close())
	}
	for _, b := range d.buffers {
		note(b.Free())
	}
	d.buffers = nil
	for _, f := range d.closes {
		note(f())
	}
	for _, m := range d.modules {
		if m != nil {
			note(m.Close())
		}
	}
	for _, s := range []*cuda.Stream{d.copies, d.stream} {
		note(s.Close())
	}
	if d.ctx != nil {
		note(d.ctx.Close())
	}
	*d = Device{ordinal: d.ordinal}
	if len(failed) > 0 {
		return errors.Errorf("gpu: closing: %s", strings.Join(failed, "; "))
	}
	return nil
}
