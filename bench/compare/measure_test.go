package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pkg/errors"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// asChild makes this test binary a child process that does the job in its value.
const asChild = "COMPARE_TEST_JOB"

func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "measure" { // as ourSide starts it
		main()
		return
	}
	switch text := os.Getenv(asChild); text {
	case "":
		os.Exit(m.Run())
	case "sleep":
		time.Sleep(time.Minute)
	case "fail":
		os.Stderr.WriteString("first\nthe reason\n")
		os.Exit(3)
	default:
		if err := measureChild(text, os.Stdout); err != nil {
			os.Stderr.WriteString(err.Error())
			os.Exit(1)
		}
	}
}

// testSide runs this test binary; with an answer that is not empty, that is its job.
func testSide(name, answer string) side {
	return side{
		name: name,
		does: func(workload) bool { return true },
		command: func(ctx context.Context, text string) *exec.Cmd {
			if answer != "" {
				text = answer
			}
			// do sets the environment after this, so the job travels through env(1).
			return exec.CommandContext(ctx, "env", asChild+"="+text, os.Args[0])
		},
	}
}

// tiny is every kind of workload in a size for tests.
var tiny = []workload{
	{Kind: "peak"},
	{Kind: "gemm", Size: 33},
	{Kind: "op", Op: "layernorm", Pass: opForward},
	{Kind: "op", Op: "softmax", Pass: opGradients},
	{Kind: "train", Net: "mlp", Batch: 8, Class: 4, Loss: "contrastive"},
	{Kind: "train", Net: "cnn", Batch: 8, Class: 4, Loss: "batch-hard"},
	{Kind: "infer", Net: "cnn-bn", Batch: 2},
	{Kind: "infer", Net: "resnet18", Batch: 1},
	{Kind: "embed", Net: "mlp", Batch: 2},
	{Kind: "loss", Loss: "all-triplets", Batch: 16, Class: 4, Size: 8},
	{Kind: "loss", Loss: "lifted", Batch: 16, Class: 4, Size: 8},
	{Kind: "recall", Batch: 50, Rows: 200, Size: 8},
}

func TestEveryKindMeasures(t *testing.T) {
	models := t.TempDir()
	require.NoError(t, writeModels(models, tiny))
	for _, w := range tiny {
		t.Run(w.name(), func(t *testing.T) {
			m, err := measureJob(job{workload: w, Threads: 1, Seconds: 1e-3, Models: models}, nil)
			require.NoError(t, err)
			assert.Positive(t, m.Seconds)
			assert.LessOrEqual(t, m.Best, m.Seconds)
			assert.Positive(t, m.Runs)
		})
	}
}

func TestStartThroughAProcess(t *testing.T) {
	w := workload{Kind: "start", Net: "mlp", Batch: 8, Class: 4, Loss: "batch-hard", Steps: 2}
	began := time.Now()
	m, err := testSide(ours, "").do(context.Background(), job{workload: w, Threads: 1}, time.Minute)
	require.NoError(t, err)
	require.Empty(t, m.Error)
	assert.Positive(t, m.Started)
	assert.Less(t, m.Started, time.Since(began).Seconds())
	if peakMemory() > 0 {
		assert.Greater(t, m.Peak, int64(1<<20))
	}
}

func TestRoundsGoInTurns(t *testing.T) {
	var order []string
	p := plan{
		workloads: tiny[1:2], threads: []int{1, 2}, repeat: 2, seconds: 1e-3, limit: time.Minute,
		sides: []side{testSide("a", ""), testSide("broken", "fail"), testSide("b", "")},
		told:  func(_ workload, _, _ int, side string, _ measured) { order = append(order, side) },
	}
	out, err := p.run(context.Background())
	require.NoError(t, err)
	require.Len(t, out, 2)
	assert.Equal(t, "a broken b a b a broken b a b", strings.Join(order, " "))
	assert.Len(t, out[1].of("a", func(m measured) float64 { return m.Seconds }), 2)
	assert.Equal(t, "the reason: exit status 3", out[0].failure("broken"))
	assert.InDelta(t, valueOf(out[0], "a"), valueOf(out[1], "b"), 0, "no result depends on the threads")
}

