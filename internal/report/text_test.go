package report

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"medusa/internal/plain"
)

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                  "plain",
		"caf\xe9.jpg":            `caf\xe9.jpg`,
		"a\nb\x00\x7f":           `a\nb\x00\x7f`,
		"cat\u202egpj.exe":       `cat\u202egpj.exe`,
		"日本語 ملف \u00a0":         `日本語 ملف \u00a0`,
		"zero\u200bwidth\ufeff":  `zero\u200bwidth\ufeff`,
		"می\u200cخواهم 👩\u200d🔬": "می\u200cخواهم 👩\u200d🔬",
		"<b>&amp;\"'":            "<b>&amp;\"'",
		"already a �":            "already a �",
	} {
		assert.Equal(t, want, plain.Text(in))
	}
	assert.Equal(t, "a\n\tb\\r", plain.Lines("a\n\tb\r"))
	assert.Equal(t, "aa…aaaa", name(strings.Repeat("a", 50), 7))
}

func TestCount(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1\u202f000", -1234567: "-1\u202f234\u202f567"} {
		assert.Equal(t, want, count(n))
	}
	assert.Equal(t, "1 query", plural(1, "query", "queries"))
	assert.Equal(t, "0 queries", plural(0, "query", "queries"))
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 1.23456: "1.235", -0.5: "−0.5", 1.069e-7: "1.069e−7", -2e-4: "−2e−4", 123456: "123456", 3e12: "3e12",
		math.Inf(1): "–", 0.001: "0.001", 999.96: "1000",
	} {
		assert.Equal(t, want, number(v))
	}
}

var evil = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `</script><script>alert(1)</script>`, `<!--`, `]]>`,
	`'; alert(1); '`, "caf\xe9\xff", "{{.Title}}", `\u003c/script\u003e`, "\u2028\u2029", "</style><b>", "javascript:alert(1)", "a\x00b",
}

// named is a report in which every text is the same.
func named(s string) Data {
	d := run(12, 3)
	d.Title, d.Protocol, d.APName, d.Config, d.Version = s, s, s, s, s
	d.Warnings = []Warning{{Step: 3, Message: s, Advice: s}}
	d.Facts, d.Metrics = []Fact{{s, s}}, []Metric{{Name: s, Before: .1, After: .2}}
	d.Splits, d.Skipped = []Split{{Name: s, Note: s}}, []Skip{{Reason: s, Count: 1, Examples: []string{s}}}
	for k := range d.Series {
		d.Series[k].Group, d.Series[k].Name, d.Series[k].Unit = s, s, s
	}
	for k := range d.Classes {
		d.Classes[k] = s
	}
	for k := range d.Paths {
		d.Paths[k] = s
	}
	return d
}

var harmless = sync.OnceValue(func() string {
	var b bytes.Buffer
	if err := Write(&b, named("harmless")); err != nil {
		panic(err)
	}
	root, err := html.Parse(&b)
	if err != nil {
		panic(err)
	}
	return skeleton(root)
})

// checkSafe makes sure that no text became markup: the page has the same elements and
// attributes as one of harmless names.
func checkSafe(t testing.TB, s string) {
	var b bytes.Buffer
	require.NoError(t, Write(&b, named(s)))
	require.True(t, utf8.Valid(b.Bytes()))
	root, err := html.Parse(bytes.NewReader(b.Bytes()))
	require.NoError(t, err)
	require.Equal(t, harmless(), skeleton(root), "%q", s)
	p := payloadOf(t, root)
	require.Equal(t, name(s, maxName), p.Map.Classes[0])
	require.Equal(t, name(s, maxPath), p.Map.Paths[0])
	require.Equal(t, name(s, 200), text(all(root, atom.Title, "")[0]))
}

func text(n *html.Node) string {
	if n.FirstChild == nil {
		return ""
	}
	return n.FirstChild.Data
}

// skeleton lists elements and the names of their attributes.
func skeleton(root *html.Node) string {
	var b strings.Builder
	for n := range root.Descendants() {
		if n.Type == html.ElementNode {
			b.WriteString("<" + n.Data)
			for _, a := range n.Attr {
				b.WriteString(" " + a.Key)
			}
		} else if n.Type == html.CommentNode {
			b.WriteString("<!--")
		}
	}
	return b.String()
}

func TestTextsStayTexts(t *testing.T) {
	for _, s := range evil {
		t.Run(name(s, 40), func(t *testing.T) { checkSafe(t, s) })
	}
}

func FuzzTexts(f *testing.F) {
	for _, s := range evil {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if strings.TrimSpace(s) == "" || len(s) > 1000 {
			t.Skip("an empty text leaves its section out")
		}
		checkSafe(t, s)
	})
}

func FuzzPrintable(f *testing.F) {
	for _, s := range evil {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once := plain.Text(s)
		require.True(t, utf8.ValidString(once))
		require.NotContains(t, once, "\n")
		require.Equal(t, once, plain.Text(once))
		require.LessOrEqual(t, utf8.RuneCountInString(name(s, 20)), 20)
		_, err := json.Marshal(once)
		require.NoError(t, err)
	})
}
