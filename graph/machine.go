package graph

import (
	"math"
	"os"
	"runtime"
	"unsafe"

	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/internal/device"
	"medusa/internal/exclusive"
	"medusa/internal/ram"
)

// NewMachine makes the machine that runs g, once g is whole: with gradients and with what
// is kept of it. It is gorgonia.NewTapeMachine, but the outputs of this package's ops
// share memory where the one is no longer read when the other is written: a step takes
// the memory of what must live at once instead of the sum of everything. So what is wanted
// of a run is taken by Keep or gorgonia.Read; another node's Value may hold something else
// by the end of it. Outputs that nothing reads, and those that ops of Gorgonia's read,
// keep memory of their own; masks of pairs that nothing reads are not made.
//
// g belongs to this machine from then on. One goroutine runs it at a time, and another one gets
// an error; machines of different graphs run at the same time, also over one Params.
func NewMachine(g *gorgonia.ExprGraph) (vm gorgonia.VM, err error) {
	defer Guard("making a machine", &err)
	if g == nil {
		return nil, errors.New("graph: no graph to make a machine of")
	}
	g = pruned(g)
	newPlan(g).chain(g)
	return exclusively(tapeMachine(g), g, &exclusive.Use{}), nil
}

// tapeMachine is Gorgonia's without its finalizer, which does nothing but keep the machine from
// being collected: a graph that somebody reads a value of (gorgonia.Read) knows whoever holds the
// machine, and a cycle with a finalizer stays for ever.
func tapeMachine(g *gorgonia.ExprGraph, options ...gorgonia.VMOpt) gorgonia.VM {
	m := gorgonia.NewTapeMachine(g, options...)
	runtime.SetFinalizer(m, nil)
	return m
}

// Poison names the environment variable that, if set, has memory filled with NaN after its
// last reader, so that whatever reads it later shows. It is for tests.
const Poison = "MEDUSA_POISON"

var poisonFreed = os.Getenv(Poison) != ""

// plan gives the ops of a graph their memory. In the first run an output takes memory when
// its op runs, and gives it back after the last op that reads it has run. Machines run a
// graph in one order, so the places found in the first run hold in all others.
type plan struct {
	ops       int // planned, of all runs
	next      int // op in this run, counted from 0
	recording bool
	free32    []*block[float32]
	free64    []*block[float64]
	machine   *remoteMachine // of a plan for a device's memory; nil for the host's
	free      []remoteBlock
}

// place is an op's part in a plan.
type place struct {
	plan    *plan
	seq     int // of the op in a run; −1 before the first
	readers int // ops that read its output, or keepOutput
	left    int // of these in the first run
	b32     *block[float32]
	b64     *block[float64]
	remote  device.Remote // of a plan for a device's memory
	ends    []*op         // whose outputs this op is the last to read
	kept    bool          // the output keeps its memory for Keep alone
	alias   bool          // of Keep: what is kept stays where it is, and is not copied

	postponed bool // the op is not run: the chains of others compute what it does
}

const keepOutput = -1

// keepInPlace spares the copies of tensors that are kept: where only ops of this package
// read an output, which write nobody else's memory, it is enough that the output keeps its
// own.
func (p *plan) keepInPlace(g *gorgonia.ExprGraph) {
	for _, n := range g.AllNodes() {
		o, ok := n.Op().(*op)
		if !ok || o.place == nil {
			continue
		}
		if _, is := o.spec.(device.Keep); !is {
			continue
		}
		if q, ok := o.from[0].Op().(*op); ok && q.place != nil && q.out.Dims() > 0 && (q.place.readers != keepOutput || q.place.kept) {
			q.place.readers, q.place.kept, o.place.alias = keepOutput, true, true
		}
	}
}

// block is memory for one output at a time.
type block[T float32 | float64] struct{ data []T }

func newPlan(g *gorgonia.ExprGraph) *plan {
	p := &plan{recording: true}
	for _, n := range g.AllNodes() {
		if o, ok := n.Op().(*op); ok && o.isAt(n) {
			o.place = &place{plan: p, seq: -1}
			p.ops++
		}
	}
	for _, n := range g.AllNodes() {
		if o, ok := n.Op().(*op); ok && o.place != nil {
			for _, in := range o.from {
				if q, ok := in.Op().(*op); ok && q.place != nil && q.place.readers != keepOutput {
					q.place.readers++
				}
			}
			continue
		}
		for inputs := g.From(n.ID()); inputs.Next(); {
			if q, ok := inputs.Node().(*gorgonia.Node).Op().(*op); ok && q.place != nil {
				q.place.readers = keepOutput
			}
		}
	}
	p.keepInPlace(g)
	for _, n := range g.AllNodes() {
		if o, ok := n.Op().(*op); ok && o.place != nil && o.place.readers == 0 {
			o.place.readers = keepOutput
		}
	}
	return p
}

