package losses_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/golden"
	"medusa/losses"
	"medusa/losses/losstest"
	"medusa/miners"
	"medusa/pairs"
)

func init() { specials["cross_batch_memory"] = checkMemory }

// checkMemory compares three batches in a row. The reference's memory counts the batch, ours does
// not.
func checkMemory(t *testing.T, r *golden.Record) bool {
	var steps []struct {
		Batch  string
		Value  golden.Number
		Grad   golden.Gradient
		Index  int  `json:"queue_idx"`
		Filled bool // the reference's memory
	}
	_, err := r.Field("steps", &steps)
	require.NoError(t, err)
	require.NoError(t, r.Only("case", "kind", "loss", "params", "steps"))
	in := r.Input
	b, e := len(in.Labels), in.Embeddings.Cols
	half := make([]float64, b*e)
	for i, v := range in.Embeddings.Data {
		half[i] = 0.5*v + 0.5*in.RefEmb.Data[i]
	}
	batches := map[string]losses.Rows{
		"embeddings/labels":                   {Embeddings: in.Embeddings.Data, Labels: in.Labels},
		"ref_emb/ref_labels":                  {Embeddings: in.RefEmb.Data, Labels: in.RefLabels},
		"0.5*embeddings+0.5*ref_emb / labels": {Embeddings: half, Labels: in.Labels},
	}
	for _, p := range precisions {
		g := &goldenRecord{Record: r, left: cloned(r.Params), dt: p.dt}
		size := int(g.number("memory_size", 0)) - b
		loss := &losses.CrossBatchMemory{Of: mappers[r.Loss](g), Size: size, Form: losses.Joined}
		require.NoError(t, g.err)
		require.Empty(t, g.left)
		eval, err := losses.NewEvaluator(loss, b, e, p.dt)
		require.NoError(t, err)
		for i, step := range steps {
			batch, ok := batches[step.Batch]
			require.True(t, ok, step.Batch)
			v, err := eval.Value(batch.Embeddings, batch.Labels)
			require.NoError(t, err)
			require.NoError(t, golden.Near(v.Loss, float64(step.Value), p.tol), "value of step %d in %v", i, p.dt)
			require.NoError(t, step.Grad.Check(v.Gradient, b, e, p.tol), "step %d in %v", i, p.dt)
		}
		require.NoError(t, eval.Close())
	}
	return true
}

func memoryOf(of losses.Loss, size int) *losses.CrossBatchMemory {
	return &losses.CrossBatchMemory{Of: of, Size: size, Form: losses.Joined, MemoryWeight: 1}
}

func TestCrossBatchMemoryProperties(t *testing.T) {
	for name, fresh := range map[string]func() losses.Loss{
		"joined":       func() losses.Loss { return memoryOf(losses.Default[losses.Contrastive](), 5) },
		"triplets":     func() losses.Loss { return memoryOf(losses.Triplet{Margin: 0.3, Miner: miners.BatchHard{}}, 30) },
		"all triplets": func() losses.Loss { return memoryOf(losses.Triplet{Margin: 0.3, Swap: true}, 30) },
		"lifted":       func() losses.Loss { return memoryOf(losses.Default[losses.LiftedStructure](), 9) },
	} {
		t.Run(name, func(t *testing.T) {
			losstest.Run(t, fresh(), losstest.Stateful("it remembers batches", fresh), losstest.StopsGradient("the batch as a reference set is held fixed"),
				losstest.NoReference("it has one of its own"))
		})
	}
	// Of a memory that is filled and looked at, the value depends on the batch alone; in the Added
	// form its gradient is that of the value.
	for name, form := range map[string]losses.MemoryForm{"joined": losses.Joined, "added": losses.Added} {
		t.Run(name+", filled", func(t *testing.T) {
			options := []losstest.Option{losstest.NoReference("it has one of its own")}
			if form == losses.Joined {
				options = append(options, losstest.StopsGradient("the batch as a reference set is held fixed"))
			}
			memory := memoryOf(losses.Contrastive{NegMargin: 1.2, Reducer: pairs.Mean{}}, 12)
			memory.Form = form
			x, y := randomBatch(5, 7, losstest.Embedding, 3)
			value(t, memory, x, y)
			losstest.Run(t, looking{memory}, append(options, losstest.ByClass("the memory has labels"))...)
		})
	}
}

