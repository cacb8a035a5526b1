package index

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/metrics"
)

// An index and its model that lie together are moved together; a model elsewhere stays where it is.
func TestTheModelIsFoundAgain(t *testing.T) {
	for name, c := range map[string]struct{ model, file, moved, want string }{
		"below":               {"old/runs/a", "old/g.index", "new/g.index", "new/runs/a"},
		"beside":              {"old/a.medusa", "old/g.index", "new/g.index", "new/a.medusa"},
		"the folder itself":   {"old/a", "old/a/g.index", "new/a/g.index", "new/a"},
		"around":              {"old/a", "old/a/b/c/g.index", "new/a/b/c/g.index", "new/a"},
		"dots in names":       {"old/..a/...", "old/g.index", "new/g.index", "new/..a/..."},
		"a name of dots only": {"old/...", "old/b/g.index", "new/b/g.index", "old/..."},
		"elsewhere":           {"old/runs/a", "old/found/g.index", "new/g.index", "old/runs/a"},
		"a name of spaces":    {"old/ü b", "old/g.index", "new/g.index", "new/ü b"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			here, err := os.Getwd()
			require.NoError(t, err)
			for _, path := range []string{c.file, c.moved} {
				require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
			}
			x, err := New(Options{Dim: 1, ModelPath: filepath.FromSlash(c.model)})
			require.NoError(t, err)
			require.Equal(t, filepath.FromSlash(c.model), x.Options().ModelPath)
			require.NoError(t, x.Save(ctx, c.file))
			opened := func(path, want string) *Index {
				x, err := Open(filepath.FromSlash(path))
				require.NoError(t, err)
				require.Equal(t, filepath.Join(here, filepath.FromSlash(want)), x.Options().ModelPath)
				return x
			}
			again := opened(c.file, c.model)
			require.NoError(t, os.Rename(c.file, c.moved))
			opened(c.moved, c.want)
			require.NoError(t, again.Save(ctx, "third.index")) // of one that was opened
			opened("third.index", c.model)
		})
	}
}

// A path need not be UTF-8.
func TestTheModelIsFoundByAnyName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "g.index")
	model := filepath.Join(t.TempDir(), "caf\xe9")
	x, err := New(Options{Dim: 1, ModelPath: model})
	require.NoError(t, err)
	require.NoError(t, x.Save(ctx, path))
	x, err = Open(path)
	require.NoError(t, err)
	require.Equal(t, model, x.Options().ModelPath)
}

// A file of the time when files did not say where the model is.
func TestFilesWithoutModelPathAreRead(t *testing.T) {
	x, err := Open(filepath.Join("testdata", "without_model_path.index"))
	require.NoError(t, err)
	require.Equal(t, Options{Dim: 3, Distance: metrics.Cosine, Model: "abc"}, x.Options())
	it, err := x.Get(1)
	require.NoError(t, err)
	require.Equal(t, Item{ID: 1, Vector: []float32{1, 0, 0}, Label: "east", Path: "a/1.png", Meta: map[string]string{"camera": "left"}}, it)
	path := filepath.Join(t.TempDir(), "again.index")
	require.NoError(t, x.Save(ctx, path))
	was, err := os.ReadFile(filepath.Join("testdata", "without_model_path.index"))
	require.NoError(t, err)
	now, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, was, now)
}
