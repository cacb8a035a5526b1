package trainer

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/nets"
)

func planOf(t *testing.T, backbone string, f FineTune, epoch int) *plan {
	t.Helper()
	text, err := f.parse()
	require.NoError(t, err)
	net := nets.Config{Backbone: backbone, InChannels: 3, Height: 224, Width: 224}
	stages, err := net.Stages()
	require.NoError(t, err)
	p, err := newPlan(text, stages, backbone, epoch)
	require.NoError(t, err)
	return p
}

// Of several names for a parameter the narrowest counts, wherever it stands in the list.
func TestRatesByName(t *testing.T) {
	p := planOf(t, "resnet18", FineTune{LRScale: "layer4.1=0.7, backbone=0.1,layer4=0.5,layer1.0.conv1.weight=2,loss=3,loss.proxies=4,embedding=1.5,stem..layer2=0.2"}, 1)
	for name, want := range map[string]float64{
		"backbone.conv1.weight":                 0.2,
		"backbone.bn1.running_mean":             0.2,
		"backbone.layer1.0.conv1.weight":        2,
		"backbone.layer1.0.conv2.weight":        0.2,
		"backbone.layer2.1.bn2.bias":            0.2,
		"backbone.layer3.0.downsample.0.weight": 0.1,
		"backbone.layer4.0.conv1.weight":        0.5,
		"backbone.layer4.1.conv1.weight":        0.7,
		"embedding.fc.weight":                   1.5,
		"loss.proxies":                          4,
		"loss.margin":                           3,
		"loss":                                  1,
	} {
		require.Equal(t, want, p.of(name).rate, name)
		require.Equal(t, 1, p.of(name).from, name)
	}
	require.Equal(t, []int{1}, p.starts)
}

// Layer-wise decay is that of BEiT and timm (param_groups_layer_decay, with the last normalisation in the last block's group):
// of a transformer of 12 blocks the embedding of patches has 0.75^13, the last block 0.75, and what stands behind 1.
func TestLayerDecay(t *testing.T) {
	for backbone, want := range map[string]map[string]int{ // exponents
		"vit-small-16": {
			"backbone.patch_embed.proj.weight": 13, "backbone.cls_token": 13, "backbone.pos_embed": 13, "backbone.blocks.0.attn.qkv.weight": 12,
			"backbone.blocks.11.mlp.fc2.bias": 1, "backbone.norm.weight": 1, "embedding.fc.weight": 0, "loss.proxies": 0,
		},
		"resnet18":      {"backbone.conv1.weight": 9, "backbone.layer1.0.conv1.weight": 8, "backbone.layer4.1.bn2.weight": 1, "embedding.fc.bias": 0},
		"convnext-tiny": {"backbone.stem.0.weight": 19, "backbone.stages.1.downsample.1.weight": 15, "backbone.stages.1.blocks.0.norm.weight": 15, "backbone.head.norm.weight": 1},
	} {
		p := planOf(t, backbone, FineTune{LayerDecay: 0.75, LRScale: "backbone=0.5"}, 1)
		for name, exponent := range want {
			rate := math.Pow(0.75, float64(exponent))
			if exponent > 0 {
				rate *= 0.5
			}
			require.InEpsilon(t, rate, p.of(name).rate, 1e-12, "%s of %s", name, backbone)
		}
	}
}

func TestFirstSteps(t *testing.T) {
	p := planOf(t, "resnet18", FineTune{Freeze: "stem..layer3, embedding", Unfreeze: "layer3:2,layer2.1:4,embedding:1", WarmupHead: 3, FreezeNorm: true}, 10)
	for name, want := range map[string]int{
		"backbone.conv1.weight":             never,
		"backbone.layer2.0.conv1.weight":    never,
		"backbone.layer2.1.conv1.weight":    41,
		"backbone.layer3.0.conv1.weight":    31, // the warm-up is longer
		"backbone.layer4.0.conv1.weight":    31,
		"backbone.layer4.0.bn1.weight":      31,
		"backbone.layer4.0.bn1.running_var": never,
		"embedding.fc.weight":               11,
		"loss.proxies":                      1,
	} {
		require.Equal(t, want, p.of(name).from, name)
	}
	require.Equal(t, []int{1, 11, 31, 41}, p.starts)
	for step, want := range map[int]int{0: 1, 1: 1, 10: 1, 11: 11, 30: 11, 31: 31, 41: 41, 1000: 41} {
		require.Equal(t, want, p.phase(step), step)
	}
	require.Equal(t, 1, (*plan)(nil).phase(7))
	require.True(t, p.backboneFrozen(1))
	require.True(t, p.backboneFrozen(11))
	require.False(t, p.backboneFrozen(31))
	require.Equal(t, 30, p.end(1, 100))
}

