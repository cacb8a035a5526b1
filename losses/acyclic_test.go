package losses_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/losses"
	"medusa/miners"
	"medusa/pairs"
)

// around is a loss of one's own around others.
type around struct{ Of []losses.Loss }

func (l *around) Loss(b pairs.Batch) graph.Expr { return l.Of[0].Loss(b) }
func (l *around) Set(s losses.Setting) error {
	for _, of := range l.Of {
		if err := losses.Set(of, s); err != nil {
			return err
		}
	}
	return nil
}

// Whatever is asked of a loss that holds itself, by whatever way, comes to an end at once: with an
// error where there can be one.
func TestALossThatHoldsItself(t *testing.T) {
	direct := &losses.Joint{}
	direct.Parts = []losses.Part{{Loss: direct, Weight: 1}, {Loss: direct, Weight: 1}}
	mined := &losses.Joint{}
	mined.Parts = []losses.Part{{Loss: losses.Mined{Miner: miners.BatchHard{}, Of: mined}, Weight: 1}, {Loss: losses.Triplet{}, Weight: 1}}
	own := &around{}
	own.Of = []losses.Loss{&losses.Joint{Parts: []losses.Part{{Loss: own, Weight: 1}}}}
	for name, l := range map[string]losses.Loss{
		"in its parts": direct, "below a miner": mined, "around": losses.Mined{Miner: miners.BatchHard{}, Of: mined}, "of one's own": own,
	} {
		t.Run(name, func(t *testing.T) {
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				_, err := losses.Evaluate(l, make([]float64, 8), []int{0, 0, 1, 1}, tensor.Float64)
				require.ErrorContains(t, err, "holds itself")
				require.ErrorContains(t, losses.Set(l, losses.Setting{Classes: 2}), "holds itself")
				if s, ok := l.(losses.Settable); ok {
					require.ErrorContains(t, s.Set(losses.Setting{Classes: 2}), "holds itself")
				}
				_, err = losses.Text(l)
				require.Error(t, err)
				require.False(t, losses.Classifies(l))
				if p := losses.ParamsOf(l); p != nil {
					require.Empty(t, p.All())
				}
				losses.ActiveShare(l, pairs.Batch{})
			}()
			select {
			case <-ended:
			case <-time.After(20 * time.Second):
				t.Fatal("no end")
			}
		})
	}
	shared := &losses.Joint{Parts: []losses.Part{{Loss: losses.Triplet{Margin: 0.2}, Weight: 1}}} // twice, and not in itself
	require.NoError(t, losses.Set(&around{Of: []losses.Loss{shared, shared}}, losses.Setting{}))
}
