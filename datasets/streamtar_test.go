package datasets

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"image"
	"image/png"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// noise is a grey PNG of its own.
func noise(t testing.TB, seed uint64) []byte {
	rng := rand.New(rand.NewPCG(seed, 1))
	img := image.NewGray(image.Rect(0, 0, 8, 8))
	for i := range img.Pix {
		img.Pix[i] = uint8(rng.IntN(256))
	}
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, img))
	return b.Bytes()
}

// tarred is an archive of entries.
func tarred(t testing.TB, entries ...any) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i := 0; i < len(entries); i += 2 {
		switch content := entries[i+1].(type) {
		case []byte:
			require.NoError(t, w.WriteHeader(&tar.Header{Name: entries[i].(string), Size: int64(len(content)), Mode: 0o644}))
			_, err := w.Write(content)
			require.NoError(t, err)
		case byte:
			require.NoError(t, w.WriteHeader(&tar.Header{Name: entries[i].(string), Typeflag: content, Linkname: "a/1.png", Mode: 0o755}))
		}
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

var eightByEight = Options{Channels: 1, Height: 8}

// streamOf reads all of a Stream: the paths, with the class behind a colon, and what was left out.
func streamOf(t testing.TB, s *Stream, err error) (found []string, left map[string]string, pixels map[string][]float32) {
	require.NoError(t, err)
	left, pixels = map[string]string{}, map[string][]float32{}
	for {
		d, err := s.Next(3)
		if err == io.EOF {
			require.NoError(t, s.Close())
			return found, left, pixels
		}
		require.NoError(t, err)
		for _, skip := range d.Skipped() {
			left[skip.Path] = skip.Reason
		}
		for i, c := range d.Labels() {
			name := d.Path(i) + ":"
			if c != NoClass {
				name += d.Classes()[c]
			}
			x := make([]float32, 64)
			require.NoError(t, d.Fill(x, []int{i}, Normalisation{}))
			found, pixels[d.Path(i)] = append(found, name), x
		}
	}
}

// Pictures of archives are those of the folder, with the classes of their folders, as the archive has them; what
// is not read is told.
func TestStreamOfArchives(t *testing.T) {
	archive := tarred(t, "train/b/2.png", noise(t, 2), "./a/1.png", noise(t, 1), "a", byte(tar.TypeDir), "0.png", noise(t, 0),
		"a/notes.txt", []byte("about"), "a/.hidden.png", noise(t, 3), "__MACOSX/a.png", noise(t, 3), "a/link.png", byte(tar.TypeSymlink),
		"a/pipe", byte(tar.TypeFifo), "a/broken.png", noise(t, 3)[:30], "../out.png", noise(t, 4))
	dir := t.TempDir()
	write := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, content, 0o666))
		return path
	}
	var zipped, packed bytes.Buffer
	g := gzip.NewWriter(&packed)
	g.Write(archive)
	require.NoError(t, g.Close())
	z := zip.NewWriter(&zipped)
	for i, name := range []string{"0.png", "a/1.png", "train/b/2.png"} {
		w, err := z.Create(name)
		require.NoError(t, err)
		_, err = w.Write(noise(t, uint64(i)))
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	for _, path := range []string{write("x.tar", archive), write("x.tgz", packed.Bytes()), write("no ending", archive)} {
		in := func(name string) string { return filepath.Join(path, filepath.FromSlash(name)) }
		s, err := OpenStream([]string{path}, eightByEight)
		require.NoError(t, err)
		_, known := s.Files(context.Background(), nil)
		require.False(t, known, "that takes reading it")
		found, left, pixels := streamOf(t, s, err)
		require.Equal(t, []string{in("train/b/2.png") + ":b", in("a/1.png") + ":a", in("0.png") + ":", in("out.png") + ":"}, found)
		require.Equal(t, map[string]string{
			in("a/notes.txt"): reasonNoPicture, in("a/.hidden.png"): reasonHidden, in("__MACOSX/a.png"): reasonSystem, in("a/link.png"): reasonLink,
			in("a/pipe"): reasonSpecial, in("a/broken.png"): reasonBroken,
		}, left)
		alone, err := ReadUnlabelled(bytes.NewReader(noise(t, 1)), "x", eightByEight)
		require.NoError(t, err)
		require.Equal(t, onlyItem(t, alone), pixels[in("a/1.png")])
	}
	path := write("x.zip", zipped.Bytes())
	s, err := OpenStream([]string{path, path}, eightByEight)
	require.NoError(t, err)
	n, known := s.Files(context.Background(), nil)
	require.True(t, known)
	require.Equal(t, 6, n)
	found, left, _ := streamOf(t, s, err)
	three := []string{filepath.Join(path, "0.png") + ":", filepath.Join(path, "a", "1.png") + ":a", filepath.Join(path, "train", "b", "2.png") + ":b"}
	require.Equal(t, append(three, three...), found)
	require.Empty(t, left)
}

