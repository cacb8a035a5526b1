package cli

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"image"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/datasets"
	"medusa/embeddings"
	"medusa/model"
)

// medusaReading is medusa with something on its standard input.
func medusaReading(ctx context.Context, in io.Reader, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = Medusa.Run(ctx, append(os.Args[:1:1], args...), Streams{In: in, Out: &out, Err: &errs})
	return code, out.String(), errs.String()
}

// embedded is what the library makes of files.
func embedded(t *testing.T, run string, paths ...string) *embeddings.Set {
	t.Helper()
	m, err := model.Load(run, model.Options{})
	require.NoError(t, err)
	defer m.Close()
	s := &embeddings.Set{Info: embeddings.Info{Dim: m.EmbeddingSize(), Model: m.Fingerprint()}}
	for _, path := range paths {
		x, err := m.EmbedFile(context.Background(), path)
		require.NoError(t, err)
		s.Items, s.Vectors = append(s.Items, embeddings.Item{Path: path, Label: filepath.Base(filepath.Dir(path))}), append(s.Vectors, x...)
	}
	return s
}

// readSet is a file of embeddings without what this format has no place for.
func readSet(t *testing.T, path string) *embeddings.Set {
	t.Helper()
	s, err := embeddings.Read(path)
	require.NoError(t, err)
	return s
}

// Every format has what the library makes of the pictures, one by one, to the last bit.
func TestEmbedWritesEveryFormat(t *testing.T) {
	run, photos := finishedRun(t), folders(t, filepath.Join(t.TempDir(), "photos"), 3, 3)
	var paths []string
	for class := range 3 {
		for n := range 3 {
			paths = append(paths, filepath.Join(photos, fmt.Sprintf("class%02d", class), fmt.Sprintf("%02d.png", n)))
		}
	}
	want := embedded(t, run, paths...)
	for _, format := range embeddings.Formats() {
		out := filepath.Join(t.TempDir(), "photos."+format)
		code, stdout, stderr := medusa("embed", run, photos, "-out", out)
		require.Equal(t, exitOK, code, stderr)
		require.Empty(t, stderr)
		require.Contains(t, stdout, "9 pictures embedded in ")
		require.Contains(t, stdout, "embeddings  "+out+" (9 of ")
		require.Regexp(t, `: embeddings(, as `+format+`|; its checksum is right)? embeddings 9 of \d+ numbers each classes 3, such as .* paths 9, such as `, info(t, out))
		got := readSet(t, out)
		if format == "csv" {
			got.Model = want.Model
		}
		require.Equal(t, want, got, format)
		require.NoFileExists(t, out+".part")
		if format == "npy" || format == "safetensors" { // what is embedded can be learned from
			s, err := datasets.OpenVectors(out, datasets.Options{})
			require.NoError(t, err)
			require.Equal(t, []string{"class00", "class01", "class02"}, s.Train.Classes())
			require.Equal(t, 9, s.Train.Len())
			require.NoError(t, s.Close())
		}
	}
	named := filepath.Join(t.TempDir(), "photos.out")
	code, _, stderr := medusa("embed", "--format=npy", "--out", named, filepath.Join(run, "model.safetensors"), paths[4])
	require.Equal(t, exitOK, code, stderr)
	require.FileExists(t, filepath.Join(filepath.Dir(named), "photos_items.json"))
}

// tarOf is an archive of the files below dir.
func tarOf(t *testing.T, dir string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	require.NoError(t, w.AddFS(os.DirFS(dir)))
	require.NoError(t, w.Close())
	return b.Bytes()
}

