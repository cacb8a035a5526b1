package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/terminal"
	"medusa/metrics"
	"medusa/trainer"
)

// result is the outcome of a run with all that is shown of it.
func result() trainer.Result {
	figures := func(v float64, clustered bool) *metrics.Result {
		return &metrics.Result{
			Queries: 3360, RecallAt: []int{1, 8}, Retrieval: metrics.Retrieval{Recall: []float64{v, v}, MAP: v}, Clustered: clustered, NMI: v,
			ReID: &metrics.ReID{At: []int{1, 10}, CMC: []float64{v, v}, MAP: v, Queries: 3360},
		}
	}
	point := func(far float64) metrics.OperatingPoint {
		return metrics.OperatingPoint{AskedFAR: far, Threshold: 1234.5, FAR: far / 3, TAR: .98765}
	}
	val := metrics.Verification{Genuine: 7410, Impostor: 29640, AllGenuine: 7410, AllImpostor: 29640, Classes: 39, EER: .0808, EERThreshold: .17, AUC: .97,
		AtFAR: []metrics.OperatingPoint{point(.1), point(.01), point(.001)}, TooFine: []float64{.0001}}
	test := metrics.Verification{Genuine: 4_000_000, Impostor: 86_724_400, AllGenuine: 5_000_000, AllImpostor: 186_724_400, Classes: 659, EER: .119, EERThreshold: .16, AUC: .95,
		AtFAR: []metrics.OperatingPoint{point(.1), point(.01), point(.001), point(.0001)},
		At:    []metrics.OperatingPoint{point(.1), point(.01), point(.001), point(.08)}}
	return trainer.Result{
		Pixels: figures(.25, false), Before: figures(.5, true), After: figures(.75, true), Protocol: "one sentence", Items: "vectors", Stop: trainer.StopDone,
		Verification: map[string]metrics.Verification{trainer.SetValidation: val, trainer.SetTest: test},
	}
}

func shownLines(r trainer.Result) []string {
	var b bytes.Buffer
	printOutcome(terminal.New(&b, false), r, "train -resume RUN")
	return strings.Split(b.String(), "\n")
}

// row is the cells of the line that begins with a name.
func row(t *testing.T, lines []string, name string) []string {
	t.Helper()
	for _, l := range lines {
		if rest, ok := strings.CutPrefix(l, " "+name+" "); ok {
			return strings.Fields(rest)
		}
	}
	t.Fatalf("no line %q in\n%s", name, strings.Join(lines, "\n"))
	return nil
}

func TestTableOfResults(t *testing.T) {
	t.Setenv("COLUMNS", "80")
	lines := shownLines(result())
	require.Equal(t, []string{"0.250", "0.500", "0.750", "+0.250"}, row(t, lines, "Recall@1"))
	require.Equal(t, []string{"0.500", "0.750", "+0.250"}, row(t, lines, "NMI"), "clusters of raw pixels are not measured")
	require.Equal(t, []string{"0.250", "0.500", "0.750", "+0.250"}, row(t, lines, "CMC@10"))
	require.Equal(t, []string{"0.250", "0.500", "0.750", "+0.250"}, row(t, lines, "mAP re-id"))

	// FAR at most, d, validation TAR, test TAR, test FAR.
	require.Equal(t, strings.Fields("1234.500 0.988 0.988 0.333 %"), row(t, lines, "1 %"))
	require.Equal(t, strings.Fields("0.170 0.919 0.988 2.667 %"), row(t, lines, "equal error, 8.08 %"))
	text := strings.Join(strings.Fields(strings.Join(lines, " ")), " ")
	require.Contains(t, text, "Area under the ROC: validation 0.970; test 0.950, where a d of its own would give an equal error rate of 11.9 %.")
	require.Equal(t, 1, strings.Count(text, "8.08"), "the equal error rate is told once")
	require.Contains(t, text, "A pair of vectors counts as same")
	require.Contains(t, text, "of 659 classes, drawn from 5,000,000 and 186,724,400")
	require.Contains(t, text, "No row for a FAR of 0.01 %: validation has too few pairs of two classes, a rate must rest on ten.")
	for _, l := range lines {
		if !strings.Contains(l, "steps in") { // its length depends on the machine
			require.LessOrEqual(t, len([]rune(l)), 80, l)
		}
	}
}

// A run that began before raw pixels were measured, and one without thresholds.
func TestTableWithoutPixels(t *testing.T) {
	r := result()
	r.Pixels, r.Verification = nil, nil
	lines := shownLines(r)
	require.Equal(t, []string{"0.500", "0.750", "+0.250"}, row(t, lines, "Recall@1"))
	require.NotContains(t, strings.Join(lines, "\n"), "pixels")
	require.NotContains(t, strings.Join(lines, "\n"), "FAR")

	r = result()
	delete(r.Verification, trainer.SetTest)
	lines = shownLines(r)
	require.Equal(t, strings.Fields("1234.500 0.988 0.333 %"), row(t, lines, "1 %"))
}

func TestWorseModelIsTold(t *testing.T) {
	t.Setenv("COLUMNS", "80")
	text := func(r trainer.Result) string {
		return strings.Join(strings.Fields(strings.Join(shownLines(r), " ")), " ")
	}
	r := result()
	r.Items = "pictures"
	require.Contains(t, text(r), "pixels: the pictures themselves, compared by cosine: what is to be beaten")
	require.NotContains(t, text(r), "is worse")
	r.After, r.Before = r.Before, r.After
	require.Contains(t, text(r), "the model is worse than the untrained network (Recall@1 0.500 in place of 0.750)")
	require.Contains(t, text(r), "train longer (-steps), lower the learning rate (-lr)")
	r.After, r.Pixels, r.Items = r.Pixels, r.After, "vectors"
	require.Contains(t, text(r), "the model is worse than comparing the raw vectors (Recall@1 0.250 in place of 0.500) and than the untrained network (Recall@1 0.250 in place of 0.750)")
	require.Contains(t, text(r), "vectors: the vectors themselves, compared by cosine")
}

func TestTimesAreToldApart(t *testing.T) {
	r := trainer.Result{Steps: 3, Seconds: 53.1, TrainSeconds: .1, ImagesPerSecond: 25855, PeakRSS: 5 << 20}
	require.Equal(t, "3 steps in 53.1 s, of it 0.1 s training at 25,855 images/s, 0.0% of that waiting for pictures, 5 MiB at the most", timeTaken(r))
	r.Steps, r.ImagesPerSecond = 1, 0
	require.Equal(t, "1 step in 53.1 s, of it 0.1 s training, 5 MiB at the most", timeTaken(r))
	r.TrainSeconds, r.ImagesPerSecond, r.Items = 0, 99, "vectors"
	require.Equal(t, "1 step in 53.1 s, training at 99 vectors/s, 0.0% of that waiting for vectors, 5 MiB at the most", timeTaken(r), "of an earlier version")
}
