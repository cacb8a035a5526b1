package trainer

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/datasets"
	"medusa/internal/samplesets"
	"medusa/metrics"
	"medusa/nets"
	"medusa/samplers"
)

// sample writes a set of samplesets and returns what is to be opened.
func sample(t *testing.T, name string) string {
	t.Helper()
	path, err := samplesets.Named(name).Write(t.TempDir())
	require.NoError(t, err)
	return path
}

// Every layout can be trained on and measured.
func TestRunOnEveryLayout(t *testing.T) {
	for _, set := range samplesets.All() {
		if set.Asks != "" {
			continue
		}
		t.Run(set.Name, func(t *testing.T) {
			path, err := set.Write(t.TempDir())
			require.NoError(t, err)
			cfg := Config{
				Data: DataConfig{Path: path, Columns: set.Columns, Copies: IgnoreCopies},
				Net:  nets.Config{Backbone: "mlp", Hidden: []int{4}, Embedding: 4},
				Loss: "contrastive", Sampler: samplers.Config{P: 2, K: 2}, Steps: 2, EvalEvery: -1, CheckpointEvery: -1, Threads: 1,
			}
			data, err := Load(cfg.Data, 1, LoadOptions{})
			require.NoError(t, err)
			defer data.Close()
			run, err := New(cfg, data, Options{Dir: t.TempDir()})
			require.NoError(t, err)
			r, err := run.Run(context.Background())
			require.NoError(t, err)
			require.Equal(t, 2, r.Steps)
			if test, ok := set.Parts["test"]; ok {
				require.NotNil(t, r.After)
				if test.Queries > 0 {
					require.Equal(t, test.Queries, r.After.Queries, "queries and none of the gallery are searched for")
					require.Contains(t, r.Protocol, "3 queries among")
				}
			}
		})
	}
}

func TestClassesInPlaceOfTheProtocol(t *testing.T) {
	cub, flat := sample(t, "cub"), sample(t, "folders")
	for name, c := range map[string]struct {
		cfg         DataConfig
		train, test []string // first letters of the classes
	}{
		"the protocol":               {DataConfig{Path: cub}, []string{"001", "002", "003", "004"}, []string{"005", "006", "007", "008"}},
		"test classes":               {DataConfig{Path: cub, TestClasses: "003*, 008*"}, []string{"001", "002", "004"}, []string{"003", "008"}},
		"training classes":           {DataConfig{Path: cub, TrainClasses: "001*,007*"}, []string{"001", "007"}, []string{"005", "006", "008"}},
		"both":                       {DataConfig{Path: cub, TrainClasses: "005*,006*", TestClasses: "001*,002*"}, []string{"005", "006"}, []string{"001", "002"}},
		"no test":                    {DataConfig{Path: cub, Test: "none"}, []string{"001", "002", "003", "004"}, nil},
		"test classes of one folder": {DataConfig{Path: flat, TestClasses: "set/class4,set/class5"}, []string{"set/class0", "set/class1", "set/class2", "set/class3"}, []string{"set/class4", "set/class5"}},
		"both of one folder":         {DataConfig{Path: flat, TrainClasses: "set/class[01]", TestClasses: "set/class4,set/class5"}, []string{"set/class0", "set/class1"}, []string{"set/class4", "set/class5"}},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := Load(c.cfg, 1, LoadOptions{})
			require.NoError(t, err)
			defer d.Close()
			begin := func(s *datasets.Dataset) (out []string) {
				if s == nil {
					return nil
				}
				for i, class := range s.Labels() {
					require.Contains(t, s.Path(i), s.Classes()[class])
				}
				for _, name := range s.Classes() {
					out = append(out, name[:len(c.train[0])])
				}
				return out
			}
			require.Equal(t, c.train, begin(opened(d.Train)))
			require.Equal(t, c.test, begin(opened(d.Test)))
			replaced := c.cfg.Path == cub && (c.cfg.TrainClasses != "" || c.cfg.TestClasses != "")
			require.Equal(t, replaced, opened(d.Train).Summary().Protocol == "classes of your own choice in place of the usual protocol of CUB-200-2011")
		})
	}
	d, err := Load(DataConfig{Path: cub, Test: "0.25"}, 1, LoadOptions{})
	require.NoError(t, err)
	require.Equal(t, []int{6, 2}, []int{len(d.Train.Classes()), len(d.Test.Classes())}, "a share of all eight classes")
	require.NoError(t, d.Close())
	for want, cfg := range map[string]DataConfig{
		`"set/class4" is named by Data.TrainClasses and by Data.TestClasses`: {Path: flat, TrainClasses: "set/class[0-4]", TestClasses: "set/class4,set/class5"},
		"1 classes are left to learn":                                        {Path: flat, TestClasses: "set/class[0-4]"},
		"no class is called":                                                 {Path: cub, TestClasses: "009*"},
	} {
		_, err := Load(cfg, 1, LoadOptions{})
		require.ErrorContains(t, err, want)
	}
}

