package model

import (
	"encoding/json"
	"io"
	"strings"

	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/internal/onnx"
)

// ONNXInput says what a model that was exported to ONNX takes.
type ONNXInput string

// What it may take.
const (
	InputNormalised ONNXInput = "normalised" // float32, by Info.Normalisation, after Info.Invert
	InputPixels     ONNXInput = "pixels"     // uint8 from 0 to 255, as a picture file has them; the graph does the rest
	InputFloats     ONNXInput = "floats"     // float32 from 0 to 1, or vectors as they are; the graph does the rest
)

// ONNXInputs are what it may take, the default first.
func ONNXInputs() []string {
	return []string{string(InputNormalised), string(InputPixels), string(InputFloats)}
}

// ONNXOptions says how a model is exported to ONNX. The zero value is usable.
type ONNXOptions struct {
	Input ONNXInput // InputNormalised if empty
	// NoViews leaves out the views of a model that takes several (Info.Views): the file embeds the picture
	// as it is, in less time, and not as the model does.
	NoViews bool
}

// The versions that are written: the newest that programs of 2022 know.
const (
	onnxIR    = 8
	onnxOpset = 17
)

// infoProperty is the key of the metadata under which Info stands, as JSON; inputProperty that of
// ONNXOptions.Input.
const infoProperty, inputProperty = "medusa.model", "medusa.input"

// ExportONNX writes the model as an ONNX file, of operators of version 17: an input "pictures"
// (N, C, H, W), or "vectors" (N, D), for any number N of them, and an output "embeddings" (N, E). Whoever
// runs it resizes pictures as Info().Resize says. Info is in the metadata, as JSON, under medusa.model.
//
// A model of several views takes them of the pictures itself. Of views of larger pictures (Info().Detail)
// there is an input "detail" for these, beside "pictures" if one of the views is the picture as it is.
//
// A backbone of one's own is exported too, if graph.OperationOf knows its operations; else the error
// names the one that has no form in ONNX.
func (m *Model) ExportONNX(w io.Writer, o ONNXOptions) (err error) {
	defer graph.Guard("exporting the network to ONNX", &err)
	if w == nil {
		return errors.New("model: ONNX: there is nothing to write to: the writer is nil")
	}
	if o.Input == "" {
		o.Input = InputNormalised
	}
	if err := m.checkInput(o.Input); err != nil {
		return err
	}
	info := m.info
	if o.NoViews {
		info.Views, info.Detail = "", 0
	}
	views, err := ParseViews(info.Views, info.Detail)
	if err != nil {
		return err
	}
	t := &tracer{weights: map[string][]float32{}}
	for _, p := range m.params.Tensors() {
		t.weights[p.Name] = p.F32
	}
	t.unique(outputName)
	s := &stages{tracer: t, info: info, input: o.Input}
	if err := s.arrange(views); err != nil {
		return err
	}
	text, err := json.Marshal(info)
	if err != nil {
		return errors.Wrap(err, "model: ONNX")
	}
	t.graph.Name = "embedder"
	file := onnx.Model{IRVersion: onnxIR, Opset: onnxOpset, Producer: "medusa", Graph: t.graph,
		Doc:      "turns pictures into embeddings: those of one class lie near each other",
		Metadata: []onnx.Property{{Key: infoProperty, Value: string(text)}, {Key: inputProperty, Value: string(o.Input)}}}
	data, err := file.Marshal()
	if err != nil {
		return errors.WithMessage(err, "model: ONNX")
	}
	_, err = w.Write(data)
	return errors.Wrap(err, "model: ONNX")
}

// checkInput says what the model cannot take.
func (m *Model) checkInput(in ONNXInput) error {
	switch {
	case in != InputNormalised && in != InputPixels && in != InputFloats:
		return errors.Errorf("model: ONNX: the input %q is unknown, want one of %s", in, strings.Join(ONNXInputs(), ", "))
	case in == InputPixels && m.info.Resize == "":
		return errors.Errorf("model: ONNX: the model learned from vectors or from a Set of one's own, whose numbers are no bytes: take the input %s or %s", InputFloats, InputNormalised)
	}
	return nil
}
