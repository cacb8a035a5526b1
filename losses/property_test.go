package losses_test

import (
	"testing"

	"gorgonia.org/gorgonia"

	"medusa/graph"
	"medusa/losses"
	"medusa/losses/losstest"
)

// Every loss with every option, through the checks that any loss must pass.
func TestProperties(t *testing.T) {
	raw := graph.Metric{Raw: true}
	weights := []float64{0.5, 2, 1, 3, 1, 1, 1, 1, 1, 1, 1, 1}
	for name, loss := range map[string]losses.Loss{
		"contrastive":                  losses.Contrastive{},
		"contrastive margins":          losses.Contrastive{PosMargin: 0.3, NegMargin: 1.4},
		"contrastive squared":          losses.Contrastive{Form: losses.Squared, NegMargin: 1.5},
		"contrastive squared raw":      losses.Contrastive{Form: losses.Squared, NegMargin: 4, Metric: raw},
		"contrastive Hadsell":          losses.Contrastive{Form: losses.Squared, Pooled: true, Reducer: losses.Reducer{How: losses.Sum}},
		"contrastive pooled":           losses.Contrastive{Pooled: true},
		"contrastive cosine":           losses.Contrastive{Metric: graph.Metric{Kind: graph.Cosine}},
		"contrastive per anchor":       losses.Contrastive{Reducer: losses.Reducer{How: losses.PerAnchor}},
		"contrastive bounded":          losses.Contrastive{Reducer: losses.Reducer{Low: 0.1, High: 0.9}},
		"triplet":                      losses.Triplet{},
		"triplet FaceNet":              losses.Triplet{Mining: losses.SemiHard, Metric: graph.Metric{Kind: graph.SquaredEuclidean}},
		"triplet all":                  losses.Triplet{Mining: losses.All},
		"triplet batch-all":            losses.Triplet{Mining: losses.BatchAll},
		"triplet hard":                 losses.Triplet{Mining: losses.Hard},
		"triplet easy":                 losses.Triplet{Mining: losses.Easy, Margin: 0.5, MiningMargin: 0.1},
		"triplet semi-hard":            losses.Triplet{Mining: losses.SemiHard, Margin: 0.4},
		"triplet soft":                 losses.Triplet{Mining: losses.BatchHard, Soft: true},
		"triplet all soft":             losses.Triplet{Mining: losses.All, Soft: true, Margin: 0.1},
		"triplet swap":                 losses.Triplet{Swap: true, Metric: raw},
		"triplet all swap":             losses.Triplet{Mining: losses.All, Swap: true, Margin: 0.5},
		"triplet all swap soft":        losses.Triplet{Mining: losses.SemiHard, Swap: true, Soft: true, Margin: 0.5},
		"triplet cosine":               losses.Triplet{Metric: graph.Metric{Kind: graph.Cosine}},
		"triplet all mean":             losses.Triplet{Mining: losses.All, Reducer: losses.Reducer{How: losses.Mean}},
		"triplet all sum":              losses.Triplet{Mining: losses.All, Reducer: losses.Reducer{How: losses.Sum}},
		"triplet all per anchor":       losses.Triplet{Mining: losses.All, Reducer: losses.Reducer{How: losses.PerAnchor}},
		"triplet all bounded":          losses.Triplet{Mining: losses.All, Reducer: losses.Reducer{Low: 0.05, High: 0.3}},
		"lifted":                       losses.LiftedStructure{},
		"lifted paper":                 losses.LiftedStructure{Margin: 1, Sharpness: 1, Metric: raw},
		"lifted max-margin":            losses.LiftedStructure{Form: losses.MaxMargin, Margin: 1},
		"lifted generalized":           losses.LiftedStructure{Form: losses.Generalized},
		"lifted hard negatives":        losses.LiftedStructure{HardNegatives: 2, Sharpness: 4},
		"lifted generalized hard":      losses.LiftedStructure{Form: losses.Generalized, HardNegatives: 1, PosMargin: 0.1},
		"lifted cosine":                losses.LiftedStructure{Margin: 1, Sharpness: 2, Metric: graph.Metric{Kind: graph.Cosine}},
		"multi-similarity":             losses.MultiSimilarity{Beta: 10},
		"multi-similarity euclidean":   losses.MultiSimilarity{Alpha: 3, Beta: 8, Base: 0.9, Metric: graph.Metric{Kind: graph.Euclidean}},
		"multi-similarity per anchor":  losses.MultiSimilarity{Beta: 5, Reducer: losses.Reducer{How: losses.Sum, Low: 0.1}},
		"joint of contrastive, lifted": &losses.Joint{Parts: []losses.Part{{Loss: losses.Contrastive{}}, {Loss: losses.LiftedStructure{}, Weight: 0.3}}},
	} {
		t.Run(name, func(t *testing.T) { losstest.Run(t, loss) })
	}
	head := func(l losses.CrossEntropy) *losses.CrossEntropy {
		l.Classes, l.Seed = losstest.Classes, 3
		return &l
	}
	for name, loss := range map[string]losses.Loss{
		"cross-entropy":                      head(losses.CrossEntropy{}),
		"cross-entropy linear":               head(losses.CrossEntropy{Linear: true}),
		"cross-entropy smoothed":             head(losses.CrossEntropy{Smoothing: 0.1, Scale: 4}),
		"cross-entropy in batch":             head(losses.CrossEntropy{InBatch: true, Scale: 4}),
		"cross-entropy in batch, smoothed":   head(losses.CrossEntropy{InBatch: true, Linear: true, Smoothing: 0.2}),
		"cross-entropy class weights":        head(losses.CrossEntropy{Reducer: losses.Reducer{ClassWeights: weights}}),
		"cross-entropy on the trunk":         trunk{head(losses.CrossEntropy{On: losses.OnTrunk})},
		"cross-entropy before normalisation": unnormalised{head(losses.CrossEntropy{On: losses.OnRaw, Linear: true})},
		"triplet class weights":              losses.Triplet{Mining: losses.All, Reducer: losses.Reducer{ClassWeights: weights}},
		"lifted class weights":               losses.LiftedStructure{Reducer: losses.Reducer{ClassWeights: weights}},
		"joint":                              &losses.Joint{Parts: []losses.Part{{Loss: head(losses.CrossEntropy{})}, {Loss: losses.Triplet{}, Weight: 0.5}}},
		"joint of two heads":                 &losses.Joint{Parts: []losses.Part{{Loss: head(losses.CrossEntropy{})}, {Loss: head(losses.CrossEntropy{Linear: true})}}},
	} {
		t.Run(name, func(t *testing.T) { losstest.Run(t, loss, losstest.ByClass) })
	}
}

// trunk gives a loss the embeddings for the trunk's features.
type trunk struct{ *losses.CrossEntropy }

func (l trunk) Loss(embeddings, labels *gorgonia.Node) (*gorgonia.Node, error) {
	return l.LossOnFeatures(losses.Features{Trunk: embeddings}, labels)
}

// unnormalised gives a loss the embeddings for those before normalisation.
type unnormalised struct{ *losses.CrossEntropy }

func (l unnormalised) Loss(embeddings, labels *gorgonia.Node) (*gorgonia.Node, error) {
	return l.LossOnFeatures(losses.Features{Raw: embeddings}, labels)
}
