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

// Classes that look alike are told where one is learned and the other measured on.
func TestLookalikesAcrossParts(t *testing.T) {
	set := func(classes ...string) *Dataset { return &Dataset{classes: classes} }
	s := Split{Train: set("Cat", "dog", "7"), Val: set("bird", "cat", "dog"), Test: set("07", "bird ", "fish")}
	told := s.TellLookalikes()
	notes := func(d *Dataset) []Count { return d.report.notes }
	require.Empty(t, notes(told.Train))
	require.Len(t, notes(told.Val), 1, "one name in both is a class of both, and told elsewhere")
	require.Equal(t, []string{"cat like Cat"}, notes(told.Val)[0].Examples)
	require.Equal(t, []string{"07 like 7"}, notes(told.Test)[0].Examples)
	require.Contains(t, notes(told.Test)[0].String(), "give both one name, in the table or as that of the folder")
	require.Empty(t, notes(s.Val), "what was given stays as it was")
	require.Nil(t, Split{Train: set("a")}.TellLookalikes().Val)
	require.Empty(t, notes(Split{Val: set("a"), Test: set("A")}.TellLookalikes().Test), "nothing is learned")
}
