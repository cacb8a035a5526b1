// Package miners chooses the pairs and triplets of a batch that a loss goes over, one miner
// a file.
//
// A [Miner] sees what a loss sees, a pairs.Batch, and gives a pairs.Selection:
//
//	b.Chosen = miners.BatchHard{}.Mine(b)
//
// Losses over pairs and triplets have a field for one. Mining is a part of the graph: it
// sees each batch as it is at that step, and no gradient flows through the choice.
//
// Triplets:
//   - [BatchHard]: the farthest positive and the nearest negative of each anchor
//   - [BatchEasyHard]: an easy, semi-hard or hard one of each, or all
//   - [TripletMargin]: by how much nearer the positive is: hard, semi-hard, easy
//   - [Angular]: by the angle at the negative
//   - [DistanceWeighted]: a negative for each positive pair, drawn from all distances alike
//   - [Packaged]: those that the batch is made of
//
// Pairs:
//   - [PairMargin]: positive pairs beyond a margin, negative pairs within one
//   - [MultiSimilarity]: those that the anchor's hardest pair of the other kind makes hard
//   - [HDC]: a share of all, the hardest
//   - [UniformHistogram]: drawn from all distances alike
//
// Miners of miners:
//   - [Chain]: one chooses of what another one chose
//   - [Schedule]: one after another, by the number of steps
//
// Any loss takes any miner. To a loss over pairs a triplet is its two pairs, each of which counts as
// often as it is in a triplet; to a loss over triplets, pairs make each triplet that they can, as
// often as the counts of its two pairs multiply to. A miner that draws, or counts steps, is
// [Stateful]: its state is saved with the run, which is the same for the same seed and goes on bit
// for bit.
//
// [Pairs] and [Triplets] list what a miner chooses of a batch.
package miners
