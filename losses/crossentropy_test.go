package losses_test

import (
	"fmt"
	"math"
	"math/rand/v2"
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

// Where the batch holds every class, the classes of the batch are all.
func TestCrossEntropyInBatch(t *testing.T) {
	x, y := randomBatch(6, 11, 4, 3) // classes of 4, 4 and 3
	for _, kind := range []losses.Head{losses.CosineHead, losses.LinearHead} {
		for _, smoothing := range []float64{0, 0.3} {
			t.Run(fmt.Sprintf("%s, smoothing %g", kind, smoothing), func(t *testing.T) {
				head := losses.CrossEntropy{Head: kind, Classes: 3, Seed: 5, Smoothing: smoothing, Scale: 3, LRScale: 1}
				all, err := losses.Evaluate(&head, x, y, tensor.Float64)
				require.NoError(t, err)
				sampled := losses.CrossEntropy{Head: kind, Classes: 3, Seed: 5, Smoothing: smoothing, Scale: 3, LRScale: 1, Compete: losses.BatchClasses}
				batch, err := losses.Evaluate(&sampled, x, y, tensor.Float64)
				require.NoError(t, err)
				require.InDelta(t, all.Loss, batch.Loss, 1e-12)
				require.InDeltaSlice(t, all.Gradient, batch.Gradient, 1e-12)
				for name, g := range all.Params {
					require.InDeltaSlice(t, g, batch.Params[name], 1e-12, name)
				}
			})
		}
	}
}

// A class that is not in the batch gets no gradient.
func TestCrossEntropyInBatchLeavesOthersAlone(t *testing.T) {
	x, y := randomBatch(6, 8, 4, 2)
	v, err := losses.Evaluate(&losses.CrossEntropy{Classes: 4, Scale: 16, LRScale: 100, Compete: losses.BatchClasses}, x, y, tensor.Float64)
	require.NoError(t, err)
	w := v.Params["classifier.weight"]
	require.NotContains(t, w[:8], 0.0)
	require.Equal(t, make([]float64, 8), w[8:])
}

func init() {
	skip("special_losses.json", "a miner's choice weighs no samples of a classifier yet", map[string]any{"kind": "with_miner", "loss": "NormalizedSoftmaxLoss"})
	mappers["NormalizedSoftmaxLoss"] = func(r *goldenRecord) losses.Loss {
		l := head()
		l.Scale, l.Reducer = 1/r.number("temperature", 0.05), r.reducer()
		vectors := 0
		if r.field("vectors_per_class", &vectors); vectors != 1 {
			r.err = errors.Errorf("%d vectors of a class", vectors)
		}
		if m := r.metric(); m != (pairs.Dot{P: 2, Power: 1}) {
			r.err = errors.Errorf("a classifier by %+v", m)
		}
		l.Classes = r.Input.NumClasses
		rows := r.Input.WeightRows
		w := l.Params().Weight(gorgonia.NewGraph(), "classifier.weight", r.dt, func(_ *rand.Rand, _ tensor.Shape, dst []float64) {
			copy(dst, rows.Data)
		}, l.Classes, rows.Cols)
		if err := w.Err(); err != nil {
			r.err = err
		}
		return l
	}
}

// checkWeights checks the gradient to a classifier's weights, which the reference holds
// transposed.
func checkWeights(t *testing.T, r *golden.Record, v losses.Value, tol float64) {
	if r.Weights == nil {
		return
	}
	classes, e := r.Input.NumClasses, r.Input.Embeddings.Cols
	got := v.Params["classifier.weight"]
	require.Len(t, got, classes*e)
	transposed := make([]float64, len(got))
	for c := range classes {
		for k := range e {
			transposed[k*classes+c] = got[c*e+k]
		}
	}
	require.NoError(t, r.Weights.Check(transposed, e, classes, tol), "gradient to the weights")
}

// head is the default cross-entropy over the classes that package losstest has.
func head() *losses.CrossEntropy {
	l := losses.Default[*losses.CrossEntropy]()
	l.Classes, l.Seed = losstest.Classes, 3
	return l
}

func ExampleCrossEntropy() {
	head := losses.Default[*losses.CrossEntropy]()
	head.Classes, head.Seed = 2, 1
	v, err := losses.Evaluate(head, points, labels, tensor.Float64)
	fmt.Println(err, len(v.Gradient), len(v.Params["classifier.weight"]))
	// Output:
	// <nil> 8 4
}

func TestCrossEntropyProperties(t *testing.T) {
	with := func(set func(l *losses.CrossEntropy)) *losses.CrossEntropy {
		l := head()
		set(l)
		return l
	}
	properties(t, map[string]losses.Loss{
		"cosine":   head(),
		"linear":   with(func(l *losses.CrossEntropy) { l.Head = losses.LinearHead }),
		"smoothed": with(func(l *losses.CrossEntropy) { l.Smoothing, l.Scale = 0.1, 4 }),
		"in batch": with(func(l *losses.CrossEntropy) { l.Compete, l.Scale = losses.BatchClasses, 4 }),
		"in batch, smoothed": with(func(l *losses.CrossEntropy) {
			l.Compete, l.Head, l.Smoothing = losses.BatchClasses, losses.LinearHead, 0.2
		}),
		"class weights":     with(func(l *losses.CrossEntropy) { l.Reducer = classWeights }),
		"on the trunk":      onFeatures{with(func(l *losses.CrossEntropy) { l.On = losses.OnTrunk })},
		"on raw embeddings": onFeatures{with(func(l *losses.CrossEntropy) { l.On, l.Head = losses.OnRaw, losses.LinearHead })},
	}, losstest.ByClass("it has weights of classes"), losstest.NoReference("it compares with its own weights"))
}

// onFeatures gives a loss the embeddings for the network's earlier features.
type onFeatures struct{ *losses.CrossEntropy }

func (l onFeatures) Loss(b pairs.Batch) graph.Expr {
	b.Trunk, b.Raw = b.X, b.X
	return l.CrossEntropy.Loss(b)
}

func TestCrossEntropyRefuses(t *testing.T) {
	with := func(classes int, set func(l *losses.CrossEntropy)) *losses.CrossEntropy {
		l := head()
		l.Classes = classes
		set(l)
		return l
	}
	refuses(t, map[string]*losses.CrossEntropy{
		"over 0 classes":                with(0, func(*losses.CrossEntropy) {}),
		"smoothing: 1 is out of":        with(3, func(l *losses.CrossEntropy) { l.Smoothing = 1 }),
		"scale: 0 is out of":            with(3, func(l *losses.CrossEntropy) { l.Scale = 0 }),
		"lr-scale: NaN is out of":       with(3, func(l *losses.CrossEntropy) { l.LRScale = math.NaN() }),
		"label":                         with(2, func(*losses.CrossEntropy) {}), // of the labels 0, 1, 2
		"the trunk, which is not given": with(3, func(l *losses.CrossEntropy) { l.On = losses.OnTrunk }),
	})
	x, y := randomBatch(1, 6, 2, 3)
	mined := losses.Mined{Miner: miners.BatchHard{}, Of: with(3, func(*losses.CrossEntropy) {})}
	_, err := losses.Evaluate(mined, x, y, tensor.Float64)
	require.ErrorContains(t, err, "leave the miner out")
}
