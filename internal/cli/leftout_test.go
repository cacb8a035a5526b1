package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/datasets"
)

// Each command that takes pictures says why it left one out, whole, and which flag lets it in.
func TestLeftOutIsToldWhole(t *testing.T) {
	run := finishedRun(t)
	t.Chdir(t.TempDir())
	folders(t, "photos", 2, 3)
	large, broken := filepath.Join("photos", "class00", "large.png"), filepath.Join("photos", "class00", "cut.png")
	require.NoError(t, os.Rename(filepath.Join(folders(t, "more", 1, 1), "class00", "00.png"), large))
	whole, err := os.ReadFile(large)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(broken, whole[:60], 0o666))
	code, _, stderr := medusa("index", run, "more", filepath.Join("photos", "class01"), "-out", "some.index")
	require.Equal(t, exitOK, code, stderr)
	for _, args := range [][]string{
		{"index", run, "photos", "-out", "all.index", "-overwrite"}, {"embed", run, "photos", "-out", "all.npy", "-overwrite"}, {"calibrate", run, "photos"},
		{"evaluate", run, "photos"}, {"search", "some.index", "photos"},
	} {
		code, _, stderr := medusa(append(args, "-max-pixels", "144")...)
		require.Equal(t, exitLeftOut, code, stderr)
		require.Regexp(t, `left out: photos.class00.cut\.png: broken picture: .*png`, oneLine(stderr), args)
		code, _, stderr = medusa(append(args, "-max-pixels", "143")...)
		require.NotEqual(t, exitOK, code)
		require.Contains(t, oneLine(stderr), "left out: "+large+": too many pixels: 12×12 is above the limit of 143 pixels: raise -max-pixels", args)
	}
}

func TestLeavings(t *testing.T) {
	var l leavings
	require.False(t, l.any())
	l.count(datasets.Skip{Reason: "broken picture"})
	require.Equal(t, "1 picture left out", l.String())
	l.add(leavings{pictures: 1, folders: 2})
	require.Equal(t, "2 pictures and 2 folders left out", l.String())
	l = leavings{}
	l.count(datasets.Skip{Reason: "folder that cannot be read"})
	require.Equal(t, "1 folder left out", l.String())
	require.True(t, l.any())
}
