package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/metrics"
	"medusa/model"
)

// setOf is what the library makes of a folder with a folder for each class.
func setOf(t *testing.T, run, dir string, classes, pictures int) metrics.Set {
	t.Helper()
	m, err := model.Load(run, model.Options{})
	require.NoError(t, err)
	defer m.Close()
	s := metrics.Set{Dim: m.EmbeddingSize()}
	for c := range classes {
		for n := range pictures {
			x, err := m.EmbedFile(context.Background(), filepath.Join(dir, fmt.Sprintf("class%02d", c), fmt.Sprintf("%02d.png", n)))
			require.NoError(t, err)
			s.Embeddings, s.Labels = append(s.Embeddings, x...), append(s.Labels, c)
		}
	}
	return s
}

// The table has the figures of the library.
func TestEvaluatePictures(t *testing.T) {
	ctx := context.Background()
	run, dir := finishedRun(t), t.TempDir()
	photos, shelf := folders(t, filepath.Join(dir, "photos"), 5, 4), folders(t, filepath.Join(dir, "shelf"), 6, 5)
	query, gallery := setOf(t, run, photos, 5, 4), setOf(t, run, shelf, 6, 5)
	evaluate := func(q metrics.Set, g *metrics.Set, r *metrics.ReRanking) metrics.Result {
		t.Helper()
		out, err := metrics.Evaluate(ctx, q, g, metrics.Options{RecallAt: []int{1, 2, 4, 8}, NoClustering: true, ReRank: r})
		require.NoError(t, err)
		return out
	}
	told := func(args ...string) string {
		t.Helper()
		code, stdout, stderr := medusa(append([]string{"evaluate", run}, args...)...)
		require.Equal(t, exitOK, code, stderr)
		require.Empty(t, stderr)
		return stdout
	}
	row := func(name string, of func(metrics.Result) float64, results ...metrics.Result) string {
		text := name
		for _, r := range results {
			text += fmt.Sprintf(" %.3f", of(r))
		}
		return text
	}
	mapAtR := func(r metrics.Result) float64 { return r.MAPAtR }
	recall := func(r metrics.Result) float64 { return r.Recall[1] }

	plain := evaluate(query, nil, nil)
	out := oneLine(told(photos))
	require.Contains(t, out, "20 pictures of 5 classes; each is a query among all others")
	require.Contains(t, out, row("MAP@R", mapAtR, plain))

	among := evaluate(query, &gallery, nil)
	expanded, err := metrics.Expand(ctx, query, &gallery, metrics.ExpandOptions{Neighbours: 2, Alpha: 3})
	require.NoError(t, err)
	changed := evaluate(expanded, &gallery, &metrics.ReRanking{K1: 5, K2: 2, Lambda: 0.3})
	first, err := query.First(3)
	require.NoError(t, err)
	firstGallery, err := gallery.First(3)
	require.NoError(t, err)
	small := evaluate(first, &firstGallery, nil)
	out = oneLine(told(photos, "-gallery", shelf, "-expand", "2", "-rerank", "5,2,0.3", "-sizes", "3", "-few-shot", "3x1"))
	require.Contains(t, out, "20 pictures of 5 classes, looked for among 30 others of 6 classes")
	require.Contains(t, out, "as it is first 3 expanded, re-ranked")
	require.Contains(t, out, row("MAP@R", mapAtR, among, small, changed))
	require.Contains(t, out, row("Recall@2", recall, among, small, changed))
	require.Contains(t, out, "3-way 1-shot")

	white, err := metrics.NewWhitening(gallery, metrics.WhitenOptions{})
	require.NoError(t, err)
	whitened, err := white.Apply(query)
	require.NoError(t, err)
	out = oneLine(told(photos, "-whiten", shelf))
	require.Contains(t, out, row("MAP@R", mapAtR, plain, evaluate(whitened, nil, nil)))
}

func TestEvaluatePicturesThatCannotBe(t *testing.T) {
	run, dir := finishedRun(t), t.TempDir()
	photos := folders(t, filepath.Join(dir, "photos"), 2, 2)
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{run, "-rerank", "20,6,0.3"}, exitUsage, "-rerank is about pictures: name some behind the model"},
		{[]string{run, photos, "-rerank", "20,6"}, exitUsage, "-rerank 20,6: want two whole numbers from 1 on and a share from 0 to 1, such as 20,6,0.3"},
		{[]string{run, photos, "-rerank", "0,6,0.3"}, exitUsage, "-rerank 0,6,0.3: want"},
		{[]string{run, photos, "-rerank", "much"}, exitUsage, "-rerank much: want"},
		{[]string{run, photos, "-rerank", ""}, exitUsage, "-rerank is empty"},
		{[]string{run, photos, "-expand", "1.5"}, exitUsage, "-expand 1.5: want a whole number"},
		{[]string{run, photos, "-expand", "2,-1"}, exitUsage, "-expand 2,-1: want a whole number"},
		{[]string{run, photos, "-sizes", "5000"}, exitFailed, "-sizes: 5000, but embeddings have"},
		{[]string{run, photos, "-sizes", "0"}, exitFailed, "-sizes: 0, but"},
		{[]string{run, photos, "-few-shot", "2"}, exitUsage, "-few-shot"},
		{[]string{run, photos, "-few-shot", "9x1"}, exitFailed, "-few-shot"},
		{[]string{run, photos, "-one-shot", "runs.zip"}, exitUsage, "-one-shot has its own pictures: leave it out, or " + photos},
		{[]string{run, photos, "-gallery", filepath.Join(dir, "none")}, exitFailed, "none"},
		{[]string{run, "-", "-gallery", "-"}, exitUsage, "-gallery - and -: standard input can be read once"},
		{[]string{run, filepath.Join(dir, "none")}, exitFailed, "none"},
		{[]string{run, photos, "-whiten", filepath.Join(photos, "class00", "00.png")}, exitFailed, "all rows are the same"},
		{[]string{filepath.Join(dir, "none"), photos}, exitFailed, "there is no run folder or model file"},
	} {
		code, stdout, stderr := medusa(append([]string{"evaluate"}, c.args...)...)
		require.Equal(t, c.code, code, "%v: %s", c.args, stderr)
		require.Contains(t, oneLine(stderr), c.want)
		require.NotContains(t, strings.ToLower(stdout), "recall", "%v", c.args)
	}
}
