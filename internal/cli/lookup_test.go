package cli

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/embeddings"
	"medusa/index"
	"medusa/metrics"
)

// indexOf is an index of points in the plane, whose pictures are p/0.png, p/1.png and so on.
func indexOf(t *testing.T, path string, o index.Options, labels []string, points ...[2]float32) {
	t.Helper()
	o.Dim = 2
	x, err := index.New(o)
	require.NoError(t, err)
	for i, p := range points {
		it := index.Item{ID: uint64(i + 1), Vector: p[:], Path: fmt.Sprintf("p/%d.png", i)}
		if labels != nil {
			it.Label = labels[i]
		}
		require.NoError(t, x.Add(context.Background(), it))
	}
	require.NoError(t, x.Save(context.Background(), path))
}

// pathsOf are the paths of pictures.
func pathsOf(pictures []shownPicture) (paths []string) {
	for _, p := range pictures {
		paths = append(paths, filepath.Base(p.Path))
	}
	return paths
}

func TestDuplicates(t *testing.T) {
	t.Chdir(t.TempDir())
	indexOf(t, "a.index", index.Options{}, []string{"x", "y", "x", "x", "x", "x"},
		[2]float32{0, 0}, [2]float32{0, 0}, [2]float32{5, 0}, [2]float32{5, 0.25}, [2]float32{5, 0.5}, [2]float32{9, 9})
	code, stdout, stderr := medusa("duplicates", "a.index", "-threshold", "0.25", "-json")
	require.Equal(t, exitOK, code, stderr)
	require.Empty(t, stderr)
	require.Equal(t, []duplicateGroup{
		{1, 0, 0.25, []shownPicture{{1, "p/0.png", "x", "p/1.png", 0}, {2, "p/1.png", "y", "p/0.png", 0}}},
		{2, 0.25, 0.25, []shownPicture{{3, "p/2.png", "x", "p/3.png", 0.25}, {4, "p/3.png", "x", "p/2.png", 0.25}, {5, "p/4.png", "x", "p/3.png", 0.25}}},
	}, answersOf[duplicateGroup](t, stdout))

	code, stdout, stderr = medusa("duplicates", "a.index", "-threshold", "0")
	require.Equal(t, exitOK, code, stderr)
	require.Contains(t, stdout, "group 1, 2 pictures of 2 labels\n")
	require.Contains(t, stdout, "1 group of pictures at most 0 apart, 1 picture more than one of each")
	code, stdout, _ = medusa("duplicates", "a.index", "-threshold", "0.25", "-limit", "1")
	require.Equal(t, exitOK, code)
	require.NotContains(t, stdout, "group 2")
	require.Contains(t, stdout, "1 group more than are shown, -limit shows more")
	code, stdout, _ = medusa("duplicates", "a.index", "-threshold", "0.2", "-label", "x")
	require.Equal(t, exitOK, code)
	require.Contains(t, stdout, "no two pictures are at most 0.2 apart")
	// The median of the distances 0, 0, 1/4, 1/4, 1/4 and 9.8 to the nearest is 1/4.
	code, stdout, _ = medusa("duplicates", "a.index")
	require.Equal(t, exitOK, code)
	require.Contains(t, stdout, "1 group of pictures at most 0.09 apart, 1 picture more than one of each (0.36 of the median distance between a picture and the one nearest to it)")
}

