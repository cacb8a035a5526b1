package trainer

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/datasets"
	"medusa/model"
	"medusa/nets"
)

// startingRun is a finished run of a small network, to begin others with.
func startingRun(t *testing.T) (dir string, cfg Config) {
	cfg = memoryRun(t, "ce:scale=8 + triplet", "cpu")
	cfg.Net = nets.Config{Channels: []int{3, 4}, Embedding: 6, Dropout: 0.2}
	cfg.Data.Resize = datasets.Pad
	cfg.Steps, cfg.Keep = 10, Last
	tr := start(t, cfg, Options{NoReport: true, NoEmbeddings: true})
	finishes(t, tr)
	return string(tr.dir), cfg
}

// A run from a model has the model's network and preparation, embeds at first as it does, and its loss is new; where the
// model is gone by the time that it is resumed, it goes on.
func TestStartFromModel(t *testing.T) {
	dir, was := startingRun(t)
	cfg := Config{Data: was.Data, Sampler: was.Sampler, Loss: "proxy-anchor", Steps: 12, EvalEvery: 6, CheckpointEvery: 5, Seed: 9, FineTune: FineTune{From: dir}}
	cfg.Data.Resize = ""
	cfg, err := cfg.StartFrom(nil, nil)
	require.NoError(t, err)
	require.Equal(t, []int{3, 4}, cfg.Net.Channels)
	require.Equal(t, 6, cfg.Net.Embedding)
	require.Equal(t, 0.2, cfg.Net.Dropout)
	require.Equal(t, datasets.Pad, cfg.Data.Resize)
	require.Equal(t, "given", cfg.Data.Normalise)
	require.Equal(t, []int{side, side}, []int{cfg.Data.Height, cfg.Data.Width})

	var told []string
	o := Options{NoReport: true, NoEmbeddings: true, Notice: func(s string) { told = append(told, s) }}
	tr := start(t, cfg, o)
	require.Empty(t, told, "nothing is otherwise")
	m, err := model.Load(dir, model.Options{})
	require.NoError(t, err)
	defer m.Close()
	want, err := m.Embed(context.Background(), tr.data.Val.Set)
	require.NoError(t, err)
	got, err := tr.Embed(context.Background(), tr.data.Val.Set)
	require.NoError(t, err)
	require.Equal(t, want, got)
	got, err = tr.EmbedUntrained(context.Background(), tr.data.Val.Set)
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.NotNil(t, tr.params.Lookup("loss.proxies"), "new weights")
	unbroken := ended(t, tr)
	r, err := StoredResult(string(tr.dir))
	require.NoError(t, err)
	require.Equal(t, &StartModel{dir, m.Fingerprint()}, r.From)

	o.Dir = filepath.Join(t.TempDir(), "broken")
	breakOff(t, cfg, o, 7)
	require.NoError(t, os.Rename(filepath.Join(dir, ModelFile), filepath.Join(dir, "gone")))
	o.NoReport = false
	tr, err = Resume(load(t, cfg), o)
	require.NoError(t, err)
	require.Equal(t, unbroken, ended(t, tr))
	require.FileExists(t, tr.dir.Path(ReportFile))
	require.Contains(t, told[len(told)-1], "the report has no map of the embeddings before training")
}

// What contradicts the model is refused where the weights could not be used, and else told with both values.
func TestStartFromModelOtherwise(t *testing.T) {
	dir, was := startingRun(t)
	base := func() Config {
		return Config{Data: DataConfig{Path: was.Data.Path, Val: was.Data.Val, Workers: 1}, Sampler: was.Sampler, Steps: 1, FineTune: FineTune{From: dir}}
	}
	for want, change := range map[string]func(*Config){
		"Net.Backbone is resnet18, but the model " + dir + " has cnn: leave it out":         func(c *Config) { c.Net.Backbone = "resnet18" },
		"Net.Channels is 5, but the model " + dir + " has 3,4: leave it out":                func(c *Config) { c.Net.Channels = []int{5} },
		"Data.Channels is rgb, but the model " + dir + " is for pictures of grey: leave it": func(c *Config) { c.Data.Channels = 3 },
		"FineTune.From: there is no run folder or model file nowhere":                       func(c *Config) { c.FineTune.From = "nowhere" },
	} {
		cfg := base()
		change(&cfg)
		_, err := cfg.StartFrom(nil, nil)
		require.ErrorContains(t, err, want)
	}
	cfg := base()
	cfg.Net.Embedding, cfg.Data.Normalise, cfg.Data.Height, cfg.Data.Width = 5, "none", side+2, side+2
	cfg, err := cfg.StartFrom(nil, func(f string) bool {
		return f == "Net.Embedding" || f == "Data.Normalise" || f == "Data.Height" || f == "Data.Width"
	})
	require.NoError(t, err)
	var told []string
	tr := start(t, cfg, Options{Notice: func(s string) { told = append(told, s) }})
	require.Equal(t, 5, tr.EmbeddingSize())
	require.Equal(t, "Net.Embedding: 5 in place of the model's 6: the embedding's layer begins anew", told[0])
	require.Equal(t, "Data.Height: 10 is taken, though the model "+dir+" has 8", told[1])
	require.Regexp(t, "^Data.Normalise: none is taken, though the model .* has 0.*/0", told[3])

	cfg = base() // without StartFrom
	_, err = New(cfg, load(t, cfg), Options{Dir: filepath.Join(t.TempDir(), "run")})
	require.ErrorContains(t, err, "Config.StartFrom, which takes the network from the model, was not called: trainer: Net.Channels is the usual ones")
}
