package miners

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestKindsAreReadBack(t *testing.T) { require.NoError(t, registry.Check()) }

// Whatever a text is, it makes a miner or an error.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"batch-hard", "batch-hard(distance=lp(p=1))", "triplet-margin(type=hard, margin=1e-3)", "batch-hard+batch-hard", "batch-hard((",
		"schedule(miners=[none, batch-hard], steps=[10])", "schedule(miners=[], steps=[-1])", "batch-easy-hard(pos=easy, neg=hard, pos-range=[0, inf])",
		"chain(first=distance-weighted(cutoff=2), second=hdc)", "uniform-histogram(bins=0)", "angular(angle=20)"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := Parse(text)
		require.Equal(t, err == nil, m != nil)
	})
}
