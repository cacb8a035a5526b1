package losses

import (
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/golden"
)

// What float64 and float32 may be off, relative to the value and to the gradient's
// largest entry: the reference computed in float64, in another order of additions.
var precisions = []struct {
	dt  tensor.Dtype
	tol float64
}{{tensor.Float64, 1e-9}, {tensor.Float32, 1e-4}}

// files are the golden files with the losses of ours that each must hold and what we
// skip.
var files = []struct {
	name  string
	skips []golden.Skip
}{
	{"pair_losses.json", notBuilt("AngularLoss", "CircleLoss", "NPairsLoss", "MarginLoss",
		"NCALoss", "NTXentLoss", "SupConLoss", "FastAPLoss", "SignalToNoiseRatioContrastiveLoss", "TupletMarginLoss",
		"IntraPairVarianceLoss", "InstanceLoss", "PNPLoss", "RankedListLoss", "DynamicSoftMarginLoss",
		"ThresholdConsistentMarginLoss", "HistogramLoss")},
	{"losses_by_distance.json", notBuilt("NTXentLoss", "SupConLoss", "NCALoss", "NPairsLoss",
		"MarginLoss", "IntraPairVarianceLoss")},
	{"losses_by_reducer.json", append(notBuilt("NTXentLoss", "SupConLoss", "CircleLoss"),
		golden.Skip{Reason: "the reference raises: it has no per-anchor reduction of triplets; ours is tested in reducer_test.go",
			Fields: map[string]any{"loss": "TripletMarginLoss", "reducer": "PerAnchorReducer"}},
		golden.Skip{Reason: "the reference raises on its n×1 terms; ours is tested in reducer_test.go",
			Fields: map[string]any{"loss": "LiftedStructureLoss", "reducer": "PerAnchorReducer"}},
		golden.Skip{Reason: "the reference broadcasts n×1 terms against n weights: mean(terms)·mean(weights), not a weighted mean; ours is tested in reducer_test.go",
			Fields: map[string]any{"loss": "LiftedStructureLoss", "reducer": "ClassWeightedReducer"}},
		golden.Skip{Reason: "the same with the reference's multi-similarity",
			Fields: map[string]any{"loss": "MultiSimilarityLoss", "reducer": "ClassWeightedReducer"}},
	)},
	{"class_losses.json", notBuilt("LargeMarginSoftmaxLoss", "SphereFaceLoss", "ArcFaceLoss", "CosFaceLoss",
		"SubCenterArcFaceLoss", "ProxyNCALoss", "ProxyAnchorLoss", "SoftTripleLoss", "P2SGradLoss")},
}

func notBuilt(losses ...string) (out []golden.Skip) {
	for _, l := range losses {
		out = append(out, golden.Skip{Reason: "loss not built yet", Fields: map[string]any{"loss": l}})
	}
	return out
}

func TestGolden(t *testing.T) {
	for _, f := range files {
		t.Run(f.name, func(t *testing.T) {
			golden.Open(t, f.name).Each(t, f.skips, checkRecord)
		})
	}
}

func checkRecord(t *testing.T, r *golden.Record) bool {
	if r.Raises != "" {
		return false
	}
	for _, p := range precisions {
		loss, ok := mapped(t, r, p.dt)
		if !ok {
			return false
		}
		in := r.Input
		v, err := Evaluate(loss, in.Embeddings.Data, in.Labels, p.dt)
		require.NoError(t, err)
		require.NoError(t, golden.Near(v.Loss, float64(r.Value), p.tol), "value in %v", p.dt)
		checkWeights(t, r, v, p.tol)
		require.NotNil(t, r.Grad)
		require.NoError(t, r.Grad.Check(v.Gradient, in.Embeddings.Rows, in.Embeddings.Cols, p.tol), "in %v", p.dt)
	}
	return true
}

