// Package losses holds the losses of deep metric learning as Gorgonia expression graphs,
// one loss a file.
//
// A [Loss] is a formula over a pairs.Batch: embeddings with their labels and, if there is one,
// a reference set. [Build] makes a node of it that gorgonia.Grad differentiates, from embeddings
// (B, E) and labels (B), nodes of any Gorgonia graph:
//
//		cost, err := losses.Build(losses.Triplet{Margin: 0.2, Miner: miners.BatchHard{}}, embeddings, labels)
//
//	  - [Contrastive]: pairs pulled together and pushed apart, in the linear and the squared
//	    form
//	  - [Triplet]: an anchor nearer to a positive than to a negative; all triplets or those of a
//	    miner, soft margin, swap
//	  - [LiftedStructure]: a positive pair against all negatives of its ends; smooth bound,
//	    max-margin and generalised form
//	  - [MultiSimilarity]: pairs weighed by how they compare with the anchor's others
//	  - [Margin]: pairs on their sides of a boundary that may be learned, for each class
//	  - [ThresholdConsistentMargin]: hard pairs kept on their sides of two margins, beside another
//	    loss
//	  - [RankedList]: positives within a sphere around the anchor, negatives outside of a larger one
//	  - [CentroidTriplet]: an anchor nearer to the centre of its class than to those of others
//	  - [DynamicSoftMargin]: triplets weighed by how hard they are among those of late
//	  - [Histogram], [FastAP]: probability of disorder and average precision, of histograms
//	  - [SmoothAP], [RecallAtK], [PNP]: average precision, recall, and negatives before positives, of
//	    smooth ranks
//	  - [Manifold]: proxies that groups of classes share, compared along the batch's manifold
//	  - [Circle]: pairs weighed by how far they are from where they should be
//	  - [NTXent], [SupCon], [NPairs], [NCA]: by softmax, a positive among negatives, the positives
//	    among all, one pair of each class among all classes', a right neighbour among all
//	  - [SigLIP]: each pair by itself, by a sigmoid with a learned temperature
//	  - [TupletMargin], [Angular]: a positive against all negatives, by angles
//	  - [IntraPairVariance]: pairs drawn to their mean, beside another loss
//	  - [SNRContrastive]: contrastive by the signal-to-noise ratio
//	  - [Instance]: rows classified by the rows of the batch
//	  - [VICReg], [BarlowTwins]: two views of the same things, without negatives
//	  - [CrossEntropy]: a classifier over the training classes, on embedding or trunk
//	  - [ArcFace], [CosFace], [SphereFace], [LargeMarginSoftmax]: classifiers with a margin
//	  - [CurricularFace], [MagFace], [AdaFace], [AdaCos]: classifiers whose margin, or scale, goes by
//	    the sample or by the training
//	  - [P2SGrad]: cosines with the classes drawn to 1 and to 0
//	  - [ProxyNCA], [ProxyAnchor]: learned vectors that stand for the classes
//	  - [SoftTriple], [Center]: learned centers of the classes
//	  - [Joint]: a weighted sum of losses, such as cross-entropy and triplet
//	  - [Mined]: any loss over what a miner chooses
//	  - [CrossBatchMemory]: a loss over the batch and a memory of earlier ones
//	  - [SelfSupervised]: a loss in which views of one thing are the only positives
//	  - [Matryoshka]: a loss of embeddings whose beginnings are embeddings too
//	  - [Hierarchical]: losses over levels of labels, such as species and genus
//	  - [Graded]: a loss of pairs that are alike to a degree, such as pictures with several labels
//	  - [Scheduled]: a loss whose weight changes as the run goes on
//	  - [LpNorm], [ZeroMean], [CenterInvariant], [RegularFace]: regularizers of embeddings, and with
//	    [SparseCenters] of the weights of classes: see [Regularizer]
//
// Each is a struct of plain fields that mean what they say: a margin of 0 is 0. [Default] hands
// out the struct with the defaults, losses.Default[losses.Triplet](). A nil Metric, Miner or
// Reducer stands for what the field's doc names. One function for all kinds, and not one for
// each, is what a loss of another module has too.
//
// A pairs.Metric says how embeddings are compared, a miners.Miner which pairs and triplets
// count, a pairs.Reducer how terms become one number. [Parse] makes losses from text, for
// command lines and configuration files, and [Register] adds one's own to what it knows.
// [Evaluate] and [Evaluator] compute a loss and its gradient outside of any trainer; package
// losstest checks a loss of one's own.
//
// # The settings of pytorch-metric-learning
//
// Its defaults, as text for Parse, where embeddings are normalised in all:
//
//	ContrastiveLoss()                  contrastive
//	TripletMarginLoss()                triplet(margin=0.05, miner=none)
//	TripletMarginLoss(0.2), BatchHardMiner()
//	                                   triplet(margin=0.2)
//	TripletMarginLoss(0.2), TripletMarginMiner(0.2, "semihard")
//	                                   triplet(miner=triplet-margin(type=semi-hard, margin=0.2))
//	LiftedStructureLoss()              lifted(margin=1, sharpness=1)
//	GeneralizedLiftedStructureLoss()   lifted(form=generalized, margin=1, sharpness=1)
//	MultiSimilarityLoss()              multi-similarity
//	MarginLoss()                       margin
//	MarginLoss(nu=0.1, learn_beta=True, num_classes=C)
//	                                   margin(learn-beta=true, per-class=true, nu=0.1)
//	ThresholdConsistentMarginLoss()    threshold-consistent-margin
//	RankedListLoss(margin=0.4, Tn=10)  ranked-list(epsilon=1e-05)
//	DynamicSoftMarginLoss()            dynamic-soft-margin(through=true)
//	HistogramLoss(), FastAPLoss()      histogram, fastap
//	PNPLoss()                          pnp(self=true)
//	ManifoldLoss(l=E)                  manifold(proxies=50)
//	NormalizedSoftmaxLoss()            ce(scale=20)
//	ArcFaceLoss()                      arcface
//	SubCenterArcFaceLoss()             arcface(sub-centers=3)
//	CosFaceLoss()                      cosface
//	SphereFaceLoss()                   sphereface(anneal=0)
//	LargeMarginSoftmaxLoss()           large-margin(anneal=0)
//	P2SGradLoss()                      p2sgrad
//	ProxyNCALoss()                     proxy-nca(scale=1)
//	ProxyAnchorLoss()                  proxy-anchor
//	SoftTripleLoss()                   soft-triple
//	CircleLoss()                       circle
//	NTXentLoss()                       ntxent
//	SupConLoss()                       supcon
//	NPairsLoss()                       n-pairs
//	NCALoss()                          nca
//	TupletMarginLoss()                 tuplet-margin
//	AngularLoss()                      angular(rows=raw-negatives)
//	IntraPairVarianceLoss()            intra-pair-variance
//	SignalToNoiseRatioContrastiveLoss()
//	                                   snr-contrastive
//	InstanceLoss()                     instance(target=numbered-row, gamma=64)
//	VICRegLoss()                       vicreg
//	CrossBatchMemory(loss, memory_size=1024), of batches of 64
//	                                   cross-batch-memory(of=loss, size=960, warmup=0, form=joined)
//	SelfSupervisedLoss(loss)           self-supervised(of=loss)
//	MultipleLosses([a, b], weights=[1, 0.5])
//	                                   a + 0.5*b
//	embedding_regularizer=LpRegularizer(), embedding_reg_weight=0.3
//	                                   loss + 0.3*norm
//	weight_regularizer=RegularFaceRegularizer()
//	                                   ce(regularizer=regular-face)
//
// A miner without a distance compares as the loss does; the reference's compare by the Euclidean
// distance of normalised embeddings, unless told otherwise. A linear classifier beside the
// network, of embeddings before they are normalised, is ce(on=raw, classifier=linear, lr-scale=1).
// Its losses with weights of classes are given to an optimizer of one's own; ours learn the weights
// lr-scale times as fast as the network.
//
// With many classes and few steps a classifier is starved: each class's weights are
// taught a handful of times. Hence its high learning rate by default. Beside a triplet
// loss it then wants a small weight: triplet + 0.1*ce.
package losses
