package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/metrics"
)

// shelf is a folder with pictures and an index of them, in which the test works.
func shelf(t *testing.T, classes, pictures int, more ...string) (run string) {
	t.Helper()
	run = finishedRun(t)
	t.Chdir(t.TempDir())
	folders(t, "photos", classes, pictures)
	code, _, stderr := medusa(append([]string{"index", run, "photos", "-out", "all.index"}, more...)...)
	require.Equal(t, exitOK, code, stderr)
	return run
}

// answersOf are the lines of an answer in JSON.
func answersOf[T any](t *testing.T, stdout string) (out []T) {
	t.Helper()
	for line := range strings.Lines(stdout) {
		var v T
		d := json.NewDecoder(strings.NewReader(line))
		d.DisallowUnknownFields()
		require.NoError(t, d.Decode(&v), line)
		out = append(out, v)
	}
	return out
}

// photo is the path of a picture of shelf, by its row.
func photo(row, pictures int) string {
	return filepath.Join("photos", fmt.Sprintf("class%02d", row/pictures), fmt.Sprintf("%02d.png", row%pictures))
}

// What is found is what the library finds by a plain search of the same embeddings.
func TestSearchFindsTheNearest(t *testing.T) {
	run := shelf(t, 4, 5)
	gallery := setOf(t, run, "photos", 4, 5)
	for _, k := range []int{1, 7, 500} {
		want, err := metrics.Search(context.Background(), gallery, nil, metrics.SearchOptions{K: k})
		require.NoError(t, err)
		code, stdout, stderr := medusa("search", "all.index", "photos", "-k", fmt.Sprint(k), "-json")
		require.Equal(t, exitOK, code, stderr)
		require.Empty(t, stderr)
		got := answersOf[searchAnswer](t, stdout)
		require.Len(t, got, 20)
		for i, a := range got {
			require.Equal(t, photo(i, 5), a.Query)
			require.Equal(t, fmt.Sprintf("class%02d", i/5), a.Label)
			require.True(t, a.SelfLeftOut)
			rows, distances := want.Of(i)
			require.Len(t, a.Found, len(rows))
			for place, f := range a.Found {
				require.Equal(t, foundPicture{Rank: place + 1, ID: uint64(rows[place] + 1), Distance: distances[place],
					Label: fmt.Sprintf("class%02d", rows[place]/5), Path: photo(int(rows[place]), 5)}, f)
			}
		}
	}
	code, stdout, stderr := medusa("search", "all.index", photo(3, 5), "-k", "2", "-keep-self")
	require.Equal(t, exitOK, code, stderr)
	require.Contains(t, oneLine(stdout), "photos/class00/03.png distance label path")
	require.Contains(t, oneLine(stdout), " 1 0 class00 photos/class00/03.png 2 0.")
	code, stdout, stderr = medusa("search", "all.index", photo(3, 5), "-k", "3")
	require.Equal(t, exitOK, code, stderr)
	require.Contains(t, stdout, "photos/class00/03.png, itself left out\n")
	require.NotContains(t, stdout[20:], "class00/03.png")
	require.NoFileExists(t, "found.html")
}

// From another folder the same pictures are found, and their paths lead to them.
func TestSearchFromElsewhere(t *testing.T) {
	shelf(t, 2, 3)
	_, here, _ := medusa("search", "all.index", "photos/class01", "-k", "3", "-json")
	require.NoError(t, os.MkdirAll("other/place", 0o777))
	t.Chdir("other/place")
	code, stdout, stderr := medusa("search", "../../all.index", "../../photos/class01", "-k", "3", "-json")
	require.Equal(t, exitOK, code, stderr)
	first, second := answersOf[searchAnswer](t, here), answersOf[searchAnswer](t, stdout)
	require.Len(t, second, 3)
	for i, a := range second {
		require.True(t, a.SelfLeftOut)
		for k, f := range a.Found {
			require.FileExists(t, f.Path)
			require.Equal(t, first[i].Found[k].ID, f.ID)
		}
	}
}