// Wherever pictures lie they have the same embeddings: in a folder, flat or not, an archive, a list, a table, and
// what comes on standard input.
func TestEmbedReadsFromEverywhere(t *testing.T) {
	run, dir := finishedRun(t), t.TempDir()
	photos := folders(t, filepath.Join(dir, "photos"), 2, 2)
	var paths []string
	for _, name := range []string{"class00/00.png", "class00/01.png", "class01/00.png", "class01/01.png"} {
		paths = append(paths, filepath.Join(photos, filepath.FromSlash(name)))
	}
	want := embedded(t, run, paths...)
	write := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
		require.NoError(t, os.WriteFile(path, content, 0o666))
		return path
	}
	flat := filepath.Join(dir, "flat")
	for i, path := range paths {
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		write(fmt.Sprintf("flat/%d.png", i), b)
	}
	archive := tarOf(t, photos)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	z.Write(archive)
	require.NoError(t, z.Close())
	list := strings.Join(paths, "\n") + "\n"
	table := "label;filename\nA;photos/class00/00.png\n;photos/class00/01.png\nB;photos/class01/00.png\nB;photos/class01/01.png\n"
	for name, tt := range map[string]struct {
		args   []string
		in     string
		labels []string
	}{
		"folder":          {[]string{photos}, "", []string{"class00", "class00", "class01", "class01"}},
		"flat folder":     {[]string{flat}, "", make([]string, 4)},
		"files":           {paths, "", make([]string, 4)},
		"tar":             {[]string{write("a.tar", archive)}, "", []string{"class00", "class00", "class01", "class01"}},
		"tar.gz":          {[]string{write("a.tar.gz", zipped.Bytes())}, "", []string{"class00", "class00", "class01", "class01"}},
		"list":            {[]string{write("list.txt", []byte(list))}, "", make([]string, 4)},
		"table":           {[]string{write("table.csv", []byte(table))}, "", []string{"A", "", "B", "B"}},
		"no header":       {[]string{write("bare.csv", []byte(strings.TrimPrefix(table, "label;filename\n"))), "-columns", "label,path"}, "", []string{"A", "", "B", "B"}},
		"JSON lines":      {[]string{write("table.jsonl", []byte(`{"file": "photos/class00/00.png", "label": "x"}`+"\n"+`{"file": "photos/class00/01.png"}`+"\n")), paths[2], paths[3]}, "", []string{"x", "", "", ""}},
		"listed on stdin": {[]string{"-"}, list, make([]string, 4)},
		"tar on stdin":    {[]string{"-"}, string(archive), []string{"class00", "class00", "class01", "class01"}},
		"gzip on stdin":   {[]string{"-"}, zipped.String(), []string{"class00", "class00", "class01", "class01"}},
		"several":         {[]string{paths[0], "-", filepath.Join(photos, "class01")}, paths[1] + "\n", make([]string, 4)},
	} {
		t.Run(name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "x.safetensors")
			code, _, stderr := medusaReading(context.Background(), strings.NewReader(tt.in), append([]string{"embed", "-out", out, run}, tt.args...)...)
			require.Equal(t, exitOK, code, stderr)
			got := readSet(t, out)
			require.Equal(t, want.Vectors, got.Vectors)
			for i, label := range tt.labels {
				require.Equal(t, label, got.Items[i].Label)
			}
		})
	}
	one, err := os.ReadFile(paths[2])
	require.NoError(t, err)
	out := filepath.Join(t.TempDir(), "x.jsonl")
	code, _, stderr := medusaReading(context.Background(), bytes.NewReader(one), "embed", run, "-", "-out", out)
	require.Equal(t, exitOK, code, stderr)
	require.Equal(t, want.Row(2), readSet(t, out).Vectors)
}

// What cannot be read is told, counted and left out; strict stops at it, and goes on once it is mended.
func TestEmbedTellsBadPictures(t *testing.T) {
	run, photos := finishedRun(t), folders(t, filepath.Join(t.TempDir(), "photos"), 2, 3)
	bad, notes := filepath.Join(photos, "class00", "01.png"), filepath.Join(photos, "notes.txt")
	whole, err := os.ReadFile(bad)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(bad, whole[:40], 0o666))
	require.NoError(t, os.WriteFile(notes, []byte("about"), 0o666))
	gone := filepath.Join(photos, "gone.png")
	out := filepath.Join(t.TempDir(), "x.npy")
	code, stdout, stderr := medusa("embed", run, photos, gone, "-out", out)
	require.Equal(t, exitLeftOut, code, stderr)
	require.Regexp(t, `(?m)^left out: `+regexp.QuoteMeta(bad)+`: broken picture: PNG`, stderr)
	require.Regexp(t, `(?m)^left out: `+regexp.QuoteMeta(gone)+`: cannot be read: no such file`, stderr)
	require.NotContains(t, stderr, "notes.txt", "beside pictures there may be other files")
	require.Contains(t, stdout, "5 pictures embedded")
	require.Contains(t, stdout, "2 pictures left out (broken picture: 1, cannot be read: 1)")
	require.Equal(t, 5, readSet(t, out).Len())

	strict := filepath.Join(t.TempDir(), "strict.npy")
	code, _, stderr = medusa("embed", run, photos, "-strict", "-out", strict)
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, bad+": broken picture")
	require.NoFileExists(t, strict)
	require.NoFileExists(t, strict+".part")
	require.NoError(t, os.WriteFile(bad, whole, 0o666))
	code, _, stderr = medusa("embed", run, photos, "-strict", "-out", strict)
	require.Equal(t, exitOK, code, stderr)
}

