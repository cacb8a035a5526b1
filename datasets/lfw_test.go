package datasets

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParsePairs(t *testing.T) {
	p, err := parsePairs(strings.NewReader("2 1\nA_B\t1\t4\nA_B 1 C 2\nD 1 2\nD 1 E 1\n"), false)
	require.NoError(t, err)
	require.Equal(t, 4, p.promised)
	require.Equal(t, facePair{a: faceName{"A_B", 1}, b: faceName{"C", 2}, fold: 0}, p.list[1])
	require.Equal(t, 1, p.list[2].fold)
	p, err = parsePairs(strings.NewReader("1100\nA 1 4\n"), false)
	require.NoError(t, err)
	require.Equal(t, 2200, p.promised, "the lists of the development sets have one number")
	for text, want := range map[string]string{
		"":                    "no pairs",
		"10 300\n":            "no pairs",
		"a,b\nA 1 2\n":        "want the number of parts",
		"0\nA 1 2\n":          "want the number of parts",
		"1\nA 1\n":            "line 2: people and the number of their pictures",
		"10\n601\nA 1\n":      "line 2: people and the number of their pictures",
		"1\nA x\n":            "line 2: 2 words",
		"1\nA 1 2\nA 1\n":     "line 3: 2 words",
		"1\nA 1 x\n":          `line 2: "x" is no number`,
		"1\nA 1 A 2\n":        `"A" twice in a pair of two people`,
		"1\nA 1 2\nA B C D\n": `line 3: "B" is no number`,
	} {
		_, err := parsePairs(strings.NewReader(text), false)
		require.ErrorContains(t, err, want, text)
	}
	_, err = parsePairs(strings.NewReader("10 300\nA 1 2\nA 1 "), true)
	require.NoError(t, err, "the last line of a beginning may be cut")
}

func FuzzPairs(f *testing.F) {
	f.Add("10\t300\nA\t1\t4\nA\t1\tB\t2\n")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parsePairs(strings.NewReader(text), false)
		if err != nil {
			return
		}
		require.NotEmpty(t, p.list)
		for _, pair := range p.list {
			require.NotEmpty(t, pair.a.person)
			require.GreaterOrEqual(t, pair.fold, 0)
		}
	})
}
