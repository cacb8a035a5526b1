package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/trainer"
)

func TestFlagsThatNobodyMeans(t *testing.T) {
	data := folders(t, t.TempDir(), 6, 4)
	cases := map[string]struct {
		args []string
		want string
	}{
		"resume of nothing":   {[]string{"-resume", ""}, "-resume is empty"},
		"no data after all":   {[]string{"-data", ""}, "-data is empty"},
		"no out after all":    {[]string{"-out", " "}, "-out is empty"},
		"no steps":            {[]string{"-steps", "0"}, "-steps is 0, want at least 1"},
		"no classes":          {[]string{"-p", "0"}, "-p is 0, want at least 1"},
		"no pictures":         {[]string{"-k", "0"}, "-k is 0, want at least 1"},
		"no embedding":        {[]string{"-embedding", "0"}, "-embedding is 0, want at least 1"},
		"no cache":            {[]string{"-cache", "0"}, "-cache is 0, want at least 1"},
		"batch of P x K":      {[]string{"-batch", "8"}, "-batch means nothing to -sampler pk"},
		"pool of pk":          {[]string{"-pool", "8"}, "-pool means nothing to -sampler pk"},
		"P of uniform":        {[]string{"-sampler", "uniform", "-p", "3"}, "-p and -k mean nothing to -sampler uniform"},
		"repeat of uniform":   {[]string{"-sampler", "uniform", "-repeat"}, "-repeat means nothing"},
		"K of uniform":        {[]string{"-sampler", "tuples-to-weights", "-k", "3"}, "-k means nothing to -sampler tuples-to-weights: leave it out, or take one of pk"},
		"batch of views":      {[]string{"-sampler", "views", "-batch", "8"}, "-batch means nothing to -sampler views"},
		"super-classes of pk": {[]string{"-supers", "2"}, "-supers means nothing to -sampler pk: leave it out, or take one of hierarchical"},
		"no super-classes":    {[]string{"-sampler", "hierarchical", "-supers", "0"}, "-supers is 0, want at least 1"},
		"batch of few supers": {[]string{"-sampler", "hierarchical", "-batch", "8"}, "-batch means nothing to -sampler hierarchical"},
		"triplets of pk":      {[]string{"-triplets", "9"}, "-triplets means nothing to -sampler pk: leave it out, or take one of fixed-triplets"},
		"a half triplet":      {[]string{"-sampler", "fixed-triplets", "-batch", "8"}, "-batch is 8 pictures, want a multiple of 3"},
		"no file of triplets": {[]string{"-sampler", "fixed-triplets", "-triplets", "none.csv"}, "-triplets: stat none.csv: no such file"},
		"miner of pk":         {[]string{"-sampler-miner", "hdc"}, "-sampler-miner means nothing to -sampler pk"},
		"no such miner":       {[]string{"-sampler", "tuples-to-weights", "-sampler-miner", "hcd"}, `-sampler-miner: no miner is named "hcd" (did you mean "hdc"?); there are`},
		"flat names":          {[]string{"-sampler", "hierarchical"}, "-sampler is hierarchical, but nothing tells which classes are of one super-class"},
		"views that are none": {[]string{"-loss", "self-supervised"}, "-loss takes 2 views of each picture, which stand in a row in the batch: want -sampler views and -k 2"},
		"another number":      {[]string{"-loss", "self-supervised(views=3)", "-sampler", "views"}, "want -sampler views and -k 3"},
		"nothing to push":     {[]string{"-p", "1"}, "nothing to push apart"},
		"nothing to pull":     {[]string{"-k", "1"}, "nothing to pull together"},
		"of a sum":            {[]string{"-k", "1", "-loss", "contrastive + triplet"}, "nothing to pull together"},
		"workers":             {[]string{"-workers", "-1"}, "-workers is -1"},
		"nothing of a folder": {[]string{"-resume", data}, "holds no run: it has no config.yaml"},
		"no such run":         {[]string{"-resume", filepath.Join(data, "gone")}, "there is no folder"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "run")
			args := c.args
			if c.args[0] != "-data" && c.args[0] != "-resume" {
				args = append([]string{"-data", data}, args...)
			}
			if c.args[0] != "-out" && c.args[0] != "-resume" {
				args = append([]string{"-out", out}, args...)
			}
			code, _, stderr := call(args...)
			require.NotEqual(t, exitOK, code)
			assert.Contains(t, stderr, c.want)
			assert.NoDirExists(t, out)
		})
	}
	_, _, stderr := call("-data", data, "-k", "1", "-p", "60", "-loss", "ce:scale=8", "-out", filepath.Join(t.TempDir(), "run"))
	assert.NotContains(t, stderr, "nothing to pull", "a classifier learns from single pictures")
}

func TestTestClassesThatAreLearnedAreTold(t *testing.T) {
	data := t.TempDir()
	folders(t, filepath.Join(data, "train"), 6, 4)
	folders(t, filepath.Join(data, "test"), 3, 4)
	require.NoError(t, os.WriteFile(filepath.Join(data, "test", "class01", "broken.png"), []byte("no picture"), 0o644))
	out := filepath.Join(t.TempDir(), "run")
	code, stdout, stderr := call(small("-data", filepath.Join(data, "train"), "-test", filepath.Join(data, "test"), "-steps", "2", "-out", out)...)
	require.Equal(t, exitOK, code, stderr)
	assert.Contains(t, stdout, "careful: the test classes are all seen in training")
	assert.Contains(t, stdout, "broken.png", "left out of the test pictures, which lie elsewhere")
	assert.NotContains(t, stdout, "none of which was seen")
	page, err := os.ReadFile(filepath.Join(out, "report.html"))
	require.NoError(t, err)
	assert.Contains(t, string(page), "all seen in training: not a figure for unseen classes")
	assert.NotContains(t, string(page), "none of which was seen")
}

