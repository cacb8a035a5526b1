package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"medusa/model"
)

// Thresholds are saved beside the model, and verify goes by them.
func TestCalibrateAndVerify(t *testing.T) {
	run, photos := finishedRun(t), folders(t, filepath.Join(t.TempDir(), "photos"), 6, 4)
	code, stdout, stderr := medusa("calibrate", run, photos, "-far", "0.2,0.1", "-resamples", "50")
	require.Equal(t, exitOK, code, stderr)
	require.Empty(t, stderr)
	file := filepath.Join(run, "calibration.json")
	require.Contains(t, stdout, "24 pictures of 6 classes\n")
	require.Contains(t, stdout, "thresholds  "+file)
	require.Contains(t, stdout, "95 %")
	c, err := model.ReadCalibration(file)
	require.NoError(t, err)
	require.Equal(t, int64(6*4*3/2), c.Genuine)
	require.Equal(t, 24, c.Pictures)
	require.Len(t, c.AtFAR, 2)
	require.NotNil(t, c.AtFAR[0].Between)

	a, b := filepath.Join(photos, "class00", "00.png"), filepath.Join(photos, "class03", "01.png")
	verify := func(more ...string) (int, comparison) {
		t.Helper()
		code, stdout, stderr := medusa(append([]string{"verify", run, a, b, "-json"}, more...)...)
		require.Empty(t, stderr)
		var got comparison
		require.NoError(t, json.Unmarshal([]byte(stdout), &got))
		require.Equal(t, got.Same, code == exitOK)
		return code, got
	}
	_, got := verify("-far", "0.2")
	require.Equal(t, c.AtFAR[0].Threshold, got.Threshold)
	require.Equal(t, 0.2, got.FAR)
	require.Equal(t, got.Distance < got.Threshold, got.Same)
	_, usual := verify()
	require.Equal(t, c.AtFAR[1].Threshold, usual.Threshold, "the least rate from 0.001 on")
	require.Equal(t, got.Distance, usual.Distance)

	// The threshold itself is not below it.
	code, got = verify("-threshold", fmt.Sprint(got.Distance))
	require.Equal(t, exitDifferent, code)
	require.Zero(t, got.FAR)
	code, _ = verify("-threshold", fmt.Sprint(1.0001*got.Distance))
	require.Equal(t, exitOK, code)

	code, stdout, _ = medusa("verify", run, a, a, "-threshold", "0.5")
	require.Equal(t, exitOK, code)
	require.Equal(t, "the same: a distance of 0.000, want less than 0.5\n", stdout)
	code, stdout, _ = medusa("verify", filepath.Join(run, "model.safetensors"), a, b, "-calibration", file)
	require.Contains(t, []int{exitOK, exitDifferent}, code)
	require.Contains(t, stdout, "which takes 10 % of the pairs of two classes for one ("+file+")")
}

