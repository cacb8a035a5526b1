package losses_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

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
				head := func(compete losses.Competitors) *losses.CrossEntropy {
					l := headOf(3)
					l.Head, l.Smoothing, l.Scale, l.Compete = kind, smoothing, 3, compete
					return l
				}
				all, err := losses.Evaluate(head(losses.AllClasses), x, y, tensor.Float64)
				require.NoError(t, err)
				batch, err := losses.Evaluate(head(losses.BatchClasses), x, y, tensor.Float64)
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
	l := headOf(4)
	l.Compete = losses.BatchClasses
	v, err := losses.Evaluate(l, x, y, tensor.Float64)
	require.NoError(t, err)
	w := v.Params["classifier.weight"]
	require.NotContains(t, w[:8], 0.0)
	require.Equal(t, make([]float64, 8), w[8:])
}

func init() {
	mappers["NormalizedSoftmaxLoss"] = func(r *goldenRecord) losses.Loss {
		l := losses.Default[*losses.CrossEntropy]()
		l.Scale = 1 / r.number("temperature", 0.05)
		r.by(pairs.Dot{P: 2, Power: 1})
		r.weights(&l.ClassWeights, "classifier.weight", 1)
		return l
	}
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
		"focal": with(func(l *losses.CrossEntropy) { l.Focal, l.Scale = 2, 4 }),
		"focal, smoothed, of batch": with(func(l *losses.CrossEntropy) {
			l.Focal, l.Scale, l.Smoothing, l.Compete = 0.5, 4, 0.2, losses.BatchClasses
		}),
		"sub-centers": with(func(l *losses.CrossEntropy) { l.SubCenters, l.Scale = 3, 4 }),
		"sub-centers, linear, of batch": with(func(l *losses.CrossEntropy) {
			l.SubCenters, l.Head, l.Compete = 2, losses.LinearHead, losses.BatchClasses
		}),
		"mined":             with(func(l *losses.CrossEntropy) { l.Miner, l.Scale = miners.BatchHard{}, 4 }),
		"class weights":     with(func(l *losses.CrossEntropy) { l.Reducer = classWeights }),
		"on the trunk":      onFeatures{with(func(l *losses.CrossEntropy) { l.On = losses.OnTrunk })},
		"on raw embeddings": onFeatures{with(func(l *losses.CrossEntropy) { l.On, l.Head = losses.OnRaw, losses.LinearHead })},
	}, byClass...)
}

// The focal softmax is the cross-entropy times a power of what the class has not, also where it is
// smoothed.
func TestFocal(t *testing.T) {
	x, y := randomBatch(4, 9, 4, 3)
	for _, smoothing := range []float64{0, 0.2} {
		l := headOf(3)
		l.Focal, l.Smoothing, l.Scale = 2, smoothing, 3
		agrees(t, l, x, y, 1, func(h plainHead) func() float64 {
			return func() float64 {
				return h.mean(func(i int) float64 {
					cos := h.cosines(i)
					var mean float64
					for c := range cos {
						cos[c] *= 3
						mean += cos[c] / 3
					}
					ce := softmaxLoss(cos[y[i]], cos, y[i])
					return math.Pow(1-math.Exp(-ce), 2) * (ce + smoothing*(cos[y[i]]-mean))
				})
			}
		})
	}
}

func TestCrossEntropyRefuses(t *testing.T) {
	with := func(classes int, set func(l *losses.CrossEntropy)) *losses.CrossEntropy {
		l := head()
		l.Classes = classes
		set(l)
		return l
	}
	refuses(t, map[string]*losses.CrossEntropy{
		"losses: ce over 0 classes":     with(0, func(*losses.CrossEntropy) {}),
		"smoothing: 1 is out of":        with(3, func(l *losses.CrossEntropy) { l.Smoothing = 1 }),
		"scale: 0 is out of":            with(3, func(l *losses.CrossEntropy) { l.Scale = 0 }),
		"lr-scale: NaN is out of":       with(3, func(l *losses.CrossEntropy) { l.LRScale = math.NaN() }),
		"label":                         with(2, func(*losses.CrossEntropy) {}), // of the labels 0, 1, 2
		"the trunk, which is not given": with(3, func(l *losses.CrossEntropy) { l.On = losses.OnTrunk }),
	})
}