func TestInterruptedWhilePicturesAreRead(t *testing.T) {
	data := folders(t, t.TempDir(), 6, 4)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	out := filepath.Join(t.TempDir(), "run")
	var stdout, stderr bytes.Buffer
	require.Equal(t, exitInterrupted, run(ctx, small("-data", data, "-steps", "2", "-out", out), &stdout, &stderr, false), stderr.String())
	assert.NoDirExists(t, out)
	assert.Contains(t, stdout.String(), "nothing was begun")
}

func TestResumeOfAFinishedRunTouchesNothing(t *testing.T) {
	data := folders(t, t.TempDir(), 6, 4)
	dir := filepath.Join(t.TempDir(), "run")
	code, _, stderr := call(small("-data", data, "-steps", "3", "-out", dir)...)
	require.Equal(t, exitOK, code, stderr)
	before := contents(t, dir)
	code, stdout, stderr := call("-resume", dir)
	require.Equal(t, exitOK, code, stderr)
	assert.Contains(t, stdout, "is finished")
	assert.Equal(t, before, contents(t, dir))

	// A report that is missing is made.
	require.NoError(t, os.Remove(filepath.Join(dir, "report.html")))
	code, _, stderr = call("-resume", dir)
	require.Equal(t, exitOK, code, stderr)
	assert.FileExists(t, filepath.Join(dir, "report.html"))

	// Nothing that the run rests on may be changed unnoticed.
	config := filepath.Join(dir, "config.yaml")
	text := before["config.yaml"]
	require.NoError(t, os.WriteFile(config, []byte(strings.Replace(text, "steps: 3", "steps: 4", 1)), 0o644))
	code, _, stderr = call("-resume", dir)
	assert.Equal(t, exitFailed, code)
	assert.Contains(t, stderr, "they disagree about steps")
	require.NoError(t, os.Remove(config))
	code, _, stderr = call("-resume", dir)
	assert.Equal(t, exitFailed, code)
	assert.Contains(t, stderr, "has lost its config.yaml")
	require.NoError(t, os.WriteFile(config, []byte(text), 0o644))
	for _, name := range []string{trainer.LastFile, trainer.PreviousFile} { // without validation classes there is no best
		require.NoError(t, os.Truncate(filepath.Join(dir, name), 99))
	}
	code, stdout, stderr = call("-resume", dir)
	assert.Equal(t, exitFailed, code)
	assert.Contains(t, stderr, "begin a new run with the configuration in "+config)
	assert.NotContains(t, stdout, "pictures", "told before pictures are read")
}

func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		out[filepath.ToSlash(name)] = string(b)
		return err
	}))
	return out
}

func TestWholeHelpIsNarrow(t *testing.T) {
	_, stdout, _ := call("-h")
	for line := range strings.Lines(stdout) {
		assert.LessOrEqual(t, len([]rune(strings.TrimRight(line, "\n"))), widestHelp, line)
	}
}

func TestRunsOfOneSecondGetFoldersOfTheirOwn(t *testing.T) {
	parent, now := filepath.Join(t.TempDir(), "runs"), time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	for _, want := range []string{"2024-05-06-070809", "2024-05-06-070809-2", "2024-05-06-070809-3"} {
		dir, err := freshFolder(parent, now)
		require.NoError(t, err)
		assert.Equal(t, filepath.Join(parent, want), dir)
	}
	file := filepath.Join(parent, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o644))
	_, err := freshFolder(file, now)
	assert.ErrorContains(t, err, "name one with -out")
}

func TestReportThatCannotBeWritten(t *testing.T) {
	data := folders(t, t.TempDir(), 6, 4)
	dir := filepath.Join(t.TempDir(), "run")
	report := filepath.Join(dir, "report.html")
	inTheWay := writerFunc(func(p []byte) (int, error) { // a folder of that name, once there is a run
		if strings.HasPrefix(string(p), "step 1/") {
			require.NoError(t, os.MkdirAll(filepath.Join(report, "x"), 0o755))
		}
		return len(p), nil
	})
	var stderr bytes.Buffer
	code := run(context.Background(), small("-data", data, "-steps", "3", "-out", dir), inTheWay, &stderr, false)
	assert.Equal(t, exitFailed, code)
	assert.Contains(t, stderr.String(), "model.safetensors, but there is no report.html: writing ")
	assert.Contains(t, stderr.String(), "this tries again:\n  go run ./cmd/train -resume "+dir)
	require.NoError(t, os.RemoveAll(report))

	moved := data + "-moved"
	require.NoError(t, os.Rename(data, moved))
	defer os.RemoveAll(moved)
	code, _, errs := call("-resume", dir)
	assert.Equal(t, exitFailed, code)
	assert.Contains(t, errs, "whose place -data can name anew")
	code, _, errs = call("-resume", dir, "-data", moved)
	require.Equal(t, exitOK, code, errs)
	assert.FileExists(t, report)
}
