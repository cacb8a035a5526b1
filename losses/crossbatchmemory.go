package losses

import (
	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/pairs"
)

// CrossBatchMemory compares a batch also with the embeddings of earlier batches, which it remembers
// as they were: a network changes slowly, so that these are still nearly right, and there are many
// of them. With the memory M, its labels, and the batch X, the loss Of is, in the Joined form,
//
//	L = Of(X, X̄ ∪ M)
//
// of anchors in X and a reference set of X itself, held fixed, and M, without pairs of a row with
// itself; and in the Added form
//
//	L = Of(X) + w·Of(X, M)
//
// with w the MemoryWeight. No gradient flows to what is remembered; in the Joined form none flows
// to X̄ either, so that it is not the gradient of the value.
//
// The memory are the last Size embeddings before this batch. It is empty at first, and an empty
// slot makes no pair. Only batches after the first Warmup steps are remembered, since at first the
// network changes fast: until then the loss is that of the batch alone. The memory is part of the
// loss's parameters, "memory.embeddings" (Size, E), "memory.labels" and "memory.filled" (Size): it
// lies where the network does, and a checkpoint has it. A graph that observes (see
// graph.Params.Observe) finds the memory as it is and leaves it so: to the active share of a step
// just made, its batch is in the memory already.
//
// Of must take a reference set. A miner is Of's own, and chooses among the memory too. The Joined
// form is pytorch-metric-learning's, whose memory_size counts the batch: there it is Size + B. The
// Added form is that of the authors' program, but for the batch, which their memory holds too. It is
// the default, after a Warmup of 100 steps: in a short training the Joined form, without a gradient
// to the other end of a pair, hardly learns.
//
// X. Wang, H. Zhang, W. Huang and M. R. Scott, "Cross-Batch Memory for Embedding Learning", CVPR
// 2020.
type CrossBatchMemory struct {
	Of           Loss       `doc:"the loss, over pairs or triplets"`
	Size         int        `doc:"embeddings of earlier batches that are remembered" min:"1" max:"1e6"`
	Warmup       int        `doc:"steps before the first batch is remembered" min:"0" max:"1e9"`
	Form         MemoryForm `doc:"joined: one loss over batch and memory; added: the loss of the batch, and that against the memory" choices:"joined,added" unset:"added"`
	MemoryWeight float64    `doc:"weight of the loss against the memory in the added form" min:"0" max:"1e6"`

	params *graph.Params
}

// MemoryForm says how the batch and the memory go together.
type MemoryForm string

// The forms of CrossBatchMemory.
const (
	Joined MemoryForm = "joined"
	Added  MemoryForm = "added"
)

var defaultMemory = &CrossBatchMemory{Of: defaultContrastive, Size: 1024, Warmup: 100, Form: Added, MemoryWeight: 1}

func init() {
	Register("cross-batch-memory", "a loss over the batch and a memory of earlier ones (Wang 2020)", defaultMemory)
}

var (
	_ Trainable = (*CrossBatchMemory)(nil)
	_ Termed    = (*CrossBatchMemory)(nil)
	_ Settable  = (*CrossBatchMemory)(nil)
)

func (l *CrossBatchMemory) within() []Loss { return []Loss{l.Of} }
func (*CrossBatchMemory) owns() bool       { return true }

// Loss returns a scalar.
func (l *CrossBatchMemory) Loss(b pairs.Batch) graph.Expr {
	against, err := l.withMemory(b)
	if err != nil {
		return graph.Fail(err)
	}
	loss, err := exprOf(l.Of, against)
	if alone := new(pairs.ReferenceError); errors.As(err, &alone) {
		return graph.Fail(errors.Errorf("losses: cross-batch-memory: %s compares with nothing that is remembered: take a loss over pairs or triplets, such as contrastive", alone.Loss))
	}
	if err != nil {
		return graph.Fail(errors.WithMessage(err, "losses: cross-batch-memory"))
	}
	if l.Form == Joined {
		return loss
	}
	alone, err := exprOf(l.Of, b)
	if err != nil {
		return graph.Fail(err)
	}
	return alone.Add(loss.Scale(l.MemoryWeight))
}

