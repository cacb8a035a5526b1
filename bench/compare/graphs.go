package main

import (
	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/device"
	"medusa/losses"
	"medusa/machine"
	"medusa/nets"
)

// input is a float32 tensor of g and its memory.
func input(g *gorgonia.ExprGraph, name string, shape ...int) (*gorgonia.Node, []float32) {
	buf := make([]float32, tensor.Shape(shape).TotalSize())
	value := tensor.New(tensor.WithShape(shape...), tensor.WithBacking(buf))
	return gorgonia.NewTensor(g, tensor.Float32, len(shape), gorgonia.WithName(name),
		gorgonia.WithShape(shape...), gorgonia.WithValue(value)), buf
}

// rerun is a run of vm from its start.
func rerun(vm gorgonia.VM) func() error {
	return func() error {
		vm.Reset()
		return vm.RunAll()
	}
}

// measureInference times a net over a batch that stands in its input, with weights that are fixed as those of a model that
// was loaded are.
func measureInference(j job) (m measured, err error) {
	defer graph.Guard("building the network", &err)
	cfg, err := netOf(j.Net)
	if err != nil {
		return m, err
	}
	g := gorgonia.NewGraph()
	x, pictures := input(g, "pictures", j.Batch, cfg.InChannels, cfg.Height, cfg.Width)
	copy(pictures, noise(len(pictures), 0))
	params := graph.NewParams(1)
	net, err := nets.Build(cfg, params, x, nets.Eval)
	if err != nil {
		return m, err
	}
	defer device.Fix(graph.Tensors(params)...)()
	if _, err := graph.Keep(net.Embedding); err != nil {
		return m, err
	}
	vm, err := machine.New(g)
	if err != nil {
		return m, err
	}
	defer vm.Close()
	return measure(j.Seconds, rerun(vm))
}

// measureLoss times a loss and its gradient to the embeddings.
func measureLoss(j job) (m measured, err error) {
	defer graph.Guard("building the loss", &err)
	text, err := lossText(j.Loss)
	if err != nil {
		return m, err
	}
	embeddings, labels := unitRows(j.Batch, j.Size, 1), grouped(j.Batch, j.Class)
	before := peakMemory()
	loss, err := losses.Parse(text, losses.Setting{Classes: j.Batch / j.Class, EmbeddingSize: j.Size})
	if err != nil {
		return m, err
	}
	device, err := machine.Open(j.Device, machine.Options{TF32: j.TF32, AnyOrder: j.AnyOrder})
	if err != nil {
		return m, err
	}
	defer device.Close()
	g := gorgonia.NewGraph()
	x, e := input(g, "embeddings", j.Batch, j.Size)
	y, l := input(g, "labels", j.Batch)
	copy(e, embeddings)
	copy(l, labels)
	device.Adopt(e, l)
	cost, gradient, err := differentiate(loss, x, y)
	if err != nil {
		return m, err
	}
	vm, err := machine.On(g, device, losses.ParamsOf(loss))
	if err != nil {
		return m, err
	}
	defer vm.Close()
	if device == nil {
		m, err = measure(j.Seconds, rerun(vm))
	} else {
		device.CheckByHand()
		m, err = measureBlocks(j.Seconds, rerun(vm), device.Accelerator().Check)
	}
	if err != nil {
		return m, err
	}
	m.Value, m.Before, m.Peak, m.Device = cost.Scalar(), before, peakMemory(), device.Allocated()
	if len(gradient.Float32s()) != j.Batch*j.Size {
		panic("the gradient was not computed")
	}
	return m, errors.Wrap(gradient.Err(), "the gradient")
}

// differentiate keeps loss and gradient to the embeddings at every run of their graph.
func differentiate(loss losses.Loss, x, y *gorgonia.Node) (cost, gradient *graph.Kept, err error) {
	c, err := losses.Build(loss, x, y)
	if err != nil {
		return nil, nil, err
	}
	grads, err := gorgonia.Grad(c, x)
	if err != nil {
		return nil, nil, err
	}
	if cost, err = graph.Keep(c); err != nil {
		return nil, nil, err
	}
	gradient, err = graph.Keep(grads[0])
	return cost, gradient, err
}
