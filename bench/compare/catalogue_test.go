package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/losses"
)

// Every loss of the catalogue is one that there is, under a name of its own.
func TestCatalogueParses(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range catalogue {
		_, err := losses.Parse(c.text, losses.Setting{Classes: 128, EmbeddingSize: 128})
		require.NoError(t, err, c.name)
		require.False(t, seen[c.name], c.name)
		require.NotContains(t, lossTexts, c.name)
		seen[c.name] = true
	}
}
