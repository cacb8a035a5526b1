package losses_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/pkg/errors"
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

// weights gives a loss the record's first vectors as its weights, v of each class.
func (r *goldenRecord) weights(w *losses.ClassWeights, name string, v int) {
	var perClass int
	if r.field("vectors_per_class", &perClass); perClass != 0 && perClass != v {
		r.err = errors.Errorf("%d vectors of a class, want %d", perClass, v)
	}
	rows := r.Input.WeightRows
	w.Classes, w.Reducer = r.Input.NumClasses, r.reducer()
	var own golden.Matrix // of a record with a miner
	if r.field("weight_rows", &own); own.Rows > 0 {
		rows, w.Classes = own, own.Rows/v
	}
	for _, name := range []string{"weights_name", "weights_shape", "miner_weights", "grad_weights"} {
		var told any
		r.field(name, &told)
	}
	e := w.Params().Weight(gorgonia.NewGraph(), name, r.dt, func(_ *rand.Rand, _ tensor.Shape, dst []float64) {
		copy(dst, rows.Data)
	}, w.Classes*v, rows.Cols)
	if err := e.Err(); err != nil {
		r.err = err
	}
}

// by checks that the reference compares as ours does, which takes no metric.
func (r *goldenRecord) by(want pairs.Metric) {
	if m := r.metric(); m != nil && m != want {
		r.err = errors.Errorf("a comparison by %+v, want %+v", m, want)
	}
}

// cosine is how the reference says that it takes cosines.
var cosine = pairs.Cosine{Power: 1}

// checkWeights checks the gradient to the vectors of classes, which the reference holds transposed
// but for proxies.
func checkWeights(t *testing.T, r *golden.Record, v losses.Value, tol float64) {
	if r.Weights == nil {
		return
	}
	var got []float64
	for _, name := range []string{"classifier.weight", "proxies", "centers"} {
		if p := v.Params[name]; p != nil {
			got = p
		}
	}
	e := r.Input.Embeddings.Cols
	n := len(got) / e
	require.Positive(t, n)
	var name string
	_, err := r.Field("weights_name", &name)
	require.NoError(t, err)
	if name == "proxies" {
		require.NoError(t, r.Weights.Check(got, n, e, tol), "gradient to the weights")
		return
	}
	transposed := make([]float64, len(got))
	for c := range n {
		for k := range e {
			transposed[k*n+c] = got[c*e+k]
		}
	}
	require.NoError(t, r.Weights.Check(transposed, e, n, tol), "gradient to the weights")
}

// over is a loss with weights of the classes that package losstest has, its defaults changed.
func over[L losses.Loss](l L, set func(L)) L {
	if err := losses.Set(l, losses.Setting{Classes: losstest.Classes, EmbeddingSize: losstest.Embedding, TrunkSize: losstest.Embedding, Seed: 3}); err != nil {
		panic(err)
	}
	set(l)
	return l
}

// byClass are the options of losses with weights of classes.
var byClass = []losstest.Option{losstest.ByClass("it has weights of classes"), losstest.NoReference("it compares with its own weights")}

// plainHead is samples and vectors of classes in plain numbers.
type plainHead struct {
	x, w [][]float64
	y    []int
	v    int // vectors of each class
}

// plainly is what a loss compares: rows of its first parameter with samples x of size e.
func plainly(l losses.Trainable, x []float64, y []int, e, v int) plainHead {
	h := plainHead{y: y, v: v}
	h.x = rowsOf(x, e)
	for _, name := range []string{"classifier.weight", "proxies", "centers"} {
		if p := l.Params().Lookup(name); p != nil {
			h.w = rowsOf(p.Value.Data().([]float64), e)
		}
	}
	return h
}

func rowsOf(x []float64, e int) (rows [][]float64) {
	for r := range slices.Chunk(x, e) {
		rows = append(rows, r)
	}
	return rows
}

