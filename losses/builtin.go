package losses

import (
	"math"
	"slices"

	"github.com/pkg/errors"

	"medusa/graph"
)

// The losses of this package by name. Each parameter's default is that of the field.
func init() {
	Register(Entry{
		Name: "contrastive",
		Doc:  "pulls pairs of one class together, pushes others apart (Hadsell 2006)",
		Parameters: append([]Parameter{
			{Name: "form", Doc: "linear: [d-pos]+ and [neg-d]+; squared: d²/2 and [neg-d]+²/2", Default: string(Linear), Choices: []string{string(Linear), string(Squared)}},
			{Name: "pos-margin", Doc: "distance up to which a positive pair costs nothing; 1 for a similarity", Default: 0.0, Min: -10, Max: 1e3},
			{Name: "neg-margin", Doc: "distance from which on a negative pair costs nothing; 0 for a similarity", Default: 1.0, Min: -10, Max: 1e3},
			{Name: "pooled", Doc: "one average over positive and negative pairs together", Default: false},
		}, shared...),
		New: func(v Values, _ Setting) (Loss, error) {
			l := Contrastive{Form: Form(v.Text("form")), PosMargin: v.field("pos-margin"), NegMargin: v.field("neg-margin"), Pooled: v.Bool("pooled")}
			l.Metric, l.Reducer = metric(v), reducer(v)
			_, err := l.filled()
			return l, err
		},
	})
	Register(Entry{
		Name: "triplet",
		Doc:  "an anchor is nearer to a positive than to a negative by a margin (FaceNet 2015, Hermans 2017)",
		Parameters: append([]Parameter{
			{Name: "margin", Doc: "in units of distance", Default: 0.2, Min: 0, Max: 1e3},
			{Name: "mining", Doc: "which triplets of the batch count", Default: string(BatchHard), Choices: Minings()},
			{Name: "mining-margin", Doc: "what parts semi-hard from easy triplets; 0: the margin", Default: 0.0, Min: 0, Max: 1e3},
			{Name: "soft", Doc: "softplus in place of the hinge; often with margin=0", Default: false},
			{Name: "swap", Doc: "the nearer of anchor-negative and positive-negative counts", Default: false},
		}, shared...),
		New: func(v Values, _ Setting) (Loss, error) {
			l := Triplet{Margin: v.field("margin"), Mining: Mining(v.Text("mining")), Soft: v.Bool("soft"), Swap: v.Bool("swap")}
			l.MiningMargin = v.Float("mining-margin")
			l.Metric, l.Reducer = metric(v), reducer(v)
			_, err := l.filled()
			return l, err
		},
	})
	Register(Entry{
		Name: "lifted",
		Doc:  "lifted structure: each positive pair against all negatives of its ends (Song 2016)",
		Parameters: append([]Parameter{
			{Name: "form", Doc: "smooth bound (eq. 4), max-margin (eq. 3), or generalized (Hermans 2017)", Default: string(Smooth), Choices: []string{string(Smooth), string(MaxMargin), string(Generalized)}},
			{Name: "margin", Doc: "in units of distance; the paper has 1", Default: 0.5, Min: -10, Max: 1e3},
			{Name: "pos-margin", Doc: "taken off a positive pair's distance", Default: 0.0, Min: -10, Max: 1e3},
			{Name: "sharpness", Doc: "of the smooth maximum; the paper has 1", Default: 16.0, Min: 1e-3, Max: 1e6},
			{Name: "hard-negatives", Doc: "negatives that each anchor keeps, the nearest; 0: all", Default: 0, Min: 0, Max: 1e6},
		}, shared...),
		New: func(v Values, _ Setting) (Loss, error) {
			l := LiftedStructure{Form: Form(v.Text("form")), Margin: v.field("margin"), PosMargin: v.field("pos-margin"),
				Sharpness: v.field("sharpness"), HardNegatives: v.Int("hard-negatives"), Metric: metric(v), Reducer: reducer(v)}
			_, err := l.filled()
			return l, err
		},
	})
	Register(Entry{
		Name: "multi-similarity",
		Doc:  "pairs weighed by how they compare with the anchor's others (Wang 2019)",
		Parameters: append([]Parameter{
			{Name: "alpha", Doc: "sharpness among positives", Default: 2.0, Min: 1e-3, Max: 1e4},
			{Name: "beta", Doc: "sharpness among negatives", Default: 50.0, Min: 1e-3, Max: 1e4},
			{Name: "base", Doc: "similarity, or distance, that parts good pairs from bad ones", Default: 0.5, Min: -1e3, Max: 1e3},
		}, sharedWith(graph.Cosine)...),
		New: func(v Values, _ Setting) (Loss, error) {
			l := MultiSimilarity{Alpha: v.Float("alpha"), Beta: v.Float("beta"), Base: v.field("base"), Metric: metric(v), Reducer: reducer(v)}
			_, err := l.filled()
			return l, err
		},
	})
	Register(Entry{
		Name: "ce",
		Doc:  "cross-entropy of a classifier over the training classes, dropped afterwards",
		Parameters: []Parameter{
			{Name: "classifier", Doc: "cosine of normalised vectors, or linear with bias", Default: "cosine", Choices: []string{"cosine", "linear"}},
			{Name: "scale", Doc: "what cosines are multiplied with", Default: 16.0, Min: 1e-3, Max: 1e4},
			{Name: "smoothing", Doc: "label smoothing", Default: 0.0, Min: 0, Max: 0.999},
			{Name: "classes", Doc: "which compete: all, or those of the batch (sampled softmax)", Default: "all", Choices: []string{"all", "batch"}},
			{Name: "on", Doc: "the embedding, the same before it is normalised, or the trunk's features", Default: "embedding", Choices: []string{"embedding", "raw", "trunk"}},
			{Name: "lr-scale", Doc: "learning rate of the classifier over that of the network", Default: 100.0, Min: 1e-6, Max: 1e6},
		},
		New: newCrossEntropy,
	})
}

