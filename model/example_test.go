package model_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"log"
	"os"
	"path/filepath"

	"medusa/datasets"
	"medusa/model"
	"medusa/nets"
	"medusa/samplers"
	"medusa/trainer"
)

// Pictures without labels: files and whole folders, however many. A broken one is told and
// left out.
func ExampleModel_EmbedFiles() {
	path, photos, clean := trained()
	defer clean()
	m, err := model.Load(path, model.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	os.WriteFile(filepath.Join(photos, "broken.png"), []byte("\x89PNG\r\n\x1a\n"), 0o666)

	index := make(map[string][]float32)
	options := model.EmbedOptions{
		LeftOut: func(s datasets.Skip) { fmt.Println("left out:", filepath.Base(s.Path), "is a", s.Reason) },
	}
	err = m.EmbedFiles(context.Background(), []string{photos}, options, func(path string, embedding []float32) error {
		index[path] = embedding
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(index), "pictures,", m.EmbeddingSize(), "numbers each")
	// Output:
	// left out: broken.png is a broken picture
	// 12 pictures, 4 numbers each
}

// What a service gets: the body of a request, say, in any format that is read.
func ExampleModel_EmbedReader() {
	path, photos, clean := trained()
	defer clean()
	m, err := model.Load(path, model.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()

	upload, err := os.Open(filepath.Join(photos, "class1", "0.png"))
	if err != nil {
		log.Fatal(err)
	}
	defer upload.Close()
	embedding, err := m.EmbedReader(context.Background(), upload)
	if err != nil {
		log.Fatal(err)
	}
	same, err := m.EmbedFile(context.Background(), upload.Name())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(embedding), "numbers, those of the file:", fmt.Sprint(embedding) == fmt.Sprint(same))
	_, err = m.EmbedReader(context.Background(), bytes.NewReader([]byte("<html>not found</html>")))
	fmt.Println(err)
	// Output:
	// 4 numbers, those of the file: true
	// datasets: no readable picture in picture
	//   not a picture: 1 (picture): an HTML page
}

// A picture that is decoded already, such as a frame of a camera.
func ExampleModel_EmbedImage() {
	path, _, clean := trained()
	defer clean()
	m, err := model.Load(path, model.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()

	frame := image.NewRGBA(image.Rect(0, 0, 640, 480))
	embedding, err := m.EmbedImage(context.Background(), frame)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(embedding), "numbers")
	// Output:
	// 4 numbers
}

// trained leaves a model of two steps, and the folder of pictures that it learned from.
func trained() (path, photos string, clean func()) {
	dir, err := os.MkdirTemp("", "medusa")
	if err != nil {
		log.Fatal(err)
	}
	photos = filepath.Join(dir, "photos")
	for class := range 4 {
		for n := range 3 {
			m := image.NewGray(image.Rect(0, 0, 12, 12))
			for i := range 12 * 12 {
				m.SetGray(i%12, i/12, color.Gray{Y: uint8(i*(class+1) + 9*n)})
			}
			var b bytes.Buffer
			png.Encode(&b, m)
			os.MkdirAll(filepath.Join(photos, fmt.Sprint("class", class)), 0o777)
			os.WriteFile(filepath.Join(photos, fmt.Sprint("class", class), fmt.Sprint(n, ".png")), b.Bytes(), 0o666)
		}
	}
	cfg := trainer.Config{
		Data:    trainer.DataConfig{Path: photos, Copies: trainer.IgnoreCopies},
		Net:     nets.Config{Backbone: "mlp", Hidden: []int{8}, Embedding: 4},
		Sampler: samplers.Config{P: 2, K: 2}, Steps: 2,
	}
	data, err := trainer.Load(cfg.Data, cfg.Seed, trainer.LoadOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer data.Close()
	t, err := trainer.New(cfg, data, trainer.Options{Dir: filepath.Join(dir, "run"), NoReport: true})
	if err != nil {
		log.Fatal(err)
	}
	defer t.Close()
	r, err := t.Run(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	return r.Model, photos, func() { os.RemoveAll(dir) }
}