func dot(a, b []float64) (sum float64) {
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

func length(a []float64) float64 { return math.Sqrt(dot(a, a)) }

// cosines are those of sample i and the nearest vector of each class.
func (h plainHead) cosines(i int) []float64 {
	out := make([]float64, len(h.w)/h.v)
	for c := range out {
		out[c] = math.Inf(-1)
		for _, w := range h.w[c*h.v : (c+1)*h.v] {
			out[c] = max(out[c], dot(h.x[i], w)/length(h.x[i])/length(w))
		}
	}
	return out
}

// softmaxLoss is −ln of what own has among own and the others of z.
func softmaxLoss(own float64, z []float64, y int) float64 {
	sum := math.Exp(own)
	for c, v := range z {
		if c != y {
			sum += math.Exp(v)
		}
	}
	return math.Log(sum) - own
}

// mean is that of f over the samples.
func (h plainHead) mean(f func(i int) float64) float64 {
	var sum float64
	for i := range h.y {
		sum += f(i)
	}
	return sum / float64(len(h.y))
}

// slopesOf are the central differences of f in x.
func slopesOf(x []float64, f func() float64) []float64 {
	const h = 1e-6
	out := make([]float64, len(x))
	for i, at := range x {
		x[i] = at + h
		up := f()
		x[i] = at - h
		out[i] = (up - f()) / (2 * h)
		x[i] = at
	}
	return out
}

// agrees checks a loss, with its gradients, against a formula in plain numbers. held makes what the
// formula holds fixed, of the batch as it is.
func agrees(t *testing.T, l losses.Trainable, x []float64, y []int, v int, formula func(h plainHead) func() float64) {
	t.Helper()
	e := len(x) / len(y)
	eval, err := losses.NewEvaluator(l, len(y), e, tensor.Float64)
	require.NoError(t, err)
	defer eval.Close()
	h := plainly(l, x, y, e, v)
	f := formula(h)
	got, err := eval.Value(x, y)
	require.NoError(t, err)
	require.InEpsilon(t, f(), got.Loss, 1e-9)
	// Differences of values of some tens are off by 1e-8.
	require.InDeltaSlice(t, slopesOf(x, f), got.Gradient, 1e-6)
	for name, grad := range got.Params {
		p := l.Params().Lookup(name).Value.Data().([]float64)
		require.InDeltaSlice(t, slopesOf(p, f), grad, 1e-6, name)
	}
}

// A miner's choice weighs samples, by the loss's own field or around it.
func TestSamplesAreWeighed(t *testing.T) {
	x, y := randomBatch(8, 8, 3, 4)
	plain := over(losses.Default[*losses.CosFace](), func(l *losses.CosFace) { l.Classes = 4 })
	mined := over(losses.Default[*losses.CosFace](), func(l *losses.CosFace) { l.Classes, l.Miner = 4, miners.BatchHard{} })
	require.NotEqual(t, value(t, plain, x, y), value(t, mined, x, y))
	require.Equal(t, value(t, mined, x, y), value(t, losses.Mined{Miner: miners.BatchHard{}, Of: plain}, x, y))
	// Of a batch without a triplet all samples weigh the same.
	alone := []int{0, 0, 0, 0, 0, 0, 0, 0}
	require.Equal(t, value(t, plain, x, alone), value(t, mined, x, alone))
}

// A label that is no class is told, however the classes compete.
func TestLabelsOfNoClassAreTold(t *testing.T) {
	x, y := randomBatch(1, 6, 2, 3)
	for name, l := range map[string]losses.Loss{
		"all":          over(losses.Default[*losses.ArcFace](), func(l *losses.ArcFace) { l.Classes = 2 }),
		"batch":        over(losses.Default[*losses.ArcFace](), func(l *losses.ArcFace) { l.Classes, l.Compete = 2, losses.BatchClasses }),
		"share":        over(losses.Default[*losses.ArcFace](), func(l *losses.ArcFace) { l.Classes, l.Share = 2, 0.5 }),
		"proxy-anchor": over(losses.Default[*losses.ProxyAnchor](), func(l *losses.ProxyAnchor) { l.Classes = 2 }),
		"center":       over(losses.Default[*losses.Center](), func(l *losses.Center) { l.Classes = 2 }),
	} {
		_, err := losses.Evaluate(l, x, y, tensor.Float64)
		require.ErrorContains(t, err, "label 2 at position 2, want a whole number from 0 to 1", name)
	}
}

// onFeatures gives a loss the embeddings for the network's earlier features.
type onFeatures struct{ losses.Trainable }

func (l onFeatures) Loss(b pairs.Batch) graph.Expr {
	b.Trunk, b.Raw = b.X, b.X
	return l.Trainable.Loss(b)
}

func TestClassWeightsRefuse(t *testing.T) {
	with := func(set func(l *losses.ArcFace)) *losses.ArcFace { return over(losses.Default[*losses.ArcFace](), set) }
	refuses(t, map[string]*losses.ArcFace{
		"losses: arcface over 0 classes":                          with(func(l *losses.ArcFace) { l.Classes = 0 }),
		"losses: arcface reads the trunk, which is not given":     with(func(l *losses.ArcFace) { l.On = losses.OnTrunk }),
		"losses: arcface: lr-scale: NaN is out of range":          with(func(l *losses.ArcFace) { l.LRScale = math.NaN() }),
		"losses: arcface: share: 2 is out of range":               with(func(l *losses.ArcFace) { l.Share = 2 }),
		"a share of 0.5 of the classes that are not in the batch": with(func(l *losses.ArcFace) { l.Share, l.Compete = 0.5, losses.BatchClasses }),
		"losses: arcface: sub-centers: -1 is out of range":        with(func(l *losses.ArcFace) { l.SubCenters = -1 }),
		"losses: 100000 classes of 1000 vectors, want at most":    with(func(l *losses.ArcFace) { l.Classes, l.SubCenters = 100000, 1000 }),
		"losses: arcface: classes: \"some\" is not a choice":      with(func(l *losses.ArcFace) { l.Compete = "some" }),
		"losses: arcface: smoothing: 1 is out of range":           with(func(l *losses.ArcFace) { l.Smoothing = 1 }),
		"pairs: the reducer is a nil *pairs.Mean":                 with(func(l *losses.ArcFace) { l.Reducer = (*pairs.Mean)(nil) }),
		"losses: arcface: miner: a nil *miners.BatchHard":         with(func(l *losses.ArcFace) { l.Miner = (*miners.BatchHard)(nil) }),
	})
	for _, l := range []losses.Loss{(*losses.ArcFace)(nil), (*losses.CrossEntropy)(nil), (*losses.ProxyAnchor)(nil), (*losses.Center)(nil), (*losses.AdaCos)(nil)} {
		require.ErrorContains(t, l.Loss(pairs.Batch{}).Err(), fmt.Sprintf("losses: the loss is a nil %T", l))
		require.ErrorContains(t, l.(losses.Termed).Terms(pairs.Batch{})[0].Labels.Err(), "nil")
		require.ErrorContains(t, losses.Set(l, setting), "nil")
		_, ok := losses.ActiveShare(l, pairs.Batch{})
		require.False(t, ok)
	}
	_, err := losses.Parse("arcface(classes=batch, share=0.5)", setting)
	require.ErrorContains(t, err, "leave one of the two out")
}