// tarOfMany writes an archive of n small pictures, without holding it, and calls before with each number.
func tarOfMany(n int, before func(i int)) io.Reader {
	var pictures [][]byte
	for i := range 20 {
		img := image.NewGray(image.Rect(0, 0, 8, 8))
		for p := range img.Pix {
			img.Pix[p] = uint8((i + 1) * (p + 1) % 251)
		}
		var b bytes.Buffer
		png.Encode(&b, img)
		pictures = append(pictures, b.Bytes())
	}
	r, w := io.Pipe()
	go func() {
		t := tar.NewWriter(w)
		for i := range n {
			before(i)
			picture := pictures[i%len(pictures)]
			if t.WriteHeader(&tar.Header{Name: fmt.Sprintf("%07d.png", i), Size: int64(len(picture)), Mode: 0o644}) != nil {
				return
			}
			if _, err := t.Write(picture); err != nil {
				return
			}
		}
		t.Close()
		w.Close()
	}()
	return r
}

// A command that is stopped goes on where it was, and the file is that of one that was not stopped; other pictures,
// and another model, are refused.
func TestEmbedGoesOn(t *testing.T) {
	run, dir := finishedRun(t), t.TempDir()
	out, whole := filepath.Join(dir, "x.npy"), filepath.Join(dir, "whole.npy")
	const n = 1300
	code, _, stderr := medusaReading(context.Background(), tarOfMany(n, func(int) {}), "embed", run, "-", "-out", whole)
	require.Equal(t, exitOK, code, stderr)

	ctx, cancel := context.WithCancel(context.Background())
	code, stdout, stderr := medusaReading(ctx, tarOfMany(n, func(i int) {
		if i == 1000 {
			cancel()
		}
	}), "embed", run, "-", "-out", out)
	require.Equal(t, exitInterrupted, code, stderr)
	require.NoFileExists(t, out)
	require.FileExists(t, out+".part")
	require.Regexp(t, `stopped after [0-9,]+ pictures; this goes on:\n  go run ./cmd/medusa embed .* - -out `, stdout)

	code, _, stderr = medusaReading(context.Background(), tarOfMany(20, func(int) {}), "embed", run, "-", "-out", out)
	require.Equal(t, exitFailed, code)
	require.Contains(t, strings.Join(strings.Fields(stderr), " "), "the pictures are other ones than those that "+out+".part was begun with")
	code, _, stderr = medusa("embed", run, dir, "-out", out)
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "which another command began with other pictures: remove it, or name another file")
	code, _, stderr = medusaReading(context.Background(), tarOfMany(n, func(int) {}), "embed", finishedRun(t, "-seed", "7"), "-", "-out", out)
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "with another model")

	code, stdout, stderr = medusaReading(context.Background(), tarOfMany(n, func(int) {}), "embed", run, "-", "-out", out)
	require.Equal(t, exitOK, code, stderr)
	require.Regexp(t, `going on after [1-9][0-9,]* pictures in `, stdout)
	a, err := os.ReadFile(whole)
	require.NoError(t, err)
	b, err := os.ReadFile(out)
	require.NoError(t, err)
	require.True(t, bytes.Equal(a, b))
	code, _, stderr = medusaReading(context.Background(), nil, "embed", run, "-", "-out", out)
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "is there already: name another file, or add -overwrite")
}

