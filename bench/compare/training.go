package main

import (
	"fmt"
	"io"

	"github.com/pkg/errors"

	"medusa/nets"
	"medusa/trainer"
)

// batches is how many batches a workload goes through in turn.
const batches = 3

func netOf(name string) (nets.Config, error) {
	grey := nets.Config{InChannels: 1, Height: 28, Width: 28, Embedding: 64}
	switch name {
	case "mlp":
		grey.Backbone = "mlp"
		return grey, nil
	case "cnn":
		grey.Norm = "none"
		return grey, nil
	case "cnn-bn":
		return grey, nil
	case "resnet18":
		return nets.Config{Backbone: "resnet18", Stem: "standard", InChannels: 3, Height: 64, Width: 64, Embedding: 64}, nil
	case "resnet50":
		return nets.Config{Backbone: "resnet50", InChannels: 3, Height: 224, Width: 224, Embedding: 64}, nil
	case "vit-small-14":
		return nets.Config{Backbone: "dinov2-small", InChannels: 3, Height: 224, Width: 224, Embedding: 64}, nil
	}
	return grey, errors.Errorf("there is no net %q", name)
}

// lossTexts are the losses as losses.Parse reads them, all in the form and with the
// margins and averages of pytorch-metric-learning.
var lossTexts = map[string]string{
	"contrastive":      "contrastive:pos-margin=0,neg-margin=1,reducer=nonzero",
	"batch-hard":       "triplet:mining=batch-hard,margin=0.2,reducer=nonzero",
	"all-triplets":     "triplet:mining=all,margin=0.2,reducer=nonzero",
	"lifted":           "lifted:margin=1,sharpness=1,reducer=mean",
	"multi-similarity": "multi-similarity:alpha=2,beta=50,base=0.5,reducer=mean",
}

func lossText(name string) (string, error) {
	text, ok := lossTexts[name]
	for _, c := range catalogue {
		if c.name == name {
			text, ok = c.text, true
		}
	}
	if !ok {
		return "", errors.Errorf("there is no loss %q", name)
	}
	return text, nil
}

// training is a net with its batches.
type training struct {
	stepper  *trainer.Stepper
	pictures [batches][]float32
	next     int
	loss     float64
}

func newTraining(j job) (*training, error) {
	w := j.workload
	net, err := netOf(w.Net)
	if err != nil {
		return nil, err
	}
	loss, err := lossText(w.Loss)
	if err != nil {
		return nil, err
	}
	s, err := trainer.NewStepper(trainer.StepperConfig{Net: net, Loss: loss, Batch: w.Batch, Seed: 1, Device: j.Device, TF32: w.TF32, AnyOrder: j.AnyOrder})
	if err != nil {
		return nil, err
	}
	t := &training{stepper: s}
	for i := range t.pictures {
		t.pictures[i] = noise(len(s.Pictures()), uint32(i))
	}
	copy(s.Labels(), grouped(w.Batch, w.Class))
	return t, nil
}

func (t *training) step() (err error) {
	copy(t.stepper.Pictures(), t.pictures[t.next])
	t.next = (t.next + 1) % batches
	t.loss, err = t.stepper.Step()
	return err
}

func measureTraining(j job) (measured, error) {
	t, err := newTraining(j)
	if err != nil {
		return measured{}, err
	}
	defer t.stepper.Close()
	if j.Device != "" {
		return t.measureOnGPU(j)
	}
	return measure(j.Seconds, t.step)
}

// firstStep is the line with which a child says that the first step is done.
const firstStep = "first step"

// measureStart makes the first step, says so, and goes on until all buffers are made.
func measureStart(j job, out io.Writer) (m measured, err error) {
	t, err := newTraining(j)
	if err != nil {
		return m, err
	}
	defer t.stepper.Close()
	for i := range j.Steps + 1 {
		if err := t.step(); err != nil {
			return m, err
		}
		if i == 0 {
			fmt.Fprintln(out, firstStep)
		}
	}
	m.Peak = peakMemory()
	return m, nil
}
