package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/trainer"
)

func TestPicturesThatTheNetworkKnowsAreTold(t *testing.T) {
	run := finishedRun(t)
	cfg, err := trainer.Stored(run)
	require.NoError(t, err)
	data := cfg.Data.Path
	t.Chdir(filepath.Dir(data)) // an empty -test is not this folder
	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(data, link))
	others := folders(t, filepath.Join(t.TempDir(), "others"), 3, 4)
	for path, known := range map[string]bool{
		data: true, link: true, filepath.Join(data, "train"): true, filepath.Join(link, "train"): true,
		filepath.Join(data, "test"): false, others: false,
	} {
		for _, args := range [][]string{{"evaluate", run, path}, {"evaluate", filepath.Join(run, "model.safetensors"), path},
			{"calibrate", run, path, "-resamples", "10", "-out", filepath.Join(t.TempDir(), "thresholds.json")}} {
			code, _, stderr := medusa(args...)
			require.Equal(t, exitOK, code, stderr)
			if known {
				assert.Contains(t, stderr, "note: the network learned from "+data+": figures of pictures that it knows are better", args)
			} else {
				assert.NotContains(t, stderr, "learned from", args)
			}
		}
	}
}