// The memory in use does not grow with the number of pictures.
func TestMemoryOfEmbed(t *testing.T) {
	run := finishedRun(t)
	peak := func(n int) uint64 {
		most := uint64(0)
		code, _, stderr := medusaReading(context.Background(), tarOfMany(n, func(i int) {
			if i%250 == 249 {
				var s runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&s)
				most = max(most, s.HeapAlloc)
			}
		}), "embed", run, "-", "-out", filepath.Join(t.TempDir(), "x.npy"))
		require.Equal(t, exitOK, code, stderr)
		return most
	}
	few, many := peak(1000), peak(4000)
	t.Logf("%d KiB for 1,000 pictures, %d KiB for 4,000", few>>10, many>>10)
	require.Less(t, many, few+200<<10) // a name and what belongs to it takes more than 67 bytes
}

func TestEmbedThatCannotBe(t *testing.T) {
	run, photos := finishedRun(t), folders(t, filepath.Join(t.TempDir(), "photos"), 2, 2)
	out := filepath.Join(t.TempDir(), "x.npy")
	foreign := foreignWords()
	bare := filepath.Join(photos, "bare.csv")
	require.NoError(t, os.WriteFile(bare, []byte("class00/00.png,3\n"), 0o666))
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{nil, exitUsage, "want a MODEL, which is a run folder or its model file, and the pictures; -h says more"},
		{[]string{run}, exitUsage, "want a PATH behind the model " + run},
		{[]string{run, ""}, exitUsage, "a PATH is empty"},
		{[]string{"", photos}, exitUsage, "MODEL is empty"},
		{[]string{run, photos}, exitUsage, "-out names no file to write: give one such as -out photos.npy"},
		{[]string{run, photos, "-out", "x.h5"}, exitUsage, "-out x.h5: the ending says no format, want one of .npy, .safetensors, .csv, .jsonl, .parquet, or a -format"},
		{[]string{run, photos, "-out", out, "-format", "h5"}, exitUsage, `-format "h5" is not a choice; want npy, safetensors, csv, jsonl, parquet`},
		{[]string{run, photos, "-out", out, "-format", ""}, exitUsage, `-format "" is not a choice`},
		{[]string{run, "-", "-", "-out", out}, exitUsage, "- stands twice among the paths"},
		{[]string{run, photos, "-out", out, "-workers", "-1"}, exitUsage, "-workers"},
		{[]string{run, photos, "-out", out, "-workers", "0"}, exitUsage, "-workers 0 is out of range, want at least 1; leave it out for one a processor"},
		{[]string{run, photos, "-out", out, "-max-pixels", "0"}, exitUsage, "-max-pixels 0 is out of range, want at least 1; leave it out for 67108864"},
		{[]string{run, photos, "-out", out, "-device", "cuda:99"}, exitFailed, "-device is cuda:99, which is not to be had"},
		{[]string{run, photos, "-out", filepath.Join(out, "gone.npy")}, exitFailed, "-out: "},
		{[]string{photos, photos, "-out", out}, exitFailed, photos + " holds no model.safetensors, as the folder of a finished run does"},
		{[]string{run + "x", photos, "-out", out}, exitFailed, "there is no run folder or model file " + run + "x"},
		{[]string{run, photos + "x", "-out", out}, exitFailed, "none of 1 file is a picture that can be read"},
		{[]string{run, t.TempDir(), "-out", out}, exitFailed, "none of 0 files is a picture that can be read"},
		{[]string{run, bare, "-out", out}, exitFailed, "-columns path,label"},
		{[]string{run, photos, "-out", out, "-strict", "-max-pixels", "20"}, exitFailed, "raise -max-pixels"},
	} {
		code, _, stderr := medusa(append([]string{"embed"}, tt.args...)...)
		assert.Equal(t, tt.code, code, tt.args)
		assert.Contains(t, strings.Join(strings.Fields(stderr), " "), tt.want, tt.args)
		assert.NotRegexp(t, foreign, stderr)
		assert.NoFileExists(t, out+".part")
	}
}
