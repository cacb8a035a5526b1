package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/embeddings"
	"medusa/index"
	"medusa/internal/diskroom"
	"medusa/internal/filewrite"
)

// itemsOfIndex are the items of an index file, by rising IDs.
func itemsOfIndex(t *testing.T, path string) (items []index.Item) {
	t.Helper()
	x, err := index.Open(path)
	require.NoError(t, err)
	require.NoError(t, x.All(func(it index.Item) bool { items = append(items, it); return true }))
	return items
}

// An index has what the library makes of the pictures, from a folder or from a file that embed wrote.
func TestIndexHoldsWhatEmbedMakes(t *testing.T) {
	run, dir := finishedRun(t), t.TempDir()
	t.Chdir(dir)
	folders(t, "photos", 3, 2)
	code, stdout, stderr := medusa("index", run, "photos", "-out", "all.index")
	require.Equal(t, exitOK, code, stderr)
	require.Empty(t, stderr)
	require.Contains(t, stdout, "6 pictures in ")
	require.Contains(t, stdout, "index       all.index (")
	require.Contains(t, stdout, "pictures    6 of 3 labels\n")
	require.Contains(t, stdout, "kept as float32\n")
	require.Contains(t, stdout, "model       "+run)
	var paths []string
	for class := range 3 {
		for n := range 2 {
			paths = append(paths, filepath.Join("photos", fmt.Sprintf("class%02d", class), fmt.Sprintf("%02d.png", n)))
		}
	}
	want := embedded(t, run, paths...)
	items := itemsOfIndex(t, "all.index")
	require.Len(t, items, 6)
	for i, it := range items {
		require.Equal(t, index.Item{ID: uint64(i + 1), Vector: want.Row(i), Label: want.Items[i].Label, Path: filepath.ToSlash(paths[i])}, it)
	}
	x, err := index.Open("all.index")
	require.NoError(t, err)
	require.Equal(t, want.Model, x.Options().Model)
	require.Equal(t, run, x.Options().ModelPath)

	for _, format := range []string{"npy", "safetensors", "jsonl", "parquet"} {
		file := "photos." + format
		code, _, stderr = medusa("embed", run, "photos", "-out", file)
		require.Equal(t, exitOK, code, stderr)
		require.NoError(t, os.Rename("photos", "away")) // nothing is embedded again
		code, _, stderr = medusa("index", run, file, "-out", format+".index")
		require.Equal(t, exitOK, code, stderr)
		require.NoError(t, os.Rename("away", "photos"))
		require.Equal(t, items, itemsOfIndex(t, format+".index"), format)
	}
	code, stdout, stderr = medusa("info", "all.index")
	require.Equal(t, exitOK, code, stderr)
	require.Contains(t, stdout, "all.index: an index; its checksums are right")
	require.Contains(t, stdout, want.Model)
}

// What is added comes besides; what changed takes the place of what was there, and keeps its ID.
func TestIndexIsChanged(t *testing.T) {
	run, dir := finishedRun(t), t.TempDir()
	t.Chdir(dir)
	folders(t, "photos", 2, 2)
	folders(t, "more", 1, 3)
	for _, storage := range []string{"float32", "int8", "binary"} {
		path := storage + ".index"
		code, _, stderr := medusa("index", run, "photos", "-out", path, "-storage", storage)
		require.Equal(t, exitOK, code, stderr)
		before := itemsOfIndex(t, path)
		code, stdout, stderr := medusa("index", run, "photos", "more", "-out", path, "-add")
		require.Equal(t, exitOK, code, stderr)
		require.Contains(t, stdout, ": 3 new, 0 changed, 4 as they were")
		after := itemsOfIndex(t, path)
		require.Equal(t, before, after[:4])
		require.EqualValues(t, 7, after[6].ID)

		changed := filepath.Join("photos", "class01", "00.png")
		was, err := os.ReadFile(changed)
		require.NoError(t, err)
		other, err := os.ReadFile(filepath.Join("photos", "class00", "01.png"))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(changed, other, 0o666))
		code, stdout, stderr = medusa("index", run, "photos", filepath.Join(dir, "photos"), "-out", path, "-add")
		require.Equal(t, exitOK, code, stderr)
		if storage != "binary" { // whose bits may be the same
			require.Contains(t, stdout, ": 0 new, 1 changed, 3 as they were")
		}
		require.Contains(t, stdout, "4 pictures named more than once, kept once")
		now := itemsOfIndex(t, path)
		require.Equal(t, after[2].ID, now[2].ID)
		require.Equal(t, now[1].Vector, now[2].Vector)
		require.Equal(t, "class01", now[2].Label)
		require.NoError(t, os.WriteFile(changed, was, 0o666))

		code, stdout, stderr = medusa("index", path, "-remove", "-path", "photos/class0*", "-label", "class01")
		require.Equal(t, exitOK, code, stderr)
		require.Contains(t, stdout, "2 pictures removed, 5 left\n")
		code, stdout, stderr = medusa("index", path, "-remove", "-path", "more")
		require.Equal(t, exitOK, code, stderr)
		require.Contains(t, stdout, "3 pictures removed, 2 left\n")
		code, _, stderr = medusa("index", path, "-remove", "-path", "00.png")
		require.Equal(t, exitOK, code, stderr)
		left := itemsOfIndex(t, path)
		require.Len(t, left, 1)
		require.EqualValues(t, 2, left[0].ID)
		code, _, stderr = medusa("index", run, "photos", "-out", path, "-add")
		require.Equal(t, exitOK, code, stderr)
		require.Equal(t, []uint64{2, 8, 9, 10}, idsOf(itemsOfIndex(t, path)), "none of another picture")
	}
}

