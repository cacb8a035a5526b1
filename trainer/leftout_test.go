package trainer

import (
	"context"
	"encoding/csv"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/nets"
	"medusa/samplers"
)

func TestEverythingLeftOutIsListedWithItsReason(t *testing.T) {
	data := filepath.Join(t.TempDir(), "pictures")
	require.NoError(t, os.CopyFS(data, os.DirFS("testdata/leftout")))
	cfg := Config{Data: DataConfig{Path: data, Val: "none"}, Net: nets.Config{Backbone: "mlp", Hidden: []int{4}}, Sampler: samplers.Config{P: 2, K: 2}, Steps: 2}
	d, err := Load(cfg.Data, 1, LoadOptions{})
	require.NoError(t, err)
	defer d.Close()
	var started StartInfo
	o := Options{Dir: filepath.Join(t.TempDir(), "run"), NoReport: true,
		Hooks: []Hook{{Start: func(_ context.Context, i StartInfo) error { started = i; return nil }}}}
	tr, err := New(cfg, d, o)
	require.NoError(t, err)
	_, err = tr.Run(context.Background())
	require.NoError(t, err)
	require.NoError(t, tr.Close())
	path := filepath.Join(o.Dir, LeftOutFile)
	require.Equal(t, path, started.LeftOut)

	read := func() [][]string {
		f, err := os.Open(path)
		require.NoError(t, err)
		defer f.Close()
		rows, err := csv.NewReader(f).ReadAll()
		require.NoError(t, err)
		return rows
	}
	rows := read()
	require.Equal(t, []string{"path", "reason", "detail"}, rows[0])
	require.Len(t, rows, 1+len(d.LeftOut()))
	details := map[string]string{}
	for _, r := range rows[1:] {
		details[filepath.Base(r[0])] = r[1] + ": " + r[2]
	}
	assert.Equal(t, "not a picture: a git-LFS pointer: fetch the files with git lfs pull", details["pointer.png"])
	assert.Equal(t, "not a picture: an HTML page", details["page.jpg"])

	require.NoError(t, os.Remove(path))
	tr, err = Resume(d, o)
	require.NoError(t, err)
	require.NoError(t, tr.Close())
	require.Equal(t, rows, read(), "a list that was lost is made again")
}

func TestNothingLeftOutNeedsNoList(t *testing.T) {
	tr, _ := run(t, small(pictures(t)), Options{})
	require.NoFileExists(t, tr.dir.Path(LeftOutFile))
}