// mapped is our loss for a record, if it knows every parameter of the record.
func mapped(t *testing.T, r *golden.Record, dt tensor.Dtype) (Loss, bool) {
	p := params{maps.Clone(r.Params)}
	reducer, ok := mappedReducer(t, r)
	if !ok {
		return nil, false
	}
	metric, ok := mappedMetric(r.Distance)
	if !ok {
		return nil, false
	}
	var loss Loss
	switch r.Loss {
	case "ContrastiveLoss":
		loss = Contrastive{PosMargin: p.number("pos_margin", 0), NegMargin: p.number("neg_margin", 1), Metric: metric, Reducer: reducer}
	case "TripletMarginLoss":
		loss = Triplet{Margin: p.number("margin", 0.05), Mining: All, Swap: p.flag("swap"), Soft: p.flag("smooth_loss"), Metric: metric, Reducer: reducer}
	case "LiftedStructureLoss":
		loss = LiftedStructure{Margin: p.number("neg_margin", 1), PosMargin: p.number("pos_margin", 0), Sharpness: 1, Metric: metric, Reducer: reducer}
	case "GeneralizedLiftedStructureLoss":
		loss = LiftedStructure{Form: Generalized, Margin: p.number("neg_margin", 1), PosMargin: p.number("pos_margin", 0), Sharpness: 1, Metric: metric, Reducer: reducer}
	case "MultiSimilarityLoss":
		loss = MultiSimilarity{Alpha: p.number("alpha", 2), Beta: p.number("beta", 50), Base: p.number("base", 0.5), Metric: metric, Reducer: reducer}
	case "NormalizedSoftmaxLoss":
		loss = classifier(t, r, 1/p.number("temperature", 0.05), dt)
	}
	return loss, loss != nil && len(p.left) == 0
}

// classifier is the cosine classifier with the record's weights.
func classifier(t *testing.T, r *golden.Record, scale float64, dt tensor.Dtype) Loss {
	l := &CrossEntropy{Classes: r.Input.NumClasses, Scale: scale}
	e := r.Input.Embeddings.Cols
	rows := r.Input.WeightRows
	require.Equal(t, e, rows.Cols)
	w := l.Params().Weight(gorgonia.NewGraph(), classifierWeight, dt, func(_ *rand.Rand, _ tensor.Shape, dst []float64) {
		copy(dst, rows.Data)
	}, l.Classes, e)
	require.NoError(t, w.Err())
	return l
}

// checkWeights checks the gradient to a classifier's weights, which the reference holds
// transposed.
func checkWeights(t *testing.T, r *golden.Record, v Value, tol float64) {
	if r.Weights == nil {
		return
	}
	classes, e := r.Input.NumClasses, r.Input.Embeddings.Cols
	got := v.Params[classifierWeight]
	require.Len(t, got, classes*e)
	transposed := make([]float64, len(got))
	for c := range classes {
		for k := range e {
			transposed[k*classes+c] = got[c*e+k]
		}
	}
	require.NoError(t, r.Weights.Check(transposed, e, classes, tol), "gradient to the weights")
}

// params are a record's parameters, of which each may be taken once.
type params struct{ left map[string]any }

// number is a parameter whose 0 is meant as 0.
func (p params) number(name string, def float64) float64 {
	v, ok := p.left[name].(float64)
	if !ok {
		return def
	}
	delete(p.left, name)
	if v == 0 {
		return Exactly0
	}
	return v
}

func (p params) flag(name string) bool {
	v, ok := p.left[name].(bool)
	if ok {
		delete(p.left, name)
	}
	return v
}

func mappedMetric(d *golden.Distance) (m graph.Metric, ok bool) {
	if d == nil {
		return m, true // the reference's default, and ours
	}
	m.Raw = !d.Normalize
	switch {
	case d.Type == "LpDistance" && d.P == 2 && d.Power == 1:
		m.Kind = graph.Euclidean
	case d.Type == "LpDistance" && d.P == 2 && d.Power == 2:
		m.Kind = graph.SquaredEuclidean
	case d.Type == "LpDistance" && d.P == 1 && d.Power == 1:
		m.Kind = graph.Manhattan
	case d.Type == "CosineSimilarity":
		m.Kind = graph.Cosine
	case d.Type == "DotProductSimilarity":
		m.Kind = graph.Dot
	case d.Type == "SNRDistance":
		m.Kind = graph.SNR
	default:
		return m, false
	}
	return m, true
}

// mappedReducer reads a record's reducer. Only losses_by_reducer.json sets one: where
// reducer_params are absent the loss has the reference's default, which is ours.
func mappedReducer(t *testing.T, r *golden.Record) (out Reducer, ok bool) {
	var params struct {
		Low, High float64
		Weights   []float64
	}
	set, err := r.Field("reducer_params", &params)
	require.NoError(t, err)
	if !set {
		return out, true
	}
	switch r.Reducer {
	case "MeanReducer":
		out.How = Mean
	case "SumReducer":
		out.How = Sum
	case "AvgNonZeroReducer":
		out.How = NonZero
	case "PerAnchorReducer":
		out.How = PerAnchor
	case "ThresholdReducer":
		out = Reducer{How: Mean, Low: params.Low, High: params.High}
	case "ClassWeightedReducer":
		out = Reducer{How: Mean, ClassWeights: params.Weights}
	default:
		return out, false
	}
	return out, true
}
