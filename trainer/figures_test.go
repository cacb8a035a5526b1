package trainer

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/datasets"
	"medusa/metrics"
)

// The raw pixels are measured first of all and once, on the pictures as the network sees
// them; their figures outlive an interruption.
func TestRawPixelsAreMeasuredOnce(t *testing.T) {
	cfg := small(pictures(t))
	cfg.Steps = 20
	var told []EvalInfo
	stopping, cancel := context.WithCancel(context.Background())
	defer cancel()
	hook := Hook{Evaluated: func(_ context.Context, i EvalInfo) error {
		told = append(told, i)
		if i.Step == 10 {
			cancel()
		}
		return nil
	}}
	tr := start(t, cfg, Options{Hooks: []Hook{hook}})
	r, err := tr.Run(stopping)
	require.NoError(t, err)
	require.Equal(t, StopInterrupted, r.Stop)
	require.NoError(t, tr.Close())
	on, err := Resume(tr.data.data(), Options{Dir: string(tr.dir), Hooks: []Hook{hook}})
	require.NoError(t, err)
	defer on.Close()
	r, err = on.Run(context.Background())
	require.NoError(t, err)

	require.Equal(t, RawPixels, told[0].Phase)
	require.Equal(t, SetTest, told[0].Set)
	require.Equal(t, "map_at_r", told[0].Metric)
	require.Equal(t, r.Pixels.MAPAtR, told[0].Value)
	for _, i := range told[1:] {
		require.NotEqual(t, RawPixels, i.Phase)
	}
	require.Equal(t, 1, strings.Count(strings.Join(journalOf(t, string(tr.dir)), "\n"), `"phase":"pixels"`))

	d := tr.data.Test
	c, h, w := d.Shape()
	x := make([]float32, d.Len()*c*h*w)
	all := make([]int, d.Len())
	for i := range all {
		all[i] = i
	}
	require.NoError(t, d.Fill(x, all, tr.data.Norm))
	want, err := metrics.Evaluate(context.Background(), metrics.Set{Embeddings: x, Dim: c * h * w, Labels: d.Labels()}, nil,
		metrics.Options{Distance: metrics.Cosine, RecallAt: []int{1, 2, 4, 8}, NoClustering: true})
	require.NoError(t, err)
	require.Equal(t, want.Values(), r.Pixels.Values())

	figures := r.Figures()
	require.Equal(t, want.Recall[0], figures[0].Pixels)
	for _, f := range figures {
		assert.Equal(t, f.Name == "nmi" || f.Name == "ami" || f.Name == "ari" || f.Name == "pairwise_f1", math.IsNaN(f.Pixels), f.Name)
	}
	r.Pixels = nil // as in a run that began before raw pixels were measured
	require.True(t, math.IsNaN(r.Figures()[0].Pixels))
}

// Pictures too large to compare become means of tiles, in the order of their planes.
func TestPixelsAreReduced(t *testing.T) {
	plane := []float32{
		1, 3, 5, 7, 9,
		1, 3, 5, 7, 9,
		0, 0, 8, 8, 9,
		0, 0, 8, 8, 9,
	}
	require.Equal(t, []float32{2, 6, 0, 8}, appendReduced(nil, plane, 5, 2, 2))
	require.Equal(t, plane, appendReduced(nil, plane, 5, 1, 1))
	require.Equal(t, []float32{4}, appendReduced([]float32{4}, nil, 5, 1, 1))
	labels := func(n, each int) []int {
		l := make([]int, n)
		for i := range l {
			l[i] = i / each
		}
		return l
	}
	require.False(t, tooLarge(labels(13_180, 20), 1, 28*28), "Omniglot is compared as it is")
	require.True(t, tooLarge(labels(13_180, 6590), 1, 28*28), "but not as two classes")
	require.True(t, tooLarge(labels(5_000, 10), 1, 224*224*3), "more than fits")

	cfg := small(pictures(t))
	cfg.Data.Height, cfg.Data.Width = 8, 8
	data := load(t, cfg)
	x, dim, err := pixels(context.Background(), itemsOf(data.Test), data.Norm, 1, func(int) {})
	require.NoError(t, err)
	require.Equal(t, 64, dim)
	require.Len(t, x, 64*data.Test.Len())
}

