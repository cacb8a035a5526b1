package nets_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/nets"
)

// Without a file beside the weights, their names tell whose they are, and so how pictures were prepared; a release of
// torchvision is known by its checksum.
func TestPreparationByNames(t *testing.T) {
	for name, c := range map[string]struct {
		shapes        map[string][]int
		backbone, sum string
		want          string
	}{
		"resnet of timm":                  {shapesOf(t, "resnet34", 224), "resnet34", "", "the middle 224×224 of a short side of 235, bicubic, mean 0.485,0.456,0.406, "},
		"second of torchvision":           {shapesOf(t, "resnet50", 224), "resnet50", "11ad3fa6", "the middle 224×224 of a short side of 232, bilinear, mean 0.485,"},
		"ViT of timm":                     {extra(shapesOf(t, "vit-small-16", 224), "head.weight"), "vit-small-16", "", "the middle 224×224 of a short side of 248, bicubic, mean 0.5,0.5,0.5, deviation 0.5,0.5,0.5, as timm"},
		"DINO":                            {shapesOf(t, "vit-small-16", 224), "vit-small-16", "", "the middle 224×224 of a short side of 248, bicubic, mean 0.485,"},
		"DINOv2 of timm":                  {shapesOf(t, "dinov2-small", 224), "dinov2-small", "", "the middle 518×518 of a short side of 518, bicubic, mean 0.485,"},
		"DINOv2 of its authors":           {extra(shapesOf(t, "dinov2-small", 224), "mask_token"), "dinov2-small", "", "the middle 224×224 of a short side of 256, bicubic, mean 0.485,0.456,0.406, deviation 0.229,0.224,0.225, as DINOv2's authors"},
		"CLIP":                            {shapesOf(t, "clip-base-32", 224), "clip-base-32", "", "the middle 224×224 of a short side of 224, bicubic, mean 0.48145"},
		"SigLIP":                          {shapesOf(t, "siglip-base-16", 224), "siglip-base-16", "", "224×224, bicubic, mean 0.5,"},
		"ArcFace":                         {shapesOf(t, "iresnet18", 112), "iresnet18", "", "112×112, bilinear, mean 0.5,0.5,0.5, deviation 0.5,0.5,0.5, as InsightFace"},
		"MobileNet of timm":               {shapesOf(t, "mobilenet-v3-large", 224), "mobilenet-v3-large", "", "the middle 224×224 of a short side of 256, bicubic, "},
		"MobileNet of torchvision":        {pretrained(t).Names["mobilenet_v3_large"], "mobilenet-v3-large", "8738ca79", "the middle 224×224 of a short side of 256, bilinear, "},
		"second MobileNet of torchvision": {pretrained(t).Names["mobilenet_v3_large"], "mobilenet-v3-large", "5c1a4163", "the middle 224×224 of a short side of 232, bilinear, "},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := nets.Prepared(hollow(t, "F32", c.shapes), c.backbone, c.sum+strings.Repeat("0", 56))
			require.NoError(t, err)
			require.Contains(t, p.String(), c.want)
		})
	}
	for file, want := range map[string]string{
		"tv_resnet.pth": "", "hf_dinov2.safetensors": "", "openai_clip.pth": "a short side of 224, bicubic, mean 0.48145", "tv_vit.pth": "a short side of 256, bilinear", "tv_convnext.pth": "a short side of 236, bilinear",
		"tv_efficientnet.pth": "a short side of 256, bicubic", "hf_resnet.safetensors": "a short side of 256, bicubic",
	} {
		build := pretrainedCases[map[string]string{
			"tv_resnet.pth": "ResNet of torchvision for grey pictures", "hf_dinov2.safetensors": "DINOv2 of Hugging Face, fewer patches", "openai_clip.pth": "CLIP of OpenAI", "tv_vit.pth": "ViT of torchvision",
			"tv_convnext.pth": "ConvNeXt of torchvision", "tv_efficientnet.pth": "EfficientNet of torchvision", "hf_resnet.safetensors": "resnet of Hugging Face",
		}[file]].build
		channels := []int{4, 6, 8, 8}
		if file == "hf_resnet.safetensors" {
			channels = []int{4, 6}
		}
		cfg := nets.Config{InChannels: 3, Height: 48, Width: 48, Channels: channels, Stem: "standard"}
		_, r, err := nets.InspectWeights(filepath.Join("testdata", "pretrained", file), cfg.With(build))
		require.NoError(t, err, file)
		assert.Contains(t, r.Preparation.String(), want, file)
	}
}

// respelled are tensors under the names of another library; of three parts each is a third.
func respelled(shapes map[string][]int, rules ...string) map[string][]int {
	out := map[string][]int{}
	for name, shape := range shapes {
		to := []string{name}
		for i := 0; i < len(rules); i += 2 {
			if r := regexp.MustCompile("^" + rules[i] + "$"); r.MatchString(name) {
				to = strings.Fields(r.ReplaceAllString(name, rules[i+1]))
				break
			}
		}
		for _, n := range to {
			own := slices.Clone(shape)
			own[0] /= len(to)
			out[n] = own
		}
	}
	return out
}

