// Package flatnames translates the names that parameters had in files of format version 1. A
// network's tensors were conv1.weight and the like, and fc.weight, fc.bias and dropout.state were
// those of the embedding's layer, whatever the backbone. A checkpoint put net/ before them and
// loss/ before the loss's, and solver/ before both for the solver's state of a tensor.
package flatnames

import (
	"strings"

	"medusa/nets"
	"medusa/optim"
)

const (
	flatNet  = "net/"
	flatLoss = "loss/"
	solver   = "solver/" // before names of both versions
)

// flatHead are the beginnings of the names that were the embedding's layer's.
var flatHead = []string{"fc.", "dropout.state"}

// Nested is the name of today for one of a checkpoint of version 1.
func Nested(flat string) string {
	name, ofSolver := strings.CutPrefix(flat, solver)
	local, ofNet := strings.CutPrefix(name, flatNet)
	own, ofLoss := strings.CutPrefix(name, flatLoss)
	switch {
	case ofNet:
		name = OfModel(local)
	case ofLoss:
		name = optim.LossPrefix + own
	}
	if ofSolver {
		return solver + name
	}
	return name
}

// OfModel is the name of today for one of a model file of version 1.
func OfModel(flat string) string {
	for _, head := range flatHead {
		if strings.HasPrefix(flat, head) {
			return nets.EmbeddingPrefix + flat
		}
	}
	return nets.BackbonePrefix + flat
}

// Flat is the other way from Nested.
func Flat(nested string) string {
	name, ofSolver := strings.CutPrefix(nested, solver)
	for _, p := range [][2]string{{nets.BackbonePrefix, flatNet}, {nets.EmbeddingPrefix, flatNet}, {optim.LossPrefix, flatLoss}} {
		if local, ok := strings.CutPrefix(name, p[0]); ok {
			name = p[1] + local
			break
		}
	}
	if ofSolver {
		return solver + name
	}
	return name
}
