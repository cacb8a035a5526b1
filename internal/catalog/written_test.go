package catalog

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

type scaled interface{ isScaled() }

type standing struct {
	P     float64 `doc:"p" min:"1" unset:"2"`
	Any   float64 `doc:"anything" unset:"3"`
	Count int     `doc:"of things" min:"0" unset:"all"`
	Form  string  `doc:"form" choices:"round,square" unset:"round"`
	On    bool    `doc:"switch" unset:"off"`
	List  []int   `doc:"of things" unset:"1, 2"`
	Words float64 `doc:"by words" min:"0" unset:"√2"`
}

func (standing) isScaled() {}

// A zero that stands for another value is refused where it is written, in the words of the range
// or with what it would mean; where nothing else says it, it may be written.
func TestAWrittenZeroIsZero(t *testing.T) {
	r := New[scaled]("scales", "a scale", "")
	r.Add("standing", "zeros that mean something else", standing{P: 2, Any: 3, Words: 64})
	for text, want := range map[string]string{
		"standing(p=0)":      "p: 0 is out of range, want at least 1",
		"standing(any=0)":    "any: 0 would mean the default, which is 3",
		"standing(any=-0.0)": "any: -0 would mean the default, which is 3",
		"standing(count=0)":  "count: 0 would mean the default, which is all",
		`standing(form="")`:  `form: "" is not a choice; want round, square`,
		"standing:p=0":       "p: 0 is out of range",
	} {
		_, err := r.Parse(text)
		require.ErrorContains(t, err, want, text)
	}
	for text, want := range map[string]standing{
		"standing(p=1, any=-1, count=2, form=square)": {P: 1, Any: -1, Count: 2, Form: "square", Words: 64},
		"standing(on=false, list=[])":                 {P: 2, Any: 3, Words: 64},
		"standing(words=0)":                           {P: 2, Any: 3},
	} {
		v, err := r.Parse(text)
		require.NoError(t, err, text)
		require.Equal(t, want, v, text)
	}
	require.NoError(t, r.Check())
	for _, v := range []standing{{}, {P: 3}, {Words: 1}, {Form: "square", Count: 4}} { // by literals a zero stands for what it does
		for _, write := range []func(scaled) (string, error){r.Text, r.FullText} {
			text, err := write(v)
			require.NoError(t, err)
			back, err := r.Parse(text)
			require.NoError(t, err, text)
			meant := v
			if meant.P == 0 {
				meant.P = 2
			}
			if meant.Any = 3; back.(standing).Form == "round" {
				meant.Form = "round"
			}
			require.Equal(t, meant, back, text)
		}
	}
}

// Who writes a list as other programs have it is told how it is written here.
func TestAListWithoutBrackets(t *testing.T) {
	for text, want := range map[string]string{
		"mlp(hidden=64,32)":          `"32" is not parameter=value; a list stands in brackets, as in hidden=[64, 32]`,
		"mlp(depth=2, hidden=64,32)": `hidden=[64, 32]`,
		"mlp:hidden=64,32":           `"32" is not parameter=value; a list stands in brackets, as in hidden=[64, 32]`,
		"a(m={k: 1, 2})":             `"2" is not name: value; a list stands in brackets, as in k: [1, 2]`,
		"mlp(64)":                    `"64" is not parameter=value (`,
	} {
		_, _, err := Call(text)
		require.ErrorContains(t, err, want, text)
	}
	name, args, err := Call("mlp(hidden=[64, 32])")
	require.NoError(t, err)
	require.Equal(t, "mlp", name)
	require.Equal(t, []Argument{{"hidden", "[64, 32]"}}, args)
}

// The page for programs has each name alone at the start of a line, once, and nothing else there.
func TestListHasNamesAtTheStartOfLines(t *testing.T) {
	for _, width := range []int{1, 80, 500} {
		var names []string
		for line := range strings.Lines(kinds.List(width)) {
			if line = strings.TrimSuffix(line, "\n"); line != "" && line[0] != ' ' {
				names = append(names, line)
			}
		}
		require.Equal(t, kinds.Names(), names)
	}
	page := kinds.List(80)
	require.Equal(t, 2, strings.Count(page, "between embeddings"), "what kinds have in common stands with each:\n%s", page)
	require.Contains(t, miners.List(80), `J. Doe, "Bands", 2019`)
}

// A description ends, also of what holds itself in many ways.
func TestDescribeEnds(t *testing.T) {
	type knot struct{ A, B, C *knot }
	k := &knot{}
	k.A, k.B, k.C = k, k, k
	require.Less(t, len(Describe(k)), 3000)
}

// An error says for which family a name or a parameter was sought.
func TestUnknownNamesTellTheirFamily(t *testing.T) {
	for text, want := range map[string]string{
		"tripet": "a loss", "triplet(margn=1)": "a loss", "triplet(miner=angula)": "a miner", "triplet(miner=angular(a=1))": "a miner",
		"triplet(margin=-1)": "", "triplet(": "",
	} {
		_, err := kinds.Parse(text)
		var e *Error
		require.ErrorAs(t, err, &e, text)
		require.Equal(t, want, e.Noun, text)
	}
}
