package trainer_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"medusa/graph"
	"medusa/model"
	"medusa/nets"
	"medusa/optim"
	"medusa/samplers"
	"medusa/trainer"
)

// A run on the embedded Omniglot drawings, short for the example's sake, and what it
// leaves in its folder.
func Example() {
	dir, err := os.MkdirTemp("", "medusa")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	cfg := trainer.Config{
		Data:    trainer.DataConfig{Height: 14, Val: "none"},
		Net:     nets.Config{Backbone: "mlp", Hidden: []int{32}, Embedding: 16},
		Loss:    "triplet:margin=0.2",
		Sampler: samplers.Config{P: 8, K: 4},
		Steps:   40,
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
	before, _ := r.Before.RecallOf(1)
	after, _ := r.After.RecallOf(1)
	fmt.Println("steps:", r.Steps, "of", t.Batch(), "pictures")
	fmt.Println("better on alphabets that it never saw:", after > before)

	model, err := model.Load(r.Model, model.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()
	embeddings, err := model.Embed(context.Background(), data.Test)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("embeddings:", len(embeddings)/model.EmbeddingSize(), "of", model.EmbeddingSize())
	// Output:
	// steps: 40 of 32 pictures
	// better on alphabets that it never saw: true
	// embeddings: 3360 of 16
}

func ExampleConfig_Validate() {
	err := trainer.Config{
		Clip:   -1,
		Solver: optim.Config{Name: "sgd", Beta1: 0.9},
		Steps:  100, Epochs: 3,
	}.Validate()
	fmt.Println(err)
	// Output:
	// trainer: the configuration has 3 faults:
	//   Steps is 100 and Epochs 3: give one of them
	//   Clip is -1, want a positive norm, or 0 for none
	//   Solver.Beta1 means nothing to Solver.Name sgd
}

// A hook follows a run, and may end it with an error.
func ExampleHook() {
	hook := trainer.Hook{
		Step: func(_ context.Context, i trainer.StepInfo) error {
			if i.Logged {
				fmt.Printf("step %d of %d: loss %.3f, %.0f images/s\n", i.Step, i.Steps, i.Loss, i.ImagesPerSecond)
			}
			return nil
		},
		Evaluated: func(_ context.Context, i trainer.EvalInfo) error {
			fmt.Printf("%s classes %s training: %s %.3f\n", i.Set, i.Phase, i.Metric, i.Value)
			return nil
		},
	}
	ctx := context.Background()
	hook.Step(ctx, trainer.StepInfo{Step: 10, Steps: 600, Loss: 0.25, ImagesPerSecond: 1500, Logged: true})
	hook.Evaluated(ctx, trainer.EvalInfo{Set: trainer.SetTest, Phase: trainer.Before, Metric: "recall_at_1", Value: 0.195})
	// Output:
	// step 10 of 600: loss 0.250, 1500 images/s
	// test classes before training: recall_at_1 0.195
}

// A training loop of one's own: a hundred steps on one batch of two classes.
func ExampleStepper() {
	s, err := trainer.NewStepper(trainer.StepperConfig{
		Net: nets.Config{Backbone: "mlp", Height: 2, Width: 2, Hidden: []int{8}, Embedding: 2}, Loss: "contrastive", Batch: 4,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	copy(s.Pictures(), []float32{1, 0, 0, 0, 1, 0, 0, 0.5, 0, 0, 1, 0, 0, 0.5, 1, 0}) // (4, 1, 2, 2)
	copy(s.Labels(), []float32{0, 0, 1, 1})
	first, err := s.Step()
	if err != nil {
		fmt.Println(err)
		return
	}
	last := first
	for range 99 {
		if last, err = s.Step(); err != nil {
			fmt.Println(err)
			return
		}
	}
	fmt.Println(last < first/10)
	// Output: true
}

// A loop of one's own: begin with another network's backbone, learn the embedding's layer alone,
// look at an embedding, and save a model.
func ExampleStepper_Params() {
	net := nets.Config{Channels: []int{4, 8}, Embedding: 8, Height: 14, Width: 14}
	trained, err := trainer.NewStepper(trainer.StepperConfig{Net: net, Batch: 8, Seed: 1})
	if err != nil {
		log.Fatal(err)
	}
	defer trained.Close()
	theirs, err := trained.Params()
	if err != nil {
		log.Fatal(err)
	}

	net.Embedding = 4
	s, err := trainer.NewStepper(trainer.StepperConfig{Net: net, Batch: 8, Seed: 2, LRScales: map[string]float64{"backbone.": 0}})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	ours, err := s.Params()
	if err != nil {
		log.Fatal(err)
	}
	report, err := ours.Restore(theirs.Sub("backbone.").Tensors(), graph.Loading{
		Mapping: graph.MapPrefix("", "backbone."),
		Partial: graph.Partial{Missing: []string{"embedding."}},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report)

	for step := range 3 {
		for i := range s.Pictures() {
			s.Pictures()[i] = float32(i * (step + 1) % 7)
		}
		for i := range s.Labels() {
			s.Labels()[i] = float32(i / 2)
		}
		if _, err := s.Step(); err != nil {
			log.Fatal(err)
		}
	}
	x, err := s.Embed(context.Background(), make([]float32, 2*14*14))
	if err != nil {
		log.Fatal(err)
	}
	var file bytes.Buffer
	if err := s.Save(&file, model.Info{}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(x)/s.EmbeddingSize(), "embeddings;", file.Len() > 0)
	// Output:
	// loaded 10 of 12 tensors
	//   embedding.fc.weight (4, 8) is missing
	//   embedding.fc.bias (4) is missing
	// 2 embeddings; true
}

// What a file of weights decides, before any picture is read.
func ExampleConfig_WithWeights() {
	cfg := trainer.Default()
	cfg.Weights, cfg.Data.Height = "../nets/testdata/pretrained/tv_vit.pth", 24
	cfg.Net = cfg.Net.With(nets.ViT{Patch: 8, Width: 12, Depth: 2, Heads: 3}.Build)
	cfg, weights, err := cfg.WithWeights(nil, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, told := range weights.Told {
		fmt.Println(told)
	}
	fmt.Println(cfg.Data.Resize, cfg.Data.Filter, cfg.Data.Channels)
	// Output:
	// pictures become RGB, grey ones too (Data.Channels: rgb)
	// Data.Height: 24 counts, though these weights were trained with Data.Height: 224 (as torchvision's ViT networks usually have them)
	// pictures are prepared so: the middle 24×24 of a short side of 27, bilinear, mean 0.485,0.456,0.406, deviation 0.229,0.224,0.225, as torchvision's ViT networks usually have them but for what stands against it
	// crop bilinear 3
}
