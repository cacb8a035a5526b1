package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Adding what is there by a path that says no label leaves the labels, and what else is known, as they were.
func TestAddingTakesNoLabelAway(t *testing.T) {
	run := finishedRun(t)
	t.Chdir(t.TempDir())
	folders(t, "photos", 2, 2)
	inside := filepath.Join("photos", "class01")
	require.NoError(t, os.WriteFile("cameras.csv", []byte("path,label,camera\nphotos/class00/00.png,named,left\nphotos/class00/01.png,named,right\n"), 0o666))
	for _, storage := range []string{"float32", "int8"} {
		path := storage + ".index"
		code, _, stderr := medusa("index", run, "cameras.csv", "photos", "-out", path, "-storage", storage)
		require.Equal(t, exitOK, code, stderr)
		before := itemsOfIndex(t, path)
		require.Len(t, before, 4)
		code, stdout, stderr := medusa("index", run, filepath.Join("photos", "class00"), inside, "-out", path, "-add")
		require.Equal(t, exitOK, code, stderr)
		require.Contains(t, stdout, ": 0 new, 0 changed, 4 as they were")
		require.Equal(t, before, itemsOfIndex(t, path))

		picture := filepath.Join(inside, "00.png")
		was, err := os.ReadFile(picture)
		require.NoError(t, err)
		other, err := os.ReadFile(filepath.Join("photos", "class00", "00.png"))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(picture, other, 0o666))
		code, stdout, stderr = medusa("index", run, inside, "-out", path, "-add")
		require.Equal(t, exitOK, code, stderr)
		require.Contains(t, stdout, ": 0 new, 1 changed, 1 as they were")
		require.Equal(t, "class01", itemsOfIndex(t, path)[2].Label)
		require.NoError(t, os.WriteFile(picture, was, 0o666))
	}
}

// Who gives the folders of the classes themselves hears where labels come from.
func TestFoldersOfClassesAreTold(t *testing.T) {
	run := finishedRun(t)
	t.Chdir(t.TempDir())
	folders(t, "photos", 2, 2)
	const rule = "a label is the name of a folder inside a PATH, and not of the PATH itself: give "
	each := []string{filepath.Join("photos", "class00"), filepath.Join("photos", "class01") + string(filepath.Separator)}
	for _, command := range []struct{ name, out string }{{"index", "all.index"}, {"embed", "all.npy"}} {
		code, stdout, stderr := medusa(append([]string{command.name, run, "-out", command.out}, each...)...)
		require.Equal(t, exitOK, code, stderr)
		require.Contains(t, oneLine(stdout), "no picture has a label: "+rule+"photos in the place of the folders in it", command.name)
		for _, paths := range [][]string{{"photos"}, {each[0]}, {"photos", each[0]}} {
			code, stdout, stderr = medusa(append([]string{command.name, run, "-out", command.out, "-overwrite"}, paths...)...)
			require.Equal(t, exitOK, code, stderr)
			require.NotContains(t, stdout, "no picture has a label")
		}
	}
	code, _, stderr := medusa("calibrate", run, each[0], each[1])
	require.Equal(t, exitFailed, code)
	require.Contains(t, oneLine(stderr), rule+"photos")
	require.NoError(t, os.Rename(each[0], "elsewhere"))
	code, stdout, stderr := medusa("index", run, "elsewhere", each[1], "-out", "two.index")
	require.Equal(t, exitOK, code, stderr)
	require.Contains(t, oneLine(stdout), rule+"the folder that these are in")
}
