package filewrite

import (
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/pkg/errors"
	"github.com/stretchr/testify/require"
)

func says(text string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}
}

// names is what lies in a folder.
func names(t *testing.T, dir string) (found []string) {
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		found = append(found, e.Name())
	}
	return found
}

func TestWholeReplacesTheFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	for _, text := range []string{"a longer text", "short", ""} {
		require.NoError(t, Whole(path, says(text)))
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, text, string(got))
		require.Equal(t, []string{"a"}, names(t, dir))
		info, err := os.Stat(path)
		require.NoError(t, err)
		if runtime.GOOS != "windows" { // which knows only of files that nobody may write
			require.Equal(t, os.FileMode(0o644), info.Mode())
		}
	}
}

// While the content is written, the old file is whole and the new one is marked.
func TestWholeShowsTheOldFileUntilTheEnd(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	require.NoError(t, Whole(path, says("old")))
	require.NoError(t, Whole(path, func(w io.Writer) error {
		require.NoError(t, says("new")(w))
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, "old", string(got))
		left, err := filepath.Glob(filepath.Join(dir, TempPrefix+"*"))
		require.NoError(t, err)
		require.Len(t, left, 1)
		return nil
	}))
}

func TestWholeLeavesTheOldFileOnErrors(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	require.NoError(t, Whole(path, says("old")))
	broken := errors.New("broken")
	err := Whole(path, func(w io.Writer) error {
		require.NoError(t, says("half")(w))
		return broken
	})
	require.Equal(t, broken, err)
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "old", string(got))
	require.Equal(t, []string{"a"}, names(t, dir))

	require.ErrorIs(t, Whole(filepath.Join(dir, "none", "a"), says("")), os.ErrNotExist)

	full := filepath.Join(dir, "full") // a folder cannot be replaced by a file
	require.NoError(t, os.MkdirAll(filepath.Join(full, "inner"), 0o777))
	require.Error(t, Whole(full, says("new")))
	require.Equal(t, []string{"a", "full"}, names(t, dir))
}

// What the file held goes to the other one; an error leaves both as they were.
func TestRotateKeepsTheOneBefore(t *testing.T) {
	dir := t.TempDir()
	path, previous := filepath.Join(dir, "last"), filepath.Join(dir, "previous")
	content := func() (out []string) {
		for _, name := range []string{path, previous} {
			b, err := os.ReadFile(name)
			if err != nil {
				require.ErrorIs(t, err, os.ErrNotExist)
				b = []byte("none")
			}
			out = append(out, string(b))
		}
		return out
	}
	for _, c := range [][]string{{"1", "none"}, {"2", "1"}, {"3", "2"}} {
		require.NoError(t, Rotate(path, previous, says(c[0])))
		require.Equal(t, c, content())
	}
	broken := errors.New("broken")
	require.Equal(t, broken, Rotate(path, previous, func(io.Writer) error { return broken }))
	require.Equal(t, []string{"3", "2"}, content())
	require.Equal(t, []string{"last", "previous"}, names(t, dir))

	// In between one of the two is whole.
	var seen []string
	Trace = func(stage, _ string) { seen = append(seen, stage+" "+content()[1]) }
	defer func() { Trace = func(string, string) {} }()
	require.NoError(t, Rotate(path, previous, says("4")))
	require.Equal(t, []string{"created 2", "written 2", "rotated 3", "placed 3"}, seen)
}

// What is said of a file that cannot be written names that, and not the new one that was to take its place.
func TestErrorsNameTheFile(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, "folder")
	require.NoError(t, os.MkdirAll(filepath.Join(folder, "full"), 0o755))
	for path, content := range map[string]func(io.Writer) error{
		filepath.Join(dir, "none", "a"): says("a"),
		folder:                          says("a"),
		filepath.Join(dir, "a"): func(w io.Writer) error {
			f := w.(*os.File)
			require.NoError(t, f.Close())
			_, err := f.Write([]byte("a"))
			return err
		},
	} {
		err := Whole(path, content)
		require.ErrorContains(t, err, path)
		require.NotContains(t, err.Error(), TempPrefix)
	}
	require.Equal(t, []string{"folder"}, names(t, dir))
}