// A filter leaves some; the answer is the nearest of these.
func TestSearchAmongSome(t *testing.T) {
	shelf(t, 4, 4)
	found := func(args ...string) (labels []string) {
		t.Helper()
		code, stdout, stderr := medusa(append([]string{"search", "all.index", photo(0, 4), "-k", "100", "-json"}, args...)...)
		require.Equal(t, exitOK, code, stderr)
		for _, f := range answersOf[searchAnswer](t, stdout)[0].Found {
			labels = append(labels, f.Label+"/"+filepath.Base(f.Path))
		}
		slices.Sort(labels)
		return labels
	}
	require.Len(t, found(), 15)
	require.Equal(t, []string{"class02/00.png", "class02/01.png", "class02/02.png", "class02/03.png"}, found("-label", "class02"))
	require.Len(t, found("-label", "class02, class00"), 7)
	require.Equal(t, []string{"class01/02.png", "class02/02.png", "class03/02.png"}, found("-path", "photos/class0[1-3]/02.png"))
	require.Equal(t, []string{"class00/02.png", "class01/02.png", "class02/02.png", "class03/02.png"}, found("-path", "02.png"))
	require.Equal(t, []string{"class03/01.png"}, found("-path", "class03/", "-path", "photos/class03/01*"))
	here, err := os.Getwd()
	require.NoError(t, err)
	require.Len(t, found("-path", filepath.Join(here, "photos", "class03")), 4)
}

// The vote of the neighbours is that of the library, and the threshold rejects.
func TestSearchClassifies(t *testing.T) {
	run := shelf(t, 4, 5)
	gallery := setOf(t, run, "photos", 4, 5)
	classify := func(most float64, args ...string) {
		t.Helper()
		o := metrics.ClassifyOptions{K: 5}
		if most > 0 {
			below := math.Nextafter(most, 0)
			o.MaxDistance = &below
		}
		want, err := metrics.Classify(context.Background(), gallery, nil, o)
		require.NoError(t, err)
		code, stdout, stderr := medusa(append([]string{"search", "all.index", "photos", "-k", "5", "-classify", "-json"}, args...)...)
		require.Equal(t, exitOK, code, stderr)
		got := answersOf[searchAnswer](t, stdout)
		require.Len(t, got, len(want))
		for i, d := range want {
			require.Equal(t, &decisionAnswer{Label: fmt.Sprintf("class%02d", d.Label), Rejected: d.Rejected, Distance: d.Distance, Votes: d.Votes, Of: 5, Threshold: most}, got[i].Decision)
		}
	}
	classify(0)
	nearest, err := metrics.Classify(context.Background(), gallery, nil, metrics.ClassifyOptions{K: 5})
	require.NoError(t, err)
	classify(nearest[7].Distance, "-threshold", fmt.Sprint(nearest[7].Distance)) // which itself is not below it

	code, stdout, stderr := medusa("search", "all.index", photo(0, 5), "-classify")
	require.Equal(t, exitOK, code, stderr)
	require.Contains(t, oneLine(stdout), "no picture is rejected: there is no threshold for "+run+"; calibrate finds one, -threshold sets one")
	require.Regexp(t, `photos/class00/00.png: class0\d \(\d of 10 votes, a distance of \d\.\d+\)`, stdout)
	code, stdout, stderr = medusa("search", "all.index", photo(0, 5), "-classify", "-threshold", "1e-9")
	require.Equal(t, exitOK, code, stderr)
	require.Regexp(t, `photos/class00/00.png: none of the labels; nearest is class0\d \(.*, want less than 1e-09\)`, stdout)

	others := folders(t, "others", 6, 4)
	code, _, stderr = medusa("calibrate", run, others, "-far", "0.2", "-resamples", "0")
	require.Equal(t, exitOK, code, stderr)
	code, stdout, stderr = medusa("search", "all.index", photo(0, 5), "-classify", "-json")
	require.Equal(t, exitOK, code, stderr)
	_, verified, _ := medusa("verify", run, photo(0, 5), photo(1, 5), "-far", "0.2", "-json")
	var v comparison
	require.NoError(t, json.Unmarshal([]byte(verified), &v))
	require.Equal(t, v.Threshold, answersOf[searchAnswer](t, stdout)[0].Decision.Threshold)
}

// Without -classify a threshold leaves out what is farther.
func TestSearchWithinAThreshold(t *testing.T) {
	shelf(t, 3, 4)
	_, all, _ := medusa("search", "all.index", photo(0, 4), "-json")
	want := answersOf[searchAnswer](t, all)[0].Found
	code, stdout, stderr := medusa("search", "all.index", photo(0, 4), "-json", "-threshold", fmt.Sprint(want[4].Distance))
	require.Equal(t, exitOK, code, stderr)
	require.Equal(t, want[:4], answersOf[searchAnswer](t, stdout)[0].Found)
	code, stdout, _ = medusa("search", "all.index", photo(0, 4), "-threshold", "1e-9")
	require.Equal(t, exitOK, code)
	require.Contains(t, stdout, ": nothing is found")
}

