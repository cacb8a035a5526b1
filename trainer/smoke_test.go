package trainer

import (
	"context"
	"log/slog"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSmoke(t *testing.T) {
	cfg := Config{Loss: "triplet", Steps: 60, EvalEvery: 30}
	data, err := Load(cfg.Data, 0, LoadOptions{})
	require.NoError(t, err)
	defer data.Close()
	tr, err := New(cfg, data, Options{Dir: t.TempDir() + "/run", Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)), Hooks: []Hook{{Step: func(ctx context.Context, i StepInfo) error {
		if i.Logged {
			t.Logf("%+v", i)
		}
		return nil
	}}}})
	require.NoError(t, err)
	r, err := tr.Run(context.Background())
	require.NoError(t, err)
	t.Logf("%+v", r)
	t.Log(r.Before.Values(), r.After.Values())
}
