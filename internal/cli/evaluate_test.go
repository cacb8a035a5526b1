package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// alphabets are folders two deep, as Omniglot's, with other names in each part.
func alphabets(t *testing.T) string {
	dir := t.TempDir()
	for _, part := range []string{"train/Greek", "train/Latin", "test/Tengwar", "test/ULOG"} {
		folders(t, filepath.Join(dir, filepath.FromSlash(part)), 4, 4)
	}
	return dir
}

// oneShotFolder are a run of Lake's test with the first and the second pictures of some classes.
func oneShotFolder(t *testing.T, classes string) string {
	dir := t.TempDir()
	var labels strings.Builder
	for _, name := range []string{"class00", "class01", "class02"} {
		for part, file := range map[string]string{"test": "00.png", "training": "01.png"} {
			data, err := os.ReadFile(filepath.Join(classes, name, file))
			require.NoError(t, err)
			require.NoError(t, os.MkdirAll(filepath.Join(dir, "run01", part), 0o755))
			require.NoError(t, os.WriteFile(filepath.Join(dir, "run01", part, name+".png"), data, 0o644))
		}
		labels.WriteString("run01/test/" + name + ".png run01/training/" + name + ".png\n")
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "run01", "class_labels.txt"), []byte(labels.String()), 0o644))
	return dir
}

// tableUnder are the lines of stdout from the one that holds head up to the next empty one.
func tableUnder(t *testing.T, stdout, head string) string {
	t.Helper()
	_, rest, found := strings.Cut(stdout, head)
	require.True(t, found, stdout)
	rest, _, _ = strings.Cut(rest, "\n\n")
	return strings.TrimSpace(rest)
}

// A run tells its few-shot errors, also within folders, and -evaluate tells the same of it; a
// training set is turned and told to be.
func TestFewShotOfTurnedClasses(t *testing.T) {
	data, out := alphabets(t), filepath.Join(t.TempDir(), "run")
	code, stdout, stderr := call(small("-data", data, "-steps", "2", "-val", "none", "-turned-classes", "-few-shot", "4x1,6x2", "-no-report", "-out", out)...)
	require.Equal(t, exitOK, code, stderr)
	assert.Contains(t, stdout, "8 classes to learn are also learned turned by 90, 180 and 270 degrees")
	assert.Regexp(t, `(?m)^ train +32 +128 `, stdout)
	assert.Regexp(t, `(?m)^ test +8 +32 `, stdout)
	const head = "few-shot error"
	told := tableUnder(t, stdout, head)
	assert.Regexp(t, `(?m)^ 4-way 1-shot +[0-9.]+ ± [0-9.]+ % +[0-9.]+ ± [0-9.]+ %`, told)
	assert.Regexp(t, `(?m)^ 6-way 2-shot +[0-9.]+ ± [0-9.]+ % +—`, told)

	code, stdout, stderr = call("-evaluate", out, "-few-shot", "4x1,6x2", "-one-shot", oneShotFolder(t, filepath.Join(data, "test", "ULOG")))
	require.Equal(t, exitOK, code, stderr)
	assert.Equal(t, told, tableUnder(t, stdout, head))
	assert.Regexp(t, `(?m)^ all 1 +[0-3] +3 +[0-9.]+ %`, stdout)
}

func TestEvaluationThatCannotBe(t *testing.T) {
	out := filepath.Join(t.TempDir(), "run")
	code, _, stderr := call(small("-data", alphabets(t), "-steps", "1", "-val", "none", "-no-report", "-out", out)...)
	require.Equal(t, exitOK, code, stderr)
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"-one-shot", out}, exitUsage, "-one-shot measures a trained network: give the run folder as -evaluate"},
		{[]string{"-evaluate", out}, exitUsage, "-evaluate wants to know what to measure: -few-shot, -one-shot or both"},
		{[]string{"-evaluate", out, "-few-shot", "2x1", "-lr", "1"}, exitUsage, "-lr says nothing to -evaluate, which trains nothing: leave it out"},
		{[]string{"-evaluate", "", "-few-shot", "2x1"}, exitUsage, "-evaluate is empty: give a path, or leave it out to train"},
		{[]string{"-evaluate", out, "-few-shot", "2"}, exitUsage, `-few-shot: "2" is no task: want WAYSxSHOTS`},
		{[]string{"-evaluate", out + "x", "-few-shot", "2x1"}, exitFailed, "there is no run folder"},
		{[]string{"-evaluate", t.TempDir(), "-few-shot", "2x1"}, exitFailed, "-evaluate: "},
		{[]string{"-evaluate", out, "-few-shot", "9x1"}, exitFailed, "9x1"},
		{[]string{"-evaluate", out, "-one-shot", filepath.Join(out, "config.yaml")}, exitFailed, "want all_runs.zip, or the folder that it unpacks to"},
		{[]string{"-evaluate", out, "-one-shot", out}, exitFailed, "there is no run in it"},
		{small("-data", alphabets(t), "-few-shot", "9x1"), exitFailed, "-few-shot asks for 9x1, 9 classes of 2 pictures or more, and of the test classes 8 have as many"},
	} {
		code, _, stderr := call(tt.args...)
		assert.Equal(t, tt.code, code, tt.args)
		assert.Contains(t, strings.Join(strings.Fields(stderr), " "), tt.want, tt.args)
	}
}
