package losses

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNearestNamesTheLikeliestWord(t *testing.T) {
	known := []string{"contrastive", "triplet", "größe", "low", "loss", "k"}
	for word, want := range map[string]string{
		"contrastiv": ` (did you mean "contrastive"?)`, "tirplet": ` (did you mean "triplet"?)`,
		"größ": ` (did you mean "größe"?)`, "grosse": "", "xyz": "", "": "", "foo": "", "bogus": "",
		strings.Repeat("triplet", 1<<14): "",
	} {
		require.Equal(t, want, nearest(word, known), "%.20s", word)
	}
}