// An archive that is cut off is an error wherever that is, after what came before.
func TestStreamOfCutArchives(t *testing.T) {
	archive := tarred(t, "1.png", noise(t, 1), "2.png", noise(t, 2))
	for _, size := range []int{300, 600, 1024, 1100, 1600, 2048} {
		s, err := OpenInputs([]Input{{Path: "upload", Reader: bytes.NewReader(archive[:size])}}, eightByEight)
		require.NoError(t, err)
		n := 0
		for err == nil {
			var d *Dataset
			if d, err = s.Next(1); err == nil {
				n += d.Len()
			}
		}
		require.NotErrorIs(t, err, io.EOF, size)
		require.Regexp(t, "upload", err.Error(), size)
		require.Equal(t, map[int]int{1024: 1, 1100: 1, 1600: 1, 2048: 2}[size], n, size)
		_, again := s.Next(1)
		require.Error(t, again)
		require.NoError(t, s.Close())
		require.NoError(t, s.Close())
	}
}

// Tables and lists are read row by row, wherever their pictures are, and what makes no sense is an error with its line.
func TestStreamOfTables(t *testing.T) {
	dir := t.TempDir()
	for i := range 3 {
		path := filepath.Join(dir, "pics", fmt.Sprintf("%d, a.png", i))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
		require.NoError(t, os.WriteFile(path, noise(t, uint64(i)), 0o666))
	}
	pic := func(i int) string { return filepath.Join(dir, "pics", fmt.Sprintf("%d, a.png", i)) }
	for name, tt := range map[string]struct {
		file, text string
		columns    string
		want       []string
		err        string
	}{
		"list":                 {"x.txt", "pics/1, a.png\r\n\npics/0, a.png\n", "", []string{pic(1) + ":", pic(0) + ":"}, ""},
		"absolute":             {"x.lst", pic(2), "", []string{pic(2) + ":"}, ""},
		"beside, and UTF-16":   {"pics.txt", "\xff\xfe1\x00,\x00 \x00a\x00.\x00p\x00n\x00g\x00\n\x00", "", []string{pic(1) + ":"}, ""},
		"table":                {"x.csv", "id,label,path\n1,é,\"pics/1, a.png\"\n2,,\"pics/2, a.png\"\n", "", []string{pic(1) + ":é", pic(2) + ":"}, ""},
		"one column":           {"x.csv", "filename\n\"pics/1, a.png\"\n", "", []string{pic(1) + ":"}, ""},
		"boxes":                {"x.csv", "path,x0,y0,x1,y1\n\"pics/1, a.png\",0,0,8,8\n", "", []string{pic(1) + ":"}, ""},
		"called otherwise":     {"x.tsv", "Foto\tArt\npics/1, a.png\tb\n", "path=Foto,label=Art", []string{pic(1) + ":b"}, ""},
		"objects":              {"x.jsonl", "{\"path\": \"pics/1, a.png\", \"label\": 3}\n\n{\"path\": \"pics/2, a.png\", \"more\": []}", "", []string{pic(1) + ":3", pic(2) + ":"}, ""},
		"no header":            {"x.csv", "1.png,a\n2.png,b\n", "", nil, "is a picture and names no columns"},
		"objects without":      {"x.jsonl", "{\"a\": 1}\n", "", nil, `no column "path"`},
		"no objects":           {"x.jsonl", "{\"path\": \"pics/1, a.png\"}\nx\n", "", nil, "line 2 is no JSON object"},
		"too few cells":        {"x.csv", "path,label\n\"pics/1, a.png\",a\nb\n", "", nil, "line 3"},
		"a path of nothing":    {"x.csv", "path,label\n,a\n", "", nil, `line 2: path "" names no file`},
		"a box of nothing":     {"x.csv", "path,x0,y0,x1,y1\n\"pics/1, a.png\",9,0,8,8\n", "", nil, "is empty, want x0 < x1"},
		"columns that are not": {"x.csv", "path,label\na.png,b\n", "path=Foto", nil, `no column "Foto"`},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(dir, tt.file)
			require.NoError(t, os.WriteFile(file, []byte(tt.text), 0o666))
			defer os.Remove(file)
			o := eightByEight
			o.Columns = tt.columns
			s, err := OpenStream([]string{file}, o)
			if tt.err == "" {
				n, known := s.Files(context.Background(), nil)
				require.True(t, known)
				require.Equal(t, len(tt.want), n)
				found, left, _ := streamOf(t, s, err)
				require.Equal(t, tt.want, found)
				require.Empty(t, left)
				return
			}
			for err == nil {
				_, err = s.Next(1)
			}
			require.ErrorContains(t, err, tt.err)
			require.ErrorContains(t, err, tt.file)
		})
	}
}