// shared are the parameters of all losses over pairs and triplets.
var shared = []Parameter{
	{Name: "metric", Doc: "how embeddings are compared; margins are in its units", Default: string(graph.Euclidean),
		Choices: []string{string(graph.Euclidean), string(graph.SquaredEuclidean), string(graph.Manhattan), string(graph.Cosine), string(graph.Dot), string(graph.SNR)}},
	{Name: "normalize", Doc: "embeddings are normalised first", Default: true},
	{Name: "reducer", Doc: "how terms become one number; default: the loss's own", Default: "default", Choices: append([]string{"default"}, Reductions()...)},
	{Name: "low", Doc: "only terms above count; 0: no bound", Default: 0.0, Min: 0, Max: math.MaxFloat64},
	{Name: "high", Doc: "only terms below count; 0: no bound", Default: 0.0, Min: 0, Max: math.MaxFloat64},
}

// sharedWith is shared for a loss that compares embeddings by another metric if none is
// named.
func sharedWith(kind graph.Kind) []Parameter {
	own := slices.Clone(shared)
	own[0].Default = string(kind)
	return own
}

func metric(v Values) graph.Metric {
	return graph.Metric{Kind: graph.Kind(v.Text("metric")), Raw: !v.Bool("normalize")}
}

func reducer(v Values) Reducer {
	r := Reducer{Low: v.Float("low"), High: v.Float("high")}
	if how := v.Text("reducer"); how != "default" {
		r.How = Reduction(how)
	}
	return r
}

func newCrossEntropy(v Values, s Setting) (Loss, error) {
	l := &CrossEntropy{Classes: s.Classes, Linear: v.Text("classifier") == "linear", Scale: v.field("scale"),
		Smoothing: v.Float("smoothing"), InBatch: v.Text("classes") == "batch", On: Source(v.Text("on")), LRScale: v.field("lr-scale"), Seed: s.Seed}
	if s.Classes < 2 {
		return nil, errors.Errorf("a classifier of %d classes; it needs the training data's number of classes, at least 2", s.Classes)
	}
	if l.On == OnTrunk && s.TrunkSize == 0 {
		return nil, errors.New("on=trunk, but this network has no features before its embedding; take on=embedding")
	}
	return l, nil
}