// The threshold of -far is that which verify takes.
func TestDuplicatesByTheCalibration(t *testing.T) {
	run := shelf(t, 4, 4)
	code, _, stderr := medusa("calibrate", run, "photos", "-far", "0.3", "-resamples", "0")
	require.Equal(t, exitOK, code, stderr)
	code, stdout, stderr := medusa("duplicates", "all.index", "-far", "0.3", "-json")
	require.Equal(t, exitOK, code, stderr)
	got := answersOf[duplicateGroup](t, stdout)
	require.NotEmpty(t, got)
	set := setOf(t, run, "photos", 4, 4)
	nearest, err := metrics.Search(context.Background(), set, nil, metrics.SearchOptions{K: 1})
	require.NoError(t, err)
	point, _, err := calibrated{far: 0.3, farGiven: true}.threshold(run, embedded(t, run).Model)
	require.NoError(t, err)
	grouped := map[uint64]bool{}
	for _, g := range got {
		for _, p := range g.Pictures {
			grouped[p.ID] = true
		}
	}
	for i, d := range nearest.Distances {
		require.Equal(t, d < point.Threshold, grouped[uint64(i+1)], "picture %d", i)
	}
}

func TestOutliers(t *testing.T) {
	t.Chdir(t.TempDir())
	labels := []string{"a", "a", "a", "b", "b", "b", "b", "b", "a", "", "alone"}
	indexOf(t, "a.index", index.Options{}, labels, [2]float32{0, 0}, [2]float32{0.1, 0}, [2]float32{0, 0.1}, [2]float32{0.1, 0.1},
		[2]float32{5, 0}, [2]float32{5.1, 0}, [2]float32{5, 0.1}, [2]float32{5, 0.3}, [2]float32{5.1, 0.2}, [2]float32{2, 2}, [2]float32{3, 3})
	code, stdout, stderr := medusa("outliers", "a.index", "-json", "-k", "3")
	require.Equal(t, exitOK, code, stderr)
	got := answersOf[suspectAnswer](t, stdout)
	require.Len(t, got, 2)
	for i, want := range []suspectAnswer{
		{Rank: 1, ID: 4, Path: "p/3.png", Label: "b", Suggested: "a", Others: 1}, {Rank: 2, ID: 9, Path: "p/8.png", Label: "a", Suggested: "b", Others: 1},
	} {
		require.Len(t, got[i].Neighbours, 3)
		for _, n := range got[i].Neighbours {
			require.Equal(t, want.Suggested, n.Label)
		}
		got[i].Neighbours = nil
		require.Equal(t, want, got[i])
	}
	code, stdout, stderr = medusa("outliers", "a.index", "-k", "3", "-path", "p/8.png", "-html", "wrong.html")
	require.Equal(t, exitOK, code, stderr)
	require.Contains(t, oneLine(stdout), " 1 a b 0:3 p/8.png")
	require.Contains(t, stdout, "1 picture of 11 whose neighbours mostly have another label")
	require.Contains(t, stdout, "1 picture without a label left out")
	require.Contains(t, stdout, "1 picture not judged, each the only one of its label")
	page, err := os.ReadFile("wrong.html")
	require.NoError(t, err)
	require.True(t, bytes.Contains(page, []byte("a seems to be b")))

	indexOf(t, "one.index", index.Options{}, []string{"a"}, [2]float32{0, 0})
	code, stdout, stderr = medusa("outliers", "one.index")
	require.Equal(t, exitOK, code, stderr)
	require.Contains(t, stdout, "0 pictures of 1 whose neighbours mostly have another label")
}

