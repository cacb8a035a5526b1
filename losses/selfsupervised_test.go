package losses_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/internal/golden"
	"medusa/losses"
	"medusa/losses/losstest"
	"medusa/miners"
	"medusa/pairs"
)

func init() {
	skip("special_losses.json", "the library takes the negatives of the batch's row of the same number for those of a row of the reference set; "+
		"ours are that row's own", map[string]any{"kind": "self_supervised", "loss": "LiftedStructureLoss", "params": map[string]any{"symmetric": false}})
	specials["self_supervised"] = func(t *testing.T, r *golden.Record) bool {
		for _, p := range precisions {
			if r.Loss == "CircleLoss" { // the reference's softplus(x) is x beyond 20, where e⁻²⁰ is 2.1e-9 of it
				p.tol = max(p.tol, 3e-9)
			}
			g := &goldenRecord{Record: r, left: cloned(r.Params), dt: p.dt}
			loss := losses.SelfSupervised{Symmetric: g.flag("symmetric"), Of: mappers[r.Loss](g), Views: 2}
			require.NoError(t, g.err)
			require.Empty(t, g.left)
			var gradRef golden.Gradient
			_, err := r.Field("grad_ref", &gradRef)
			require.NoError(t, err)
			require.NoError(t, r.Only(append(g.read, "case", "kind", "loss", "params", "value", "grad", "grad_ref", "sub_losses")...))
			in := r.Input
			b, e := len(in.Labels), in.Embeddings.Cols
			eval, err := losses.NewReferenceEvaluator(loss, b, b, e, p.dt)
			require.NoError(t, err)
			v, err := eval.ValueBetween(losses.Rows{Embeddings: in.Embeddings.Data, Labels: in.Labels}, losses.Rows{Embeddings: in.RefEmb.Data, Labels: in.RefLabels})
			require.NoError(t, err)
			require.NoError(t, eval.Close())
			require.NoError(t, golden.Near(v.Loss, float64(r.Value), p.tol), "value in %v", p.dt)
			require.NoError(t, r.Grad.Check(v.Gradient, b, e, p.tol), "in %v", p.dt)
			require.NoError(t, gradRef.Check(v.Reference, b, e, p.tol), "gradient to the other views in %v", p.dt)
		}
		return true
	}
}

func TestSelfSupervisedProperties(t *testing.T) {
	contrastive := losses.Default[losses.Contrastive]()
	properties(t, map[string]losses.SelfSupervised{
		"two views":       {Of: contrastive, Symmetric: true, Views: 2},
		"of anchors":      {Of: contrastive, Views: 3},
		"mined":           {Of: losses.Triplet{Margin: 0.4, Miner: miners.BatchHard{}}, Symmetric: true, Views: 4},
		"multisimilarity": {Of: losses.Default[losses.MultiSimilarity](), Views: 2},
	}, losstest.Positional("views of one thing stand in a row"), losstest.NoReference("one of seven rows for twelve holds no other views"))
}

// Views in a row are as those in a reference set, or as labels that say the same; the batch's own
// labels are not read.
func TestSelfSupervisedViewsInARow(t *testing.T) {
	x, y := randomBatch(3, 12, 4, 1)
	contrastive := losses.Default[losses.Contrastive]()
	in := func(views int, symmetric bool) losses.Value {
		v, err := losses.Evaluate(losses.SelfSupervised{Of: contrastive, Symmetric: symmetric, Views: views}, x, y, tensor.Float64)
		require.NoError(t, err)
		return v
	}
	labelled, err := losses.Evaluate(contrastive, x, []int{4, 4, 4, 1, 1, 1, 2, 2, 2, 0, 0, 0}, tensor.Float64)
	require.NoError(t, err)
	require.Equal(t, labelled, in(3, true))

	var anchors, others losses.Rows
	for i := range 12 {
		to := &others
		if i%3 == 0 {
			to = &anchors
		}
		to.Embeddings, to.Labels = append(to.Embeddings, x[4*i:4*i+4]...), append(to.Labels, i/3)
	}
	e, err := losses.NewReferenceEvaluator(contrastive, 4, 8, 4, tensor.Float64)
	require.NoError(t, err)
	defer e.Close()
	want, err := e.ValueBetween(anchors, others)
	require.NoError(t, err)
	got := in(3, false)
	require.InDelta(t, want.Loss, got.Loss, 1e-12)
	for i := range 4 {
		require.InDeltaSlice(t, want.Gradient[4*i:4*i+4], got.Gradient[12*i:12*i+4], 1e-12)
		require.InDeltaSlice(t, want.Reference[8*i:8*i+8], got.Gradient[12*i+4:12*i+12], 1e-12)
	}
}

func TestSelfSupervisedRefuses(t *testing.T) {
	contrastive := losses.Default[losses.Contrastive]()
	refuses(t, map[string]losses.Loss{
		"6 rows does not hold 4 views":  losses.SelfSupervised{Of: contrastive, Views: 4},
		"views: 1 is out of range":      losses.SelfSupervised{Of: contrastive, Views: 1},
		"of: nil, want a loss":          losses.SelfSupervised{Views: 2},
		"has weights of classes":        losses.SelfSupervised{Of: headOf(3), Views: 2},
		"give the loss in it the miner": losses.Mined{Miner: miners.BatchHard{}, Of: losses.SelfSupervised{Of: contrastive, Views: 2}},
	})
	_, err := losses.NewReferenceEvaluator(losses.SelfSupervised{Of: contrastive, Views: 2}, 4, 3, 2, tensor.Float64)
	require.ErrorContains(t, err, "a reference set of 3 rows for a batch of 4, want the other view of each")
}

func ExampleSelfSupervised() {
	show(losses.SelfSupervised{Of: losses.Contrastive{NegMargin: 1, Reducer: pairs.Mean{}}, Symmetric: true, Views: 2})
	show(losses.Contrastive{NegMargin: 1, Reducer: pairs.Mean{}}) // whose labels say that rows 0 and 1, and 2 and 3, are alike
	// Output:
	// 1.246
	// 1.246
}
