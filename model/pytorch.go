package model

import (
	"encoding/json"
	"io"
	"strings"

	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/safetensors"
	"medusa/nets"
)

// pytorchName is how PyTorch calls a parameter: those of the backbone without their prefix, as
// torchvision's models do, and the embedding's layer fc, as the last layer of these.
func pytorchName(name string) string {
	if short, ok := strings.CutPrefix(name, nets.BackbonePrefix); ok {
		return short
	}
	return strings.TrimPrefix(name, nets.EmbeddingPrefix)
}

// parametersOf are the names of the parameters that an embedding depends on.
func parametersOf(cfg nets.Config) (map[string]bool, error) {
	x := gorgonia.NewTensor(gorgonia.NewGraph(), tensor.Float32, 4, gorgonia.WithName("pictures"), gorgonia.WithShape(1, cfg.InChannels, cfg.Height, cfg.Width))
	net, err := nets.Build(cfg, graph.NewShapes(), x, nets.Eval)
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for n := range graph.Reads(net.Embedding) {
		if n.Op() == nil && n != x {
			names[n.Name()] = true
		}
	}
	return names, nil
}

// ExportSafetensors writes the weights under the names that they have in PyTorch: those of the backbone
// as torchvision's (conv1.weight, layer1.0.bn1.running_mean, …), the embedding's layer as fc. Info is in
// the metadata, as JSON, under medusa.model. What only training needs, such as the state of dropout, is left
// out.
func (m *Model) ExportSafetensors(w io.Writer) (err error) {
	defer graph.Guard("exporting the weights", &err)
	if w == nil {
		return errors.New("model: safetensors: there is nothing to write to: the writer is nil")
	}
	info, err := json.Marshal(m.info)
	if err != nil {
		return errors.Wrap(err, "model: safetensors")
	}
	file := &safetensors.File{Metadata: map[string]string{"format": "pt", infoProperty: string(info)}}
	needed, err := parametersOf(m.info.Net)
	if err != nil {
		return err
	}
	from := map[string]string{}
	for _, t := range m.params.Tensors() {
		if !needed[t.Name] {
			continue
		}
		name := pytorchName(t.Name)
		if other, taken := from[name]; taken {
			return errors.Errorf("model: safetensors: %s and %s are both %s in PyTorch: give one of them another name in the backbone", other, t.Name, name)
		}
		from[name] = t.Name
		file.Tensors = append(file.Tensors, safetensors.Tensor{Name: name, Shape: t.Shape, F32: t.F32, F64: t.F64})
	}
	return errors.WithMessage(safetensors.Write(w, file), "model")
}
