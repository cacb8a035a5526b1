package datasets

import (
	"archive/zip"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOpenRecognises(t *testing.T) {
	dir := plant(t, files(t, "a/1.png", "b/2.png"))
	list := filepath.Join(dir, "list.csv")
	require.NoError(t, os.WriteFile(list, []byte("path,label\na/1.png,x\nb/2.png,y\n"), 0o666))
	archive := filepath.Join(t.TempDir(), "set.zip")
	f, err := os.Create(archive)
	require.NoError(t, err)
	z := zip.NewWriter(f)
	require.NoError(t, z.AddFS(os.DirFS(dir)))
	require.NoError(t, z.Close())
	require.NoError(t, f.Close())
	for path, want := range map[string]struct{ kind, class string }{
		dir:        {"folder", "a"},
		list:       {"manifest", "x"},
		archive:    {"folder", "a"},
		"omniglot": {"omniglot", "Armenian/character01"},
	} {
		if path == "omniglot" {
			if raceEnabled {
				continue
			}
			t.Chdir(t.TempDir()) // the package's own folder has one of that name
		}
		s, err := Open(path, Options{})
		require.NoError(t, err, path)
		require.Equal(t, want.kind, s.Train.Summary().Kind)
		require.Equal(t, want.class, s.Train.Classes()[0])
	}
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o666))
		return path
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "none"):        "none does not exist: give a folder",
		write("a.tar.gz", "\x1f\x8b\x08"): "cut off or damaged",
		write("a.bin", "\x00\x01\x02"):    "is neither a folder nor a table (CSV or JSON lines) nor an IDX file",
		write("e.csv", ""):                "is an empty file",
		write("a.zip", "PK\x03\x04"):      "not a valid zip file",
		write("a.csv", "x,y\n"):           `no column "path"`,
	} {
		_, err := Open(path, Options{})
		require.ErrorContains(t, err, want)
	}
}

func TestColumnsOfNoTable(t *testing.T) {
	for _, path := range []string{"", "testdata/vectors/big.npz"} {
		_, err := Open(path, Options{Columns: "path,label"})
		require.ErrorContains(t, err, "is no table of pictures", path)
	}
}

func TestCacheFileErrors(t *testing.T) {
	_, err := OpenFS(files(t, "a/1.png", "b/2.png"), Options{CacheBytes: 1, CacheDir: filepath.Join(t.TempDir(), "none")})
	require.ErrorContains(t, err, "set Options.CacheDir to a folder that can be written to, or raise Options.CacheBytes")
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestCacheFileGoesAway(t *testing.T) {
	dir := t.TempDir()
	s, err := OpenFS(files(t, "train/a/1.png", "train/b/2.png", "test/c/1.png", "test/d/2.png"), Options{CacheBytes: 1, CacheDir: dir})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)
	require.ErrorIs(t, s.Train.Fill(make([]float32, 20), []int{0}, Normalisation{}), os.ErrClosed)
}

func TestLogger(t *testing.T) {
	var b strings.Builder
	fsys := files(t, "a/1.png", "b/2.png")
	fsys["b/3.png"] = fsys["b/2.png"]
	fsys["b/.x"] = fsys["b/2.png"]
	_, err := OpenFS(fsys, Options{Logger: slog.New(slog.NewTextHandler(&b, nil))})
	require.NoError(t, err)
	require.Contains(t, b.String(), "msg=data part=train classes=2 pictures=3 size=1×4×5 skipped=1")
	require.Contains(t, b.String(), `msg=skipped part=train reason="hidden file or folder" count=1 examples=[b/.x]`)
	require.Contains(t, b.String(), `msg=noted part=train what="picture that repeats another of its class" count=1`)
}
