package nets_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"

	"medusa/graph"
	"medusa/nets"
)

// Every backbone of the package ends segments before its blocks if it is asked to, and none else, for a graph that is
// the same.
func TestBackbonesEndSegments(t *testing.T) {
	for _, name := range nets.Names() {
		if strings.HasPrefix(name, "test-") || name == "strided" { // of tests
			continue
		}
		t.Run(name, func(t *testing.T) {
			side := 224
			if strings.HasPrefix(name, "iresnet") || name == "mobilefacenet" {
				side = 112
			}
			cfg := nets.Config{Backbone: name, InChannels: 3, Height: side, Width: side}
			segments, nodes := built(t, cfg)
			require.Zero(t, segments)
			again, nodesAgain := built(t, cfg.Recomputing())
			require.NotZero(t, again)
			require.Equal(t, nodes, nodesAgain)
			summary, err := nets.Summary(cfg.Recomputing())
			require.NoError(t, err)
			require.Len(t, summary.Ends, again)
			require.Equal(t, again, summary.Layers[len(summary.Layers)-1].Segment, "something follows the last end")
		})
	}
}

// built is how many segments end in the graph of a network, and how many nodes it has.
func built(t *testing.T, cfg nets.Config) (segments, nodes int) {
	g := gorgonia.NewGraph()
	x, _ := graph.Input(g, "pictures", 2, cfg.InChannels, cfg.Height, cfg.Width)
	_, err := nets.Build(cfg, graph.NewShapes(), x, nets.Train)
	require.NoError(t, err)
	return graph.Segments(g), len(g.AllNodes())
}