func TestSideThatTakesTooLong(t *testing.T) {
	m, err := testSide("slow", "sleep").do(context.Background(), job{Threads: 1}, 50*time.Millisecond)
	require.NoError(t, err)
	assert.Equal(t, "no result in 50ms", m.Error)

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = testSide("slow", "sleep").do(ctx, job{Threads: 1}, time.Minute)
	assert.ErrorIs(t, err, context.Canceled)
}

func TestRead(t *testing.T) {
	m, err := read(bufio.NewScanner(strings.NewReader("a warning\nfirst step\n{\"peak\": 7}\n")), time.Now().Add(-time.Second))
	require.NoError(t, err)
	assert.EqualValues(t, 7, m.Peak)
	assert.Greater(t, m.Started, 0.9)
	_, err = read(bufio.NewScanner(strings.NewReader("Killed\n")), time.Now())
	assert.ErrorContains(t, err, `the result "Killed"`)
}

// fakeWork is work that takes the time that a test says.
type fakeWork struct {
	time        time.Time
	runs, waits int
}

func (w *fakeWork) clock() clock { return func() time.Time { return w.time } }

// lasting is work of that length, which is counted.
func (w *fakeWork) lasting(each time.Duration, count *int) func() error {
	return func() error {
		*count++
		w.time = w.time.Add(each)
		return nil
	}
}

func TestMeasureStops(t *testing.T) {
	for name, c := range map[string]struct {
		each          time.Duration
		warmUps, runs int
	}{
		"when the second is up":     {50 * time.Millisecond, warmUps, 20},
		"after three runs":          {450 * time.Millisecond, warmUps, atLeast},
		"one warm-up if it is slow": {501 * time.Millisecond, 1, atLeast},
		"after five seconds":        {3 * time.Second, 1, 2},
		"after one very slow run":   {6 * time.Second, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			var w fakeWork
			m, err := w.clock().measure(1, w.lasting(c.each, &w.runs))
			require.NoError(t, err)
			assert.Equal(t, c.warmUps+c.runs, w.runs)
			assert.Equal(t, c.runs, m.Runs)
			assert.InEpsilon(t, c.each.Seconds(), m.Seconds, 1e-12)
			assert.InEpsilon(t, c.each.Seconds(), m.Best, 1e-12)
		})
	}

	_, err := measure(1, func() error { return errors.New("no") })
	assert.EqualError(t, err, "no")
}

func TestMeasureChildSaysWhatIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		"{": "the job", `{"kind":"trian"}`: `"trian"`, `{"kind":"train","net":"cnm"}`: `no net "cnm"`,
		`{"kind":"loss","loss":"triplit"}`: `no loss "triplit"`,
	} {
		assert.ErrorContains(t, measureChild(text, &bytes.Buffer{}), want)
	}
}

func TestNoise(t *testing.T) {
	x := noise(10_000, 3)
	sum, squares := 0.0, 0.0
	for _, v := range x {
		require.True(t, v >= -1 && v < 1)
		sum += float64(v)
		squares += float64(v) * float64(v)
	}
	assert.InDelta(t, 0, sum/1e4, 0.02)
	assert.InDelta(t, 1.0/3, squares/1e4, 0.02) // the variance of the uniform distribution
	assert.NotEqual(t, x[:10], noise(10, 4))
	for i := range 5 {
		row, square := unitRows(5, 7, 1)[i*7:i*7+7], 0.0
		for _, v := range row {
			square += float64(v) * float64(v)
		}
		assert.InDelta(t, 1, math.Sqrt(square), 1e-6)
	}
}

func TestEnvironment(t *testing.T) {
	env := environment([]string{"HOME=/h", "OMP_WAIT_POLICY=active", "OMP_NUM_THREADS=9"}, 2, true)
	assert.Equal(t, []string{"HOME=/h", "OMP_NUM_THREADS=9", "GOMAXPROCS=2", "OMP_NUM_THREADS=2", "OPENBLAS_NUM_THREADS=2", "MKL_NUM_THREADS=2",
		"OPENBLAS_CORETYPE=SkylakeX"}, env, "the last one of a name counts")
	assert.NotContains(t, environment(nil, 1, false), "OPENBLAS_CORETYPE=SkylakeX")
	assert.NotContains(t, environment([]string{"OPENBLAS_CORETYPE=Zen"}, 1, true), "OPENBLAS_CORETYPE=SkylakeX")
}

func TestHighWater(t *testing.T) {
	assert.EqualValues(t, 2048<<10, highWater([]byte("Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t 5 kB\n")))
	assert.Zero(t, highWater([]byte("Name:\tx\n")))
}

