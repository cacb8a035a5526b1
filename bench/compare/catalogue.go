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
var catalogue = []catalogued{}

// catalogueAlone are the losses of the catalogue at one size.
func catalogueAlone() []workload {
	var all []workload
	for _, c := range catalogue {
		all = append(all, workload{Kind: "loss", Loss: c.name, Peer: c.peer, Batch: 1024, Class: 8, Size: 128, target: c.least, library: true, draws: c.draws})
	}
	return all
}
