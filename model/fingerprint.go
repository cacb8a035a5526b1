package model

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/internal/runfolder"
	"medusa/internal/safetensors"
)

// Fingerprint tells models apart whose embeddings differ, in 64 hexadecimal digits: it is of the weights
// and of all that decides how a picture becomes an embedding, and not of the file, the loss or the
// number of steps. Embeddings of one fingerprint can be compared.
func (m *Model) Fingerprint() string { return m.fingerprint }

func fingerprint(info Info, params *graph.Params) (string, error) {
	info.Classes, info.Loss, info.Step = 0, "", 0
	text, err := json.Marshal(info)
	if err != nil {
		return "", errors.Wrap(err, "model")
	}
	var tensors []safetensors.Tensor
	for _, t := range params.Tensors() {
		tensors = append(tensors, safetensors.Tensor{Name: t.Name, Shape: t.Shape, F32: t.F32, F64: t.F64})
	}
	weights, err := runfolder.SumTensors(tensors)
	if err != nil {
		return "", errors.WithMessage(err, "model")
	}
	sum := sha256.Sum256(append(text, weights...))
	return hex.EncodeToString(sum[:]), nil
}