// What nobody can mean is refused before pictures are read, and what cannot be known yet when they are.
func TestFineTuneIsRefused(t *testing.T) {
	for want, c := range map[string]FineTune{
		`FineTune.Freeze has "layr4" (did you mean "layer4"?), which is no part of the network: the stages of resnet18 are stem, layer1, layer2, layer3, layer4; backbone is all of them, embedding and loss are what stands behind`: {Freeze: "layr4"},
		`FineTune.Freeze has "", which is no part`:                                                                             {Freeze: "layer1,,layer2"},
		`FineTune.Freeze has layer3..layer1, but layer1 comes first in resnet18: want layer1..layer3`:                          {Freeze: "layer3..layer1"},
		`FineTune.Unfreeze is 3, but nothing is frozen: say by FineTune.Freeze what is, or leave it out`:                       {Unfreeze: "3"},
		`FineTune.Unfreeze has "layer4:0", want a whole number of epochs, at least 1`:                                          {Freeze: "all", Unfreeze: "layer4:0"},
		`FineTune.Unfreeze has "2", want`:                                                                                      {Freeze: "all", Unfreeze: "1,2"},
		`FineTune.Unfreeze has layer4, which FineTune.Freeze does not freeze`:                                                  {Freeze: "layer1", Unfreeze: "layer4:2"},
		`FineTune.LRScale has "layer1", want NAME=FACTOR with a factor above 0`:                                                {LRScale: "layer1"},
		`FineTune.LRScale has "layer1=0", want NAME=FACTOR with a factor above 0, such as backbone=0.1; what should not learn`: {LRScale: "layer1=0"},
		`FineTune.LRScale has "layer1=NaN", want`:                                                                              {LRScale: "layer1=NaN"},
		`FineTune.LayerDecay is 1.5, want a factor above 0, at most 1`:                                                         {LayerDecay: 1.5},
		`FineTune.LayerDecay is -1, want`:                                                                                      {LayerDecay: -1},
		`FineTune.WarmupHead is -1, want a number of epochs`:                                                                   {WarmupHead: -1},
		`FineTune.WarmupHead means nothing where FineTune.Freeze is all: the backbone never learns`:                            {Freeze: "all", WarmupHead: 1},
	} {
		cfg := Config{Net: nets.Config{Backbone: "resnet18"}, FineTune: c}
		require.ErrorContains(t, cfg.Validate(), want)
	}
	for want, c := range map[string]FineTune{
		"FineTune.Unfreeze has weights begin to learn at step 100, but the run has 27 steps, and an epoch has 11: make it longer by Epochs":       {Freeze: "all", Unfreeze: "9"},
		"FineTune.WarmupHead has weights begin to learn at step 34":                                                                               {WarmupHead: 3},
		`no parameter's name begins with "loss.nothing", as FineTune.Freeze or FineTune.LRScale has it; those behind the backbone are embedding.`: {LRScale: "loss.nothing=2"},
		"there is nothing to learn": {Freeze: "all,embedding,loss"},
	} {
		cfg := tunedRun(t, "cpu")
		cfg.FineTune = c
		_, err := New(cfg, load(t, cfg), Options{Dir: t.TempDir() + "/run"})
		require.ErrorContains(t, err, want)
	}
	cfg := tunedRun(t, "cpu")
	_, err := New(cfg, load(t, cfg), Options{Dir: t.TempDir() + "/run", LRScales: map[string]float64{"backbone.": 1}})
	require.ErrorContains(t, err, "Options.LRScales and Config.FineTune both say how fast weights learn")
}

func TestGroups(t *testing.T) {
	cfg := tunedRun(t, "cpu")
	cfg.FineTune = FineTune{Freeze: "conv1", WarmupHead: 1, LRScale: "conv2=0.5,bn2.bias=0.1,loss=2"}
	cfg.Solver.LossLR = 3
	tr := start(t, cfg, Options{})
	require.Equal(t, []ParameterGroup{
		{"conv1", 33, 0.01, 0.01, 0}, {"conv2", 116, 0.001, 0.005, 12}, {"embedding", 20, 0.01, 0.01, 1}, {"loss", 32, 6, 6, 1},
	}, tr.groups())
	cfg.FineTune = FineTune{}
	require.Nil(t, start(t, cfg, Options{}).groups())
}

// The stages of a backbone that a program gives by value have names too.
func TestFineTuneOwnBackbone(t *testing.T) {
	cfg := tunedRun(t, "cpu")
	cfg.Net, cfg.FineTune = nets.Config{Embedding: 4}, FineTune{Freeze: "stem..blocks.0", Unfreeze: "blocks.0:1"}
	o := Options{NoReport: true, NoEmbeddings: true, Backbone: nets.ViT{Patch: 4, Width: 6, Depth: 2, Heads: 2}.Build}
	tr := start(t, cfg, o)
	require.Equal(t, []string{"stem", "blocks.0", "blocks.1", "final", "embedding", "loss"}, names(tr.groups()))
	finishes(t, tr)
	cfg.FineTune.Freeze = "blocks.2"
	o.Dir = t.TempDir() + "/run"
	_, err := New(cfg, load(t, cfg), o)
	require.ErrorContains(t, err, `FineTune.Freeze has "blocks.2"`)
}

func names(groups []ParameterGroup) (all []string) {
	for _, g := range groups {
		all = append(all, g.Name)
	}
	return all
}
