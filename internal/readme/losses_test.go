package readme

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/losses"
	"medusa/miners"
	"medusa/pairs"
)

// lossesPage is docs/losses.md.
func lossesPage(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root, "docs", "losses.md"))
	require.NoError(t, err)
	return string(raw)
}

var (
	// linkedName is a name that links to its source, as the heading or in the first cell about it.
	linkedName = regexp.MustCompile("(?m)^(?:### |\\| )\\[`([^`]+)`\\]\\(\\.\\./([^)]+)\\)")
	anyFence   = regexp.MustCompile("(?ms)^```.*?^```$")
	codeSpan   = regexp.MustCompile("`([^`]+)`")
	kindName   = regexp.MustCompile(`^(?:[0-9.]+\*)?([a-z][a-z0-9-]*)(?:\(| \+|$)`)
	listed     = regexp.MustCompile(`^    ([a-z0-9-]+)=(.*?)(?:\s{2,}.*)?$`)
	sharedRow  = regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| `?([a-z0-9]+)")
)

// TestLossesPageHasAll holds the page to the names that texts may have: each stands there with a
// link to the file that registers it.
func TestLossesPageHasAll(t *testing.T) {
	for folder, names := range map[string][]string{
		"losses": append(losses.Names(), losses.RegularizerNames()...),
		"miners": miners.Names(),
	} {
		sources := map[string]string{}
		for _, m := range linkedName.FindAllStringSubmatch(lossesPage(t), -1) {
			if strings.HasPrefix(m[2], folder+"/") {
				sources[m[1]] = m[2]
			}
		}
		for _, name := range names {
			if sources[name] == "" {
				t.Errorf("docs/losses.md says nothing of %s, one of the %s, with a link to its source", name, folder)
				continue
			}
			text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(sources[name])))
			require.NoError(t, err, name)
			assert.Contains(t, string(text), `"`+name+`"`, "%s does not register it", sources[name])
		}
	}
	spans := texts(lossesPage(t))
	for _, name := range append(pairs.MetricNames(), pairs.ReducerNames()...) {
		assert.Contains(t, spans, name, "docs/losses.md does not name a distance or reducer")
	}
}

// texts are the code spans of a Markdown text, without those in blocks.
func texts(page string) (out []string) {
	for _, m := range codeSpan.FindAllStringSubmatch(anyFence.ReplaceAllString(page, ""), -1) {
		out = append(out, strings.Join(strings.Fields(m[1]), " "))
	}
	return out
}

// parseLoss makes a loss for two classes, as many as examples name, as -loss does.
func parseLoss(text string) (losses.Loss, error) {
	return losses.Parse(text, losses.Setting{Classes: 2, EmbeddingSize: 64, TrunkSize: 128})
}

// TestLossesPageTextsParse reads each text of the page that is a loss or a miner as -loss reads it.
func TestLossesPageTextsParse(t *testing.T) {
	names := map[string]bool{}
	for _, name := range append(losses.Names(), miners.Names()...) {
		names[name] = true
	}
	var found []string
	for _, span := range texts(lossesPage(t)) {
		if args := words(span); args[0] == "-loss" && len(args) > 1 {
			span = args[1]
		} else if m := kindName.FindStringSubmatch(span); m == nil || !names[m[1]] {
			continue
		}
		found = append(found, span)
	}
	for _, c := range inMarkdown("docs/losses.md", lossesPage(t)) {
		for i, w := range words(c.line) {
			if w == "-loss" {
				found = append(found, words(c.line)[i+1])
			}
		}
	}
	require.Greater(t, len(found), 100)
	for _, text := range found {
		_, err := parseLoss(text)
		if _, alsoMiner := miners.Parse(text); err != nil && alsoMiner != nil {
			assert.NoError(t, err, text)
		}
	}
}

// parameters are what a name in a text is given: values by parameter, of name(parameter=value, …).
func parameters(text string) map[string]string {
	out := map[string]string{}
	_, inside, _ := strings.Cut(text, "(")
	depth, from := 0, 0
	for i, r := range inside {
		switch {
		case strings.ContainsRune("([{", r):
			depth++
		case depth > 0 && strings.ContainsRune(")]}", r):
			depth--
		case depth == 0 && (r == ',' || r == ')'):
			if name, value, ok := strings.Cut(strings.TrimSpace(inside[from:i]), "="); ok {
				out[name] = value
			}
			from = i + 1
		}
	}
	return out
}

// defaults are those of each name that a list of a catalog has, without those that are nothing.
func defaults(list string) map[string]map[string]string {
	out := map[string]map[string]string{}
	name := ""
	for line := range strings.Lines(list) {
		line = strings.TrimRight(line, "\n ")
		if line != "" && line[0] != ' ' {
			name = line
			out[name] = map[string]string{}
		}
		if m := listed.FindStringSubmatch(line); m != nil && m[2] != "" && m[2] != "[]" {
			out[name][m[1]] = m[2]
		}
	}
	return out
}

// TestLossesPageDefaults holds what the page says of defaults to what they are: of each loss and
// miner it has a text with all its parameters, but those that the table of shared ones has, and with
// the values that they have by themselves.
func TestLossesPageDefaults(t *testing.T) {
	page := lossesPage(t)
	head, beyond, found := strings.Cut(page, "\n## The four")
	require.True(t, found)
	shared := map[string]string{}
	for _, m := range sharedRow.FindAllStringSubmatch(head, -1) {
		shared[m[1]] = m[2]
	}
	require.Len(t, shared, 7)
	ofLosses, ofMiners, found := strings.Cut(beyond, "\n## Miners\n")
	require.True(t, found)
	ofMiners, _, found = strings.Cut(ofMiners, "\n## ")
	require.True(t, found)

	for name, want := range defaults(losses.List(1e6)) {
		for parameter, value := range want {
			if shared[parameter] == value {
				delete(want, parameter)
			}
		}
		checkDefaults(t, ofLosses, name, want)
	}
	for name, want := range defaults(miners.List(1e6)) {
		if want["distance"] == "none" { // as the loss does, which the page says of all
			delete(want, "distance")
		}
		checkDefaults(t, ofMiners, name, want)
	}
}

// checkDefaults fails unless the page has a text of that name with these parameters.
func checkDefaults(t *testing.T, page, name string, want map[string]string) {
	t.Helper()
	if len(want) == 0 {
		return
	}
	var nearest map[string]string
	same := 0
	for _, span := range texts(page) {
		if m := kindName.FindStringSubmatch(span); m == nil || m[1] != name {
			continue
		}
		got := parameters(span)
		n := 0
		for parameter, value := range got {
			if want[parameter] == value {
				n++
			}
		}
		if n > same {
			nearest, same = got, n
		}
	}
	assert.Equal(t, want, nearest, "the defaults of %s, beside what docs/losses.md says of them", name)
}

func TestParametersAreFound(t *testing.T) {
	assert.Equal(t, map[string]string{"a": "1", "b": "x(c=2, d=[3, 4])", "e": "-"}, parameters("n(a=1, b=x(c=2, d=[3, 4]), e=-)"))
	assert.Empty(t, parameters("n"))
}
