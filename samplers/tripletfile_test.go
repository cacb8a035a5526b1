package samplers

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var paths = []string{"cat/1.png", "cat/2.png", "dog/1.png", "dog/3.png", "sub/dog/3.png"}

func nameOf(i int) string { return paths[i] }

func TestReadTriplets(t *testing.T) {
	for name, text := range map[string]string{
		"rows":             "cat/1.png,cat/2.png,dog/1.png\ncat/2.png,cat/1.png,dog/3.png\n",
		"a header":         "anchor,positive,negative\ncat/1.png,cat/2.png,dog/1.png\ncat/2.png,cat/1.png,dog/3.png",
		"another order":    "\ufeffNegative,note,Anchor,Positive\r\ndog/1.png,x,cat/1.png,cat/2.png\r\ndog/3.png,,cat/2.png,cat/1.png\r\n",
		"blanks and marks": " cat/1.png , ./cat/2.png,\"dog/1.png\"\n\ncat\\2.png,cat/1.png,dog/3.png\n",
		"absolute paths":   "/data/my/cat/1.png,/data/my/cat/2.png,/data/my/dog/1.png\n/data/my/cat/2.png,/data/my/cat/1.png,dog/3.png",
		"ends of paths":    "cat/1.png,2.png,dog/1.png\n2.png,cat/1.png,dog/3.png",
	} {
		got, err := ReadTriplets(strings.NewReader(text), len(paths), nameOf)
		require.NoError(t, err, name)
		assert.Equal(t, [][3]int{{0, 1, 2}, {1, 0, 3}}, got, name)
	}
}

func TestReadTripletsRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                             "there is no triplet in it",
		"anchor,positive,negative\n":   "there is no triplet in it",
		"cat/1.png,cat/2.png":          "line 1: 2 columns, want 3: an anchor, a positive and a negative",
		"anchor,positive\ncat/1.png,x": "line 1: 2 columns, want 3",
		"cat/1.png,cat/2.png,dog/1.png\ncat/1.png,cat/2.png,dog/9.png": `line 2: "dog/9.png" is none of the pictures to learn`,
		"cat/1.png,cat/2.png,1.png":                                    `line 1: "1.png" are several of the pictures to learn: name the one with its folders`,
		"cat/1.png,cat/1.png,dog/1.png":                                "line 1: a picture stands twice in one triplet",
		"cat/1.png,,dog/1.png":                                         `line 1: "" is none of the pictures`,
		"cat/1.png,\"cat,dog/1.png":                                    `extraneous or missing " in quoted-field`,
	} {
		_, err := ReadTriplets(strings.NewReader(text), len(paths), nameOf)
		assert.ErrorContains(t, err, want, text)
	}
	same := func(int) string { return "a.png" }
	_, err := ReadTriplets(strings.NewReader("a.png,a.png,a.png"), 3, same)
	assert.ErrorContains(t, err, "several of the pictures")
}

// Whatever the bytes, triplets are of three pictures that there are, or there is an error.
func FuzzReadTriplets(f *testing.F) {
	for _, text := range []string{"cat/1.png,cat/2.png,dog/1.png\n", "anchor,negative,positive\n1.png,2.png,dog/3.png", "\"\n,", "\ufeff", "a,b\nc"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ReadTriplets(strings.NewReader(text), len(paths), nameOf)
		require.Equal(t, err == nil, len(got) > 0)
		for _, tr := range got {
			for k, picture := range tr {
				require.GreaterOrEqual(t, picture, 0)
				require.Less(t, picture, len(paths))
				require.NotEqual(t, picture, tr[(k+1)%3])
			}
		}
	})
}

// The batches are of the file's triplets, in threes, each once an epoch, and a state of other triplets
// is refused.
func TestFixedTripletsOfAFile(t *testing.T) {
	write := func(text string) string {
		path := filepath.Join(t.TempDir(), "triplets.csv")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	d := Pictures{Labels: []int{0, 0, 1, 1, 1}, Names: nameOf}
	made := func(text string, batch int) Sampler {
		s, err := Of(d, Config{Name: fixedTripletsName, Triplets: write(text), Batch: batch})
		require.NoError(t, err)
		return s
	}
	const three = "cat/1.png,cat/2.png,dog/1.png\ncat/2.png,dog/3.png,cat/1.png\ndog/1.png,dog/3.png,cat/1.png\n"
	s := made(three, 3)
	require.Equal(t, 3, s.BatchesPerEpoch())
	for range 3 {
		rows := run(t, s, 3)
		require.ElementsMatch(t, [][]int{{0, 1, 2}, {1, 3, 0}, {2, 3, 0}}, [][]int{rows[:3], rows[3:6], rows[6:]})
	}
	state, err := s.State()
	require.NoError(t, err)
	again := made(three, 3)
	require.NoError(t, again.Restore(state))
	require.Equal(t, run(t, s, 10), run(t, again, 10))
	require.ErrorContains(t, made(strings.Replace(three, "cat/1.png", "sub/dog/3.png", 1), 3).Restore(state), "over other labels")
	require.Equal(t, 9, made(three, 0).Batch(), "all there are")
}

func TestFixedTripletsByNameRefuse(t *testing.T) {
	d := Pictures{Labels: of(3, 3), Names: func(i int) string { return string(rune('a' + i)) }}
	gone := filepath.Join(t.TempDir(), "gone.csv")
	bad := filepath.Join(t.TempDir(), "bad.csv")
	require.NoError(t, os.WriteFile(bad, []byte("a,b,z\n"), 0o600))
	for want, c := range map[string]Config{
		"Batch is 8 pictures, want a multiple of 3":                     {Batch: 8},
		"Triplets is 2, and Batch 9: want at least one triplet":         {Triplets: "2", Batch: 9},
		"Triplets is 0, and Batch 0":                                    {Triplets: "0"},
		"Triplets is -3, and Batch":                                     {Triplets: "-3"},
		"Triplets: stat " + gone + ": no such file":                     {Triplets: gone},
		"Triplets: " + bad + `: line 1: "z" is none of the pictures`:    {Triplets: bad},
		"Triplets: " + t.TempDir()[:4]:                                  {Triplets: t.TempDir()},
		"Name fixed-triplets takes Triplets, Batch and Seed only; P, K": {P: 3},
	} {
		c.Name = fixedTripletsName
		_, err := Of(d, c)
		assert.ErrorContains(t, err, want)
	}
	_, err := New(d.Labels, Config{Name: fixedTripletsName, Triplets: bad})
	assert.ErrorContains(t, err, "these have no names")
	s, err := New(d.Labels, Config{Name: fixedTripletsName})
	require.NoError(t, err)
	assert.Equal(t, 6, s.(*FixedTriplets).Triplets, "as many as pictures")
}
