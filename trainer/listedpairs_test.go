package trainer

import (
	"context"
	"encoding/json"
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

// verified runs a little training of one folder, measured on another one.
func verified(t *testing.T, learn, test string) (*Trainer, Result) {
	t.Helper()
	cfg := Config{
		Data: DataConfig{Path: learn, Test: test, Copies: IgnoreCopies, Height: 12, Width: 12},
		Net:  nets.Config{Backbone: "mlp", Hidden: []int{4}, Embedding: 4},
		Loss: "contrastive", Sampler: samplers.Config{P: 2, K: 2}, Steps: 2, EvalEvery: -1, CheckpointEvery: -1, Threads: 1,
	}
	data, err := Load(cfg.Data, 1, LoadOptions{})
	require.NoError(t, err)
	t.Cleanup(func() { data.Close() })
	tr, err := New(cfg, data, Options{Dir: filepath.Join(t.TempDir(), "run")})
	require.NoError(t, err)
	r, err := tr.Run(context.Background())
	require.NoError(t, err)
	return tr, r
}

// The pairs of a test set are measured by their own protocol, and stand in the result, its
// file, the table and the report, with their numbers.
func TestListedPairsOfARun(t *testing.T) {
	set := samplesets.Named("lfw")
	delete(set.Files, "lfw-py/lfw_funneled/Person_0/Person_0_0002.jpg")
	faces, err := set.Write(t.TempDir())
	require.NoError(t, err)
	tr, r := verified(t, sample(t, "folders"), faces)
	test := opened(tr.data.data().Test)
	p, ok := r.Pairs[SetTest]
	require.True(t, ok)
	require.Equal(t, []int{8, 7}, []int{p.Listed, p.Measured()})

	x, err := tr.Embed(context.Background(), test)
	require.NoError(t, err)
	var list []metrics.Pair
	for _, pair := range test.Pairs() {
		list = append(list, metrics.Pair(pair))
	}
	want, err := metrics.VerifyPairs(context.Background(), metrics.Set{Embeddings: x, Dim: 4, Labels: test.Labels()}, list, metrics.VerifyOptions{})
	require.NoError(t, err)
	require.Equal(t, want, p.PairVerification)
	require.Len(t, p.Folds, 2)

	text, err := os.ReadFile(tr.dir.Path(ResultFile))
	require.NoError(t, err)
	var stored Result
	require.NoError(t, json.Unmarshal(text, &stored))
	require.Equal(t, r.Pairs, stored.Pairs)

	shown := r.PairTable()
	require.Equal(t, []string{"listed pairs", "test"}, shown.Head)
	require.Equal(t, []string{"of one class", "3"}, shown.Rows[0])
	require.Equal(t, []string{"of two classes", "4"}, shown.Rows[1])
	require.Regexp(t, `^[01]\.\d{4} ± 0\.\d{4}, 2 folds$`, shown.Rows[2][1])
	notes := strings.Join(shown.Notes, "\n")
	require.Contains(t, notes, "test: 1 of the 8 listed pairs are left out, since a picture of theirs is lacking or in another part.")
	require.Contains(t, notes, "test: no TAR at a FAR of 10 %, 1 %, 0.1 %, 0.01 %: too few pairs of two classes")
	page, err := os.ReadFile(r.Report)
	require.NoError(t, err)
	for _, words := range []string{"listed pairs", shown.Rows[2][1], "test, listed pairs"} {
		require.Contains(t, string(page), words)
	}
}

// Lists that no accuracy or no threshold can be measured on are told, and the run goes on.
func TestListedPairsThatCannotBeMeasured(t *testing.T) {
	for name, c := range map[string]struct{ list, row, note string }{
		"one fold": {"2\nPerson_0 1 2\nPerson_1 1 2\nPerson_0 1 Person_1 2\nPerson_2 1 Person_1 2\n", "—",
			"test: the list has one fold, and so no others to choose d on: there is no accuracy."},
		"one kind": {"2\nPerson_0 1 2\nPerson_1 1 2\n", "—", "test: a threshold needs pairs of one class and of two, and there are 2 and 0."},
	} {
		t.Run(name, func(t *testing.T) {
			set := samplesets.Named("lfw")
			set.Files["lfw-py/pairs.txt"] = []byte(c.list)
			faces, err := set.Write(t.TempDir())
			require.NoError(t, err)
			_, r := verified(t, sample(t, "folders"), faces)
			shown := r.PairTable()
			require.Equal(t, []string{"accuracy", c.row}, shown.Rows[2])
			require.Contains(t, shown.Notes, c.note)
		})
	}
	require.Empty(t, Result{}.PairTable().Rows)
}

// paired lists pairs of a Set of one's own.
type paired struct {
	datasets.Set
	list []datasets.Pair
}

func (p paired) Pairs() []datasets.Pair { return p.list }

func TestPairsOfASetOfOnesOwn(t *testing.T) {
	d := load(t, small(pictures(t))).Test
	for want, pair := range map[string]datasets.Pair{
		"its pair 0 is of items 0 and -1": {B: -1}, "its pair 0 is of items 900 and 0": {A: 900},
	} {
		require.ErrorContains(t, datasets.Check(paired{d, []datasets.Pair{pair}}, nil), want)
	}
	require.NoError(t, datasets.Check(paired{d, []datasets.Pair{{A: 1, B: 2}}}, nil))
}