// Whole networks as Hugging Face and torchvision name them are recognised, with the preparation that belongs to the names.
func TestWholeModelsOfOthers(t *testing.T) {
	transformers := func(end ...string) []string {
		return append([]string{
			`cls_token`, "vit.embeddings.cls_token", `pos_embed`, "vit.embeddings.position_embeddings", `patch_embed\.proj\.(\w+)`, "vit.embeddings.patch_embeddings.projection.$1",
			`norm\.(\w+)`, "vit.layernorm.$1", `blocks\.(\d+)\.attn\.qkv\.(\w+)`,
			"vit.encoder.layer.$1.attention.attention.query.$2 vit.encoder.layer.$1.attention.attention.key.$2 vit.encoder.layer.$1.attention.attention.value.$2",
			`blocks\.(\d+)\.attn\.proj\.(\w+)`, "vit.encoder.layer.$1.attention.output.dense.$2",
		}, end...)
	}
	torchvision := []string{`stem\.(\d)\.(\w+)`, "features.0.$1.$2", `head\.norm\.(\w+)`, "classifier.0.$1"}
	for stage := range 4 {
		at, between, in := fmt.Sprintf(`stages\.%d\.`, stage), fmt.Sprintf("features.%d.", 2*stage), fmt.Sprintf("features.%d.", 2*stage+1)
		torchvision = append(torchvision, at+`downsample\.(\d)\.(\w+)`, between+"$1.$2", at+`blocks\.(\d+)\.gamma`, in+"$1.layer_scale",
			at+`blocks\.(\d+)\.conv_dw\.(\w+)`, in+"$1.block.0.$2", at+`blocks\.(\d+)\.norm\.(\w+)`, in+"$1.block.2.$2",
			at+`blocks\.(\d+)\.mlp\.fc1\.(\w+)`, in+"$1.block.3.$2", at+`blocks\.(\d+)\.mlp\.fc2\.(\w+)`, in+"$1.block.5.$2")
	}
	for name, c := range map[string]struct {
		shapes         map[string][]int
		backbone, want string
	}{
		"ConvNeXt":       {respelled(shapesOf(t, "convnext-tiny", 224), torchvision...), "convnext-tiny", "the middle 224×224 of a short side of 236, bilinear, mean 0.485,"},
		"small ConvNeXt": {respelled(shapesOf(t, "convnext-small", 224), torchvision...), "convnext-small", "the middle 224×224 of a short side of 230, bilinear, mean 0.485,"},
		"ViT": {respelled(shapesOf(t, "vit-base-16", 224), transformers(
			`blocks\.(\d+)\.norm1\.(\w+)`, "vit.encoder.layer.$1.layernorm_before.$2", `blocks\.(\d+)\.norm2\.(\w+)`, "vit.encoder.layer.$1.layernorm_after.$2",
			`blocks\.(\d+)\.mlp\.fc1\.(\w+)`, "vit.encoder.layer.$1.intermediate.dense.$2", `blocks\.(\d+)\.mlp\.fc2\.(\w+)`, "vit.encoder.layer.$1.output.dense.$2")...),
			"vit-base-16", "224×224, bilinear, mean 0.5,0.5,0.5, deviation 0.5,0.5,0.5, as transformers"},
		"DINOv2": {respelled(shapesOf(t, "dinov2-small", 224), transformers(
			`blocks\.(\d+)\.ls(\d)\.gamma`, "vit.encoder.layer.$1.layer_scale$2.lambda1", `blocks\.(\d+)\.(norm\d|mlp\.fc\d)\.(\w+)`, "vit.encoder.layer.$1.$2.$3")...),
			"dinov2-small", "the middle 224×224 of a short side of 256, bicubic, mean 0.485,0.456,0.406, deviation 0.229,0.224,0.225, as transformers"},
		"ResNet": {resnetOfTransformers(shapesOf(t, "resnet50", 224)), "resnet50", "the middle 224×224 of a short side of 256, bicubic, mean 0.485,"},
	} {
		t.Run(name, func(t *testing.T) {
			path := hollow(t, "F32", extra(c.shapes, "classifier.weight"))
			nearest, err := nets.Nearest(path)
			require.NoError(t, err)
			require.Equal(t, c.backbone, nearest)
			p, err := nets.Prepared(path, c.backbone, "")
			require.NoError(t, err)
			require.Contains(t, p.String(), c.want)
		})
	}
}

// resnetOfTransformers are the tensors of a ResNet as Hugging Face names them, which counts from 0.
func resnetOfTransformers(shapes map[string][]int) map[string][]int {
	out, kinds := map[string][]int{}, map[string]string{"conv": "convolution", "bn": "normalization"}
	for name, shape := range shapes {
		parts := strings.SplitN(name, ".", 4)
		to := "resnet.embedder.embedder." + kinds[strings.TrimRight(parts[0], "1")] + "." + parts[len(parts)-1]
		if stage, isBlock := strings.CutPrefix(parts[0], "layer"); isBlock {
			rest := parts[3]
			within := fmt.Sprintf("layer.%d.%s", int(parts[2][len(parts[2])-1]-'1'), kinds[strings.TrimRight(parts[2], "123")])
			if parts[2] == "downsample" {
				which, end, _ := strings.Cut(parts[3], ".")
				within, rest = "shortcut."+map[string]string{"0": "convolution", "1": "normalization"}[which], end
			}
			to = fmt.Sprintf("resnet.encoder.stages.%d.layers.%s.%s.%s", int(stage[0]-'1'), parts[1], within, rest)
		}
		out[to] = shape
	}
	return out
}
