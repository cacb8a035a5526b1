package graph

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/internal/device"
	"medusa/internal/device/gpu"
	"medusa/internal/exclusive"
)

// Device is an accelerator on which graphs are run. A nil *Device is the CPU. It is used by
// one goroutine at a time: its machines give another one an error.
type Device struct {
	acc    device.Accelerator // nil once closed
	name   string
	held   map[*float32]device.Remote // tensors that live on the device, by their host memory
	log    func(message string)
	told   map[string]bool
	manual bool
	use    exclusive.Use // of all its machines
}

// DeviceOptions is how a device computes, and whom it tells.
type DeviceOptions struct {
	// TF32 lets a GPU round the factors of products to 10 bits after the point (TF32), for
	// tensor cores; the CPU does not look at it.
	TF32 bool
	// AnyOrder lets a GPU make sums in any order where that is faster: equal seeds then need not
	// give equal bits.
	AnyOrder bool
	// Log is told what auto chooses, and once for each op that a device leaves to the host; it
	// may be nil.
	Log func(message string)
}

// OpenDevice opens the device of a name: cpu, which is nil; cuda or cuda:N, a GPU by its
// number from 0; auto, the first GPU or, where there is none, the CPU.
func OpenDevice(name string, o DeviceOptions) (*Device, error) {
	log := o.Log
	if log == nil {
		log = func(string) {}
	}
	open := func(n int) (*Device, error) {
		acc, err := gpu.Open(n, gpu.Options{TF32: o.TF32, AnyOrder: o.AnyOrder})
		if err != nil {
			return nil, errors.WithMessagef(err, "device cuda:%d is not to be had, device cpu always is", n)
		}
		return newDevice(acc, log), nil
	}
	n, err := deviceNumber(name)
	switch {
	case err != nil || n < 0:
		return nil, err
	case name == "auto":
		d, err := open(n)
		if err != nil {
			log("device auto: the CPU, since there is no CUDA: " + gpu.WhyNot(err))
			return nil, nil
		}
		log("device auto: " + d.Name())
		return d, nil
	}
	return open(n)
}

// CheckDevice says in short why OpenDevice would refuse the device of a name, as far as is
// seen without making anything on it; of auto whether there is a GPU.
func CheckDevice(name string) error {
	n, err := deviceNumber(name)
	if err != nil || n < 0 {
		return err
	}
	if err := gpu.Check(n); err != nil {
		return errors.New(gpu.WhyNot(err))
	}
	return nil
}

// deviceNumber is the number of the GPU that a name stands for, 0 of auto; -1 is the CPU.
func deviceNumber(name string) (int, error) {
	number, isCUDA := strings.CutPrefix(name, "cuda")
	switch {
	case name == "" || name == "cpu":
		return -1, nil
	case name == "auto" || isCUDA && number == "":
		return 0, nil
	case isCUDA && number[0] == ':':
		n, err := strconv.Atoi(number[1:])
		if err != nil || n < 0 {
			return 0, errors.Errorf("graph: device %q: want cuda:N with the number of a GPU, from 0", name)
		}
		return n, nil
	}
	return 0, errors.Errorf("graph: no device %q: want cpu, cuda, cuda:N or auto", name)
}

func newDevice(acc device.Accelerator, log func(string)) *Device {
	return &Device{acc: acc, name: acc.Name(), held: map[*float32]device.Remote{}, log: log, told: map[string]bool{}}
}

// Name is such as cuda:0, and cpu of nil.
func (d *Device) Name() string {
	if d == nil {
		return "cpu"
	}
	return d.name
}

// errClosed is what a device that was closed says.
var errClosed = errors.New("graph: the device is closed")

// Close gives the device back, after the machines that run on it.
func (d *Device) Close() error {
	if d == nil || d.acc == nil {
		return nil
	}
	err := d.acc.Close()
	d.acc, d.held = nil, nil
	return err
}

// Hold brings tensors to the device, where machines made after it read and write them. From
// then on the device's numbers count, until Fetch.
func (d *Device) Hold(tensors ...[]float32) error {
	switch {
	case d == nil:
		return nil
	case d.acc == nil:
		return errClosed
	}
	for _, t := range tensors {
		if len(t) == 0 || d.held[&t[0]] != nil {
			continue
		}
		r, err := d.acc.Alloc(len(t))
		if err != nil {
			return err
		}
		if err := d.acc.Upload(r, t); err != nil {
			return err
		}
		d.held[&t[0]] = r
	}
	return nil
}

// Push copies held tensors to the device after the host changed them.
func (d *Device) Push(tensors ...[]float32) error {
	return d.each(tensors, func(r device.Remote, t []float32) error { return d.acc.Upload(r, t) })
}

