package main

import (
	"fmt"

	"github.com/pkg/errors"

	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

// layer is a layer of a compared net, measured by itself on our side.
type layer struct {
	name string
	conv spec.Conv2D // of one picture; N is 0 for a linear layer
	in   int         // of a linear layer
	out  int
}

func square(c, side, out, window, stride, pad int) spec.Conv2D {
	return spec.Conv2D{C: c, H: side, W: side, OutC: out, KH: window, KW: window, StrideH: stride, StrideW: stride, PadH: pad, PadW: pad}
}

// layers are the different layers of the nets, those of cnn-bn being those of cnn.
var layers = map[string][]layer{
	"mlp": {{name: "784-512", in: 784, out: 512}, {name: "512-256", in: 512, out: 256}, {name: "256-64", in: 256, out: 64}},
	"cnn": {
		{name: "3x3/1-32/28", conv: square(1, 28, 32, 3, 1, 1)},
		{name: "3x3/32-64/14", conv: square(32, 14, 64, 3, 1, 1)},
		{name: "3x3/64-128/7", conv: square(64, 7, 128, 3, 1, 1)},
	},
	"resnet18": {
		{name: "7x7s2/3-64/64", conv: square(3, 64, 64, 7, 2, 3)},
		{name: "3x3/64-64/16", conv: square(64, 16, 64, 3, 1, 1)},
		{name: "3x3s2/64-128/16", conv: square(64, 16, 128, 3, 2, 1)},
		{name: "1x1s2/64-128/16", conv: square(64, 16, 128, 1, 2, 0)},
		{name: "3x3/128-128/8", conv: square(128, 8, 128, 3, 1, 1)},
		{name: "3x3s2/128-256/8", conv: square(128, 8, 256, 3, 2, 1)},
		{name: "3x3/256-256/4", conv: square(256, 4, 256, 3, 1, 1)},
		{name: "3x3s2/256-512/4", conv: square(256, 4, 512, 3, 2, 1)},
		{name: "3x3/512-512/2", conv: square(512, 2, 512, 3, 1, 1)},
	},
}

// passes are what a step computes of a layer.
var passes = []string{"forward", "to-input", "to-weights"}

func layerOf(net, name string) (layer, error) {
	for _, l := range layers[net] {
		if l.name == name {
			return l, nil
		}
	}
	return layer{}, errors.Errorf("net %q has no layer %q", net, name)
}

// flops is the floating-point operations of a pass as the definition has them: an
// algorithm that needs fewer reaches more than the processor's peak.
func (l layer) flops(batch int) float64 {
	n := 2 * float64(batch)
	if l.in > 0 {
		return n * float64(l.in) * float64(l.out)
	}
	p := l.conv
	return n * float64(p.OutH()*p.OutW()*p.OutC) * float64(p.C*p.KH*p.KW)
}

// layersAlone are the passes of all layers, at the batch of the net's first comparison.
func layersAlone() []workload {
	var all []workload
	for _, net := range comparedNets {
		for i, l := range layers[net.name] {
			for _, pass := range passes {
				if i == 0 && pass == "to-input" {
					continue // no step computes it
				}
				all = append(all, workload{Kind: "layer", Net: net.name, Batch: net.batches[0], Layer: l.name, Pass: pass})
			}
		}
	}
	return all
}

// measureLayer times a pass of a layer.
func measureLayer(j job) (measured, error) {
	l, err := layerOf(j.Net, j.Layer)
	if err != nil {
		return measured{}, err
	}
	if l.in > 0 {
		return measureLinear(j, l)
	}
	p := l.conv
	p.N = j.Batch
	x, w := noise(p.N*p.C*p.H*p.W, 1), noise(p.OutC*p.C*p.KH*p.KW, 2)
	y := noise(p.N*p.OutC*p.OutH()*p.OutW(), 3)
	var ws loops.Workspace[float32]
	run := map[string]func(){
		"forward":    func() { loops.ConvForward(&p, x, w, nil, y, false, &ws) },
		"to-input":   func() { loops.ConvGradInput(&p, y, w, x, &ws) },
		"to-weights": func() { loops.ConvGradWeight(&p, x, y, w, nil, &ws) },
	}[j.Pass]
	return timed(j, run)
}

func measureLinear(j job, l layer) (measured, error) {
	x, w, y := noise(j.Batch*l.in, 1), noise(l.out*l.in, 2), noise(j.Batch*l.out, 3)
	run := map[string]func(){
		"forward":    func() { loops.GemmBias(false, true, j.Batch, l.out, l.in, x, l.in, w, l.in, nil, false, y, l.out) },
		"to-input":   func() { loops.Gemm(false, false, j.Batch, l.in, l.out, 1, y, l.out, w, l.in, 0, x, l.in) },
		"to-weights": func() { loops.Gemm(true, false, l.out, l.in, j.Batch, 1, y, l.out, x, l.in, 0, w, l.in) },
	}[j.Pass]
	return timed(j, run)
}

func timed(j job, run func()) (measured, error) {
	if run == nil {
		return measured{}, errors.Errorf("a layer has no pass %q", j.Pass)
	}
	return measure(j.Seconds, func() error { run(); return nil })
}

func (w workload) layerName() string { return fmt.Sprintf("layer/%s/%s/%s", w.Net, w.Layer, w.Pass) }
