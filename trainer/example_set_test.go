package trainer_test

import (
	"context"
	"fmt"
	"log"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"

	"medusa/datasets"
	"medusa/nets"
	"medusa/samplers"
	"medusa/trainer"
)

// tones are data of one's own: a class is a frequency, an item one of its recordings, which
// has another phase and other noise each time it is learned from.
type tones struct{ first, classes int }

const (
	recordings = 10 // of a class
	samples    = 32 // of a recording
)

func (d tones) Len() int                             { return d.classes * recordings }
func (d tones) Shape() (channels, height, width int) { return samples, 1, 1 }

func (d tones) Labels() []int {
	labels := make([]int, d.Len())
	for i := range labels {
		labels[i] = i / recordings
	}
	return labels
}

func (d tones) Classes() []string {
	names := make([]string, d.classes)
	for c := range names {
		names[c] = fmt.Sprint("tone ", d.first+c)
	}
	return names
}

// Fill writes items as they are measured: the same each time.
func (d tones) Fill(dst []float32, items []int, norm datasets.Normalisation) error {
	for k, item := range items {
		rng := rand.New(rand.NewPCG(uint64(d.first), uint64(item)))
		if err := d.Sample(dst[k*samples:(k+1)*samples], item, norm, rng); err != nil {
			return err
		}
	}
	return nil
}

// Sample writes an item as it is learned from.
func (d tones) Sample(dst []float32, item int, _ datasets.Normalisation, rng *rand.Rand) error {
	frequency, phase := 0.1+0.05*float64(d.first+item/recordings), 2*math.Pi*rng.Float64()
	for i := range dst {
		dst[i] = float32(math.Sin(phase+frequency*float64(i)) + 0.1*rng.NormFloat64())
	}
	return nil
}

// A Set of one's own needs no picture files.
func ExampleData() {
	dir, err := os.MkdirTemp("", "medusa")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	data := trainer.Data{Train: tones{0, 20}, Test: tones{20, 10}}
	t, err := trainer.New(trainer.Config{Steps: 200, Keep: trainer.Last}, data, trainer.Options{Dir: filepath.Join(dir, "run")})
	if err != nil {
		log.Fatal(err)
	}
	defer t.Close()
	r, err := t.Run(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(r.Protocol)
	fmt.Println("better than the recordings themselves:", r.After.MAPAtR > r.Pixels.MAPAtR)
	// Output:
	// 100 vectors of 10 test classes, none of which was seen in training; each is a query among all others
	// better than the recordings themselves: true
}

// Two views of each picture in a batch, and no labels: every picture is a class of its own,
// and augmentation makes its views differ.
func ExampleData_twoViews() {
	dir, err := os.MkdirTemp("", "medusa")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	s, err := datasets.Omniglot(datasets.Options{Height: 14})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	cfg := trainer.Config{
		Data:    trainer.DataConfig{Augment: datasets.Augment{RandomCrop: 2, Rotation: 15}},
		Net:     nets.Config{Backbone: "mlp", Hidden: []int{64}, Embedding: 32},
		Loss:    "multi-similarity",
		Sampler: samplers.Config{P: 64, K: 2, Repeat: true}, // 64 pictures, two views of each
		Steps:   60,
	}
	data := trainer.Data{Train: s.Train.Instances(), Test: s.Test}
	t, err := trainer.New(cfg, data, trainer.Options{Dir: filepath.Join(dir, "run"), NoReport: true})
	if err != nil {
		log.Fatal(err)
	}
	defer t.Close()
	r, err := t.Run(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("better, though no label was learned from:", r.After.MAPAtR > r.Before.MAPAtR)
	// Output: better, though no label was learned from: true
}