// The groups are those of the library, the largest first; the table and the page hold them.
func TestCluster(t *testing.T) {
	run := shelf(t, 4, 5)
	set := setOf(t, run, "photos", 4, 5)
	want, err := metrics.KMeans(context.Background(), set, metrics.KMeansOptions{Clusters: 3, Restarts: 2, Seed: 7})
	require.NoError(t, err)
	code, stdout, stderr := medusa("cluster", "all.index", "-clusters", "3", "-restarts", "2", "-seed", "7", "-json", "-out", "groups.csv", "-html", "groups.html")
	require.Equal(t, exitOK, code, stderr)
	got := answersOf[clusterAnswer](t, stdout)
	require.Len(t, got, 3)
	members := map[int][]string{}
	for i, label := range want.Labels {
		members[label] = append(members[label], photo(i, 5))
	}
	number, total := map[string]int{}, 0
	for i, c := range got {
		require.Equal(t, i+1, c.Cluster)
		require.True(t, i == 0 || len(got[i-1].Pictures) >= len(c.Pictures))
		require.True(t, slices.IsSortedFunc(c.Pictures, func(a, b shownPicture) int { return int(1e9 * (a.Distance - b.Distance)) }))
		var paths []string
		for _, p := range c.Pictures {
			paths = append(paths, p.Path)
			number[p.Path] = i + 1
			total++
		}
		slices.Sort(paths)
		require.Contains(t, members, slices.IndexFunc([]int{0, 1, 2}, func(l int) bool { return slices.Equal(members[l], paths) }))
	}
	require.Equal(t, 20, total)
	text, err := os.ReadFile("groups.csv")
	require.NoError(t, err)
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	require.NoError(t, err)
	require.Equal(t, []string{"path", "cluster"}, rows[0])
	require.Len(t, rows, 21)
	for _, row := range rows[1:] {
		require.Equal(t, fmt.Sprint(number[row[0]]), row[1])
	}
	page, err := os.ReadFile("groups.html")
	require.NoError(t, err)
	require.Equal(t, 20, strings.Count(string(page), "background-image:url(data:image/"))

	again := []string{"cluster", "all.index", "-clusters", "3", "-restarts", "2", "-seed", "7", "-out", "groups.csv", "-html", "groups.html"}
	code, stdout, stderr = medusa(again...)
	require.Equal(t, exitFailed, code)
	require.Empty(t, stdout)
	require.Contains(t, oneLine(stderr), "-out groups.csv is there already: name another file, or add -overwrite")
	code, stdout, stderr = medusa(append(again, "-overwrite")...)
	require.Equal(t, exitOK, code, stderr)
	labels := make([]int, 20)
	for i := range labels {
		labels[i] = i / 5
	}
	table, err := metrics.NewContingency(labels, want.Labels)
	require.NoError(t, err)
	require.Contains(t, stdout, fmt.Sprintf("NMI %.3f, AMI %.3f, ARI %.3f", table.NMI(), table.AMI(), table.ARI()))
	require.Contains(t, stdout, "3 groups of 20 pictures\n")
	require.Contains(t, stdout, "table       groups.csv")
}

// Without a number there are as many groups as lie densely; purity is told by a case made by hand.
func TestClusterByDensity(t *testing.T) {
	t.Chdir(t.TempDir())
	indexOf(t, "a.index", index.Options{}, []string{"x", "x", "y", "z", "z", "x"},
		[2]float32{0, 0}, [2]float32{0, 1}, [2]float32{1, 0}, [2]float32{9, 9}, [2]float32{9, 8}, [2]float32{30, 30})
	code, stdout, stderr := medusa("cluster", "a.index", "-threshold", "1", "-neighbours", "1", "-json")
	require.Equal(t, exitOK, code, stderr)
	got := answersOf[clusterAnswer](t, stdout)
	require.Len(t, got, 2)
	require.Equal(t, []string{"0.png", "1.png", "2.png"}, pathsOf(got[0].Pictures))
	require.Equal(t, "x", got[0].Label)
	require.InDelta(t, 2.0/3, got[0].Share, 1e-12)
	require.InDelta(t, 0.5, got[1].Pictures[0].Distance, 1e-12)
	code, stdout, stderr = medusa("cluster", "a.index", "-threshold", "1", "-neighbours", "1", "-out", "a.csv")
	require.Equal(t, exitOK, code, stderr)
	require.Contains(t, stdout, "2 groups of 6 pictures, 1 of them in none\n")
	require.Contains(t, stdout, "with the labels of 5 pictures: purity 0.800, ")
	text, err := os.ReadFile("a.csv")
	require.NoError(t, err)
	require.True(t, strings.HasSuffix(string(text), "p/5.png,\n"), string(text))

	// By cosine length says nothing.
	indexOf(t, "b.index", index.Options{Distance: metrics.Cosine}, nil, [2]float32{1, 0}, [2]float32{50, 1}, [2]float32{0, 1}, [2]float32{1, 90})
	code, stdout, stderr = medusa("cluster", "b.index", "-clusters", "2", "-json")
	require.Equal(t, exitOK, code, stderr)
	got = answersOf[clusterAnswer](t, stdout)
	require.ElementsMatch(t, [][]string{{"0.png", "1.png"}, {"2.png", "3.png"}}, [][]string{sortedPaths(got[0].Pictures), sortedPaths(got[1].Pictures)})
}