func TestFlags(t *testing.T) {
	for args, want := range map[string]string{
		"-repeat 0": "-repeat 0", "-seconds 0": "-seconds 0", "-limit 0s": "-limit 0s", "gemm": "did you mean -only gemm?",
		"-threads 1,x": `-threads "1,x"`, "-only gem/": "fits no workload", "-nope": "-nope",
		"-device gpu": `-device "gpu"`, "-device cuda:x": "cuda:N", "-device cuda -threads 1": "-threads is for -device cpu",
		"-tf32": "did you forget -device cuda?", "-device cuda -compile -1s": "-compile -1s", "-device cuda -compile 1m": "-limit 4m0s or more", "-device cuda -only gemm": "fits no workload",
	} {
		var stderr bytes.Buffer
		assert.Equal(t, exitUsage, run(context.Background(), strings.Fields(args), &bytes.Buffer{}, &stderr), args)
		assert.Contains(t, stderr.String(), want)
	}
	var out bytes.Buffer
	assert.Equal(t, exitOK, run(context.Background(), []string{"-list", "-only", "gemm/512"}, &out, &out))
	assert.Equal(t, "gemm/512\n", out.String())
	out.Reset()
	assert.Equal(t, exitOK, run(context.Background(), []string{"-list", "-device", "cuda:1", "-only", "resnet18"}, &out, &out))
	assert.Equal(t, "train/resnet18/256/batch-hard\ntrain/resnet18/256/batch-hard/resident\n", out.String())
}

func TestNoTorch(t *testing.T) {
	info, why, err := findTorch(context.Background(), none, "", "")
	require.NoError(t, err)
	assert.Nil(t, info)
	assert.NotEmpty(t, why)
	_, _, err = findTorch(context.Background(), filepath.Join(t.TempDir(), "python"), "script.py", "")
	assert.ErrorContains(t, err, "no PyTorch there")
}

// withTorch is COMPARE_PYTHON, a Python that has PyTorch, such as /usr/bin/python3.
func withTorch(t *testing.T) string {
	t.Helper()
	python := os.Getenv("COMPARE_PYTHON")
	if python == "" {
		t.Skip("COMPARE_PYTHON names no Python with PyTorch")
	}
	return python
}

// Both sides compute the same: run with COMPARE_PYTHON.
func TestSidesAgree(t *testing.T) {
	python := withTorch(t)
	script, err := writeScript(t.TempDir(), "torch_bench.py", torchBench)
	require.NoError(t, err)
	info, _, err := findTorch(context.Background(), python, script, "")
	require.NoError(t, err)
	work := append([]workload{{Kind: "loss", Loss: "contrastive", Batch: 24, Class: 4, Size: 6},
		{Kind: "loss", Loss: "batch-hard", Batch: 24, Class: 4, Size: 6}}, tiny[1:]...)
	models := t.TempDir()
	require.NoError(t, writeModels(models, work))
	for _, w := range work {
		j := job{workload: w, Threads: 1, Seconds: 1e-3, Models: models}
		want, err := measureJob(j, nil)
		require.NoError(t, err)
		for _, s := range info.sides(script) {
			j := j
			if !s.does(w) {
				continue
			}
			got, err := s.do(context.Background(), j, time.Minute)
			require.NoError(t, err)
			require.Empty(t, got.Error, w.name())
			if w.Kind != "embed" { // for which PyTorch draws weights of its own; see TestRuntimesAgree
				assert.InEpsilon(t, 1+want.Value, 1+got.Value, 1e-5, "%s, %s", w.name(), s.name)
			}
			j.Way = got.Way
			again, err := s.do(context.Background(), j, time.Minute)
			require.NoError(t, err)
			require.Empty(t, again.Error, w.name())
			assert.Equal(t, got.Way, again.Way, w.name())
		}
	}
}

func TestJobsAreReadByPython(t *testing.T) {
	text, err := json.Marshal(job{workload: workload{Kind: "loss", Loss: "lifted", Batch: 8, Class: 4, Size: 2, target: 3}, Threads: 2, Seconds: 1, Variant: torch})
	require.NoError(t, err)
	assert.JSONEq(t, `{"kind":"loss","loss":"lifted","batch":8,"class":4,"size":2,"threads":2,"seconds":1,"variant":"pytorch"}`, string(text))
}