// Terms are those of batch and memory, in the Added form those against the memory; none if the loss
// does not tell them.
func (l *CrossBatchMemory) Terms(b pairs.Batch) pairs.Terms {
	against, err := l.withMemory(b)
	if err != nil {
		return failed(err)
	}
	return termsOf(l.Of, against)
}

// withMemory returns the batch with the memory as its reference set.
func (l *CrossBatchMemory) withMemory(b pairs.Batch) (pairs.Batch, error) {
	if err := l.check(b); err != nil {
		return b, err
	}
	params, err := withPart(&l.params, l.Of)
	if err != nil {
		return b, err
	}
	rows := b.X.Shape()[0]
	m := l.remember(params, b)
	filled := m.filled.Reshape(1, l.Size).BroadcastTo([]int{rows, l.Size})
	if l.Form != Joined {
		b.Ref, b.RefLabels, b.Chosen.Among = m.x, m.labels, filled
		return b, firstOf(m.x.Err(), filled.Err())
	}
	others := graph.Identity(b.X, rows).Not()
	b.Ref, b.RefLabels = graph.Concat(0, b.X.Detach(), m.x), graph.Concat(0, b.Labels, m.labels)
	b.Chosen.Among = graph.Concat(1, others, filled)
	return b, firstOf(b.Ref.Err(), b.RefLabels.Err(), b.Chosen.Among.Err())
}

// firstOf is the first error.
func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// memory are remembered embeddings (M, E), their labels (M), and the mask of slots that hold one
// (M).
type memory struct{ x, labels, filled graph.Expr }

// remember puts the batch into the memory, and gives the memory as it was before.
func (l *CrossBatchMemory) remember(params *graph.Params, b pairs.Batch) memory {
	g, dt, shape := b.X.Graph(), b.X.Dtype(), b.X.Shape()
	queue := func(name string, shape ...int) graph.Queue {
		return params.Queue(g, "memory."+name, dt, graph.Fill(0), shape...)
	}
	n := min(shape[0], l.Size) // of a batch that is larger than the memory, its last rows
	x, labels := b.X.Detach(), b.Labels.Detach()
	if n < shape[0] {
		x, labels = x.Slice(0, shape[0]-n, shape[0]), labels.Slice(0, shape[0]-n, shape[0])
	}
	filled := x.Constant(1, n)
	if l.Warmup > 0 {
		step := params.Counter(g, "memory.step", dt) // steps before this one
		filled = filled.Mul(step.Above(float64(l.Warmup) - 0.5))
	}
	return memory{
		x: queue("embeddings", l.Size, shape[1]).Push(x), labels: queue("labels", l.Size).Push(labels), filled: queue("filled", l.Size).Push(filled),
	}
}

func (l *CrossBatchMemory) check(b pairs.Batch) error {
	if err := check("cross-batch-memory", l); err != nil {
		return err
	}
	if err := b.NoReference("a cross-batch memory"); err != nil {
		return err
	}
	if !b.Chosen.Whole() {
		return errors.New("losses: cross-batch-memory: a miner around it knows nothing of the memory: give the loss in it the miner, as in cross-batch-memory(of=contrastive(miner=batch-hard))")
	}
	return b.Check()
}

// Params are the memory and, under "of.", those of the loss.
func (l *CrossBatchMemory) Params() *graph.Params {
	if l == nil {
		return graph.NewParams(0) // Loss tells the error
	}
	return orNone(withPart(&l.params, l.Of))
}

// Classifies reports whether the loss does.
func (l *CrossBatchMemory) Classifies() bool { return Classifies(l.Of) }

// Set hands the setting on to the loss.
func (l *CrossBatchMemory) Set(s Setting) error { return set(l.Of, s) }

// Validate says what is missing.
func (l *CrossBatchMemory) Validate() error {
	if err := checkGiven(l.Of); err != nil {
		return err
	}
	return acyclic(l)
}