// A list on a reader is relative to the working directory; a picture is itself; a zip is refused.
func TestStreamOfReaders(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("1.png", noise(t, 1), 0o666))
	open := func(content string) (*Stream, error) {
		return OpenInputs([]Input{{Path: "stdin", Reader: strings.NewReader(content)}}, eightByEight)
	}
	s, err := open("1.png\ngone.png\n")
	found, left, _ := streamOf(t, s, err)
	require.Equal(t, []string{"1.png:"}, found)
	require.Equal(t, map[string]string{"gone.png": reasonNoFile}, left)
	s, err = open(string(noise(t, 1)))
	found, _, _ = streamOf(t, s, err)
	require.Equal(t, []string{"stdin:"}, found)
	s, err = open("\x00\x01\x02")
	found, left, _ = streamOf(t, s, err)
	require.Empty(t, found)
	require.Equal(t, map[string]string{"stdin": reasonNoPicture}, left)
	s, err = open("")
	found, _, _ = streamOf(t, s, err)
	require.Empty(t, found)
	s, err = open("PK\x03\x04rest")
	require.NoError(t, err)
	_, err = s.Next(1)
	require.ErrorContains(t, err, "stdin is a .zip, which cannot be read as it comes: give it as a file, or as a .tar")
}

// What is passed over counts as read, with its names, and the rest is what it would have been.
func TestStreamGoesOn(t *testing.T) {
	dir := plant(t, files(t, "1.png", "a/2.png", "b/3.png", "b/4.png"))
	open := func() *Stream {
		s, err := OpenStream([]string{dir}, Options{Channels: 1, Height: 8})
		require.NoError(t, err)
		return s
	}
	whole := open()
	_, err := whole.Next(3)
	require.NoError(t, err)
	s := open()
	n, err := s.Discard(3)
	require.NoError(t, err)
	require.Equal(t, 3, n)
	require.Equal(t, []any{whole.Read(), whole.Names()}, []any{s.Read(), s.Names()})
	d, err := s.Next(10)
	require.NoError(t, err)
	require.Equal(t, filepath.Join(dir, "b", "4.png"), d.Path(0))
	require.NotEqual(t, whole.Names(), s.Names())
	n, err = s.Discard(5)
	require.NoError(t, err)
	require.Zero(t, n)
}

// Links in a folder lead to each picture once, as when all is listed at once.
func TestStreamFollowsLinksOnce(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need rights there")
	}
	dir := plant(t, files(t, "a/1.png", "a/2.png"))
	elsewhere := plant(t, files(t, "x/3.png"))
	for from, to := range map[string]string{"a/again.png": "a/1.png", "b": "a", "c": elsewhere, "d.png": filepath.Join(elsewhere, "x", "3.png"), "loop": ".", "gone.png": "nowhere"} {
		if !filepath.IsAbs(to) {
			to = filepath.Join(dir, to)
		}
		require.NoError(t, os.Symlink(to, filepath.Join(dir, from)))
	}
	o := Options{Channels: 1, Height: 8}
	whole, err := OpenUnlabelled(dir, o)
	require.NoError(t, err)
	defer whole.Close()
	var want []string
	for i := range whole.Len() {
		want = append(want, whole.Path(i))
	}
	s, err := OpenStream([]string{dir}, o)
	found, left, _ := streamOf(t, s, err)
	for i := range found {
		found[i], _, _ = strings.Cut(found[i], ":")
	}
	require.ElementsMatch(t, want, found)
	reasons := map[string]string{}
	for _, skip := range whole.Skipped() {
		reasons[skip.Path] = skip.Reason
	}
	require.Equal(t, reasons, left)
}

// Any bytes are read to an end, or to an error.
func FuzzStreamOfReader(f *testing.F) {
	f.Add(tarred(f, "a/1.png", noise(f, 1), "x", byte(tar.TypeLink)))
	f.Add([]byte("path,label\na.png,b\n"))
	f.Add([]byte("{\"path\": \"a.png\"}\n"))
	f.Add([]byte("a.png\nb c.png\n"))
	f.Add(noise(f, 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := OpenInputs([]Input{{Path: "fuzz", Reader: bytes.NewReader(b)}}, Options{Channels: 1, Height: 8, MaxPixels: 1 << 12, MaxFileBytes: 1 << 16})
		require.NoError(t, err)
		defer s.Close()
		read := 0
		for err == nil {
			var d *Dataset
			if d, err = s.Next(4); err == nil {
				read += d.Len()
			}
		}
		require.LessOrEqual(t, read, s.Read())
	})
}

// What a table says of a picture besides its class comes with it.
func TestStreamOfTablesKnowsCameras(t *testing.T) {
	dir := t.TempDir()
	for i := range 2 {
		require.NoError(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.png", i)), noise(t, uint64(i)), 0o666))
	}
	file := filepath.Join(dir, "x.csv")
	require.NoError(t, os.WriteFile(file, []byte("path,label,camera,category\n0.png,a,left,\n1.png,a,right,shoe\n"), 0o666))
	s, err := OpenStream([]string{file}, eightByEight)
	require.NoError(t, err)
	defer s.Close()
	d, err := s.Next(10)
	require.NoError(t, err)
	require.Equal(t, Groups{Of: []int{0, 1}, Names: []string{"left", "right"}}, d.Cameras())
	require.Equal(t, Groups{Of: []int{-1, 0}, Names: []string{"shoe"}}, d.Categories())
	require.Zero(t, d.Sequences())
}
