package main

// catalogued is a loss that both libraries have, in one form, with one set of margins and averages.
type catalogued struct {
	name  string
	text  string // as losses.Parse reads it
	peer  string // pytorch-metric-learning's: an expression over its losses L, its miners M and the number of classes C
	least float64
	draws bool // each side draws weights of its own, so that the values differ
}

// The least ratios of times that are aimed at: of losses over pairs and triplets, and of others.
const (
	overPairs = 5
	overRows  = 1
)

// catalogue is what pytorch-metric-learning has too and lossesAlone does not go through.
var catalogue = []catalogued{
	{"circle", "circle", "L.CircleLoss()", overPairs, false},
	{"ntxent", "ntxent", "L.NTXentLoss()", overPairs, false},
	{"supcon", "supcon", "L.SupConLoss()", overPairs, false},
	{"n-pairs", "n-pairs", "L.NPairsLoss()", overPairs, false},
	{"nca", "nca", "L.NCALoss()", overPairs, false},
	{"tuplet-margin", "tuplet-margin", "L.TupletMarginLoss()", overPairs, false},
	{"intra-pair-variance", "intra-pair-variance", "L.IntraPairVarianceLoss()", overPairs, false},
	{"snr-contrastive", "snr-contrastive", "L.SignalToNoiseRatioContrastiveLoss()", overPairs, false},
	{"angular", "angular(rows=raw-negatives)", "L.AngularLoss()", overPairs, false},
	{"instance", "instance(target=numbered-row)", "L.InstanceLoss()", overPairs, false},
	{"triplet, all by angle", "triplet(margin=0.05, miner=angular(angle=20))", "L.TripletMarginLoss(), M.AngularMiner()", overPairs, false},
	{"triplet, semi-hard", "triplet(margin=0.05, miner=triplet-margin(type=semi-hard, margin=0.2))", "L.TripletMarginLoss(), M.TripletMarginMiner(margin=0.2, type_of_triplets='semihard')", overPairs, false},
	{"contrastive, multi-similarity miner", "contrastive(miner=multi-similarity)", "L.ContrastiveLoss(), M.MultiSimilarityMiner()", overPairs, false},
	{"arcface", "arcface", "L.ArcFaceLoss(C, 128)", overRows, true},
	{"sub-center arcface", "arcface(sub-centers=3)", "L.SubCenterArcFaceLoss(num_classes=C, embedding_size=128)", overRows, true},
	{"cosface", "cosface", "L.CosFaceLoss(C, 128)", overRows, true},
	{"sphereface", "sphereface(on=embedding)", "L.SphereFaceLoss(C, 128)", overRows, true},
	{"large-margin", "large-margin(on=embedding)", "L.LargeMarginSoftmaxLoss(C, 128)", overRows, true},
	{"p2sgrad", "p2sgrad", "L.P2SGradLoss(128, C)", overRows, true},
	{"proxy-nca", "proxy-nca(scale=1)", "L.ProxyNCALoss(C, 128)", overRows, true},
	{"proxy-anchor", "proxy-anchor", "L.ProxyAnchorLoss(C, 128)", overRows, true},
	{"soft-triple", "soft-triple", "L.SoftTripleLoss(C, 128)", overRows, true},
	{"margin", "margin", "L.MarginLoss()", overPairs, false},
	{"threshold-consistent-margin", "threshold-consistent-margin", "L.ThresholdConsistentMarginLoss()", overPairs, false},
	{"ranked-list", "ranked-list(epsilon=1e-05)", "L.RankedListLoss(margin=0.4, Tn=10)", overPairs, false},
	{"fastap", "fastap", "L.FastAPLoss()", overPairs, false},
	{"histogram", "histogram", "L.HistogramLoss()", overPairs, false},
	{"dynamic-soft-margin", "dynamic-soft-margin(through=true)", "L.DynamicSoftMarginLoss()", overPairs, false},
}

// catalogueAlone are the losses of the catalogue at one size.
func catalogueAlone() []workload {
	var all []workload
	for _, c := range catalogue {
		all = append(all, workload{Kind: "loss", Loss: c.name, Peer: c.peer, Batch: 1024, Class: 8, Size: 128, target: c.least, library: true, draws: c.draws})
	}
	return all
}