// Fetch copies held tensors to the host, and waits for that.
func (d *Device) Fetch(tensors ...[]float32) error {
	return d.each(tensors, func(r device.Remote, t []float32) error { return d.acc.Download(t, r) })
}

// Copier makes a function that copies tensors to others of their sizes: on the device, which
// must hold all, in one piece of work.
func (d *Device) Copier(dst, src [][]float32) (func() error, error) {
	if d == nil {
		return func() error {
			for i := range dst {
				copy(dst[i], src[i])
			}
			return nil
		}, nil
	}
	if d.acc == nil {
		return nil, errClosed
	}
	var pairs []device.Pair
	for i := range dst {
		if len(dst[i]) == 0 {
			continue
		}
		to, from := d.Held(dst[i]), d.Held(src[i])
		if to == nil || from == nil || len(dst[i]) != len(src[i]) {
			return nil, errors.Errorf("graph: copy of %d numbers to %d, which %s does not hold", len(src[i]), len(dst[i]), d.Name())
		}
		pairs = append(pairs, device.Pair{Dst: to, Src: from, N: len(dst[i])})
	}
	return d.acc.NewCopier(pairs)
}

// Drop ends the holding of tensors, once the machines that use them are closed. The host's
// numbers stay as they were last fetched.
func (d *Device) Drop(tensors ...[]float32) {
	if d == nil {
		return
	}
	for _, t := range tensors {
		if r := d.Held(t); r != nil {
			d.acc.Release(r)
			delete(d.held, &t[0])
		}
	}
}

func (d *Device) each(tensors [][]float32, body func(r device.Remote, t []float32) error) error {
	if d == nil {
		return nil
	}
	for _, t := range tensors {
		if len(t) == 0 {
			continue
		}
		r := d.held[&t[0]]
		if r == nil {
			return errors.Errorf("graph: a tensor of %d numbers is not held by %s", len(t), d.Name())
		}
		if err := body(r, t); err != nil {
			return err
		}
	}
	return nil
}

// Held is the device's memory of a held tensor; nil if it is not held.
func (d *Device) Held(t []float32) device.Remote {
	if d == nil || len(t) == 0 {
		return nil
	}
	return d.held[&t[0]]
}

// Accelerator is what computes; nil of the CPU.
func (d *Device) Accelerator() device.Accelerator {
	if d == nil {
		return nil
	}
	return d.acc
}

// Allocated is how many bytes of the device's memory are taken; 0 of the CPU.
func (d *Device) Allocated() int64 {
	if d == nil || d.acc == nil {
		return 0
	}
	return d.acc.Allocated()
}

// CheckByHand leaves it to the caller to ask the Accelerator's Check after runs, which
// otherwise every run ends with: it waits for the device.
func (d *Device) CheckByHand() {
	if d != nil {
		d.manual = true
	}
}

// tell logs a message once.
func (d *Device) tell(message string) {
	if !d.told[message] {
		d.told[message] = true
		d.log(message)
	}
}

// Tensors is the elements of all tensors of the sets, for Hold, Push and Fetch; nil sets are
// left out.
func Tensors(sets ...*Params) [][]float32 {
	var out [][]float32
	for _, p := range sets {
		if p == nil {
			continue
		}
		for _, item := range p.All() {
			if item.Value != nil && item.Value.Dtype() == tensor.Float32 {
				out = append(out, item.Value.Float32s())
			}
		}
	}
	return out
}

// remoteMachine runs a graph on a device: Gorgonia's machine puts the work of the ops on it in
// their order, twice; then that is recorded, and replayed as a whole.
type remoteMachine struct {
	gorgonia.VM
	d         *Device
	ops       []*op
	engine    *sumEngine
	leaves    []*leaf
	fed       []*leaf // filled anew for each run, by feed
	feed      device.Feed
	values    [][]float32 // of fed
	taken     []device.Remote
	runs      int
	recording device.Recording
	fixed     bool // it cannot be recorded
	closed    bool
}

// leaf is an input of the graph: a held tensor, a scalar, or a tensor that is copied before
// each run.
type leaf struct {
	node   *gorgonia.Node
	value  []float32 // as bound to the node
	mem    device.Remote
	held   bool
	scalar []float32 // as it stands on the device
}

type remoteBlock struct {
	mem device.Remote
	n   int
}

