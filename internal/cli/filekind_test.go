package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// What stands in the place of a model and is none is told by what it is.
func TestOtherFilesThanModels(t *testing.T) {
	run := finishedRun(t)
	t.Chdir(t.TempDir())
	picture := filepath.Join(folders(t, "photos", 1, 2), "class00", "00.png")
	for _, args := range [][]string{{"index", run, "photos", "-out", "all.index"}, {"embed", run, "photos", "-out", "all.npy"}, {"embed", run, "photos", "-out", "all.csv"}} {
		code, _, stderr := medusa(args...)
		require.Equal(t, exitOK, code, stderr)
	}
	require.NoError(t, os.WriteFile("empty", nil, 0o666))
	require.NoError(t, os.WriteFile("text", []byte("some text that is long enough to be a header"), 0o666))
	for file, want := range map[string]string{"all.index": "an index", "all.npy": "a file of embeddings", "all.csv": "a file of embeddings", picture: "a picture", "empty": "an empty file", "text": "no safetensors file"} {
		for _, args := range [][]string{
			{"embed", file, "photos", "-out", "x.npy"}, {"verify", file, picture, picture}, {"calibrate", file, "photos"},
			{"index", file, "photos", "-out", "x.index"}, {"export", file, "-out", "x.onnx"}, {"evaluate", file, "photos"},
		} {
			code, _, stderr := medusa(args...)
			require.Equal(t, exitFailed, code, stderr)
			require.Contains(t, oneLine(stderr), file+" is "+want+", want ", args)
		}
		if file == "all.index" {
			continue
		}
		code, _, stderr := medusa("serve", file, "-addr", "localhost:0")
		require.Equal(t, exitFailed, code)
		require.Contains(t, oneLine(stderr), file+" is "+want+", want a model: a run folder or its model file")
		if want == "a file of embeddings" {
			continue // which info shows
		}
		code, _, stderr = medusa("info", file)
		require.Equal(t, exitFailed, code)
		require.Contains(t, oneLine(stderr), file+" is "+want+": want a run folder, a safetensors file, ")
		require.NotContains(t, stderr, "header")
	}
}
