package nets

import (
	"math"

	"medusa/graph"
)

func init() {
	provide("efficientnet-b0", EfficientNet{}.Build, "inverted residual blocks with squeeze and excitation, 4.0 million parameters (Tan 2019)")
	provide("efficientnet-lite0", EfficientNet{Lite: true}.Build, "inverted residual blocks without squeeze and excitation, 3.4 million parameters, for small devices (Tan 2019)")
}

// EfficientNet is the network of M. Tan and Q. Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural
// Networks", ICML 2019, with the names and the form of timm's. Weights that TensorFlow trained, tf_… there, want
// Config.SamePad, and NormEps of 1e-3.
type EfficientNet struct {
	Width float64 // times the channels of B0; 1 if zero
	Depth float64 // times the blocks of B0; 1 if zero
	// Lite leaves squeeze and excitation out, cuts activations at 6 and does not scale the first and the last
	// stage.
	Lite bool
}

// efficientStages are those of B0.
var efficientStages = []mobileStage{
	{{repeats: 1, kernel: 3, stride: 1, out: 16, squeeze: true}},
	{{repeats: 2, kernel: 3, stride: 2, expand: 6, out: 24, squeeze: true}},
	{{repeats: 2, kernel: 5, stride: 2, expand: 6, out: 40, squeeze: true}},
	{{repeats: 3, kernel: 3, stride: 2, expand: 6, out: 80, squeeze: true}},
	{{repeats: 3, kernel: 5, stride: 1, expand: 6, out: 112, squeeze: true}},
	{{repeats: 4, kernel: 5, stride: 2, expand: 6, out: 192, squeeze: true}},
	{{repeats: 1, kernel: 3, stride: 1, expand: 6, out: 320, squeeze: true}},
}

// Build is a Builder. The trunk is the mean over the pixels of 1280 channels, times Width unless Lite.
func (e EfficientNet) Build(cfg Config, p *graph.Params, x graph.Expr, mode Mode) (graph.Expr, error) {
	m := mobile{Layers: NewLayers(cfg, p, mode), width: orOne(e.Width), depth: orOne(e.Depth), activation: silu}
	m.Init = "he-normal-out"
	m.squeezer = squeezer{silu, graph.Expr.Sigmoid, func(in, _ int) int { return int(math.RoundToEven(float64(in) / 4)) }}
	stages, stem, head := efficientStages, m.channels(32), m.channels(1280)
	fixed := func(int) bool { return false }
	if e.Lite {
		m.activation, stem, head = relu6, 32, 1280
		stages = withoutSqueeze(stages)
		fixed = func(stage int) bool { return stage == 0 || stage == len(stages)-1 }
	}
	x = m.activation(m.padded("conv_stem", "bn1", x, stem, Window{Size: 3, Stride: 2}))
	x = m.stages(x, stages, fixed)
	x = m.activation(m.ConvNorm("conv_head", "bn2", x, head, Window{Size: 1}))
	x = m.done("head", "avg pool", graph.GlobalAvgPool(x), 0)
	return x, x.Err()
}

// orOne is a factor that is 1 where it is not set.
func orOne(v float64) float64 {
	if v == 0 {
		return 1
	}
	return v
}

// withoutSqueeze are the stages without squeeze and excitation.
func withoutSqueeze(stages []mobileStage) []mobileStage {
	var out []mobileStage
	for _, stage := range stages {
		stage = append(mobileStage(nil), stage...)
		for i := range stage {
			stage[i].squeeze = false
		}
		out = append(out, stage)
	}
	return out
}
