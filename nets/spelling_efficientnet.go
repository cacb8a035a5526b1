package nets

import "fmt"

// efficientNetPyTorch is the spelling of EfficientNet-PyTorch (L. Melas-Kyriazi) and of those who followed it, whose
// weights TensorFlow trained. It numbers blocks through all stages: these are of B0's depth.
func efficientNetPyTorch() spelling {
	s := spelling{name: "EfficientNet-PyTorch's", eps: 1e-3, samePad: true}
	add := func(from, to, leaf string) { s.rules = append(s.rules, as(from+`\.`+leaf, to+".$1")) }
	add("_conv_stem", "conv_stem", leaf)
	add("_bn0", "bn1", norm)
	add("_conv_head", "conv_head", leaf)
	add("_bn1", "bn2", norm)
	at := 0
	for stage, blocks := range efficientStages {
		for b := range blocks[0].repeats {
			from, to := fmt.Sprintf(`_blocks\.%d\.`, at), fmt.Sprintf("blocks.%d.%d.", stage, b)
			layers := []string{"_expand_conv", "conv_pw", "_bn0", "bn1", "_depthwise_conv", "conv_dw", "_bn1", "bn2", "_project_conv", "conv_pwl", "_bn2", "bn3"}
			if stage == 0 { // there is no convolution before that of each channel
				layers = []string{"_depthwise_conv", "conv_dw", "_bn1", "bn1", "_project_conv", "conv_pw", "_bn2", "bn2"}
			}
			for i := 0; i < len(layers); i += 4 {
				add(from+layers[i], to+layers[i+1], leaf)
				add(from+layers[i+2], to+layers[i+3], norm)
			}
			add(from+"_se_reduce", to+"se.conv_reduce", leaf)
			add(from+"_se_expand", to+"se.conv_expand", leaf)
			at++
		}
	}
	return s
}
