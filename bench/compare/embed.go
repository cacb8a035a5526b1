package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/model"
)

// embedAlone are a model in use: a file that is loaded, and batches of pictures that are embedded, ready
// for the network.
func embedAlone() (all []workload) {
	for _, net := range comparedNets {
		for _, batch := range []int{1, 64} {
			all = append(all, workload{Kind: "embed", Net: net.name, Batch: batch, target: 1})
		}
	}
	for _, net := range tunedNets {
		for _, batch := range []int{1, 16} {
			all = append(all, workload{Kind: "embed", Net: net, Batch: batch, target: 1.3})
		}
	}
	return all
}

// The endings of the files that writeModels writes.
const (
	modelEnding = ".safetensors"
	onnxEnding  = ".onnx"
)

// writeModels puts the models of the workloads that embed into dir, and beside each its form in ONNX.
func writeModels(dir string, workloads []workload) error {
	for _, w := range workloads {
		if w.Kind != "embed" {
			continue
		}
		if err := writeModel(filepath.Join(dir, w.Net), w.Net); err != nil {
			return errors.Wrapf(err, "the model of %s", w.name())
		}
	}
	return nil
}

func writeModel(path, net string) error {
	cfg, err := netOf(net)
	if err != nil {
		return err
	}
	params := graph.NewParams(1)
	e, err := model.NewEmbedder(cfg, params, 1, nil, model.Views{}) // draws the weights
	if err != nil {
		return err
	}
	if err := e.Close(); err != nil {
		return err
	}
	var text bytes.Buffer
	if err := model.Write(&text, model.Info{Net: cfg, Classes: 2}, params, nil); err != nil {
		return err
	}
	if err := os.WriteFile(path+modelEnding, text.Bytes(), 0o600); err != nil {
		return errors.WithStack(err)
	}
	m, err := model.Read(&text, model.Options{})
	if err != nil {
		return err
	}
	defer m.Close()
	var exported bytes.Buffer
	if err := m.ExportONNX(&exported, model.ONNXOptions{}); err != nil {
		return err
	}
	return errors.WithStack(os.WriteFile(path+onnxEnding, exported.Bytes(), 0o600))
}

// measureEmbedding times a model that was loaded from its file.
func measureEmbedding(j job) (m measured, err error) {
	net, err := model.Load(filepath.Join(j.Models, j.Net+modelEnding), model.Options{Threads: j.Threads})
	if err != nil {
		return m, err
	}
	defer net.Close()
	cfg := net.Info().Net
	pictures := noise(j.Batch*cfg.InChannels*cfg.Height*cfg.Width, 0)
	var embeddings []float32
	m, err = measure(j.Seconds, func() (err error) {
		embeddings, err = net.EmbedPixels(context.Background(), pictures)
		return err
	})
	for i, v := range embeddings { // a length of 1, weighed, lest an order be lost
		m.Value += float64(v) * float64(i%7+1)
	}
	return m, errors.Wrap(err, fmt.Sprintf("embedding %d pictures", j.Batch))
}