// Where train and val have the same classes, what is measured is told not to be about
// unseen ones, and the run goes on.
func TestClosedSets(t *testing.T) {
	d, err := Load(DataConfig{Path: sample(t, "imagenet")}, 1, LoadOptions{})
	require.NoError(t, err)
	defer d.Close()
	require.Len(t, datasets.SharedClasses(d.Train, d.Val), 4)
	cut, err := Load(DataConfig{Path: sample(t, "imagenet"), Val: "0.5"}, 1, LoadOptions{})
	require.NoError(t, err)
	defer cut.Close()
	require.Empty(t, datasets.SharedClasses(cut.Train, cut.Val))
}

func TestRetrievalByRoles(t *testing.T) {
	path := sample(t, "oml")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	embeddings := func(d *datasets.Dataset) []float32 {
		x := make([]float32, 2*d.Len())
		for i := range x {
			x[i] = float32(i)
		}
		return x
	}
	open := func(replace ...string) *datasets.Dataset {
		changed := string(text)
		for i := 0; i < len(replace); i += 2 {
			changed = strings.Replace(changed, replace[i], replace[i+1], 1)
		}
		require.NoError(t, os.WriteFile(path, []byte(changed), 0o666))
		s, err := datasets.Open(path, datasets.Options{})
		require.NoError(t, err)
		t.Cleanup(func() { s.Close() })
		return s.Val
	}
	d := open()
	r, err := retrievalOf(itemsOf(d), embeddings(d), 2)
	require.NoError(t, err)
	require.Equal(t, []int{-1, -1, -1}, r.own)
	require.Equal(t, []int{0, 4, 8}, r.queries)
	require.Equal(t, []int{1, 2, 3, 5, 6, 7, 9, 10, 11}, r.rows)
	require.Equal(t, []float32{8, 9}, r.query.Row(1))
	require.Equal(t, []float32{10, 11}, r.gallery.Row(3))
	require.Equal(t, []int{0, 1, 2}, r.query.Labels)

	both := []string{"validation,True,False", "validation,True,True"}
	d = open(both[0], both[1], both[0], both[1], both[0], both[1])
	r, err = retrievalOf(itemsOf(d), embeddings(d), 2)
	require.NoError(t, err)
	require.Equal(t, []int{0, 4, 8}, r.own, "the queries are in the gallery too")
	require.Len(t, r.rows, 12)

	d = open(both...)
	r, err = retrievalOf(itemsOf(d), embeddings(d), 2)
	require.NoError(t, err)
	require.Equal(t, []int{0, -1, -1}, r.own, "one of them is")
	require.Equal(t, []int{0, 1, 2, 3, 5, 6, 7, 9, 10, 11}, r.rows)
}

