package main

// catalogued is a loss that both libraries have, in one form, with one set of margins and averages.
type catalogued struct {
	name  string
	text  string // as losses.Parse reads it
	peer  string // pytorch-metric-learning's: an expression over its losses L, its miners M and the number of classes C
	least float64
	draws bool // each side draws weights of its own, so that the values differ
	small bool // compared at a second size too, since the peer does not get through the first with any usual memory
}

// The least ratios of times that are aimed at: of losses over pairs and triplets, and of others.
const (
	overPairs = 5
	overRows  = 1
)

// catalogue is what pytorch-metric-learning has too and lossesAlone does not go through.
var catalogue = []catalogued{
	{"circle", "circle", "L.CircleLoss()", overPairs, false, false},
	{"ntxent", "ntxent", "L.NTXentLoss()", overPairs, false, true},
	{"supcon", "supcon", "L.SupConLoss()", overPairs, false, false},
	{"n-pairs", "n-pairs", "L.NPairsLoss()", overPairs, false, false},
	{"nca", "nca", "L.NCALoss()", overPairs, false, false},
	{"tuplet-margin", "tuplet-margin", "L.TupletMarginLoss()", overPairs, false, true},
	{"intra-pair-variance", "intra-pair-variance", "L.IntraPairVarianceLoss()", overPairs, false, false},
	{"snr-contrastive", "snr-contrastive", "L.SignalToNoiseRatioContrastiveLoss()", overPairs, false, false},
	{"angular", "angular(rows=raw-negatives)", "L.AngularLoss()", overPairs, false, false},
	{"instance", "instance(target=numbered-row, gamma=64)", "L.InstanceLoss()", overPairs, false, false},
	{"triplet, all by angle", "triplet(margin=0.05, miner=angular(angle=20))", "L.TripletMarginLoss(), M.AngularMiner()", overPairs, false, true},
	{"triplet, semi-hard", "triplet(margin=0.05, miner=triplet-margin(type=semi-hard, margin=0.2))", "L.TripletMarginLoss(), M.TripletMarginMiner(margin=0.2, type_of_triplets='semihard')", overPairs, false, false},
	{"contrastive, multi-similarity miner", "contrastive(miner=multi-similarity)", "L.ContrastiveLoss(), M.MultiSimilarityMiner()", overPairs, false, false},
	{"arcface", "arcface", "L.ArcFaceLoss(C, 128)", overRows, true, false},
	{"sub-center arcface", "arcface(sub-centers=3)", "L.SubCenterArcFaceLoss(num_classes=C, embedding_size=128)", overRows, true, false},
	{"cosface", "cosface", "L.CosFaceLoss(C, 128)", overRows, true, false},
	{"sphereface", "sphereface(on=embedding, anneal=0)", "L.SphereFaceLoss(C, 128)", overRows, true, false},
	{"large-margin", "large-margin(on=embedding, anneal=0)", "L.LargeMarginSoftmaxLoss(C, 128)", overRows, true, false},
	{"p2sgrad", "p2sgrad", "L.P2SGradLoss(128, C)", overRows, true, false},
	{"proxy-nca", "proxy-nca(scale=1)", "L.ProxyNCALoss(C, 128)", overRows, true, false},
	{"proxy-anchor", "proxy-anchor", "L.ProxyAnchorLoss(C, 128)", overRows, true, false},
	{"soft-triple", "soft-triple", "L.SoftTripleLoss(C, 128)", overRows, true, false},
	{"margin", "margin", "L.MarginLoss()", overPairs, false, false},
	{"threshold-consistent-margin", "threshold-consistent-margin", "L.ThresholdConsistentMarginLoss()", overPairs, false, false},
	{"ranked-list", "ranked-list(epsilon=1e-05)", "L.RankedListLoss(margin=0.4, Tn=10)", overPairs, false, false},
	{"fastap", "fastap", "L.FastAPLoss()", overPairs, false, false},
	{"histogram", "histogram", "L.HistogramLoss()", overPairs, false, false},
	{"dynamic-soft-margin", "dynamic-soft-margin(through=true)", "L.DynamicSoftMarginLoss()", overPairs, false, false},
}

// catalogueAlone are the losses of the catalogue, at one size but for those that the peer needs a
// smaller one for.
func catalogueAlone() []workload {
	var all []workload
	for _, c := range catalogue {
		sizes := []int{1024}
		if c.small {
			sizes = append(sizes, 256)
		}
		for _, n := range sizes {
			all = append(all, workload{Kind: "loss", Loss: c.name, Peer: c.peer, Batch: n, Class: 8, Size: 128, target: c.least, library: true, draws: c.draws})
		}
	}
	return all
}