// Indexes of other storages and distances are searched, and whole embeddings choose where they are kept.
func TestSearchOfEveryStorage(t *testing.T) {
	run := shelf(t, 4, 5)
	_, plain, _ := medusa("search", "all.index", photo(0, 5), "-json", "-k", "3")
	want := answersOf[searchAnswer](t, plain)[0].Found
	for _, args := range [][]string{{"-storage", "int8", "-keep-floats"}, {"-storage", "binary", "-keep-floats"}} {
		code, _, stderr := medusa(append([]string{"index", run, "photos", "-out", "small.index", "-overwrite"}, args...)...)
		require.Equal(t, exitOK, code, stderr)
		for _, how := range [][]string{nil, {"-exact"}} {
			code, stdout, stderr := medusa(append([]string{"search", "small.index", photo(0, 5), "-json", "-k", "3"}, how...)...)
			require.Equal(t, exitOK, code, stderr)
			require.Equal(t, want, answersOf[searchAnswer](t, stdout)[0].Found, "%v %v", args, how)
		}
	}
	code, _, stderr := medusa("index", run, "photos", "-out", "cosine.index", "-distance", "cosine", "-storage", "int8")
	require.Equal(t, exitOK, code, stderr)
	code, stdout, stderr := medusa("search", "cosine.index", photo(0, 5), "-classify")
	require.Equal(t, exitOK, code, stderr)
	require.Contains(t, oneLine(stdout), "no picture is rejected: calibrate measures euclidean distances, and the index cosine ones")
	code, _, stderr = medusa("search", "cosine.index", photo(0, 5), "-classify", "-far", "0.1")
	require.Equal(t, exitFailed, code)
	require.Contains(t, oneLine(stderr), "calibrate measures euclidean distances, and the index cosine ones: give a -threshold")
}

// The page holds a thumbnail of each picture, of those on standard input too, and says what cannot be read.
func TestSearchPage(t *testing.T) {
	shelf(t, 2, 3)
	require.NoError(t, os.Remove(photo(4, 3)))
	in, err := os.ReadFile(photo(0, 3))
	require.NoError(t, err)
	code, stdout, stderr := medusaReading(context.Background(), bytes.NewReader(in), "search", "all.index", "-", "-html", "found.html")
	require.Equal(t, exitOK, code, stderr)
	require.Contains(t, stdout, "page        found.html")
	page, err := os.ReadFile("found.html")
	require.NoError(t, err)
	require.Equal(t, 6, strings.Count(string(page), "background-image:url(data:image/"))
	require.True(t, bytes.Contains(page, []byte("is not there any more")))
	require.True(t, bytes.Contains(page, []byte("1 picture cannot be read now")))
	require.False(t, bytes.Contains(page, []byte("://")), "something is fetched from elsewhere")
	code, stdout, stderr = medusa("search", "all.index", "photos/class00", "-json", "-html", "found.html")
	require.Equal(t, exitOK, code, stderr)
	require.Len(t, answersOf[searchAnswer](t, stdout), 3)
}

