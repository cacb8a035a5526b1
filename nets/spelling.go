package nets

import (
	"fmt"
	"regexp"
	"strconv"
)

// Backbones have the names of torchvision's ResNet and of timm's other models. Other libraries call the same tensors
// otherwise, and cut them otherwise.

// spelling is how a library calls the tensors of some backbones.
type spelling struct {
	name  string
	rules []rule
	// plain says that positions are resampled without a wider filter, as the library does.
	plain bool
	// eps is what its normalisations add to variances; 0: as the backbone.
	eps float64
}

// rule tells which tensors a stored name means.
type rule struct {
	pattern *regexp.Regexp // of the whole name
	to      func(m []string) []piece
}

// piece is a tensor of a backbone, or one of so many parts of it along the first axis.
type piece struct {
	name     string
	part, of int    // of is 0: the whole
	thirds   [2]int // of the stored tensor along the first axis, from and to; 0 and 0: all of it
}

// as is a rule whose result has $1, $2 … in it.
func as(pattern, to string) rule { return pieces(pattern, piece{name: to}) }

// pieces is a rule of a tensor that is several of the backbone's.
func pieces(pattern string, to ...piece) rule {
	return rule{regexp.MustCompile("^(?:" + pattern + ")$"), func(m []string) (out []piece) {
		for _, p := range to {
			p.name = expanded(p.name, m)
			out = append(out, p)
		}
		return out
	}}
}

// shifted are the arguments of $1+1 and the like.
var shifted = regexp.MustCompile(`\$(\d)(?:([+-])1)?`)

// expanded puts what was matched into a text: $1, or $1+1 and $1-1 of a number.
func expanded(text string, m []string) string {
	return shifted.ReplaceAllStringFunc(text, func(s string) string {
		v := m[s[1]-'0']
		if len(s) == 2 {
			return v
		}
		n, _ := strconv.Atoi(v)
		if s[2] == '+' {
			return strconv.Itoa(n + 1)
		}
		return strconv.Itoa(n - 1)
	})
}

// pieces are what a stored name means, if it means anything.
func (s spelling) pieces(name string) []piece {
	if s.rules == nil {
		return []piece{{name: name}}
	}
	for _, r := range s.rules {
		if m := r.pattern.FindStringSubmatch(name); m != nil {
			return r.to(m)
		}
	}
	return nil
}

const (
	leaf = `(weight|bias)`
	norm = `(weight|bias|running_mean|running_var)`
)

// attentionParts are the rules for queries, keys and values that are stored apart.
func attentionParts(pattern, to string, names ...string) (rules []rule) {
	for i, n := range names {
		rules = append(rules, pieces(fmt.Sprintf(pattern, n), piece{name: to, part: i, of: len(names)}))
	}
	return rules
}

