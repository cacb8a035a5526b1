package serve

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

var colours = regexp.MustCompile(`--(ground|card|ink|soft|rule|accent|accent-wash|right|wrong|wrong-wash|sans): ([^;]+);`)

// The page has the colours of the report of a run, in the light and in the dark.
func TestPageLooksLikeTheReport(t *testing.T) {
	own, err := page.ReadFile("page/style.css")
	require.NoError(t, err)
	report, err := os.ReadFile("../internal/report/style.css")
	require.NoError(t, err)
	want := colours.FindAllString(string(report), -1)
	require.Greater(t, len(want), 15)
	require.Equal(t, want, colours.FindAllString(string(own), -1))
}

// The page needs nothing from elsewhere, and nothing that its policy forbids.
func TestPageNeedsNothingElse(t *testing.T) {
	for _, name := range []string{"index.html", "style.css", "script.js", "icon.svg"} {
		b, err := page.ReadFile("page/" + name)
		require.NoError(t, err)
		require.NotRegexp(t, `(src|href)="?https?:|@import|url\(|<script>|style=|\bon[a-z]+=|innerHTML|eval\(`, string(b), name)
	}
}
