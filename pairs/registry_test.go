package pairs

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Every default is read back as it is, and is what the zero value means.
func TestKindsAreReadBack(t *testing.T) {
	require.NoError(t, metrics.Check())
	require.NoError(t, reducers.Check())
}

// Whatever a text is, it makes a metric and a reducer or errors.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"lp(p=3, power=2)", "lp(p=inf, raw=true)", "cosine", "snr(", "threshold(low=0.1, of=per-anchor(of=sum))",
		"multiple(by={pos: sum}, else=none)", "class-weighted(weights=[1, 2])", "mean + sum"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := ParseMetric(text)
		require.Equal(t, err == nil, m != nil)
		r, err := ParseReducer(text)
		require.Equal(t, err == nil, r != nil)
	})
}
