package model_test

import (
	"bytes"
	"fmt"
	"log"

	"medusa/model"
)

// For ONNX Runtime, which then takes pictures as files have them: bytes, resized.
func ExampleModel_ExportONNX() {
	path, _, clean := trained()
	defer clean()
	m, err := model.Load(path, model.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	var file bytes.Buffer
	if err := m.ExportONNX(&file, model.ONNXOptions{Input: model.InputPixels}); err != nil {
		log.Fatal(err)
	}
	n := m.Info().Net
	fmt.Printf("uint8 pictures (N, %d, %d, %d) in, embeddings (N, %d) out\n", n.InChannels, n.Height, n.Width, m.EmbeddingSize())
	fmt.Println(bytes.Contains(file.Bytes(), []byte("Gemm")), bytes.Contains(file.Bytes(), []byte("medusa.model")))
	// Output:
	// uint8 pictures (N, 1, 12, 12) in, embeddings (N, 4) out
	// true true
}

// For the same network written in PyTorch, by load_state_dict.
func ExampleModel_ExportSafetensors() {
	path, _, clean := trained()
	defer clean()
	m, err := model.Load(path, model.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	var file bytes.Buffer
	if err := m.ExportSafetensors(&file); err != nil {
		log.Fatal(err)
	}
	for _, name := range []string{"fc1.weight", "fc.bias", "backbone.fc1.weight"} {
		fmt.Println(name, bytes.Contains(file.Bytes(), []byte(`"`+name+`"`)))
	}
	// Output:
	// fc1.weight true
	// fc.bias true
	// backbone.fc1.weight false
}
