package losses_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"

	"github.com/pkg/errors"
	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"

	"medusa/graph"
	"medusa/internal/golden"
	"medusa/losses"
	"medusa/miners"
	"medusa/pairs"
)

// Losses between a batch and a reference set, and over pairs and triplets that the reference's
// miners chose.
func TestGoldenSpecial(t *testing.T) {
	golden.Open(t, "special_losses.json").Each(t, skips["special_losses.json"], func(t *testing.T, r *golden.Record) bool {
		check := specials[kindOf(t, r)]
		return check != nil && check(t, r)
	})
}

// specials check a record of a kind. Each loss's test file may add its own.
var specials = map[string]func(t *testing.T, r *golden.Record) bool{"with_ref": checkSpecial, "with_miner": checkSpecial}

func kindOf(t *testing.T, r *golden.Record) (kind string) {
	_, err := r.Field("kind", &kind)
	require.NoError(t, err)
	return kind
}

func checkSpecial(t *testing.T, r *golden.Record) bool {
	for _, p := range precisions {
		g := &goldenRecord{Record: r, left: cloned(r.Params), dt: p.dt, read: []string{"kind", "miner", "miner_params", "tuples", "grad_ref"}}
		loss := mappers[r.Loss](g)
		require.NoError(t, g.err)
		require.Empty(t, g.left)
		require.NoError(t, r.Only(append([]string{"case", "loss", "params", "value", "grad", "sub_losses", "fd_max_abs_err"}, g.read...)...))
		loss, err := minedAs(loss, r)
		require.NoError(t, err)
		var gradRef golden.Gradient
		withRef, err := r.Field("grad_ref", &gradRef)
		require.NoError(t, err)
		in := r.Input
		b, e, m := len(in.Labels), in.Embeddings.Cols, len(in.RefLabels)
		batch, ref := losses.Rows{Embeddings: in.Embeddings.Data, Labels: in.Labels}, losses.Rows{}
		eval, err := losses.NewEvaluator(loss, b, e, p.dt)
		if withRef {
			ref = losses.Rows{Embeddings: in.RefEmb.Data, Labels: in.RefLabels}
			eval, err = losses.NewReferenceEvaluator(loss, b, m, e, p.dt)
		}
		require.NoError(t, err)
		v, err := eval.ValueBetween(batch, ref)
		require.NoError(t, err)
		require.NoError(t, eval.Close())
		require.NoError(t, golden.Near(v.Loss, float64(r.Value), p.tol), "value in %v", p.dt)
		require.NoError(t, r.Grad.Check(v.Gradient, b, e, p.tol), "in %v", p.dt)
		if withRef {
			require.NoError(t, gradRef.Check(v.Reference, m, e, p.tol), "gradient to the reference set in %v", p.dt)
		}
	}
	return true
}

func cloned(m map[string]any) map[string]any {
	out := map[string]any{}
	for k, v := range m {
		out[k] = v
	}
	return out
}

// minedAs is the loss over what the record's miner chose: by ours of the same name if there is
// one, else by the pairs that the record lists.
func minedAs(loss losses.Loss, r *golden.Record) (losses.Loss, error) {
	var miner string
	if has, err := r.Field("miner", &miner); err != nil || !has {
		return loss, err
	}
	var raw json.RawMessage
	if _, err := r.Field("miner_params", &raw); err != nil {
		return nil, err
	}
	var p struct {
		Margin float64
		Type   string `json:"type_of_triplets"`
	}
	strict := json.NewDecoder(bytes.NewReader(raw))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&p); err != nil {
		return nil, err
	}
	own := pairs.LP{} // the reference's miners compare so
	switch miner {
	case "BatchHardMiner":
		return losses.Mined{Miner: miners.BatchHard{Metric: own}, Of: loss}, nil
	case "TripletMarginMiner":
		kinds := map[string]miners.TripletType{"": miners.All, "all": miners.All, "hard": miners.Hard, "semihard": miners.SemiHard, "easy": miners.Easy}
		return losses.Mined{Miner: miners.TripletMargin{Type: kinds[p.Type], Margin: p.Margin, Metric: own}, Of: loss}, nil
	}
	var tuples struct {
		Pos list `json:"pos_pairs"`
		Neg list `json:"neg_pairs"`
	}
	if _, err := r.Field("tuples", &tuples); err != nil {
		return nil, err
	}
	if len(tuples.Pos.List) != tuples.Pos.N || len(tuples.Neg.List) != tuples.Neg.N {
		return nil, errors.Errorf("the pairs of %s are not listed", miner)
	}
	return losses.Mined{Miner: tuples.Pos.with(tuples.Neg), Of: loss}, nil
}

// list is a list of pairs.
type list struct {
	Names []string
	N     int
	Code  int `json:"sum_code"`
	CodeM int `json:"sum_code_sq_mod"`
	List  [][2]int
}

// with is a miner that chooses the pairs of two lists, as often as they stand there.
func (l list) with(neg list) listed { return listed{l.List, neg.List} }

type listed struct{ pos, neg [][2]int }

func (m listed) Mine(b pairs.Batch) pairs.Selection {
	n := b.X.Shape()[0]
	matrix := func(name string, of [][2]int) graph.Expr {
		counts := make([]float64, n*n)
		for _, p := range of {
			counts[p[0]*n+p[1]]++
		}
		v, err := graph.Tensor(counts, b.X.Dtype(), n, n)
		if err != nil {
			return graph.Fail(err)
		}
		return graph.Data(gorgonia.NewMatrix(b.X.Graph(), b.X.Dtype(), gorgonia.WithName(name), gorgonia.WithShape(n, n), gorgonia.WithValue(v)))
	}
	return pairs.Selection{Pos: matrix("listed pos", m.pos), Neg: matrix("listed neg", m.neg), Hold: pairs.Counts}
}

// A pair that is listed twice is two terms to the contrastive loss, and one to a loss that looks
// at an anchor's pairs as a set.
func TestListedTwice(t *testing.T) {
	x, y := []float64{0, 1, 3}, []int{0, 0, 1}
	raw := pairs.LP{Raw: true}
	once := listed{[][2]int{{0, 1}}, [][2]int{{0, 2}, {1, 2}}}
	twice := listed{slices.Repeat(once.pos, 2), append(slices.Clone(once.neg), [2]int{0, 2})}
	contrastive := losses.Contrastive{NegMargin: 4, Metric: raw, Reducer: pairs.Sum{}}
	require.InDelta(t, 1+1+2., value(t, losses.Mined{Miner: once, Of: contrastive}, x, y), 1e-12)
	require.InDelta(t, 2*1+2*1+2., value(t, losses.Mined{Miner: twice, Of: contrastive}, x, y), 1e-12)
	ms := losses.MultiSimilarity{Alpha: 2, Beta: 5, Base: 0.5, Metric: raw}
	require.Equal(t, value(t, losses.Mined{Miner: once, Of: ms}, x, y), value(t, losses.Mined{Miner: twice, Of: ms}, x, y))
	// Anchor 0 has one positive pair, listed twice, and one negative pair, also twice: four triplets
	// with terms of 1 − 3 + 3; anchor 1 has no positive pair listed.
	triplet := losses.Triplet{Margin: 3, Metric: raw, Reducer: pairs.Sum{}}
	require.InDelta(t, 1., value(t, losses.Mined{Miner: once, Of: triplet}, x, y), 1e-12)
	require.InDelta(t, 4*1., value(t, losses.Mined{Miner: twice, Of: triplet}, x, y), 1e-12)
}
