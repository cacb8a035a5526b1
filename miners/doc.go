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
//   - [BatchHard]: the farthest positive and the nearest negative of each anchor
//   - [TripletMargin]: triplets by how much nearer the positive is: hard, semi-hard, easy
package miners
