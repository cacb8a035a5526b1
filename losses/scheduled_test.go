package losses_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/pkg/errors"
	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/golden"
	"medusa/losses"
	"medusa/losses/losstest"
	"medusa/pairs"
)

func init() {
	mappers["MultipleLosses"] = func(r *goldenRecord) losses.Loss {
		var params struct {
			Losses  []string
			Weights []float64
		}
		if _, err := r.Field("params", &params); err != nil {
			r.err = err
		}
		clear(r.left)
		j := &losses.Joint{}
		for i, text := range params.Losses {
			known := map[string]losses.Loss{"TripletMarginLoss(margin=0.2)": losses.Triplet{Margin: 0.2}, "ContrastiveLoss()": losses.Default[losses.Contrastive]()}
			if known[text] == nil {
				r.err = errors.Errorf("no loss for %s", text)
			}
			j.Parts = append(j.Parts, losses.Part{Loss: known[text], Weight: params.Weights[i]})
		}
		return j
	}
	specials["multiple"] = func(t *testing.T, r *golden.Record) bool { return checkSpecial(t, r) }
}

// one is a loss of 1.
var one = losses.Func(func(b pairs.Batch) graph.Expr { return b.X.Scale(0).Sum().Plus(1) })

// The weight at each step, from 1, by hand.
func TestScheduledWeights(t *testing.T) {
	c := func(share float64) float64 { return (1 - math.Cos(math.Pi*share)) / 2 }
	for name, l := range map[string]struct {
		loss losses.Scheduled
		want []float64
	}{
		"up":      {losses.Scheduled{To: 1, Steps: 4}, []float64{0.25, 0.5, 0.75, 1, 1, 1}},
		"down":    {losses.Scheduled{From: 2, To: 1, Steps: 2}, []float64{1.5, 1, 1}},
		"later":   {losses.Scheduled{From: 0.5, To: 1, Start: 2, Steps: 2}, []float64{0.5, 0.5, 0.75, 1, 1}},
		"at once": {losses.Scheduled{From: 3, To: 0, Start: 2}, []float64{3, 3, 0, 0}},
		"asleep":  {losses.Scheduled{To: 1, Start: 1, Steps: 2}, []float64{0, 0.5, 1}},
		"nothing": {losses.Scheduled{}, []float64{0, 0}},
		"cosine":  {losses.Scheduled{To: 2, Steps: 4, Shape: losses.RampCosine}, []float64{2 * c(0.25), 1, 2 * c(0.75), 2, 2}},
	} {
		for _, dt := range []tensor.Dtype{tensor.Float32, tensor.Float64} {
			loss := l.loss
			loss.Of = one
			for step, want := range l.want {
				v, err := losses.Evaluate(&loss, []float64{1, 2}, []int{0, 1}, dt)
				require.NoError(t, err)
				require.InDelta(t, want, v.Loss, 1e-6, "%s, step %d", name, step+1)
				if step == 0 {
					require.Equal(t, want == 0, losses.RestsAtFirst(losses.Mined{Of: &loss}), name)
				}
			}
		}
	}
}

func TestScheduledProperties(t *testing.T) {
	fresh := func() losses.Loss {
		return &losses.Scheduled{Of: losses.Default[losses.Contrastive](), From: 0.3, To: 1, Steps: 10, Shape: losses.RampCosine}
	}
	losstest.Run(t, fresh(), losstest.Stateful("it counts steps", fresh))
	head := func() losses.Loss {
		return &losses.Joint{Parts: []losses.Part{{Loss: losses.Triplet{Margin: 0.2}, Weight: 1}, {Loss: &losses.Scheduled{Of: head(), To: 1, Steps: 3}, Weight: 0.5}}}
	}
	losstest.Run(t, head(), losstest.Stateful("it counts steps", head), losstest.ByClass("it has weights of classes"), losstest.NoReference("a head compares with its own weights"))
}

// Parameters of the loss are learned, and the count is theirs beside.
func TestScheduledParams(t *testing.T) {
	x, y := randomBatch(3, 8, 5, 3)
	l := parsed(t, "triplet + 0.5*scheduled(of=ce, from=1, to=0, start=10, steps=100, shape=cosine)")
	v, err := losses.Evaluate(l, x, y, tensor.Float64)
	require.NoError(t, err)
	require.Contains(t, v.Params, "of.classifier.weight")
	require.NotNil(t, losses.ParamsOf(l).Lookup("step"))
	want := value(t, parsed(t, "triplet + 0.5*ce"), x, y)
	require.InDelta(t, want, v.Loss, 1e-12)
	require.True(t, losses.Classifies(l))
	text, err := losses.Text(l)
	require.NoError(t, err)
	require.True(t, strings.HasSuffix(text, "0.5*scheduled(of=ce, from=1, to=0, start=10, steps=100, shape=cosine)"), text)
}

func TestScheduledRefuses(t *testing.T) {
	refuses(t, map[string]losses.Loss{
		"from: -1 is out of range":     &losses.Scheduled{Of: one, From: -1},
		"to: NaN is out of range":      &losses.Scheduled{Of: one, To: math.NaN()},
		"steps: -1 is out of range":    &losses.Scheduled{Of: one, Steps: -1},
		"shape: \"x\" is not a choice": &losses.Scheduled{Of: one, Shape: "x"},
		"of: nil, want a loss":         &losses.Scheduled{},
		"nil *losses.Scheduled":        (*losses.Scheduled)(nil),
	})
}

func ExampleScheduled() {
	loss := &losses.Scheduled{Of: losses.Triplet{Margin: 0.2}, To: 1, Steps: 2}
	for range 3 {
		show(loss)
	}
	fmt.Println(loss.Params().Lookup("step").Value.Data().([]float64)[2], "steps")
	// Output:
	// 0.274
	// 0.548
	// 0.548
	// 3 steps
}
