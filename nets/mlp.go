package nets

import (
	"fmt"

	"medusa/graph"
)

func init() { provide("mlp", mlp, "fully connected layers") }

// mlp is a chain of fully connected layers fc1, fc2, … of Config.Hidden neurons, each
// with normalisation if configured, activation and dropout. The last one's dropout
// stands before the embedding's layer.
func mlp(cfg Config, p *graph.Params, x graph.Expr, mode Mode) (graph.Expr, error) {
	l := NewLayers(cfg, p, mode)
	hidden := cfg.Hidden
	if len(hidden) == 0 {
		hidden = []int{512, 256}
	}
	x = x.Flatten()
	for i, n := range hidden {
		if i > 0 {
			x = l.Dropout(fmt.Sprintf("dropout%d", i), l.EndSegment(x))
		}
		x = l.Linear(fmt.Sprintf("fc%d", i+1), x, n)
		x = l.Activate(l.Norm(fmt.Sprintf("bn%d", i+1), x))
	}
	return x, x.Err()
}