// looking is a loss whose state is looked at alone.
type looking struct{ losses.Trainable }

func (l looking) Loss(b pairs.Batch) graph.Expr {
	l.Params().Observe(b.X.Graph())
	return l.Trainable.Loss(b)
}

// The memory by hand: what it holds, batch after batch, and what a batch is compared with.
func TestCrossBatchMemoryByHand(t *testing.T) {
	seen := losses.Func(func(b pairs.Batch) graph.Expr { // Σ over pairs of 100·[positive] + distance
		c := b.Compare(pairs.LP{P: 1, Raw: true})
		return graph.SumOver(c.Pos, c.D.Plus(100)).Add(graph.SumOver(c.Neg, c.D))
	})
	memory := memoryOf(seen, 3)
	eval, err := losses.NewEvaluator(memory, 2, 1, tensor.Float64)
	require.NoError(t, err)
	defer eval.Close()
	for i, step := range []struct {
		x    []float64
		y    []int
		want float64
		grad []float64
	}{
		{[]float64{0, 1}, []int{0, 1}, 2, []float64{-1, 1}},                                            // the pair in both directions
		{[]float64{5, 7}, []int{0, 0}, 2*102 + (105 + 4) + (107 + 6), []float64{-1 + 2, 1 + 2}},        // 5 with 0 and 1, 7 likewise
		{[]float64{10, 10}, []int{1, 2}, 0 + (109 + 5 + 3) + (9 + 5 + 3), []float64{3, 3}},             // 1, 5 and 7 are left
		{[]float64{20, 30}, []int{3, 3}, 2*110 + (13 + 10 + 10) + (23 + 20 + 20), []float64{2, 1 + 3}}, // 7, 10, 10
	} {
		v, err := eval.Value(step.x, step.y)
		require.NoError(t, err)
		require.Equal(t, step.want, v.Loss, "step %d", i)
		require.Equal(t, step.grad, v.Gradient, "step %d", i)
	}
	p := memory.Params()
	require.Equal(t, []float64{20, 30, 10}, rotated(p.Lookup("memory.embeddings").Value.Float64s(), p))
	require.Equal(t, []float64{3, 3, 2}, rotated(p.Lookup("memory.labels").Value.Float64s(), p))
}

// rotated is a queue of three from the slot that was filled last but one on.
func rotated(x []float64, p *graph.Params) []float64 {
	at := int(p.Lookup("memory.embeddings.position").Value.Float64s()[0])
	return []float64{x[(at+1)%3], x[(at+2)%3], x[at]}
}

// In the first steps nothing is remembered, and the loss is that of the batch.
func TestCrossBatchMemoryWarmup(t *testing.T) {
	contrastive := losses.Default[losses.Contrastive]()
	x, y := randomBatch(3, 8, 4, 3)
	alone := value(t, contrastive, x, y)
	for _, form := range []losses.MemoryForm{losses.Joined, losses.Added} {
		l := memoryOf(contrastive, 20)
		l.Form, l.Warmup = form, 2
		for step := range 3 { // the third is remembered, and not yet compared with
			require.InDelta(t, alone, value(t, l, x, y), 1e-12, "step %d, %s", step, form)
		}
		require.Greater(t, l.Params().Lookup("memory.filled").Value.Float64s()[0]+0.5, 0.0)
		filled := 0.0
		for _, v := range l.Params().Lookup("memory.filled").Value.Float64s() {
			filled += v
		}
		require.Equal(t, 8.0, filled)
		other, z := randomBatch(4, 8, 4, 3)
		require.NotEqual(t, value(t, contrastive, other, z), value(t, l, other, z))
	}
}

// A batch that is larger than the memory leaves its last rows there.
func TestCrossBatchMemorySmallerThanBatch(t *testing.T) {
	l := memoryOf(losses.Default[losses.Contrastive](), 2)
	value(t, l, []float64{1, 2, 3, 4, 5, 6, 7, 8}, []int{0, 1, 2, 3})
	require.Equal(t, []float64{5, 6, 7, 8}, l.Params().Lookup("memory.embeddings").Value.Float64s())
}

