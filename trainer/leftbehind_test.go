package trainer

import (
	"context"
	"encoding/json"
	"os"
	"testing"

	"github.com/pkg/errors"
	"github.com/stretchr/testify/require"

	"medusa/internal/safetensors"
	"medusa/optim"
)

// What a run leaves behind is made by this package: embeddings of the pictures that were
// measured, in the order of the set, and a report of them.
func TestRunLeavesEmbeddingsAndReport(t *testing.T) {
	cfg := small(pictures(t))
	cfg.Steps = 20
	tr, r := run(t, cfg, Options{ConfigText: []byte("my: own words\n")})
	require.Equal(t, []string{tr.dir.Path(ModelFile), tr.dir.Path(EmbeddingsFile), tr.dir.Path(ReportFile)}, []string{r.Model, r.Embeddings, r.Report})

	file, err := safetensors.Open(r.Embeddings)
	require.NoError(t, err)
	require.True(t, file.Checked)
	want, err := tr.Embed(context.Background(), tr.data.Test)
	require.NoError(t, err)
	x, _ := file.Lookup("embeddings")
	require.Equal(t, want, x.F32)
	require.Equal(t, []int{tr.data.Test.Len(), 8}, x.Shape)
	labels, _ := file.Lookup("labels")
	for i, c := range tr.data.Test.Labels() {
		require.Equal(t, int64(c), labels.I64[i])
	}
	var paths, classes []string
	require.NoError(t, json.Unmarshal([]byte(file.Metadata["paths"]), &paths))
	require.NoError(t, json.Unmarshal([]byte(file.Metadata["classes"]), &classes))
	require.Equal(t, tr.data.Test.Classes(), classes)
	require.Equal(t, tr.data.Test.Path(7), paths[7])

	page, err := os.ReadFile(r.Report)
	require.NoError(t, err)
	require.Contains(t, string(page), "my: own words")
	require.Contains(t, string(page), r.Protocol)
	require.Contains(t, r.Protocol, "48 pictures of 6 test classes")
	require.NotEmpty(t, r.Figures())
}

func TestRunLeavesOutWhatOptionsSay(t *testing.T) {
	cfg := small(pictures(t))
	cfg.Steps = 10
	tr, r := run(t, cfg, Options{NoReport: true, NoEmbeddings: true})
	require.Empty(t, r.Report+r.Embeddings)
	require.NoFileExists(t, tr.dir.Path(EmbeddingsFile))
	require.NoFileExists(t, tr.dir.Path(ReportFile))
	require.FileExists(t, tr.dir.Path(ResultFile))

	cfg.Data.Val, cfg.Data.Test, cfg.Schedule = "none", "none", optim.ScheduleConfig{} // nothing is measured
	tr, r = run(t, cfg, Options{})
	require.Empty(t, r.Embeddings)
	require.NoFileExists(t, tr.dir.Path(EmbeddingsFile))
	require.FileExists(t, r.Report)
}

// What cannot be written leaves no result: the run is not finished, and says what is there.
func TestFileThatCannotBeFinished(t *testing.T) {
	for _, name := range []string{EmbeddingsFile, ReportFile, ResultFile} {
		t.Run(name, func(t *testing.T) {
			cfg := small(pictures(t))
			cfg.Steps = 10
			whole, _ := run(t, cfg, Options{})
			tr := start(t, cfg, Options{})
			require.NoError(t, os.MkdirAll(tr.dir.Path(name+"/in the way"), 0o777))
			r, err := tr.Run(context.Background())
			var f *FinishError
			require.True(t, errors.As(err, &f), "%v", err)
			require.Equal(t, name, f.File)
			require.Equal(t, StopInterrupted, r.Stop)
			require.FileExists(t, f.Model)
			require.ErrorContains(t, err, "the model is "+f.Model+", but there is no "+name)
			require.NoError(t, os.RemoveAll(tr.dir.Path(name)))
			on, err := Resume(tr.data.data(), Options{Dir: string(tr.dir)})
			require.NoError(t, err)
			defer on.Close()
			_, err = on.Run(context.Background())
			require.NoError(t, err)
			sameRun(t, string(whole.dir), string(tr.dir))
			require.FileExists(t, tr.dir.Path(ResultFile))
		})
	}
}

// A hook's error before the first step leaves nothing to throw away, and the run goes on.
func TestHookErrorAtTheStart(t *testing.T) {
	enough := errors.New("enough")
	tr := start(t, small(pictures(t)), Options{Hooks: []Hook{{Start: func(context.Context, StartInfo) error { return enough }}}})
	_, err := tr.Run(context.Background())
	require.ErrorIs(t, err, enough)
	require.NoFileExists(t, tr.dir.Path(ModelFile))
	on, err := Resume(tr.data.data(), Options{Dir: string(tr.dir)})
	require.NoError(t, err)
	require.NoError(t, on.Close())
}
