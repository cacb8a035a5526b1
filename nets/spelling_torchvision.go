package nets

import "fmt"

// spellingsOfTorchvision are those of its networks but ResNet, whose names are timm's.
func spellingsOfTorchvision() []spelling {
	return []spelling{
		{name: "torchvision's ViT", rules: []rule{
			as(`class_token`, "cls_token"),
			as(`encoder\.pos_embedding`, "pos_embed"),
			as(`conv_proj\.`+leaf, "patch_embed.proj.$1"),
			as(`encoder\.layers\.encoder_layer_(\d+)\.ln_(\d)\.`+leaf, "blocks.$1.norm$2.$3"),
			as(`encoder\.layers\.encoder_layer_(\d+)\.self_attention\.in_proj_`+leaf, "blocks.$1.attn.qkv.$2"),
			as(`encoder\.layers\.encoder_layer_(\d+)\.self_attention\.out_proj\.`+leaf, "blocks.$1.attn.proj.$2"),
			as(`encoder\.layers\.encoder_layer_(\d+)\.mlp\.(?:0|linear_1)\.`+leaf, "blocks.$1.mlp.fc1.$2"),
			as(`encoder\.layers\.encoder_layer_(\d+)\.mlp\.(?:3|linear_2)\.`+leaf, "blocks.$1.mlp.fc2.$2"),
			as(`encoder\.ln\.`+leaf, "norm.$1"),
		}},
		{name: "torchvision's ConvNeXt", rules: torchvisionConvNeXt()},
		{name: "torchvision's EfficientNet", rules: torchvisionEfficientNet()},
		{name: "torchvision's MobileNetV3", eps: 1e-3, rules: torchvisionMobileNet([]int{1, 2, 3, 4, 2, 3})},
		{name: "torchvision's small MobileNetV3", eps: 1e-3, rules: torchvisionMobileNet([]int{1, 2, 3, 2, 3})},
	}
}

// torchvisionConvNeXt has stages at odd numbers of features, and what is between them at even ones.
func torchvisionConvNeXt() (rules []rule) {
	rules = []rule{as(`features\.0\.0\.`+leaf, "stem.0.$1"), as(`features\.0\.1\.`+leaf, "stem.1.$1"), as(`classifier\.0\.`+leaf, "head.norm.$1")}
	for s := range 4 {
		at, stage := fmt.Sprintf(`features\.%d\.`, 2*s+1), fmt.Sprintf("stages.%d.blocks.$1.", s)
		for from, to := range map[string]string{"0": "conv_dw", "2": "norm", "3": "mlp.fc1", "5": "mlp.fc2"} {
			rules = append(rules, as(at+`(\d+)\.block\.`+from+`\.`+leaf, stage+to+".$2"))
		}
		rules = append(rules, as(at+`(\d+)\.layer_scale`, stage+"gamma"),
			as(fmt.Sprintf(`features\.%d\.([01])\.`, 2*s)+leaf, fmt.Sprintf("stages.%d.downsample.$1.$2", s)))
	}
	return rules
}

func torchvisionEfficientNet() []rule {
	return []rule{
		as(`features\.0\.0\.weight`, "conv_stem.weight"), as(`features\.0\.1\.`+norm, "bn1.$1"),
		as(`features\.8\.0\.weight`, "conv_head.weight"), as(`features\.8\.1\.`+norm, "bn2.$1"),
		// The first stage has no convolution of 1×1 before that of each channel.
		as(`features\.1\.(\d+)\.block\.0\.0\.weight`, "blocks.0.$1.conv_dw.weight"), as(`features\.1\.(\d+)\.block\.0\.1\.`+norm, "blocks.0.$1.bn1.$2"),
		as(`features\.1\.(\d+)\.block\.1\.fc1\.`+leaf, "blocks.0.$1.se.conv_reduce.$2"), as(`features\.1\.(\d+)\.block\.1\.fc2\.`+leaf, "blocks.0.$1.se.conv_expand.$2"),
		as(`features\.1\.(\d+)\.block\.2\.0\.weight`, "blocks.0.$1.conv_pw.weight"), as(`features\.1\.(\d+)\.block\.2\.1\.`+norm, "blocks.0.$1.bn2.$2"),
		as(`features\.(\d)\.(\d+)\.block\.0\.0\.weight`, "blocks.$1-1.$2.conv_pw.weight"), as(`features\.(\d)\.(\d+)\.block\.0\.1\.`+norm, "blocks.$1-1.$2.bn1.$3"),
		as(`features\.(\d)\.(\d+)\.block\.1\.0\.weight`, "blocks.$1-1.$2.conv_dw.weight"), as(`features\.(\d)\.(\d+)\.block\.1\.1\.`+norm, "blocks.$1-1.$2.bn2.$3"),
		as(`features\.(\d)\.(\d+)\.block\.2\.fc1\.`+leaf, "blocks.$1-1.$2.se.conv_reduce.$3"), as(`features\.(\d)\.(\d+)\.block\.2\.fc2\.`+leaf, "blocks.$1-1.$2.se.conv_expand.$3"),
		as(`features\.(\d)\.(\d+)\.block\.3\.0\.weight`, "blocks.$1-1.$2.conv_pwl.weight"), as(`features\.(\d)\.(\d+)\.block\.3\.1\.`+norm, "blocks.$1-1.$2.bn3.$3"),
	}
}

// torchvisionMobileNet numbers blocks through all stages, of so many blocks each.
func torchvisionMobileNet(stages []int) (rules []rule) {
	add := func(pattern, to string) { rules = append(rules, as(pattern, to)) }
	add(`features\.0\.0\.weight`, "conv_stem.weight")
	add(`features\.0\.1\.`+norm, "bn1.$1")
	at := 1
	for s, n := range stages {
		for b := range n {
			from, to := fmt.Sprintf(`features\.%d\.block\.`, at), fmt.Sprintf("blocks.%d.%d.", s, b)
			add(from+`\d\.fc1\.`+leaf, to+"se.conv_reduce.$1")
			add(from+`\d\.fc2\.`+leaf, to+"se.conv_expand.$1")
			names := []string{"conv_pw", "conv_dw", "conv_pwl"}
			places := []string{"0", "1", "[23]"}
			if s == 0 { // there is no convolution before that of each channel
				names, places = []string{"conv_dw", "conv_pw"}, []string{"0", "[12]"}
			}
			for i, name := range names {
				add(from+places[i]+`\.0\.weight`, to+name+".weight")
				add(from+places[i]+`\.1\.`+norm, fmt.Sprintf("%sbn%d.$1", to, i+1))
			}
			at++
		}
	}
	last := fmt.Sprintf("blocks.%d.0.", len(stages))
	add(fmt.Sprintf(`features\.%d\.0\.weight`, at), last+"conv.weight")
	add(fmt.Sprintf(`features\.%d\.1\.`, at)+norm, last+"bn1.$1")
	add(`classifier\.0\.`+leaf, "conv_head.$1")
	return rules
}
