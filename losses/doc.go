// Package losses holds the losses of deep metric learning as Gorgonia expression graphs,
// one loss a file.
//
// A [Loss] takes embeddings (B, E) and labels (B), both nodes of any Gorgonia graph, and
// returns a scalar node that gorgonia.Grad differentiates:
//
//		cost, err := losses.Triplet{Margin: 0.2}.Loss(embeddings, labels)
//
//	  - [Contrastive]: pairs pulled together and pushed apart, in the linear and the squared
//	    form
//	  - [Triplet]: an anchor nearer to a positive than to a negative; batch-hard, semi-hard,
//	    all and others, soft margin, swap
//	  - [LiftedStructure]: a positive pair against all negatives of its ends; smooth bound,
//	    max-margin and generalised form
//	  - [MultiSimilarity]: pairs weighed by how they compare with the anchor's others
//	  - [CrossEntropy]: a classifier over the training classes, on embedding or trunk
//	  - [Joint]: a weighted sum of losses, such as cross-entropy and triplet
//
// Each is a struct of plain fields whose zero value is the default, so a field that
// shall be 0 where 0 is not its default takes [Exactly0]. A [Reducer] says how terms
// become one number, a graph.Metric how embeddings are compared. [Parse] makes losses from
// text, for command lines and configuration files, and [Register] adds one's own to what
// it knows. [Evaluate] and [Evaluator] compute a loss and its gradient outside of any
// trainer; package losstest checks a loss of one's own.
//
// # The settings of pytorch-metric-learning
//
// Its defaults, as text for Parse, where embeddings are normalised in all:
//
//	ContrastiveLoss()                              contrastive
//	TripletMarginLoss()                            triplet:mining=all,margin=0.05
//	TripletMarginLoss(0.2) with BatchHardMiner     triplet
//	TripletMarginLoss(0.2) with TripletMarginMiner(0.2, "semihard")
//	                                               triplet:mining=semi-hard
//	LiftedStructureLoss()                          lifted:margin=1,sharpness=1
//	GeneralizedLiftedStructureLoss()               lifted:form=generalized,margin=1,sharpness=1
//	MultiSimilarityLoss()                          multi-similarity
//	NormalizedSoftmaxLoss()                        ce:scale=20
//
// and a linear classifier beside the network, of embeddings before they are normalised, is
// ce:on=raw,classifier=linear,lr-scale=1.
//
// With many classes and few steps a classifier is starved: each class's weights are
// taught a handful of times. Hence its high learning rate by default. Beside a triplet
// loss it then wants a small weight: ce:weight=0.1+triplet.
package losses
