package nets

import "medusa/graph"

func init() {
	provide("mobilenet-v3-large", MobileNetV3{}.Build, "inverted residual blocks, hard swish, 4.2 million parameters (Howard 2019)")
	provide("mobilenet-v3-small", MobileNetV3{Small: true}.Build, "inverted residual blocks, hard swish, 1.5 million parameters (Howard 2019)")
}

// MobileNetV3 is the network of A. Howard et al., "Searching for MobileNetV3", ICCV 2019, with the names and the form
// of timm's. Torchvision's has the same form; its normalisations add 1e-3 to variances (Config.NormEps), not 1e-5; weights that TensorFlow trained want
// Config.SamePad too.
type MobileNetV3 struct {
	Small bool
	Width float64 // times the channels; 1 if zero
}

var mobileLarge = []mobileStage{
	{{repeats: 1, kernel: 3, stride: 1, out: 16, relu: true}},
	{{repeats: 1, kernel: 3, stride: 2, expand: 4, out: 24, relu: true}, {repeats: 1, kernel: 3, stride: 1, expand: 3, out: 24, relu: true}},
	{{repeats: 3, kernel: 5, stride: 2, expand: 3, out: 40, squeeze: true, relu: true}},
	{{repeats: 1, kernel: 3, stride: 2, expand: 6, out: 80}, {repeats: 1, kernel: 3, stride: 1, expand: 2.5, out: 80}, {repeats: 2, kernel: 3, stride: 1, expand: 2.3, out: 80}},
	{{repeats: 2, kernel: 3, stride: 1, expand: 6, out: 112, squeeze: true}},
	{{repeats: 3, kernel: 5, stride: 2, expand: 6, out: 160, squeeze: true}},
}

var mobileSmall = []mobileStage{
	{{repeats: 1, kernel: 3, stride: 2, out: 16, squeeze: true, relu: true}},
	{{repeats: 1, kernel: 3, stride: 2, expand: 4.5, out: 24, relu: true}, {repeats: 1, kernel: 3, stride: 1, expand: 3.67, out: 24, relu: true}},
	{{repeats: 1, kernel: 5, stride: 2, expand: 4, out: 40, squeeze: true}, {repeats: 2, kernel: 5, stride: 1, expand: 6, out: 40, squeeze: true}},
	{{repeats: 2, kernel: 5, stride: 1, expand: 3, out: 48, squeeze: true}},
	{{repeats: 3, kernel: 5, stride: 2, expand: 6, out: 96, squeeze: true}},
}

// Build is a Builder. The trunk is a layer of 1280 numbers (Small: 1024), whatever Width is, on the mean over the
// pixels.
func (v MobileNetV3) Build(cfg Config, p *graph.Params, x graph.Expr, mode Mode) (graph.Expr, error) {
	m := mobile{Layers: NewLayers(cfg, p, mode), width: orOne(v.Width), depth: 1, activation: graph.Expr.HardSwish}
	m.Init = "he-normal-out"
	m.squeezer = squeezer{graph.Expr.Relu, graph.Expr.HardSigmoid, func(_, expanded int) int { return divisible(float64(expanded) / 4) }}
	stages, last, features := mobileLarge, 960, 1280
	if v.Small {
		stages, last, features = mobileSmall, 576, 1024
	}
	stem := m.channels(16)
	if m.width < 0.75 { // as timm has it
		stem = 16
	}
	x = m.activation(m.padded("conv_stem", "bn1", x, stem, Window{Size: 3, Stride: 2}))
	x = m.stages(x, stages, nil)
	name := map[bool]string{false: "blocks.6.0", true: "blocks.5.0"}[v.Small]
	x = m.activation(m.ConvNorm(name+".conv", name+".bn1", x, m.channels(last), Window{Size: 1}))
	if x.Err() != nil {
		return x, x.Err()
	}
	s := x.Shape()
	x = graph.GlobalAvgPool(x).Reshape(s[0], s[1], 1, 1)
	x = m.activation(m.Conv("conv_head", x, features, Window{Size: 1, Bias: true})).Flatten()
	return x, x.Err()
}