func idsOf(items []index.Item) (ids []uint64) {
	for _, it := range items {
		ids = append(ids, it.ID)
	}
	return ids
}

// Pictures may lie anywhere; those on standard input are other ones each time, parts of a picture are pictures.
func TestIndexReadsFromEverywhere(t *testing.T) {
	run, dir := finishedRun(t), t.TempDir()
	t.Chdir(dir)
	photos := folders(t, "photos", 2, 2)
	archive := tarOf(t, photos)
	for range 2 {
		code, _, stderr := medusaReading(context.Background(), bytes.NewReader(archive), "index", run, "-", "-out", "in.index", map[bool]string{true: "-add", false: "-overwrite"}[exists("in.index")])
		require.Equal(t, exitOK, code, stderr)
	}
	items := itemsOfIndex(t, "in.index")
	require.Len(t, items, 8)
	require.Equal(t, "standard input/class00/00.png", items[0].Path)
	require.NoError(t, os.WriteFile("boxes.csv", []byte("path,label,x,y,width,height,camera\nphotos/class00/00.png,left,0,0,6,12,door\nphotos/class00/00.png,right,6,0,6,12,gate\n"), 0o666))
	code, _, stderr := medusa("index", run, "boxes.csv", "-out", "boxes.index")
	require.Equal(t, exitOK, code, stderr)
	items = itemsOfIndex(t, "boxes.index")
	require.Len(t, items, 2)
	require.Equal(t, []string{"left", "right"}, []string{items[0].Label, items[1].Label})
	require.Equal(t, items[0].Path, items[1].Path)
	require.NotEqual(t, items[0].Meta, items[1].Meta)
	require.Equal(t, "door", items[0].Meta["camera"])
	code, found, stderr := medusa("search", "boxes.index", "photos/class01/00.png", "-meta", "camera=gate", "-json")
	require.Equal(t, exitOK, code, stderr)
	require.Contains(t, found, `"label":"right"`)
	require.NotContains(t, found, `"label":"left"`)
	code, stdout, stderr := medusa("index", run, "boxes.csv", "-out", "boxes.index", "-add")
	require.Equal(t, exitOK, code, stderr)
	require.Contains(t, stdout, "0 new, 0 changed, 2 as they were")
	require.NoError(t, os.WriteFile(filepath.Join("photos", "class01", "bad.png"), []byte("none"), 0o666))
	code, stdout, stderr = medusa("index", run, "photos", "-out", "bad.index")
	require.Equal(t, exitLeftOut, code, stderr)
	require.Contains(t, stderr, "left out: photos/class01/bad.png: ")
	require.Contains(t, stdout, "1 picture left out")
	require.Len(t, itemsOfIndex(t, "bad.index"), 4)
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

// The graph that is built is used, and what is said of its recall is measured.
func TestIndexBuildsAGraph(t *testing.T) {
	run, dir := finishedRun(t), t.TempDir()
	t.Chdir(dir)
	m := embedded(t, run, filepath.Join(folders(t, "photos", 1, 1), "class00", "00.png"))
	w, err := embeddings.Create("many.npy", m.Info, embeddings.Options{})
	require.NoError(t, err)
	for i := range 2500 {
		v := make([]float32, m.Dim)
		for d := range v {
			v[d] = float32((i*(d+3)*7919)%1009) / 1009
		}
		require.NoError(t, w.Add([]embeddings.Item{{Path: fmt.Sprintf("p/%04d.png", i), Label: fmt.Sprint(i % 7)}}, v))
	}
	require.NoError(t, w.Close())
	code, stdout, stderr := medusa("index", run, "many.npy", "-out", "many.index", "-graph", "on", "-links", "8", "-effort", "40")
	require.Equal(t, exitOK, code, stderr)
	require.Regexp(t, `graph       8 links a picture; it finds (0\.9\d\d|1\.000) of the 10 nearest`, stdout)
	x, err := index.Open("many.index")
	require.NoError(t, err)
	g, there := x.Graph()
	require.True(t, there)
	require.Equal(t, 8, g.Links)
	code, stdout, stderr = medusa("index", run, "many.npy", "-out", "plain.index", "-graph", "auto")
	require.Equal(t, exitOK, code, stderr)
	require.NotContains(t, stdout, "graph")
}

// A command that is stopped changes nothing, and leaves nothing beside.
func TestIndexIsInterrupted(t *testing.T) {
	run, dir := finishedRun(t), t.TempDir()
	t.Chdir(dir)
	folders(t, "photos", 2, 2)
	code, _, stderr := medusa("index", run, "photos", "-out", "all.index")
	require.Equal(t, exitOK, code, stderr)
	before, err := os.ReadFile("all.index")
	require.NoError(t, err)
	for _, out := range []string{"all.index", "new.index"} {
		ctx, cancel := context.WithCancel(context.Background())
		read, write := io.Pipe()
		go func() {
			io.WriteString(write, "photos/class00/00.png\n")
			cancel()
		}()
		how := map[string]string{"all.index": "-add", "new.index": "-overwrite"}[out]
		code, stdout, stderr := medusaReading(ctx, read, "index", run, "-", "-out", out, how)
		require.Equal(t, exitInterrupted, code, stderr)
		require.Contains(t, stdout, "stopped; nothing was written")
		write.Close()
	}
	after, err := os.ReadFile("all.index")
	require.NoError(t, err)
	require.Equal(t, before, after)
	entries, err := os.ReadDir(".")
	require.NoError(t, err)
	require.Len(t, entries, 2, "%v", entries)
}

func TestIndexThatCannotBe(t *testing.T) {
	run, other, dir := finishedRun(t), finishedRun(t, "-seed", "9", "-embedding", "5"), t.TempDir()
	t.Chdir(dir)
	folders(t, "photos", 2, 2)
	require.NoError(t, os.Mkdir("empty", 0o777))
	require.NoError(t, os.WriteFile("text.index", []byte("no index"), 0o666))
	require.NoError(t, os.WriteFile("fake.jpg", []byte("no picture"), 0o666))
	for _, args := range [][]string{{"index", run, "photos", "-out", "all.index"}, {"embed", other, "photos", "-out", "other.npy"}, {"embed", run, "photos", "-out", "mute.csv"}} {
		code, _, stderr := medusa(args...)
		require.Equal(t, exitOK, code, stderr)
	}
	damaged, err := os.ReadFile("all.index")
	require.NoError(t, err)
	damaged[len(damaged)/3] ^= 1
	require.NoError(t, os.WriteFile("damaged.index", damaged, 0o666))
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"", exitUsage, "want a MODEL, which is a run folder or its model file, and the pictures; -h says more"},
		{"RUN", exitUsage, "want a PATH behind the model RUN: a picture, a folder"},
		{"RUN photos", exitUsage, "-out names no file to write: give one such as -out photos.index"},
		{"RUN - - -out a.index", exitUsage, "- stands twice among the paths"},
		{"RUN photos -out a.index -add -overwrite", exitUsage, "-add changes the index that -overwrite makes anew: leave out one of them"},
		{"RUN photos -out a.index -distance far", exitUsage, "-distance"},
		{"RUN photos -out a.index -storage int4", exitUsage, "-storage"},
		{"RUN photos -out a.index -graph maybe", exitUsage, "-graph"},
		{"RUN photos -out a.index -links 1", exitUsage, "-links"},
		{"RUN photos -out a.index -links 4 -graph off", exitUsage, "-links and -effort are of a graph, and -graph off builds none"},
		{"RUN photos -out a.index -storage binary -graph on", exitUsage, "-storage binary goes without a graph"},
		{"RUN photos -out a.index -keep-floats", exitUsage, "-keep-floats goes with -storage int8 or binary"},
		{"RUN photos -out all.index -add -distance dot", exitUsage, "-distance is that of the index which is there: leave it out with -add"},
		{"RUN photos -out a.index -label a", exitUsage, "-label says what to take out of an index: add -remove, or leave it out"},
		{"RUN photos -out all.index", exitFailed, "-out all.index is there already: put pictures into it with -add, make it anew with -overwrite, or name another file"},
		{"RUN photos -out none.index -add", exitFailed, "-out none.index: there is no such index: leave out -add to make it"},
		{"RUN photos -out none/a.index", exitFailed, "-out none/a.index: there is no folder none"},
		{"RUN photos -out empty", exitFailed, "-out empty is a folder: name a file in it, such as empty/photos.index"},
		{"RUN photos -out text.index -add", exitFailed, "text.index: this is no index of Medusa"},
		{"RUN photos -out damaged.index -add", exitFailed, "damaged.index: "},
		{"all.index photos -out a.index", exitFailed, "all.index is an index, want the model before the pictures"},
		{"RUN empty -out a.index", exitFailed, "empty: there is no picture that can be read"},
		{"RUN fake.jpg -out a.index", exitFailed, "fake.jpg: there is no picture that can be read"},
		{"RUN gone -out a.index", exitFailed, "gone"},
		{"gone photos -out a.index", exitFailed, "there is no run folder or model file gone"},
		{"OTHER photos -out all.index -add", exitFailed, "all.index was made with another model than OTHER, which was at RUN: their distances mean nothing to each other"},
		{"RUN other.npy -out a.index", exitFailed, "other.npy was made with another model than RUN: its distances mean nothing"},
		{"RUN mute.csv -out a.index", exitFailed, "mute.csv does not say which model made its embeddings"},
		{"all.index -remove", exitUsage, "-remove wants to know what to remove: say so with -path, -label or -meta"},
		{"all.index photos -remove -label a", exitUsage, `want one INDEX, "photos" is another`},
		{"all.index -remove -label class00 -out b.index", exitUsage, "-out means nothing to -remove: leave it out"},
		{"gone.index -remove -label class00", exitFailed, "there is no index gone.index"},
		{"empty -remove -label class00", exitFailed, "empty is a folder, want an index"},
		{"all.index -remove -label clas00", exitFailed, `-label: all.index has no pictures of "clas00"; did you mean "class00"?`},
		{"all.index -remove -label zzzzzz", exitFailed, `-label: all.index has no pictures of "zzzzzz"; there are class00, class01`},
		{"all.index -remove -meta camera=left", exitFailed, `-meta: all.index knows no "camera" of its pictures`},
		{"all.index -remove -meta camera", exitUsage, "-meta camera: want KEY=VALUE"},
		{"all.index -remove -path [", exitUsage, "-path [: a [ has no end"},
		{"all.index -remove -path sketches", exitFailed, "-path sketches: all.index holds no picture of such a path"},
		{"all.index -remove -path photos/class00 -label class01", exitFailed, "no picture of all.index is all of that: nothing was removed"},
	} {
		var args []string
		for _, a := range strings.Fields(c.args) {
			args = append(args, strings.NewReplacer("RUN", run, "OTHER", other).Replace(a))
		}
		code, stdout, stderr := medusa(append([]string{"index"}, args...)...)
		require.Equal(t, c.code, code, "%v: %s", c.args, stderr)
		require.Contains(t, oneLine(stderr), strings.NewReplacer("RUN", run, "OTHER", other).Replace(c.want), c.args)
		require.NotContains(t, stdout, "pictures/s")
		require.NoFileExists(t, "a.index")
	}
	require.Len(t, itemsOfIndex(t, "all.index"), 4)
	left, err := filepath.Glob(filewrite.TempPrefix + "*")
	require.NoError(t, err)
	require.Empty(t, left)
}

