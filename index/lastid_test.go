package index

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// The ID of an item that was removed stays known, in memory, after Compact and in files.
func TestLastID(t *testing.T) {
	last := func(x *Index) uint64 {
		id, err := x.LastID()
		require.NoError(t, err)
		return id
	}
	x, err := New(Options{Dim: 1})
	require.NoError(t, err)
	require.Zero(t, last(x))
	require.NoError(t, x.Add(ctx, Item{ID: 7, Vector: []float32{1}}, Item{ID: 3, Vector: []float32{2}}))
	require.EqualValues(t, 7, last(x))
	require.NoError(t, x.Remove(7))
	require.EqualValues(t, 7, last(x))
	require.NoError(t, x.Compact(ctx))
	require.EqualValues(t, 7, last(x))
	path := filepath.Join(t.TempDir(), "g.index")
	for _, remove := range []uint64{0, 3} { // some items, and none
		if remove > 0 {
			require.NoError(t, x.Remove(remove))
		}
		require.NoError(t, x.Save(ctx, path))
		x, err = Open(path)
		require.NoError(t, err)
		require.EqualValues(t, 7, last(x))
	}
	require.NoError(t, x.Add(ctx, Item{ID: 9, Vector: []float32{1}}))
	require.NoError(t, x.Save(ctx, path))
	x, err = Open(path)
	require.NoError(t, err)
	require.EqualValues(t, 9, last(x))
}

// A link to an index stays a link, and its file is locked and replaced.
func TestLinksToAnIndex(t *testing.T) {
	dir := t.TempDir()
	real, link := filepath.Join(dir, "real.index"), filepath.Join(dir, "link.index")
	x, err := New(Options{Dim: 1, ModelPath: filepath.Join(dir, "m")})
	require.NoError(t, err)
	require.NoError(t, x.Save(ctx, real))
	if os.Symlink(real, link) != nil {
		t.Skip("no links here")
	}
	l, err := Lock(real)
	require.NoError(t, err)
	_, err = Lock(link)
	require.ErrorAs(t, err, new(*BusyError))
	require.NoError(t, l.Unlock())
	require.NoError(t, x.Add(ctx, Item{ID: 1, Vector: []float32{1}}))
	require.NoError(t, x.Save(ctx, link))
	x, err = Open(real)
	require.NoError(t, err)
	require.Equal(t, 1, x.Len())
	info, err := os.Lstat(link)
	require.NoError(t, err)
	require.NotZero(t, info.Mode()&os.ModeSymlink)
	x, err = Open(link)
	require.NoError(t, err)
	x.SetModelPath(filepath.Join(dir, "other"))
	require.NoError(t, x.Save(ctx, link))
	x, err = Open(real)
	require.NoError(t, err)
	require.Equal(t, filepath.Join(dir, "other"), x.Options().ModelPath)
}