// NewMachineOn is NewMachine on a device; nil is the CPU. Values are float32. Tensors that the
// device holds (Hold) are used in place, other inputs are copied to it before each run. What is
// kept (Keep) is copied to the host when it is asked for. Ops without a kernel on the device,
// and Gorgonia's own, run on the host, which the device's log is told.
func NewMachineOn(g *gorgonia.ExprGraph, d *Device) (vm gorgonia.VM, err error) {
	if d == nil {
		return NewMachine(g)
	}
	defer Guard("making a machine", &err)
	if g == nil {
		return nil, errors.New("graph: no graph to make a machine of")
	}
	if d.acc == nil {
		return nil, errClosed
	}
	g = pruned(g)
	m := &remoteMachine{d: d}
	if m.engine, err = m.place(g); err != nil {
		return nil, err
	}
	m.VM = tapeMachine(g, gorgonia.WithEngine(eitherEngine{device: m.engine}))
	return exclusively(m, g, &d.use), nil
}

// place gives every op of the graph its part on the device.
func (m *remoteMachine) place(g *gorgonia.ExprGraph) (*sumEngine, error) {
	p := newPlan(g)
	p.machine = m
	leaves := map[*gorgonia.Node]*leaf{}
	sums := remoteSums(g)
	engine := &sumEngine{m: m, of: map[*tensor.Dense]device.Remote{}, sums: map[[2]*tensor.Dense]*tensor.Dense{}}
	for _, n := range g.AllNodes() {
		o, ok := n.Op().(*op)
		if !ok || o.place == nil {
			continue
		}
		if n.Dtype() == tensor.Float64 {
			return nil, errors.Errorf("graph: %s computes in float32, and the graph has float64; use the CPU", m.d.Name())
		}
		r := &remoteOp{m: m, engine: engine, sources: make([]source, len(o.from))}
		for i, in := range o.from {
			switch q, ours := in.Op().(*op); {
			case ours && q.place != nil:
				r.sources[i] = source{op: q}
			case sums[in]:
				r.sources[i] = source{sum: true}
			case in.Op() == nil || in.Op().Arity() == 0:
				if leaves[in] == nil {
					leaves[in] = &leaf{node: in}
					m.leaves = append(m.leaves, leaves[in])
				}
				r.sources[i] = source{leaf: leaves[in]}
			}
		}
		o.remote = r
		m.ops = append(m.ops, o)
	}
	// What Gorgonia's ops read, but for sums, must be seen by the host.
	for _, n := range g.AllNodes() {
		if _, ours := n.Op().(*op); ours || n.Op() == nil || sums[n] {
			continue
		}
		for in := g.From(n.ID()); in.Next(); {
			if q, ok := in.Node().(*gorgonia.Node).Op().(*op); ok && q.remote != nil {
				q.remote.shown = true
				m.fixed = true
				m.d.tell("on the host, as an op of Gorgonia's: " + n.Op().String())
			}
		}
	}
	return engine, nil
}

// remoteSums is Gorgonia's sums of tensors that the device makes: those of outputs of our ops
// and of other such sums.
func remoteSums(g *gorgonia.ExprGraph) map[*gorgonia.Node]bool {
	sums := map[*gorgonia.Node]bool{}
	var is func(n *gorgonia.Node) bool
	is = func(n *gorgonia.Node) bool {
		if done, ok := sums[n]; ok {
			return done
		}
		sums[n] = false
		if !isSum(n) || n.Shape().Dims() == 0 {
			return false
		}
		for in := g.From(n.ID()); in.Next(); {
			input := in.Node().(*gorgonia.Node)
			if o, ours := input.Op().(*op); !(ours && o.place != nil) && !is(input) {
				return false
			}
		}
		sums[n] = true
		return true
	}
	for _, n := range g.AllNodes() {
		is(n)
	}
	// A sum that another op of Gorgonia's reads is the host's.
	for again := true; again; {
		again = false
		for _, n := range g.AllNodes() {
			if _, ours := n.Op().(*op); ours || n.Op() == nil || sums[n] {
				continue
			}
			for in := g.From(n.ID()); in.Next(); {
				if input := in.Node().(*gorgonia.Node); sums[input] {
					sums[input], again = false, true
				}
			}
		}
	}
	return sums
}

// RunAll brings the inputs to the device and runs the graph there.
func (m *remoteMachine) RunAll() error {
	if m.d.acc == nil {
		return errClosed
	}
	if err := m.bring(); err != nil {
		return err
	}
	if err := m.run(); err != nil {
		return err
	}
	if m.d.manual {
		return nil
	}
	return m.d.acc.Check()
}

// bring makes sure that the inputs stand on the device.
func (m *remoteMachine) bring() (err error) {
	for _, l := range m.leaves {
		if err := l.look(); err != nil {
			return err
		}
	}
	if m.values == nil {
		if err := m.settle(); err != nil {
			return err
		}
	}
	for _, l := range m.leaves {
		if err := l.check(m.d); err != nil {
			return err
		}
	}
	for i, l := range m.fed {
		m.values[i] = l.value
	}
	if m.feed == nil {
		return nil
	}
	return m.feed.Put(m.values)
}