// begin is called before an op runs: it checks that the op's turn has come, and at the
// first run makes its memory.
func (l *place) begin(o *op, f64 bool) error {
	p := l.plan
	if p.recording {
		if l.seq == 0 && p.next < p.ops {
			p.restart(o)
		}
		if l.seq < 0 {
			l.seq, l.left = p.next, l.readers
			p.next++
			if l.postponed && o.showsInput() {
				return nil
			}
			if err := l.take(o, f64); err != nil {
				return err
			}
			if l.postponed { // whoever has the memory next may have it at once
				l.giveBack()
			}
			return nil
		}
		p.recording = false
	}
	if l.seq == 0 { // a new run, whether or not the last one came to its end
		p.next = 0
	}
	if l.seq != p.next {
		return errors.Errorf("the op is run as number %d, and was number %d in the first run: a graph of NewMachine is run by that machine alone", p.next, l.seq)
	}
	p.next++
	return nil
}

// restart forgets a first run that was broken off, but for the memory that it took.
func (p *plan) restart(first *op) {
	p.next = 0
	for _, n := range first.from[0].Graph().AllNodes() {
		if o, ok := n.Op().(*op); ok && o.place != nil && o.place.plan == p && o.place.seq >= 0 {
			o.place.seq, o.place.ends, o.place.b32, o.place.b64 = -1, nil, nil, nil
			o.kern, o.place.remote = nil, nil
			if o.remote != nil {
				o.remote.close()
				o.remote.onHost, o.remote.token = nil, nil
			}
		}
	}
	p.free32, p.free64, p.free = nil, nil, nil
}

// take gives the op's output memory.
func (l *place) take(o *op, f64 bool) (err error) {
	n := o.out.TotalSize()
	switch {
	case l.plan.machine != nil:
		l.remote, err = l.plan.takeRemote(n)
	case f64:
		l.b64, err = takeBlock(&l.plan.free64, n)
	default:
		l.b32, err = takeBlock(&l.plan.free32, n)
	}
	if err != nil && l.plan.machine == nil {
		err = errors.Errorf("its output of shape %v %v; make the batch, the pictures or the channels smaller", o.out, err)
	}
	return err
}

// takeRemote is takeBlock of a device.
func (p *plan) takeRemote(n int) (device.Remote, error) {
	best := -1
	for i, b := range p.free {
		if b.n >= n && b.n <= mostWaste*n && (best < 0 || b.n < p.free[best].n) {
			best = i
		}
	}
	if best < 0 {
		return p.machine.alloc(n)
	}
	mem := p.free[best].mem
	p.free = append(p.free[:best], p.free[best+1:]...)
	return mem, nil
}

// mostWaste is how many times as large as needed memory may be that is used again.
const mostWaste = 4

// takeBlock is the smallest free block that holds n elements, or a new one.
func takeBlock[T float32 | float64](free *[]*block[T], n int) (*block[T], error) {
	best := -1
	for i, b := range *free {
		if size := len(b.data); size >= n && size <= mostWaste*n && (best < 0 || size < len((*free)[best].data)) {
			best = i
		}
	}
	if best < 0 {
		if err := ram.CheckNumbers(n, int(unsafe.Sizeof(T(0)))); err != nil {
			return nil, err
		}
		return &block[T]{make([]T, n)}, nil
	}
	b := (*free)[best]
	*free = append((*free)[:best], (*free)[best+1:]...)
	return b, nil
}

// end is called after an op has run: in the first run it gives memory back.
func (l *place) end(o *op) {
	if l.plan.recording {
		for _, in := range o.reads() {
			if q, ok := in.Op().(*op); ok && q.place != nil && q.place.plan == l.plan && q.place.readers != keepOutput {
				if q.place.left--; q.place.left == 0 {
					l.ends = append(l.ends, q)
					q.place.giveBack()
				}
			}
		}
	}
	if poisonFreed {
		for _, q := range l.ends {
			q.place.poison()
		}
	}
}

func (l *place) giveBack() {
	if l.remote != nil {
		l.plan.free = append(l.plan.free, remoteBlock{l.remote, l.remote.Bytes() / 4})
	}
	if l.b32 != nil {
		l.plan.free32 = append(l.plan.free32, l.b32)
	}
	if l.b64 != nil {
		l.plan.free64 = append(l.plan.free64, l.b64)
	}
}

func (l *place) poison() {
	if l.remote != nil {
		// An error shows itself in the device's next call.
		_ = l.plan.machine.d.acc.Fill(l.remote, l.remote.Bytes()/4, float32(math.NaN()))
	}
	if l.b32 != nil {
		for i := range l.b32.data {
			l.b32.data[i] = float32(math.NaN())
		}
	}
	if l.b64 != nil {
		for i := range l.b64.data {
			l.b64.data[i] = math.NaN()
		}
	}
}

// tensor is the output's memory as a tensor.
func (l *place) tensor(shape tensor.Shape) *tensor.Dense {
	n := shape.TotalSize()
	if l.b64 != nil {
		return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(l.b64.data[:n:n]))
	}
	return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(l.b32.data[:n:n]))
}