// Without a calibration the run's own thresholds count, of its test classes here.
func TestVerifyByTheRun(t *testing.T) {
	data, run := t.TempDir(), filepath.Join(t.TempDir(), "run")
	folders(t, filepath.Join(data, "train"), 4, 4)
	photos := folders(t, filepath.Join(data, "test"), 6, 4)
	code, _, stderr := call(small("-data", data, "-steps", "2", "-val", "none", "-no-report", "-out", run, "-copies", "ignore")...)
	require.Equal(t, exitOK, code, stderr)
	a, b := filepath.Join(photos, "class00", "00.png"), filepath.Join(photos, "class01", "01.png")
	code, stdout, stderr := medusa("verify", run, a, b)
	require.Contains(t, []int{exitOK, exitDifferent}, code, stderr)
	require.Contains(t, oneLine(stdout), "(the run's test classes)")

	few := finishedRun(t) // of four test classes, whose pairs tell no rate
	code, _, stderr = medusa("verify", few, a, b)
	require.Equal(t, exitFailed, code)
	require.Contains(t, oneLine(stderr), "among the thresholds of the run's test classes is none for a false accept rate of 0.001 or more: say which rate with -far")
	lone := filepath.Join(t.TempDir(), "lone.safetensors")
	content, err := os.ReadFile(filepath.Join(run, "model.safetensors"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(lone, content, 0o666))
	code, _, stderr = medusa("verify", lone, a, b)
	require.Equal(t, exitFailed, code)
	require.Contains(t, oneLine(stderr), "there are no thresholds for "+lone+": find some by pictures of known classes, or give a -threshold; for instance")
	require.Contains(t, stderr, "calibrate "+lone+" FOLDER")
}

func TestCalibrateAndVerifyThatCannotBe(t *testing.T) {
	run, dir := finishedRun(t), t.TempDir()
	photos := folders(t, filepath.Join(dir, "photos"), 2, 2)
	a := filepath.Join(photos, "class00", "00.png")
	other := &model.Calibration{Model: "another", Data: "photos"}
	other.Impostor = 1
	foreign := filepath.Join(dir, "foreign.json")
	require.NoError(t, other.Write(foreign))
	broken := filepath.Join(dir, "broken.json")
	require.NoError(t, os.WriteFile(broken, []byte("{"), 0o666))
	cut := filepath.Join(dir, "cut.png")
	start, err := os.ReadFile(a)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(cut, start[:60], 0o666))
	flat := filepath.Join(dir, "flat")
	require.NoError(t, os.MkdirAll(flat, 0o777))
	content, err := os.ReadFile(a)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(flat, "a.png"), content, 0o666))
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"calibrate"}, exitUsage, "want a MODEL, which is a run folder or its model file, and pictures of known classes; -h says more"},
		{[]string{"calibrate", run}, exitUsage, "want pictures of known classes behind the model " + run},
		{[]string{"calibrate", "", photos}, exitUsage, "MODEL is empty"},
		{[]string{"calibrate", run, ""}, exitUsage, "a PATH is empty"},
		{[]string{"calibrate", run, "-", "-"}, exitUsage, "- stands twice among the paths, and standard input can be read once"},
		{[]string{"calibrate", filepath.Join(dir, "none"), photos}, exitFailed, "there is no run folder or model file"},
		{[]string{"calibrate", run, photos, "-far", "1.5"}, exitUsage, "-far: 1.5 is no rate: want numbers between 0 and 1"},
		{[]string{"calibrate", run, photos, "-far", "often"}, exitUsage, "-far"},
		{[]string{"calibrate", run, photos, "-far", ""}, exitUsage, "-far"},
		{[]string{"calibrate", run, photos, "-out", ""}, exitUsage, "-out is empty"},
		{[]string{"calibrate", run, photos, "-out", dir}, exitFailed, "-out " + dir + " is a folder: name a file in it, such as " + filepath.Join(dir, "calibration.json")},
		{[]string{"calibrate", run, photos, "-out", filepath.Join(dir, "no", "c.json")}, exitFailed, "there is no folder " + filepath.Join(dir, "no")},
		{[]string{"verify", run, a, photos, "-threshold", "1"}, exitFailed, photos + " is a folder, want a picture"},
		{[]string{"calibrate", run, photos, "-resamples", "-1"}, exitUsage, "-resamples"},
		{[]string{"calibrate", run, photos, "-device", ""}, exitUsage, "-device is empty"},
		{[]string{"calibrate", run, flat}, exitFailed, "no picture of " + flat + " has a class"},
		{[]string{"calibrate", run, filepath.Join(photos, "class00")}, exitFailed, "class"},
		{[]string{"verify", run}, exitUsage, "want two pictures behind the model"},
		{[]string{"verify", run, a}, exitUsage, "want two pictures, " + a + " is one"},
		{[]string{"verify", run, a, a, a}, exitUsage, "is another; a name with blanks stands in quotes"},
		{[]string{"verify", run, a, a, "-threshold", "0"}, exitUsage, "-threshold is 0, want a distance above 0"},
		{[]string{"verify", run, a, a, "-threshold", "1", "-far", "0.1"}, exitUsage, "-threshold says what -far and -calibration would"},
		{[]string{"verify", run, a, a, "-far", "0"}, exitUsage, "-far"},
		{[]string{"verify", run, a, a, "-far", "0.0123"}, exitFailed, "-far 0.0123: the calibration has no threshold for a false accept rate of 0.0123"},
		{[]string{"verify", run, a, a, "-calibration", ""}, exitUsage, "-calibration is empty"},
		{[]string{"verify", run, a, a, "-calibration", filepath.Join(dir, "none.json")}, exitFailed, "-calibration " + filepath.Join(dir, "none.json") + ": there is no such file"},
		{[]string{"verify", run, a, a, "-calibration", broken}, exitFailed, "is no calibration"},
		{[]string{"verify", run, a, a, "-calibration", foreign}, exitFailed, "has thresholds of another model: make them anew with"},
		{[]string{"verify", run, a, filepath.Join(dir, "none.png"), "-threshold", "1"}, exitFailed, "medusa verify: there is no picture " + filepath.Join(dir, "none.png")},
		{[]string{"verify", run, a, foreign, "-threshold", "1"}, exitFailed, "medusa verify: " + foreign + ": not a picture"},
		{[]string{"verify", run, a, cut, "-threshold", "1"}, exitFailed, "medusa verify: " + cut + ": broken picture: "},
	} {
		code, stdout, stderr := medusa(c.args...)
		require.Equal(t, c.code, code, "%v: %s", c.args, stderr)
		require.Contains(t, oneLine(stderr), c.want)
		require.Empty(t, stdout, "%v", c.args)
	}
}

// Who stops calibrate while it draws classes need not wait, and finds nothing written.
func TestCalibrateIsInterrupted(t *testing.T) {
	run, photos := finishedRun(t), folders(t, filepath.Join(t.TempDir(), "photos"), 24, 4)
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(150*time.Millisecond, cancel)
	code, stdout, stderr := medusaReading(ctx, nil, "calibrate", run, photos, "-resamples", "1000000") // which take seconds
	require.Equal(t, exitInterrupted, code, stderr)
	require.Empty(t, stdout)
	require.Equal(t, "medusa calibrate: stopped\n", stderr)
	require.NoFileExists(t, model.CalibrationPath(run))
}

// oneLine is text as it was before it was broken into lines.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