func TestSearchThatCannotBe(t *testing.T) {
	run, other := shelf(t, 2, 2), finishedRun(t, "-seed", "9")
	larger := finishedRun(t, "-embedding", "5")
	a := photo(0, 2)
	require.NoError(t, os.WriteFile("fake.jpg", []byte("no picture"), 0o666))
	require.NoError(t, os.WriteFile("text.index", []byte("no index"), 0o666))
	require.NoError(t, os.Mkdir("folder.html", 0o777))
	for _, args := range [][]string{{"index", run, "fake.jpg", a, "-out", "plain.index"}, {"index", "plain.index", "-remove", "-path", "photos"}, {"index", run, a, "-out", "bare.index"}} {
		code, _, stderr := medusa(args...)
		require.Contains(t, []int{exitOK, exitLeftOut}, code, stderr)
	}
	damaged, err := os.ReadFile("all.index")
	require.NoError(t, err)
	damaged[200] ^= 1
	require.NoError(t, os.WriteFile("damaged.index", damaged, 0o666))
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{nil, exitUsage, "want an INDEX, which the command index makes, and pictures to look for; -h says more"},
		{[]string{"all.index"}, exitUsage, "want a picture behind the index all.index"},
		{[]string{"", a}, exitUsage, "INDEX is empty"},
		{[]string{"all.index", ""}, exitUsage, "a PICTURE is empty"},
		{[]string{"all.index", "-", "-"}, exitUsage, "- stands twice among the paths"},
		{[]string{"all.index", a, "-k", "0"}, exitUsage, "-k"},
		{[]string{"all.index", a, "-k", "many"}, exitUsage, "-k"},
		{[]string{"all.index", a, "-threshold", "-1"}, exitUsage, "-threshold is -1, want a distance above 0"},
		{[]string{"all.index", a, "-threshold", "Inf"}, exitUsage, "-threshold is +Inf, want a distance, which is a finite number"},
		{[]string{"all.index", a, "-threshold", "NaN"}, exitUsage, "-threshold"},
		{[]string{"all.index", a, "-threshold", "1", "-far", "0.1"}, exitUsage, "-threshold says what -far and -calibration would"},
		{[]string{"all.index", a, "-far", "0.1"}, exitUsage, "-far and -calibration say below which distance -classify takes pictures for the same: add that"},
		{[]string{"all.index", a, "-exact", "-effort", "9"}, exitUsage, "-effort is of a search over the graph, which -exact does without"},
		{[]string{"all.index", a, "-html", "found.jpg"}, exitUsage, "-html found.jpg: want a name that ends with .html"},
		{[]string{"all.index", a, "-html", ""}, exitUsage, "-html is empty"},
		{[]string{"all.index", a, "-html", "folder.html"}, exitFailed, "-html folder.html is a folder: name a file in it"},
		{[]string{"all.index", a, "-html", "none/found.html"}, exitFailed, "-html none/found.html: there is no folder none"},
		{[]string{"all.index", a, "-label", "clas01"}, exitFailed, `-label: all.index has no pictures of "clas01"; did you mean "class01"?`},
		{[]string{"all.index", a, "-label", ""}, exitUsage, "-label is empty"},
		{[]string{"all.index", a, "-meta", "camera=left"}, exitFailed, `-meta: all.index knows no "camera" of its pictures`},
		{[]string{"gone.index", a}, exitFailed, "there is no index gone.index"},
		{[]string{"text.index", a}, exitFailed, "text.index: this is no index of Medusa"},
		{[]string{"damaged.index", a}, exitFailed, "damaged.index: "},
		{[]string{"plain.index", a}, exitFailed, "plain.index is empty"},
		{[]string{"bare.index", a, "-classify"}, exitFailed, "-classify: the pictures of bare.index have no labels to choose from"},
		{[]string{"bare.index", a, "-classify", "-threshold", "1"}, exitFailed, "-classify: the pictures of bare.index have no labels to choose from"},
		{[]string{"bare.index", a, "-label", "x"}, exitFailed, "-label x: the pictures of bare.index have no labels"},
		{[]string{"all.index", "fake.jpg"}, exitFailed, "fake.jpg: there is no picture that can be read"},
		{[]string{"all.index", "gone.jpg"}, exitFailed, "gone.jpg"},
		{[]string{"all.index", a, "-model", other}, exitFailed, "all.index was made with another model than " + other + ", which was at " + run},
		{[]string{"all.index", a, "-model", larger}, exitFailed, "all.index was made with another model than " + larger},
		{[]string{"all.index", a, "-model", "gone"}, exitFailed, "-model: there is no run folder or model file gone"},
		{[]string{"all.index", a, "-classify", "-calibration", "gone.json"}, exitFailed, "gone.json"},
	} {
		code, stdout, stderr := medusa(append([]string{"search"}, c.args...)...)
		require.Equal(t, c.code, code, "%v: %s", c.args, stderr)
		require.Contains(t, oneLine(stderr), c.want, "%v", c.args)
		require.Empty(t, stdout, "%v", c.args)
	}
	code, stdout, stderr := medusa("search", "all.index", a, "fake.jpg", "-json")
	require.Equal(t, exitLeftOut, code)
	require.Contains(t, stderr, "left out: fake.jpg: ")
	require.Len(t, answersOf[searchAnswer](t, stdout), 1)

	require.NoError(t, os.Rename(run, run+"-moved"))
	code, _, stderr = medusa("search", "all.index", a)
	require.Equal(t, exitFailed, code)
	require.Contains(t, oneLine(stderr), "the model of all.index is not at "+run+" any more: say with -model where it is")
	code, _, stderr = medusa("search", "all.index", a, "-model", run+"-moved")
	require.Equal(t, exitOK, code, stderr)
}