// settle gives each input its place, in the first run.
func (m *remoteMachine) settle() (err error) {
	var sizes []int
	for _, l := range m.leaves {
		switch r := m.d.Held(l.value); {
		case r != nil:
			l.mem, l.held = r, true
		case l.node.Shape().Dims() == 0: // mostly a constant
			if l.mem, err = m.alloc(len(l.value)); err != nil {
				return err
			}
		default:
			m.fed = append(m.fed, l)
			sizes = append(sizes, len(l.value))
		}
	}
	if len(sizes) > 0 {
		if m.feed, err = m.d.acc.NewFeed(sizes); err != nil {
			return err
		}
		for i, l := range m.fed {
			l.mem = m.feed.Memory(i)
		}
	}
	m.values = make([][]float32, len(m.fed))
	return nil
}

// runsBeforeRecording is how often the ops are run one by one: at first they make their
// kernels and memory.
const runsBeforeRecording = 2

func (m *remoteMachine) run() error {
	if m.recording != nil {
		return m.recording.Replay()
	}
	if m.fixed || m.runs < runsBeforeRecording {
		if err := m.VM.RunAll(); err != nil {
			return err
		}
		m.runs++
		return nil
	}
	r, err := m.d.acc.Record(m.VM.RunAll)
	if err != nil {
		m.fixed = true
		m.d.tell("the step is not recorded: " + err.Error())
		m.VM.Reset()
		return m.VM.RunAll()
	}
	m.recording = r
	return r.Replay()
}

// Close ends the machine and gives its memory back to the device.
func (m *remoteMachine) Close() error {
	if m.closed {
		return nil
	}
	m.closed = true
	err := m.VM.Close()
	if m.d.acc == nil { // closed before
		return err
	}
	if m.recording != nil {
		if e := m.recording.Close(); err == nil {
			err = e
		}
	}
	for _, o := range m.ops {
		o.remote.close()
	}
	m.engine.close()
	if m.feed != nil {
		if e := m.feed.Close(); err == nil {
			err = e
		}
	}
	for _, r := range m.taken {
		m.d.acc.Release(r)
	}
	return err
}

// alloc is memory until the machine is closed.
func (m *remoteMachine) alloc(n int) (device.Remote, error) {
	r, err := m.d.acc.Alloc(n)
	if err != nil {
		return nil, err
	}
	m.taken = append(m.taken, r)
	return r, nil
}

// look takes the value that is bound to the input now.
func (l *leaf) look() error {
	v := l.node.Value()
	if v == nil {
		return errors.Errorf("graph: input %s has no value; bind one with gorgonia.Let", l.node.Name())
	}
	m, err := hostMemory(v)
	if err != nil {
		return errors.Wrapf(err, "graph: input %s", l.node.Name())
	}
	if m.F32 == nil {
		return errors.Errorf("graph: input %s is not float32", l.node.Name())
	}
	if v.Shape().TotalSize() != l.node.Shape().TotalSize() {
		return errors.Errorf("graph: input %s has shape %v, the graph was built for %v", l.node.Name(), v.Shape(), l.node.Shape())
	}
	l.value = m.F32
	return nil
}

// check sees that the input is of the kind that it was at first, and brings a scalar that
// changed.
func (l *leaf) check(d *Device) error {
	if r := d.Held(l.value); r != nil && r != l.mem || r == nil && l.held {
		return errors.Errorf("graph: input %s was bound to another tensor: bind before the first run", l.node.Name())
	}
	if l.held || l.node.Shape().Dims() > 0 || slices.Equal(l.scalar, l.value) {
		return nil
	}
	l.scalar = slices.Clone(l.value)
	return d.acc.Upload(l.mem, l.value)
}

// hostMemory is the elements of a contiguous value of the host.
func hostMemory(v gorgonia.Value) (device.Memory, error) {
	switch v := v.(type) {
	case *gorgonia.F32:
		return device.Memory{F32: []float32{float32(*v)}}, nil
	case *tensor.Dense:
		if v.RequiresIterator() || v.DataOrder().IsColMajor() {
			m, ok := v.Materialize().(*tensor.Dense)
			if !ok || m.DataOrder().IsColMajor() {
				return device.Memory{}, errors.Errorf("a view of shape %v that cannot be made contiguous", v.Shape())
			}
			v = m
		}
		return denseMemory(v)
	}
	return device.Memory{}, errors.Errorf("value of type %T, want a dense tensor or a scalar of float32", v)
}