// result.json holds the pixels and the thresholds; those of the test classes include what
// the validation classes' thresholds give there.
func TestThresholdsOfARun(t *testing.T) {
	cfg := small(pictures(t))
	cfg.Steps = 20
	tr, r := run(t, cfg, Options{})
	text, err := os.ReadFile(tr.dir.Path(ResultFile))
	require.NoError(t, err)
	var stored Result
	require.NoError(t, json.Unmarshal(text, &stored))
	require.Equal(t, r.Pixels.Values(), stored.Pixels.Values())
	for _, name := range []string{SetValidation, SetTest} {
		v := r.Verification[name]
		require.NotEmpty(t, v.Curve)
		require.Equal(t, v, stored.Verification[name], name)
	}
	val, test := r.Verification[SetValidation], r.Verification[SetTest]
	require.EqualValues(t, tr.data.Test.Len()*7/2, test.Genuine, "eight pictures of each class")
	require.Equal(t, tr.data.Test.NumClasses(), test.Classes)
	require.Len(t, test.At, len(val.AtFAR)+1)
	for k, p := range val.AtFAR {
		require.Equal(t, p.Threshold, test.At[k].Threshold)
	}
	again, err := tr.Verify(context.Background(), tr.data.Test, val.AtFAR[0].Threshold)
	require.NoError(t, err)
	require.Equal(t, test.At[0], again.At[0], "after Run the weights are those of the model")

	shown := r.Thresholds()
	require.Len(t, shown.Rows, len(val.AtFAR)+1, "the rates, and the equal error rate")
	for k, p := range val.AtFAR {
		require.Equal(t, percent(p.AskedFAR), shown.Rows[k][0])
		d, err := strconv.ParseFloat(shown.Rows[k][1], 64)
		require.NoError(t, err)
		require.InEpsilon(t, p.Threshold, d, .005)
		require.Equal(t, []string{decimals(p.TAR), decimals(test.At[k].TAR)}, shown.Rows[k][2:4])
	}
	require.NotEmpty(t, val.TooFine)
	require.Contains(t, shown.Notes[3], "No row for a FAR of", "so few pairs cannot tell it")
	require.Contains(t, shown.Notes[2], "of 6 classes")

	page, err := os.ReadFile(r.Report)
	require.NoError(t, err)
	for _, words := range []string{"Recall@1, 6 unseen classes", ">Pixels<", "Same or not", shown.Rows[0][1], "validation: equal error", "Distances between test pictures", "True accepts over false accepts"} {
		require.Contains(t, string(page), words)
	}
}

// With one measured set the table is its own; a set without two classes, or without two
// pictures of one, has no thresholds, and the run goes on.
func TestThresholdsOfOneSet(t *testing.T) {
	cfg := small(pictures(t))
	cfg.Steps = 10
	cfg.Data.Test = "none"
	_, r := run(t, cfg, Options{NoReport: true})
	require.Equal(t, SetValidation, r.On)
	require.Len(t, r.Verification, 1)
	require.Equal(t, []string{"FAR at most", "accept below d", "TAR", "FAR"}, r.Thresholds().Head)
	require.Empty(t, Result{}.Thresholds().Rows)

	d := opened(load(t, small(pictures(t))).Test)
	require.True(t, hasPairs(itemsOf(d)))
	require.False(t, hasPairs(itemsOf(d.Subset(func(c int) bool { return c == 1 }))), "one class")
	require.False(t, hasPairs(itemsOf(&datasets.Dataset{})))
}

func TestWordsForWhatWasMeasured(t *testing.T) {
	d := load(t, small(pictures(t))).items()
	require.Equal(t, "6 unseen classes", d.measuredOn(SetTest))
	require.Equal(t, "4 validation classes", d.measuredOn(SetValidation))
	d.Test = d.Train
	require.Equal(t, "8 test classes, all of them learned too", d.measuredOn(SetTest))
	d.Train = itemsOf(d.Train.pictures().Subset(func(c int) bool { return c < 3 }))
	require.Equal(t, "8 test classes, 3 of them learned too", d.measuredOn(SetTest))

	after := &metrics.Result{Queries: 48}
	require.NotContains(t, d.protocol(SetTest, "", after), "view")
	require.Contains(t, d.protocol(SetTest, "plain|turned", after), "; each embedding is of the views plain|turned")
	require.NotContains(t, d.protocol(SetTest, "", after), "as far as")
	after.Tied = 24
	require.Contains(t, d.protocol(SetTest, "", after), "; for 50% of the queries pictures of their class are exactly as far as others: their figures are the mean over all orders")
}