func sortedPaths(pictures []shownPicture) []string {
	return slices.Sorted(slices.Values(pathsOf(pictures)))
}

func TestLookupsThatCannotBe(t *testing.T) {
	run := shelf(t, 2, 2)
	indexOf(t, "bare.index", index.Options{}, nil, [2]float32{0, 0}, [2]float32{1, 1})
	indexOf(t, "dot.index", index.Options{Distance: metrics.Dot}, nil, [2]float32{0, 0}, [2]float32{1, 1})
	indexOf(t, "bits.index", index.Options{Storage: index.Binary}, nil, [2]float32{0, 0}, [2]float32{1, 1})
	indexOf(t, "empty.index", index.Options{}, nil)
	require.NoError(t, os.Mkdir("folder", 0o777))
	require.NoError(t, os.Mkdir("folder.csv", 0o777))
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"duplicates", exitUsage, "want an INDEX, which the command index makes; -h says more"},
		{"duplicates all.index photos", exitUsage, `want one INDEX, "photos" is another`},
		{"duplicates all.index -threshold -1", exitFailed, "-threshold is -1, want 0 or more: no distance of all.index is below 0"},
		{"duplicates all.index -threshold NaN", exitUsage, "-threshold"},
		{"duplicates all.index -threshold Inf", exitUsage, "-threshold is +Inf, want a distance, which is a finite number such as 0.3"},
		{"cluster all.index -threshold Inf", exitUsage, "-threshold is +Inf, want a distance, which is a finite number such as 0.3"},
		{"duplicates bits.index", exitFailed, "distances of bits.index are numbers of bits that differ, too coarse to choose a threshold by: give a -threshold in bits, or make the index with -keep-floats"},
		{"duplicates all.index -threshold far", exitUsage, "-threshold"},
		{"duplicates all.index -threshold 1 -far 0.1", exitUsage, "-threshold says what -far and -calibration would"},
		{"duplicates all.index -calibration x.json", exitUsage, "-calibration has thresholds for rates: say which with -far"},
		{"duplicates all.index -far 0.1", exitFailed, "-far 0.1: the calibration has no threshold"},
		{"duplicates all.index -far 2", exitUsage, "-far"},
		{"duplicates bare.index -far 0.1", exitFailed, "bare.index does not say where its model is: name the thresholds with -calibration"},
		{"duplicates dot.index", exitFailed, "distances of dot.index are products, which have no scale: give a -threshold"},
		{"duplicates empty.index", exitFailed, "empty.index is empty"},
		{"duplicates folder", exitFailed, "folder is a folder, want an index"},
		{"duplicates none.index", exitFailed, "there is no index none.index"},
		{"duplicates all.index -limit 0", exitUsage, "-limit"},
		{"duplicates all.index -html same", exitUsage, "-html same: want a name that ends with .html"},
		{"duplicates all.index -html none/a.html", exitFailed, "-html none/a.html: there is no folder none"},
		{"duplicates all.index -label clas00", exitFailed, `did you mean "class00"?`},
		{"duplicates all.index -exact -effort 3", exitUsage, "-effort is of a search over the graph"},
		{"outliers bare.index", exitFailed, "the pictures of bare.index have no labels that could be wrong"},
		{"outliers all.index -k 0", exitUsage, "-k"},
		{"cluster all.index", exitUsage, "say how many groups to make, with -clusters, or how near neighbours are, with -threshold"},
		{"cluster all.index -clusters 2 -threshold 1", exitUsage, "-clusters and -threshold are both given: "},
		{"cluster all.index -clusters 5", exitFailed, "-clusters is 5, but there are 4 pictures"},
		{"cluster all.index -clusters 3 -label class01", exitFailed, "-clusters is 3, but there are 2 pictures"},
		{"cluster all.index -clusters 0", exitUsage, "-clusters"},
		{"cluster all.index -threshold -0.5", exitFailed, "-threshold is -0.5, want 0 or more"},
		{"cluster all.index -threshold nan", exitUsage, "-threshold"},
		{"cluster all.index -clusters 2 -neighbours 2", exitUsage, "-neighbours means nothing to -clusters: leave it out"},
		{"cluster all.index -threshold 2 -seed 2", exitUsage, "-seed means nothing to -threshold: leave it out"},
		{"cluster all.index -clusters 2 -out groups.txt", exitUsage, "-out groups.txt: want a name that ends with .csv"},
		{"cluster all.index -clusters 2 -out folder.csv -overwrite", exitFailed, "-out folder.csv is a folder: name a file in it, such as folder.csv" + string(filepath.Separator) + "groups.csv"},
		{"cluster all.index -clusters 2 -overwrite", exitUsage, "-overwrite is about the table of -out: leave it out, or name one"},
		{"cluster all.index -clusters 2 -out none/a.csv", exitFailed, "-out none/a.csv: there is no folder none"},
		{"cluster dot.index -clusters 2", exitFailed, "dot.index compares by products, of which there are no means: index with -distance euclidean or cosine"},
	} {
		code, stdout, stderr := medusa(strings.Fields(c.args)...)
		require.Equal(t, c.code, code, "%v: %s", c.args, stderr)
		require.Contains(t, oneLine(stderr), c.want, c.args)
		require.Empty(t, stdout, c.args)
	}
	require.NotEmpty(t, run)
}

