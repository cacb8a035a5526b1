package datasets

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/samplesets"
)

// kaggleFaces is the data set of faces as Kaggle's lfw-dataset has it, with tables in place of
// lists.
func kaggleFaces(t *testing.T) string {
	t.Helper()
	set := samplesets.Named("lfw")
	moved := map[string][]byte{}
	for file, data := range set.Files {
		if name, picture := strings.CutPrefix(file, "lfw-py/lfw_funneled/"); picture {
			moved["lfw-deepfunneled/lfw-deepfunneled/"+name] = data
		}
	}
	for name, text := range map[string]string{
		"pairs.csv": "name,imagenum1,imagenum2,\r\n" +
			"Person_0,1,2,\r\nPerson_0,1,3,\r\nPerson_0,1,Person_1,2\r\nPerson_0,1,Person_2,2\r\n" +
			"Person_3,1,2,\r\nPerson_3,1,3,\r\nPerson_3,1,Person_4,2\r\nPerson_3,1,Person_5,2\r\n",
		"matchpairsDevTest.csv":     "name,imagenum1,imagenum2\nPerson_0,1,2\nPerson_1,1,2\n",
		"mismatchpairsDevTest.csv":  "name,imagenum1,name,imagenum2\nPerson_0,1,Person_1,2\nPerson_2,1,Person_1,2\n",
		"matchpairsDevTrain.csv":    "name,imagenum1,imagenum2\nPerson_4,1,2\n",
		"mismatchpairsDevTrain.csv": "name,imagenum1,name,imagenum2\nPerson_5,1,Person_4,3\n",
		"people.csv":                "name,images\nPerson_0,3\n,\n",
		"peopleDevTest.csv":         "name,images\nPerson_0,3\n",
		"peopleDevTrain.csv":        "name,images\nPerson_4,3\n",
		"lfw_allnames.csv":          "name,images\nPerson_0,3\n",
		"lfw_readme.csv":            "about\n",
	} {
		moved[name] = []byte(text)
	}
	set.Files = moved
	dir := filepath.Join(t.TempDir(), "lfw-dataset")
	_, err := set.Write(dir)
	require.NoError(t, err)
	return dir
}

// The tables are read as the lists of text are, with the same parts, and each by its name.
func TestFacesWithTables(t *testing.T) {
	dir := kaggleFaces(t)
	for opened, want := range map[string]int{
		"": 8, "pairs.csv": 8, "matchpairsDevTest.csv": 4, "mismatchpairsDevTest.csv": 4, "mismatchpairsDevTrain.csv": 2, "people.csv": 8, "lfw_allnames.csv": 8,
	} {
		s, err := Open(filepath.Join(dir, opened), Options{})
		require.NoError(t, err, opened)
		require.Equal(t, "Labeled Faces in the Wild", s.Train.Summary().Layout, "%q", opened)
		require.Equal(t, 6, s.Train.NumClasses())
		pairs := s.Train.Pairs()
		require.Len(t, pairs, want, opened)
		for n, p := range pairs {
			require.Equal(t, p.Same, s.Train.Labels()[p.A] == s.Train.Labels()[p.B])
			if want == 8 {
				require.Equal(t, n/4, p.Fold)
				require.Equal(t, n%4 < 2, p.Same)
			} else {
				require.Zero(t, p.Fold)
			}
		}
		for _, skip := range s.Train.Skipped() {
			require.Equal(t, "beside the folders of people", skip.Reason)
			if opened == "" {
				require.NotContains(t, filepath.Base(skip.Path), "pairs.csv", "it was read")
			}
		}
		require.Equal(t, want, s.Train.Summary().Listed)
		require.NoError(t, s.Close())
	}
	asText, err := Open(filepath.Join(dir, "pairs.csv"), Options{})
	require.NoError(t, err)
	defer asText.Close()
	require.Equal(t, open(t, "lfw", Options{}).Train.Pairs(), asText.Train.Pairs())

	require.NoError(t, os.Remove(filepath.Join(dir, "pairs.csv")))
	s, err := Open(dir, Options{})
	require.NoError(t, err)
	require.Len(t, s.Train.Pairs(), 4, "the next list")
	require.Contains(t, s.Train.Summary().Protocol, "matchpairsDevTest.csv and mismatchpairsDevTest.csv")
	require.NoError(t, s.Close())
}

// A table of that name that is another one is read as what it is.
func TestAnotherTableOfPairs(t *testing.T) {
	dir := t.TempDir()
	text := "path,label\n"
	for _, name := range []string{"a/1.png", "a/2.png", "b/1.png", "b/2.png"} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), pngOf(t, 8, 8, func(x, y int) byte { return byte(x*y + len(text)) }), 0o644))
		text += name + "," + name[:1] + "\n"
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "pairs.csv"), []byte(text), 0o644))
	for _, opened := range []string{"", "pairs.csv"} {
		s, err := Open(filepath.Join(dir, opened), Options{})
		require.NoError(t, err)
		require.Equal(t, 4, s.Train.Len())
		require.Empty(t, s.Train.Pairs())
		require.NoError(t, s.Close())
	}
}

func TestParsePairTable(t *testing.T) {
	const header = "name,imagenum1,imagenum2,\n"
	for text, want := range map[string]string{
		"":                             "want the header name,imagenum1,imagenum2",
		"path,label\nA,1\n":            `"path,label", want the header`,
		header:                         "no pairs",
		header + "A,1,x,\n":            `line 2: "x" is no number of a picture`,
		header + "A,1,2,\n\nA,1\n":     "line 4: 2 words",
		header + "A,1,A,2\n":           `"A" twice in a pair of two people`,
		header + "A,1,2,\n\"A,1,2,\nB": "line",
	} {
		_, err := parsePairTable(strings.NewReader(text), false)
		require.ErrorContains(t, err, want, text)
	}
	for _, cut := range []string{"A,1,2,\nA,1,", "A,1,2,\nA", "A,1,2,\n\"A"} {
		p, err := parsePairTable(strings.NewReader(header+cut), true)
		require.NoError(t, err, "the last line of a beginning may be cut")
		require.Len(t, p.list, 1)
	}
	p, err := parsePairTable(strings.NewReader("\ufeff"+header+"A,1,2,\nA,1,B,1\nC,1,D,1\nE,1,2,\n"), false)
	require.NoError(t, err)
	require.Equal(t, 1, p.list[3].fold)
	require.Equal(t, 0, p.list[2].fold)
}

func FuzzPairTable(f *testing.F) {
	f.Add("name,imagenum1,imagenum2,\nA,1,4,\nA,1,B,2\n", false)
	f.Add("name,imagenum1,name,imagenum2\nA,1,\"B\n", true)
	f.Fuzz(func(t *testing.T, text string, beginning bool) {
		p, err := parsePairTable(strings.NewReader(text), beginning)
		if err != nil {
			return
		}
		require.NotEmpty(t, p.list)
		for i, pair := range p.list {
			require.NotEmpty(t, pair.a.person)
			require.True(t, i == 0 || pair.fold >= p.list[i-1].fold)
		}
	})
}
