package miners

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestKindsAreReadBack(t *testing.T) { require.NoError(t, registry.Check()) }

// Whatever a text is, it makes a miner or an error.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"batch-hard", "batch-hard(distance=lp(p=1))", "triplet-margin(type=hard, margin=1e-3)", "batch-hard+batch-hard", "batch-hard(("} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := Parse(text)
		require.Equal(t, err == nil, m != nil)
	})
}
