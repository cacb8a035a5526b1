package runfolder

import (
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// A write that fails half-way, as on a full disk, leaves the old file and no other.
func TestWriteIsWholeOrNothing(t *testing.T) {
	f := Folder(t.TempDir())
	require.NoError(t, f.Write("x", func(w io.Writer) error { _, err := io.WriteString(w, "old"); return err }))
	err := f.Write("x", func(w io.Writer) error {
		io.WriteString(w, "ne")
		return &os.PathError{Op: "write", Path: "x", Err: diskFull[0]}
	})
	require.ErrorContains(t, err, "the disk is full; what was there before is whole")
	text, err := os.ReadFile(f.Path("x"))
	require.NoError(t, err)
	require.Equal(t, "old", string(text))
	entries, err := os.ReadDir(string(f))
	require.NoError(t, err)
	require.Len(t, entries, 1)
}

// Killed at any moment before it began, a run leaves a folder that the next one can take.
func TestVacant(t *testing.T) {
	f := Folder(t.TempDir())
	require.NoError(t, f.Create())
	require.NoError(t, os.WriteFile(f.Path(MetricsFile), nil, 0o644))
	require.NoError(t, os.WriteFile(f.Path(TempPrefix+"1"), []byte("half"), 0o644))
	require.NoError(t, f.Vacant())
	require.NoError(t, f.WriteBytes(StoredFile, []byte("steps: 3")))
	require.NoError(t, f.Vacant())
	require.NoError(t, f.WriteBytes(ConfigFile, []byte("steps: 3")))
	require.ErrorContains(t, f.Vacant(), "is not empty", "it has begun")
	f.Sweep()
	require.NoFileExists(t, f.Path(TempPrefix+"1"))
	f.Remove(true)
	require.NoDirExists(t, string(f))
	require.ErrorContains(t, Folder("").Create(), "no run folder is given")
}

func TestSumAndDiscard(t *testing.T) {
	f := Folder(t.TempDir())
	require.NoError(t, f.WriteBytes("x", []byte("abc")))
	sum, err := f.Sum("x")
	require.NoError(t, err)
	require.Equal(t, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", sum, "FIPS 180-2, appendix B.1")
	has, err := f.Has("x")
	require.NoError(t, err)
	require.True(t, has)
	require.NoError(t, f.Discard("x"))
	require.NoError(t, f.Discard("x"), "twice")
	has, err = f.Has("x")
	require.NoError(t, err)
	require.False(t, has)
}