// spellings are tried in this order.
var spellings = []spelling{
	{name: "torchvision's and timm's"},
	{name: "DINOv2's", rules: []rule{as(`register_tokens`, "reg_token"), as(`((?:cls_token|pos_embed|patch_embed|blocks|norm)(?:\..*)?)`, "$1")}},
	{name: "Hugging Face's ResNet", rules: []rule{
		as(`embedder\.embedder\.convolution\.weight`, "conv1.weight"),
		as(`embedder\.embedder\.normalization\.`+norm, "bn1.$1"),
		as(`encoder\.stages\.(\d+)\.layers\.(\d+)\.layer\.(\d+)\.convolution\.weight`, "layer$1+1.$2.conv$3+1.weight"),
		as(`encoder\.stages\.(\d+)\.layers\.(\d+)\.layer\.(\d+)\.normalization\.`+norm, "layer$1+1.$2.bn$3+1.$4"),
		as(`encoder\.stages\.(\d+)\.layers\.(\d+)\.shortcut\.convolution\.weight`, "layer$1+1.$2.downsample.0.weight"),
		as(`encoder\.stages\.(\d+)\.layers\.(\d+)\.shortcut\.normalization\.`+norm, "layer$1+1.$2.downsample.1.$3"),
	}},
	{name: "Hugging Face's ViT and DINOv2", plain: true, rules: append(
		attentionParts(`(?:encoder\.)?layers?\.(\d+)\.attention\.attention\.%s\.`+leaf, "blocks.$1.attn.qkv.$2", "query", "key", "value"),
		append(attentionParts(`(?:encoder\.)?layers?\.(\d+)\.attention\.%s_proj\.`+leaf, "blocks.$1.attn.qkv.$2", "q", "k", "v"),
			as(`embeddings\.cls_token`, "cls_token"),
			as(`embeddings\.register_tokens`, "reg_token"),
			as(`embeddings\.position_embeddings`, "pos_embed"),
			as(`embeddings\.patch_embeddings\.projection\.`+leaf, "patch_embed.proj.$1"),
			as(`(?:encoder\.)?layers?\.(\d+)\.attention\.(?:output\.dense|o_proj)\.`+leaf, "blocks.$1.attn.proj.$2"),
			as(`(?:encoder\.)?layers?\.(\d+)\.(?:layernorm_before|norm1)\.`+leaf, "blocks.$1.norm1.$2"),
			as(`(?:encoder\.)?layers?\.(\d+)\.(?:layernorm_after|norm2)\.`+leaf, "blocks.$1.norm2.$2"),
			as(`(?:encoder\.)?layers?\.(\d+)\.layer_scale(\d)\.lambda1`, "blocks.$1.ls$2.gamma"),
			as(`(?:encoder\.)?layers?\.(\d+)\.(?:intermediate\.dense|mlp\.fc1)\.`+leaf, "blocks.$1.mlp.fc1.$2"),
			as(`(?:encoder\.)?layers?\.(\d+)\.(?:output\.dense|mlp\.fc2)\.`+leaf, "blocks.$1.mlp.fc2.$2"),
			as(`layernorm\.`+leaf, "norm.$1"),
		)...)},
	{name: "Hugging Face's CLIP and SigLIP", rules: append(
		attentionParts(`encoder\.layers\.(\d+)\.self_attn\.%s_proj\.`+leaf, "blocks.$1.attn.qkv.$2", "q", "k", "v"),
		as(`embeddings\.class_embedding`, "cls_token"),
		as(`embeddings\.patch_embedding\.`+leaf, "patch_embed.proj.$1"),
		as(`embeddings\.position_embedding\.weight`, "pos_embed"),
		as(`pre_layrnorm\.`+leaf, "norm_pre.$1"), // so they spell it
		as(`encoder\.layers\.(\d+)\.self_attn\.out_proj\.`+leaf, "blocks.$1.attn.proj.$2"),
		as(`encoder\.layers\.(\d+)\.layer_norm(\d)\.`+leaf, "blocks.$1.norm$2.$3"),
		as(`encoder\.layers\.(\d+)\.mlp\.fc(\d)\.`+leaf, "blocks.$1.mlp.fc$2.$3"),
		as(`post_layernorm\.`+leaf, "norm.$1"),
		as(`head\.probe`, "attn_pool.latent"),
		pieces(`head\.attention\.in_proj_`+leaf, piece{name: "attn_pool.q.$1", thirds: [2]int{0, 1}}, piece{name: "attn_pool.kv.$1", thirds: [2]int{1, 3}}),
		as(`head\.attention\.out_proj\.`+leaf, "attn_pool.proj.$1"),
		as(`head\.layernorm\.`+leaf, "attn_pool.norm.$1"),
		as(`head\.mlp\.fc(\d)\.`+leaf, "attn_pool.mlp.fc$1.$2"),
	)},
	{name: "OpenAI's CLIP", rules: []rule{
		as(`conv1\.weight`, "patch_embed.proj.weight"),
		as(`class_embedding`, "cls_token"),
		as(`positional_embedding`, "pos_embed"),
		as(`ln_pre\.`+leaf, "norm_pre.$1"),
		as(`transformer\.resblocks\.(\d+)\.ln_(\d)\.`+leaf, "blocks.$1.norm$2.$3"),
		as(`transformer\.resblocks\.(\d+)\.attn\.in_proj_`+leaf, "blocks.$1.attn.qkv.$2"),
		as(`transformer\.resblocks\.(\d+)\.attn\.out_proj\.`+leaf, "blocks.$1.attn.proj.$2"),
		as(`transformer\.resblocks\.(\d+)\.mlp\.c_fc\.`+leaf, "blocks.$1.mlp.fc1.$2"),
		as(`transformer\.resblocks\.(\d+)\.mlp\.c_proj\.`+leaf, "blocks.$1.mlp.fc2.$2"),
		as(`ln_post\.`+leaf, "norm.$1"),
	}},
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
	{name: "torchvision's EfficientNet", rules: torchvisionEfficientNet},
	{name: "torchvision's MobileNetV3", eps: 1e-3, rules: torchvisionMobileNet([]int{1, 2, 3, 4, 2, 3})},
	{name: "torchvision's small MobileNetV3", eps: 1e-3, rules: torchvisionMobileNet([]int{1, 2, 3, 2, 3})},
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

var torchvisionEfficientNet = []rule{
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
