package datasets

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLookalikes(t *testing.T) {
	for _, tt := range [][]string{
		{"Apfel", "apfel"}, {"Äpfel", "A\u0308pfel"}, {"Straße", "STRASSE"}, {"red fox", "red_fox", "Red-Fox", "red  fox", "red\u00a0fox"},
		{"1", "1.0", "01", "+1", "1.00"}, {"0.5", "00.50"}, {"ﬁsh", "fish"}, {"cat", "ca\u200bt"}, {"１２", "12"},
	} {
		require.Len(t, lookalikes(tt), len(tt)-1, "%q", tt)
	}
	require.Empty(t, lookalikes([]string{"1", "-1", "10", "1.1", "1e0", "1a", "a1", "cat", "cats", "v1.0", "v1"}))
	require.Equal(t, []string{"01 like 1"}, lookalikes([]string{"1", "01"}))
}