// Who observes finds the memory as it is, and leaves it so.
func TestCrossBatchMemoryObserved(t *testing.T) {
	l := memoryOf(losses.Default[losses.Contrastive](), 20)
	x, y := randomBatch(3, 8, 4, 3)
	value(t, l, x, y)
	var before [][]float64
	for _, p := range l.Params().All() {
		before = append(before, append([]float64(nil), p.Value.Float64s()...))
	}
	other, z := randomBatch(4, 6, 4, 2)
	value(t, looking{l}, other, z)
	for i, p := range l.Params().All() {
		require.Equal(t, before[i], p.Value.Float64s(), p.Name)
	}
}

// With a miner in the loss each anchor's hardest pairs may be of the memory.
func TestCrossBatchMemoryMined(t *testing.T) {
	l := memoryOf(losses.Triplet{Margin: 1, Metric: pairs.LP{Raw: true}, Miner: miners.BatchHard{}, Reducer: pairs.Sum{}}, 4)
	value(t, l, []float64{9, 1, 50, 60}, []int{0, 1, 2, 3})
	// 0 has its positive at 9, its negative at 1; 4 has no positive but none of its own
	require.Equal(t, 9-1+1.0, value(t, l, []float64{0, 4}, []int{0, 5}))
}

func TestCrossBatchMemoryRefuses(t *testing.T) {
	contrastive := losses.Default[losses.Contrastive]()
	refuses(t, map[string]losses.Loss{
		"size: 0 is out of range":                                          memoryOf(contrastive, 0),
		"warmup: -1 is out of range":                                       &losses.CrossBatchMemory{Of: contrastive, Size: 3, Warmup: -1},
		"form: \"x\" is not a choice":                                      &losses.CrossBatchMemory{Of: contrastive, Size: 3, Form: "x"},
		"of: nil, want a loss":                                             &losses.CrossBatchMemory{Size: 3},
		"nil *losses.CrossBatchMemory":                                     (*losses.CrossBatchMemory)(nil),
		"compares with nothing that is remembered: take a loss over pairs": memoryOf(headOf(3), 3),
		"a cross-batch memory compares with nothing that is remembered":    memoryOf(memoryOf(contrastive, 3), 3),
		"give the loss in it the miner":                                    losses.Mined{Miner: miners.BatchHard{}, Of: memoryOf(contrastive, 3)},
	})
	g := gorgonia.NewGraph()
	node := func(name string, shape ...int) *gorgonia.Node {
		return gorgonia.NewTensor(g, tensor.Float64, len(shape), gorgonia.WithShape(shape...), gorgonia.WithName(name))
	}
	b := pairs.Of(node("x", 4, 2), node("y", 4))
	b.Ref, b.RefLabels = graph.Of(node("r", 3, 2)), graph.Data(node("ry", 3))
	_, err := losses.BuildOn(memoryOf(contrastive, 3), b)
	require.ErrorContains(t, err, "leave Ref and RefLabels out")
}

// Several memories, and one in a sum, have states of their own, and texts make them.
func TestCrossBatchMemoryTexts(t *testing.T) {
	x, y := randomBatch(3, 8, 5, 3)
	l := parsed(t, "cross-batch-memory(of=triplet, size=16, warmup=1) + 0.5*cross-batch-memory(of=multi-similarity, size=8, form=joined, memory-weight=0.3)")
	value(t, l, x, y)
	p := losses.ParamsOf(l)
	require.Equal(t, []int{16, 5}, []int(p.Lookup("0.memory.embeddings").Shape()))
	require.Equal(t, []int{8, 5}, []int(p.Lookup("1.memory.embeddings").Shape()))
	text, err := losses.Text(l)
	require.NoError(t, err)
	require.Equal(t, "cross-batch-memory(of=triplet, size=16, warmup=1) + 0.5*cross-batch-memory(of=multi-similarity, size=8, form=joined, memory-weight=0.3)", text)
}

func ExampleCrossBatchMemory() {
	memory := losses.Default[*losses.CrossBatchMemory]()
	memory.Of = losses.Triplet{Margin: 0.2, Miner: miners.BatchHard{}}
	memory.Size, memory.Warmup = 4, 0
	show(memory)
	show(memory) // the same batch is compared with itself in the memory, too
	fmt.Println(memory.Params().Lookup("memory.filled").Value)
	// Output:
	// 0.722
	// 1.444
	// [1  1  1  1]
}
