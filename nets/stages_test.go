package nets_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/graph"
	"medusa/nets"
)

// numberedFrom is so many names with numbers from first on.
func numberedFrom(prefix string, first, n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprint(prefix, first+i))
	}
	return names
}

func around(before string, names []string, behind ...string) []string {
	return append(append([]string{before}, names...), behind...)
}

// Every backbone tells its stages; how many blocks each has are the depths of the papers and of timm's group_matcher.
func TestStages(t *testing.T) {
	resnet := around("stem", numberedFrom("layer", 1, 4))
	faces := append(resnet[:5:5], "final")
	vit := around("stem", numberedFrom("blocks.", 0, 12), "final")
	convnext := around("stem", numberedFrom("stages.", 0, 4), "final")
	mobile := func(n int) []string { return around("stem", numberedFrom("blocks.", 0, n), "final") }
	ones := func(n int) []int {
		all := make([]int, n)
		for i := range all {
			all[i] = 1
		}
		return all
	}
	for name, want := range map[string]struct {
		stages []string
		blocks []int
	}{
		"cnn":                    {numberedFrom("conv", 1, 3), ones(3)},
		"mlp":                    {numberedFrom("fc", 1, 2), ones(2)},
		"resnet18":               {resnet, []int{1, 2, 2, 2, 2}},
		"resnet34":               {resnet, []int{1, 3, 4, 6, 3}},
		"resnet50":               {resnet, []int{1, 3, 4, 6, 3}},
		"resnet101":              {resnet, []int{1, 3, 4, 23, 3}},
		"iresnet18":              {faces, []int{1, 2, 2, 2, 2, 1}},
		"iresnet34":              {faces, []int{1, 3, 4, 6, 3, 1}},
		"iresnet50":              {faces, []int{1, 3, 4, 14, 3, 1}},
		"iresnet100":             {faces, []int{1, 3, 13, 30, 3, 1}},
		"convnext-tiny":          {convnext, []int{1, 3, 3, 9, 3, 1}},
		"convnext-small":         {convnext, []int{1, 3, 3, 27, 3, 1}},
		"efficientnet-b0":        {mobile(7), []int{1, 1, 2, 2, 3, 3, 4, 1, 1}},
		"efficientnet-lite0":     {mobile(7), []int{1, 1, 2, 2, 3, 3, 4, 1, 1}},
		"mobilenet-v3-large":     {mobile(7), []int{1, 1, 2, 3, 4, 2, 3, 1, 1}},
		"mobilenet-v3-small":     {mobile(6), []int{1, 1, 2, 3, 2, 3, 1, 1}},
		"mobilefacenet":          {append(numberedFrom("layers.", 0, 8), "final"), ones(9)},
		"vit-small-16":           {vit, ones(14)},
		"vit-base-16":            {vit, ones(14)},
		"dinov2-small":           {vit, ones(14)},
		"dinov2-small-registers": {vit, ones(14)},
		"dinov2-base":            {vit, ones(14)},
		"clip-base-16":           {vit, ones(14)},
		"clip-base-32":           {vit, ones(14)},
		"siglip-base-16":         {vit, ones(14)},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := nets.Config{Backbone: name, InChannels: 3, Height: 224, Width: 224}
			if name == "mlp" || name == "cnn" {
				cfg.Height, cfg.Width = 28, 28
			}
			stages, err := cfg.Stages()
			require.NoError(t, err)
			var names []string
			var blocks []int
			for _, s := range stages {
				names, blocks = append(names, s.Name), append(blocks, len(s.Blocks))
			}
			require.Equal(t, want.stages, names)
			require.Equal(t, want.blocks, blocks)
		})
	}
}

// Each parameter is in one block, and a normalisation in that of its convolution.
func TestStagesHoldAll(t *testing.T) {
	for name, cfg := range allOf(frozenNets, deepNets) {
		t.Run(name, func(t *testing.T) {
			stages, err := cfg.Stages()
			require.NoError(t, err)
			seen := map[string]bool{}
			for _, s := range stages {
				for _, p := range s.Params() {
					require.False(t, seen[p], p)
					seen[p] = true
				}
			}
			for _, item := range stirred(t, cfg).Under(nets.BackbonePrefix) {
				name := strings.TrimPrefix(item.Name, nets.BackbonePrefix)
				require.True(t, seen[name], name)
				delete(seen, name)
			}
			require.Empty(t, seen)
		})
	}
}

// A backbone of one's own has the stages that its names tell.
func ExampleConfig_Stages() {
	own := func(cfg nets.Config, p *graph.Params, x graph.Expr, mode nets.Mode) (graph.Expr, error) {
		l := nets.NewLayers(cfg, p, mode)
		x = l.Activate(l.ConvNorm("conv1", "norm1", x, 16, nets.Window{Size: 5, Stride: 4, Pad: 2}))
		return l.Activate(l.Linear("fc1", l.Head(x), 64)), nil
	}
	stages, err := nets.Config{}.With(own).Stages()
	for _, s := range stages {
		fmt.Println(s.Name, s.Params())
	}
	fmt.Println(err)
	// Output:
	// conv1 [conv1.weight norm1.weight norm1.bias norm1.running_mean norm1.running_var]
	// fc1 [fc1.weight fc1.bias]
	// <nil>
}
