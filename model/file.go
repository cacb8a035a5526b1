package model

import (
	"encoding/json"
	"io"
	"strconv"

	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/internal/flatnames"
	"medusa/internal/runfolder"
	"medusa/internal/safetensors"
	"medusa/machine"
)

// The keys of a model file's metadata besides those of runfolder.
const infoKey, stepKey = "model", "step"

// Write writes a model file: the network of info with its weights out of params, whose numbers are
// those on dev, the host if nil. What else training keeps there, such as the loss's parameters, is
// left out.
func Write(w io.Writer, info Info, params *graph.Params, dev *machine.Device) error {
	var err error
	if info.Net, err = info.Net.Portable(); err != nil {
		return errors.WithMessage(err, "model")
	}
	text, err := json.Marshal(info)
	if err != nil {
		return errors.Wrap(err, "model")
	}
	views, err := ParseViews(info.Views, info.Detail)
	if err != nil {
		return err
	}
	needed := graph.NewParams(0)
	e, err := NewEmbedder(info.Net, needed, 1, nil, views)
	if err != nil {
		return err
	}
	e.Close()
	if err := dev.Read(graph.Tensors(params)...); err != nil {
		return errors.WithMessage(err, "model")
	}
	file := &safetensors.File{Metadata: map[string]string{
		runfolder.KindKey: runfolder.KindModel, runfolder.VersionKey: runfolder.Version,
		infoKey: string(text), stepKey: strconv.Itoa(info.Step),
	}}
	for _, t := range params.Tensors() {
		if needed.Lookup(t.Name) != nil {
			file.Tensors = append(file.Tensors, safetensors.Tensor{Name: t.Name, Shape: t.Shape, F32: t.F32, F64: t.F64})
		}
	}
	return safetensors.Write(w, file)
}

// modelFile is what was read from a model file.
type modelFile struct {
	info    Info
	tensors []safetensors.Tensor
	flat    bool // of format version 1
}

// parse reads what a model file holds besides the weights.
func parse(file *safetensors.File) (f modelFile, err error) {
	f.tensors, f.flat = file.Tensors, file.Metadata[runfolder.VersionKey] == runfolder.FlatVersion
	err = json.Unmarshal([]byte(file.Metadata[infoKey]), &f.info)
	return f, errors.Wrap(err, "what the model says about itself")
}

// restore puts the weights into the parameters of the network.
func (f modelFile) restore(params *graph.Params) error {
	stored := make([]graph.StoredTensor, len(f.tensors))
	for i, t := range f.tensors {
		stored[i] = graph.StoredTensor{Name: t.Name, Shape: t.Shape, F32: t.F32, F64: t.F64}
	}
	var how graph.Loading
	if f.flat {
		how.Mapping = func(name string) (string, bool) { return flatnames.OfModel(name), true }
	}
	_, err := params.Restore(stored, how)
	return err
}