// A folder in which nothing can be written is said before the work.
func TestIndexInAFolderThatCannotBeWritten(t *testing.T) {
	if runtime.GOOS == "windows" || os.Geteuid() == 0 {
		t.Skip("whoever may do everything can write everywhere")
	}
	run := finishedRun(t)
	t.Chdir(t.TempDir())
	folders(t, "photos", 1, 1)
	require.NoError(t, os.Mkdir("locked", 0o555))
	code, stdout, stderr := medusa("index", run, "photos", "-out", "locked/a.index")
	require.Equal(t, exitFailed, code)
	require.Contains(t, oneLine(stderr), "-out locked/a.index: nothing can be written there: ")
	require.NotContains(t, stdout, "embedding")
	require.NotContains(t, stderr, filewrite.TempPrefix)
	code, stdout, stderr = medusa("calibrate", run, "photos", "-out", "locked/a.json")
	require.Equal(t, exitFailed, code)
	require.Contains(t, oneLine(stderr), "-out locked/a.json: nothing can be written there: permission denied")
	require.NotContains(t, stdout+stderr, "embedding")
}

// A disk that is too small for what the pictures will take is said before they are embedded.
func TestIndexThatFitsOnNoDisk(t *testing.T) {
	dir := t.TempDir()
	if _, known := diskroom.Free(dir); !known {
		t.Skip("this system does not tell how much is free")
	}
	x, err := index.New(index.Options{Dim: 128})
	require.NoError(t, err)
	g := &pictureIndex{x, filepath.Join(dir, "a.index")}
	r := &indexRun{}
	require.NoError(t, r.checkRoom(g, 1))
	require.ErrorContains(t, r.checkRoom(g, 1<<50), "-out "+g.path+": ")
}
