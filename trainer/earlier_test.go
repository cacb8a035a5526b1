package trainer

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/safetensors"
)

// testdata/earlier holds run folders that earlier versions wrote: begun (broken off before
// the first step), broken-off (at step 1), finished (without a report), and two of the
// library with everything that has state, broken off at step 23 of 40. Versions to come
// add to it; nothing is ever taken away.
const earlier = "testdata/earlier"

// earlierRun copies a run folder of an earlier version, since tests go on with it.
func earlierRun(t *testing.T, name string) folder {
	t.Helper()
	return copyRun(t, filepath.Join(earlier, name))
}

// Runs of earlier versions go on from where they stood to their end, and leave what runs
// leave today.
func TestEarlierRunsGoOn(t *testing.T) {
	for _, name := range []string{"begun", "broken-off", "library-pk", "library-pk-hard"} {
		t.Run(name, func(t *testing.T) {
			f := earlierRun(t, name)
			before, err := os.ReadFile(f.path(MetricsFile))
			require.NoError(t, err)
			cfg, err := Stored(string(f))
			require.NoError(t, err)
			var told []string
			tr, err := Resume(load(t, cfg), Options{Dir: string(f), Notice: func(m string) { told = append(told, m) }})
			require.NoError(t, err)
			defer tr.Close()
			require.Contains(t, strings.Join(told, "\n"), "did not remember the pixels")
			at := tr.state.Step
			require.Equal(t, map[string]int{"begun": 0, "broken-off": 1, "library-pk": 23, "library-pk-hard": 23}[name], at)
			r, err := tr.Run(context.Background())
			require.NoError(t, err)
			require.Equal(t, cfg.Steps, r.Steps)
			for _, file := range leftBehind {
				require.FileExists(t, f.path(file))
			}
			after, err := os.ReadFile(f.path(MetricsFile))
			require.NoError(t, err)
			require.True(t, bytes.HasPrefix(after, before), "the lines before it was broken off stand as they are")
			missing, err := Missing(string(f), Options{})
			require.NoError(t, err)
			require.Empty(t, missing)
			c, err := readCheckpoint(f.path(LastFile))
			require.NoError(t, err)
			require.True(t, c.data.knowsPixels(), "from now on")
		})
	}
}

// A run that an earlier version finished is finished, and gets the report that it lacks;
// its result stands as it is.
func TestEarlierRunIsFinished(t *testing.T) {
	f := earlierRun(t, "finished")
	missing, err := Missing(string(f), Options{NoReport: true})
	require.NoError(t, err)
	require.Empty(t, missing)
	missing, err = Missing(string(f), Options{})
	require.NoError(t, err)
	require.Equal(t, []string{ReportFile}, missing)

	result := func() map[string]any {
		b, err := os.ReadFile(f.path(ResultFile))
		require.NoError(t, err)
		m := map[string]any{}
		require.NoError(t, json.Unmarshal(b, &m))
		for _, added := range []string{"files", "checkpoint", "sha256"} {
			delete(m, added)
		}
		return m
	}
	before := result()
	cfg, err := Stored(string(f))
	require.NoError(t, err)
	for _, lost := range []string{ReportFile, EmbeddingsFile, ModelFile} {
		require.NoError(t, os.RemoveAll(f.path(lost)))
		tr, err := Resume(load(t, cfg), Options{Dir: string(f)})
		require.NoError(t, err)
		_, err = tr.Run(context.Background())
		require.NoError(t, err)
		require.NoError(t, tr.Close())
		require.FileExists(t, f.path(lost))
		if lost == ModelFile { // says more about itself than that of the earlier version, so that all was measured again
			require.Equal(t, before["after"], result()["after"])
			continue
		}
		require.Equal(t, before, result())
	}
}

// A model of an earlier version gives the embeddings that the run wrote beside it. Kernels
// for other instruction sets, and later ones, round otherwise: 1e-5 of a length of 1.
func TestEarlierModelEmbeds(t *testing.T) {
	m, err := LoadModel(filepath.Join(earlier, "finished", ModelFile))
	require.NoError(t, err)
	defer m.Close()
	cfg, err := Stored(filepath.Join(earlier, "finished"))
	require.NoError(t, err)
	got, err := m.Embed(context.Background(), load(t, cfg).Test)
	require.NoError(t, err)
	file, err := safetensors.Open(filepath.Join(earlier, "finished", EmbeddingsFile))
	require.NoError(t, err)
	want, _ := file.Lookup("embeddings")
	require.InDeltaSlice(t, want.F32, got, 1e-5)
}
