package trainer

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"medusa/internal/runfolder"

	"github.com/stretchr/testify/require"
)

func toJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return string(b)
}

// leftBehind is what a run leaves behind, without the checkpoints.
var leftBehind = []string{ModelFile, EmbeddingsFile, ReportFile, ResultFile}

// Whatever of a finished run is taken away or damaged later is missed, and comes back with
// the same bytes.
func TestFinishedRunIsCompleted(t *testing.T) {
	cfg := small(pictures(t))
	cfg.Steps = 20
	tr, _ := run(t, cfg, Options{})
	require.NoError(t, tr.Close())
	want := map[string][]byte{}
	for _, name := range append(leftBehind, MetricsFile) {
		b, err := os.ReadFile(tr.dir.Path(name))
		require.NoError(t, err)
		want[name] = b
	}
	flip := func(at float64) func([]byte) []byte {
		return func(b []byte) []byte { b[int(at*float64(len(b)-1))] ^= 1; return b }
	}
	cases := map[string]func([]byte) []byte{
		"gone": nil, "empty": func([]byte) []byte { return nil }, "cut": func(b []byte) []byte { return b[:len(b)-9] },
		"first bit": flip(0), "a bit": flip(0.4), "another": flip(0.93), "last bit": flip(1),
	}
	all, rng := long(t), newRandom(t)
	for _, name := range append(leftBehind, "all") {
		for how, damage := range cases {
			if !all && how != "gone" && rng.IntN(6) > 0 {
				continue
			}
			t.Run(name+" "+how, func(t *testing.T) {
				f := copyRun(t, string(tr.dir))
				for _, n := range leftBehind {
					if n != name && name != "all" {
						continue
					}
					if damage == nil {
						require.NoError(t, os.Remove(f.Path(n)))
						continue
					}
					require.NoError(t, os.WriteFile(f.Path(n), damage(slices.Clone(want[n])), 0o644))
				}
				missing, err := Missing(string(f), Options{})
				require.NoError(t, err)
				require.NotEmpty(t, missing)
				on, err := Resume(tr.data.data(), Options{Dir: string(f)})
				require.NoError(t, err)
				defer on.Close()
				r, err := on.Run(context.Background())
				require.NoError(t, err)
				require.Equal(t, StopDone, r.Stop)
				require.Equal(t, f.Path(ModelFile), r.Model)
				compareRuns(t, want, f, name != ResultFile && name != "all")
				missing, err = Missing(string(f), Options{})
				require.NoError(t, err)
				require.Empty(t, missing)
			})
		}
	}
	missing, err := Missing(string(tr.dir), Options{})
	require.NoError(t, err)
	require.Empty(t, missing)
}

// compareRuns compares files with those of the unbroken run. Where the result itself had to
// be made again, times differ in it, in the report and in metrics.jsonl.
func compareRuns(t *testing.T, want map[string][]byte, f runfolder.Folder, times bool) {
	t.Helper()
	for name, b := range want {
		got, err := os.ReadFile(f.Path(name))
		require.NoError(t, err)
		switch {
		case times && name == ReportFile: // its title is the folder's name
			require.Equal(t, strings.ReplaceAll(string(b), "run", "copy"), strings.ReplaceAll(string(got), "run", "copy"), name)
		case times && name == ResultFile: // it knows the report
			require.Equal(t, withoutSums(t, b), withoutSums(t, got))
		case times || name == ModelFile || name == EmbeddingsFile:
			require.Equal(t, b, got, name)
		}
	}
}

func withoutSums(t *testing.T, b []byte) map[string]any {
	t.Helper()
	m := map[string]any{}
	require.NoError(t, json.Unmarshal(b, &m))
	delete(m["files"].(map[string]any), ReportFile)
	delete(m, "sha256")
	return m
}

// A report that was left out at first comes with the next resumption, and counts from then.
func TestReportComesLater(t *testing.T) {
	cfg := small(pictures(t))
	cfg.Steps = 10
	tr, _ := run(t, cfg, Options{NoReport: true})
	require.NoError(t, tr.Close())
	missing, err := Missing(string(tr.dir), Options{})
	require.NoError(t, err)
	require.Equal(t, []string{ReportFile}, missing)
	on, err := Resume(tr.data.data(), Options{Dir: string(tr.dir)})
	require.NoError(t, err)
	defer on.Close()
	_, err = on.Run(context.Background())
	require.NoError(t, err)
	require.FileExists(t, tr.dir.Path(ReportFile))
	missing, err = Missing(string(tr.dir), Options{})
	require.NoError(t, err)
	require.Empty(t, missing)
}

// The result of another run is no sign that this one is finished.
func TestResultOfAnotherRun(t *testing.T) {
	cfg := small(pictures(t))
	cfg.Steps = 20
	a, _ := run(t, cfg, Options{NoReport: true})
	cfg.Seed++
	b, _ := run(t, cfg, Options{NoReport: true})
	for _, name := range []string{ModelFile, EmbeddingsFile, ResultFile} {
		theirs, err := os.ReadFile(b.dir.Path(name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(a.dir.Path(name), theirs, 0o644))
	}
	missing, err := Missing(string(a.dir), Options{NoReport: true})
	require.NoError(t, err)
	require.NotEmpty(t, missing)
	require.NoError(t, a.Close())
	told, _, err := resumed(t, a.data.data(), Options{Dir: string(a.dir)})
	require.NoError(t, err)
	require.Contains(t, strings.Join(told, "\n"), "does not belong to the checkpoint")
	cfg.Seed--
	whole, _ := run(t, cfg, Options{NoReport: true})
	sameRun(t, string(whole.dir), string(a.dir))
}
