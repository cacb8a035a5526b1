package losses_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/graphtest"
	"medusa/losses"
	"medusa/miners"
	"medusa/pairs"
)

// Losses over an anchor's neighbours hold no mask of shape (B, M) in memory either, mined or not;
// those of hinges hold nothing but distances.
func TestNoMaskOfNeighboursIsHeld(t *testing.T) {
	const b, e = 23, 7
	hard := miners.BatchHard{}
	learned := losses.Default[*losses.Margin]()
	learned.LearnBeta = true
	for _, c := range []struct {
		loss losses.Loss
		only bool // distances are held
	}{
		{losses.Default[losses.ThresholdConsistentMargin](), false}, // similarities have their sign turned in memory
		{losses.ThresholdConsistentMargin{NegMargin: 1, PosWeight: 1, NegWeight: 1, Metric: pairs.LP{}}, true},
		{losses.ThresholdConsistentMargin{NegMargin: 1, PosWeight: 1, NegWeight: 1, Metric: pairs.LP{}, Miner: hard}, false}, // gradients are
		{losses.Default[*losses.Margin](), true},
		{learned, false},
		{losses.Default[losses.RankedList](), false},
		{losses.RankedList{Margin: 0.4, Alpha: 1.2, NegTemperature: 3, Miner: hard}, false},
		{losses.Default[losses.SmoothAP](), false},
		{losses.SmoothAP{Temperature: 1, Miner: hard}, false},
		{losses.Default[losses.PNP](), false},
		{losses.Default[losses.RecallAtK](), false},
		{losses.Default[losses.FastAP](), false},
		{losses.FastAP{Bins: 3, High: 4, Miner: hard}, false},
		{losses.Default[losses.Histogram](), false},
		{losses.Default[*losses.DynamicSoftMargin](), false},
	} {
		for _, m := range []int{b, 29} {
			t.Run(fmt.Sprintf("%T of %d", c.loss, m), func(t *testing.T) {
				ref := m
				if m == b {
					ref = 0
				}
				vm := planned(t, c.loss, b, e, ref)
				defer vm.Close()
				if c.only {
					graphtest.OnlyDistances(t, vm, b, m)
				}
				for _, op := range graphtest.Held(t, vm, b, m) {
					require.False(t, strings.HasPrefix(op, "spec.PairMask{"), op)
				}
			})
		}
	}
}
