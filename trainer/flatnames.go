package trainer

import (
	"strings"

	"medusa/internal/safetensors"
	"medusa/nets"
)

// Files of version 1 had flat names. A network's tensors were conv1.weight and the like, and
// fc.weight, fc.bias and dropout.state were those of the embedding's layer, whatever the
// backbone. A checkpoint put net/ before them and loss/ before the loss's, and solver/ before
// both for the solver's state of a tensor.
const (
	flatNet  = "net/"
	flatLoss = "loss/"
)

// flatHead are the beginnings of the names that were the embedding's layer's.
var flatHead = []string{"fc.", "dropout.state"}

// nestedName is the name of today for one of a checkpoint of version 1.
func nestedName(flat string) string {
	name, ofSolver := strings.CutPrefix(flat, solverPrefix)
	local, ofNet := strings.CutPrefix(name, flatNet)
	own, ofLoss := strings.CutPrefix(name, flatLoss)
	switch {
	case ofNet:
		name = nestedNetName(local)
	case ofLoss:
		name = lossPrefix + own
	}
	if ofSolver {
		return solverPrefix + name
	}
	return name
}

// nestedNetName is the name of today for one of a model file of version 1.
func nestedNetName(flat string) string {
	for _, head := range flatHead {
		if strings.HasPrefix(flat, head) {
			return nets.EmbeddingPrefix + flat
		}
	}
	return nets.BackbonePrefix + flat
}

// flatName is the other way from nestedName.
func flatName(nested string) string {
	name, ofSolver := strings.CutPrefix(nested, solverPrefix)
	for _, p := range [][2]string{{nets.BackbonePrefix, flatNet}, {nets.EmbeddingPrefix, flatNet}, {lossPrefix, flatLoss}} {
		if local, ok := strings.CutPrefix(name, p[0]); ok {
			name = p[1] + local
			break
		}
	}
	if ofSolver {
		return solverPrefix + name
	}
	return name
}

// renamed is the tensors under other names.
func renamed(tensors []safetensors.Tensor, name func(string) string) []safetensors.Tensor {
	out := make([]safetensors.Tensor, len(tensors))
	for i, t := range tensors {
		t.Name = name(t.Name)
		out[i] = t
	}
	return out
}