// Where cameras are known, CMC and mAP across them stand beside the other figures.
func TestCamerasAreKeptApart(t *testing.T) {
	cfg := Config{
		Data: DataConfig{Path: sample(t, "market"), Copies: IgnoreCopies},
		Net:  nets.Config{Backbone: "mlp", Hidden: []int{4}, Embedding: 4},
		Loss: "contrastive", Sampler: samplers.Config{P: 2, K: 2}, Steps: 2, EvalEvery: -1, CheckpointEvery: -1, Threads: 1,
	}
	data, err := Load(cfg.Data, 1, LoadOptions{})
	require.NoError(t, err)
	defer data.Close()
	tr, err := New(cfg, data, Options{Dir: t.TempDir()})
	require.NoError(t, err)
	r, err := tr.Run(context.Background())
	require.NoError(t, err)
	for _, m := range []*metrics.Result{r.Pixels, r.Before, r.After} {
		require.NotNil(t, m.ReID)
		require.Equal(t, len(opened(data.Test).Queries()), m.ReID.Queries+m.ReID.LeftOut)
	}
	require.Contains(t, r.Protocol, "CMC and mAP re-id without pictures of a query's own class and camera, over")
	titles := map[string]bool{}
	for _, f := range r.Figures() {
		titles[f.Title] = true
	}
	for _, title := range []string{"Recall@1", "MAP@R", "CMC@1", "CMC@5", "CMC@10", "mAP re-id"} {
		require.True(t, titles[title], title)
	}
	require.NotZero(t, r.Verification[SetTest].Genuine)
}

// The kept model may be chosen by a metric of cameras, where they are known.
func TestModelIsChosenAcrossCameras(t *testing.T) {
	cfg := Config{
		Data: DataConfig{Path: sample(t, "market"), Copies: IgnoreCopies, Val: "0.5"},
		Net:  nets.Config{Backbone: "mlp", Hidden: []int{4}, Embedding: 4},
		Loss: "contrastive", Sampler: samplers.Config{P: 2, K: 2}, Steps: 4, EvalEvery: 2, CheckpointEvery: -1, Threads: 1,
	}
	for _, metric := range []string{"cmc_map", "cmc_at_1", "cmc_at_3"} {
		cfg.Metric = metric
		best := -1.0
		tr, r := run(t, cfg, Options{NoReport: true, Hooks: []Hook{{Evaluated: func(_ context.Context, i EvalInfo) error {
			want := i.Result.ReID.MAP
			if figure, _ := metrics.FigureOf(metric); figure.CMCAt > 0 {
				want = i.Result.ReID.CMC[map[string]int{"cmc_at_1": 0, "cmc_at_3": 1}[metric]]
			}
			require.Equal(t, want, i.Value)
			require.Equal(t, metric, i.Metric)
			if i.Set == SetValidation && i.Phase != RawPixels {
				best = max(best, i.Value)
			}
			return nil
		}}}})
		require.NotNil(t, tr.data.Val)
		require.Equal(t, metric, r.Metric)
		require.Equal(t, best, r.BestValue)
	}
	// Where they are not, or nothing is seen by two of them, this is said before anything is
	// learned.
	refused := func(c Config, want string) {
		t.Helper()
		d, err := Load(c.Data, 1, LoadOptions{})
		require.NoError(t, err)
		defer d.Close()
		_, err = New(c, d, Options{Dir: t.TempDir()})
		require.ErrorContains(t, err, want)
	}
	cfg.Metric = "cmc_at_5"
	cfg.Data = DataConfig{Path: sample(t, "folders"), Val: "0.34", Copies: IgnoreCopies}
	refused(cfg, "Metric is cmc_at_5, but nothing says which cameras took the validation pictures")
	cfg.Data.Val, cfg.Data.Test = "none", "0.34"
	refused(cfg, "nothing says which cameras took the test pictures")

	table := "path,label,camera\n"
	for c := range 4 {
		for i := range 4 {
			table += fmt.Sprintf("class%d/%d.png,c%d,%d\n", c, i, c, c)
		}
	}
	dir := filepath.Join(sample(t, "folders"), "set")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "list.csv"), []byte(table), 0o666))
	cfg.Data = DataConfig{Path: filepath.Join(dir, "list.csv"), Val: "0.5", Copies: IgnoreCopies}
	refused(cfg, "none of the validation pictures is of one class with another camera's")
	require.ErrorContains(t, Config{Metric: "cmc"}.Validate(), `Metric is "cmc" (did you mean "cmc_at_K"?), want one of recall_at_K, precision_at_1, r_precision, map_at_r, map, mrr, nmi, ami, ari, pairwise_f1, cmc_at_K, cmc_map with a number in place of K`)
}
