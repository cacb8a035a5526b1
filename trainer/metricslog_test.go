package trainer

import (
	"bytes"
	"context"
	"os"
	"runtime"
	"testing"

	"medusa/internal/runfolder"

	"github.com/stretchr/testify/require"
)

func TestHistoryIsWhatHooksWereTold(t *testing.T) {
	cfg := small(pictures(t))
	var want history
	tr, _ := run(t, cfg, Options{Hooks: []Hook{{
		Step: func(_ context.Context, i StepInfo) error {
			if i.Logged {
				i.Steps, i.ETA = 0, 0
				want.steps = append(want.steps, i)
			}
			return nil
		},
		Evaluated: func(_ context.Context, i EvalInfo) error {
			want.evals = append(want.evals, EvalInfo{Step: i.Step, Set: i.Set, Phase: i.Phase, Seconds: i.Seconds, Result: i.Result})
			return nil
		},
	}}})
	steps, evals, err := History(string(tr.dir))
	require.NoError(t, err)
	require.Equal(t, want.steps, steps)
	require.Len(t, evals, len(want.evals))
	for n, w := range want.evals {
		g := evals[n]
		require.Equal(t, w.Result.Values(), g.Result.Values())
		require.Equal(t, []any{w.Step, w.Set, w.Phase, w.Seconds}, []any{g.Step, g.Set, g.Phase, g.Seconds})
	}

	f, err := os.OpenFile(tr.dir.Path(MetricsFile), os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString(`{"kind":"step","ste`)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	cut, _, err := History(string(tr.dir))
	require.NoError(t, err)
	require.Equal(t, steps, cut)
}

func FuzzHistory(f *testing.F) {
	f.Add([]byte(`{"kind":"step","step":1,"loss":0.5}` + "\n"))
	f.Add([]byte(`{"kind":"evaluation","recall_at_1":0.5,"queries":3}` + "\n{}\n"))
	f.Add([]byte(`{"kind":"warning","step":-1}` + "\n"))
	f.Fuzz(func(_ *testing.T, b []byte) {
		var h history
		_ = runfolder.ReadLines(bytes.NewReader(b), h.add)
	})
}

func TestTwoProcessesDoNotShareAFolder(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no flock")
	}
	tr, _ := finished(t)
	held, err := tr.dir.Lock()
	require.NoError(t, err)
	writing := tr.dir.Path("checkpoints/" + runfolder.TempPrefix + "1")
	require.NoError(t, os.WriteFile(writing, nil, 0o644))
	_, err = Resume(tr.data.data(), Options{Dir: string(tr.dir)})
	require.ErrorContains(t, err, "another process trains in this folder")
	require.FileExists(t, writing, "the other process writes to it")
	require.NoError(t, held.Close())

	on, err := Resume(tr.data.data(), Options{Dir: string(tr.dir)})
	require.NoError(t, err)
	require.NoFileExists(t, writing)
	_, err = tr.dir.Lock()
	require.Error(t, err, "taken from Resume on")
	require.NoError(t, on.Close())
	_, err = on.Run(context.Background())
	require.ErrorContains(t, err, "is closed")
}
