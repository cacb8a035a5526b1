package model

import (
	"context"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/graph"
	"medusa/nets"
)

// However many pictures are embedded at once, each has the bits that it has in a whole batch, and few
// pictures do not take the time of one.
func TestFewPicturesAreThoseOfABatch(t *testing.T) {
	cases := map[string]nets.Config{
		"mlp":         {Backbone: "mlp", Hidden: []int{48, 24}, Embedding: 19, InChannels: 1, Height: 12, Width: 12},
		"cnn":         {Channels: []int{8, 16}, Embedding: 16, InChannels: 3, Height: 16, Width: 16},
		"resnet":      {Backbone: "resnet18", Channels: []int{4, 8, 8, 16}, Embedding: 8, InChannels: 3, Height: 32, Width: 32},
		"wide resnet": {Backbone: "resnet18", Channels: []int{16, 16, 32, 32}, Embedding: 8, InChannels: 3, Height: 24, Width: 24},
		"no norms":    {Channels: []int{16, 16}, Norm: "none", Embedding: 16, InChannels: 3, Height: 9, Width: 11},
		"flattened":   {Channels: []int{16, 32}, Head: "flatten", Embedding: 16, Raw: true, InChannels: 1, Height: 8, Width: 8},
	}
	if os.Getenv("MEDUSA_LONG") != "" { // the least of each kind in its own size: half a minute
		for name, side := range map[string]int{"mlp": 32, "cnn": 32, "resnet18": 32, "resnet50": 32, "efficientnet-lite0": 32, "mobilenet-v3-small": 32,
			"convnext-tiny": 32, "vit-small-16": 32, "dinov2-small": 28, "iresnet18": 32, "mobilefacenet": 32} {
			cases["default "+name] = nets.Config{Backbone: name, Embedding: 24, InChannels: 3, Height: side, Width: side}
		}
	}
	for name, cfg := range cases {
		t.Run(name, func(t *testing.T) {
			const batch = 20
			e, err := NewEmbedder(cfg, graph.NewParams(3), batch, nil, Views{})
			require.NoError(t, err)
			defer e.Close()
			x := make([]float32, batch*e.in)
			for i := range x {
				x[i] = float32(math.Sin(float64(i) * 0.37))
			}
			want, err := e.Pixels(context.Background(), x)
			require.NoError(t, err)
			for _, n := range []int{1, 2, 3, 8, 9} {
				for from := 0; from < batch; from += n {
					to := min(from+n, batch)
					got, err := e.Pixels(context.Background(), x[from*e.in:to*e.in])
					require.NoError(t, err)
					require.Equal(t, want[from*e.size:to*e.size], got, "%d pictures from number %d on", n, from)
				}
			}
			var sizes []int
			for _, b := range e.graphs {
				sizes = append(sizes, b.batch)
			}
			slices.Sort(sizes)
			require.Equal(t, []int{1, 8, batch}, sizes)
			require.NoError(t, e.Close())
			_, err = e.Pixels(context.Background(), x)
			require.ErrorContains(t, err, "closed")
		})
	}
}