// A search over a graph finds the same groups as one of all pictures, and can be stopped.
func TestLookupOverAGraph(t *testing.T) {
	run := shelf(t, 1, 1)
	m := embedded(t, run)
	w, err := embeddings.Create("many.npy", m.Info, embeddings.Options{})
	require.NoError(t, err)
	for i := range 2100 {
		v := make([]float32, m.Dim)
		for d := range v {
			v[d] = float32((i/2*(d+3)*7919)%1009) / 1009
		}
		require.NoError(t, w.Add([]embeddings.Item{{Path: fmt.Sprintf("p/%04d.png", i), Label: fmt.Sprint(i / 2 % 5)}}, v))
	}
	require.NoError(t, w.Close())
	code, _, stderr := medusa("index", run, "many.npy", "-out", "many.index", "-graph", "on")
	require.Equal(t, exitOK, code, stderr)
	groups := func(args ...string) string {
		code, stdout, stderr := medusa(append([]string{"duplicates", "many.index", "-threshold", "0", "-json"}, args...)...)
		require.Equal(t, exitOK, code, stderr)
		return stdout
	}
	exact := groups("-exact")
	require.Equal(t, 1009, strings.Count(exact, "\n")) // (i·k) mod 1009 repeats
	require.GreaterOrEqual(t, strings.Count(groups("-effort", "200"), "\n"), 1000)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, args := range [][]string{{"duplicates", "many.index"}, {"outliers", "many.index"}, {"cluster", "many.index", "-clusters", "9"}, {"cluster", "many.index", "-threshold", "0.1"}} {
		code, stdout, _ := medusaReading(ctx, nil, args...)
		require.Equal(t, exitInterrupted, code, args)
		require.Empty(t, stdout)
	}
}
