package losses_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/losses"
	"medusa/miners"
	"medusa/pairs"
)

func init() {
	mappers["SignalToNoiseRatioContrastiveLoss"] = func(r *goldenRecord) losses.Loss {
		r.only(pairs.SNR{P: 2, Power: 1})
		return losses.SNRContrastive{PosMargin: r.number("pos_margin", 0), NegMargin: r.number("neg_margin", 1), Reducer: r.reducer()}
	}
}

func ExampleSNRContrastive() {
	show(losses.Default[losses.SNRContrastive]())
	// Output:
	// 3.000
}

func TestSNRContrastiveProperties(t *testing.T) {
	properties(t, map[string]losses.SNRContrastive{
		"default":    losses.Default[losses.SNRContrastive](),
		"raw":        {PosMargin: 0.1, NegMargin: 2, Raw: true},
		"root":       {NegMargin: 1.5, Power: 0.5, Reducer: pairs.Mean{}},
		"batch-hard": {NegMargin: 1.5, Miner: miners.BatchHard{}},
	})
}

// It is the contrastive loss by another metric.
func TestSNRContrastiveIsContrastive(t *testing.T) {
	x, y := randomBatch(4, 12, 5, 3)
	require.Equal(t, value(t, losses.Contrastive{PosMargin: 0.2, NegMargin: 3, Metric: pairs.SNR{}}, x, y), value(t, losses.SNRContrastive{PosMargin: 0.2, NegMargin: 3}, x, y))
}

func TestSNRContrastiveRefuses(t *testing.T) {
	refuses(t, map[string]losses.SNRContrastive{
		"losses: snr-contrastive: neg-margin: -1 is out of range": {NegMargin: -1},
		"losses: snr-contrastive: power: -1 is out of range":      {Power: -1},
	})
}
