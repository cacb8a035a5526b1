package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/internal/safetensors"
)

// folders writes classes of small pictures: a class is an angle of stripes, a picture a
// shift of them and some noise.
func folders(t *testing.T, dir string, classes, pictures int) string {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	for c := range classes {
		class := filepath.Join(dir, fmt.Sprintf("class%02d", c))
		require.NoError(t, os.MkdirAll(class, 0o755))
		for i := range pictures {
			img := image.NewGray(image.Rect(0, 0, 12, 12))
			shift := rng.IntN(6)
			for y := range 12 {
				for x := range 12 {
					v := 40
					if (x*(c%4)+y*(1+c/4)+shift)%6 < 3 {
						v = 200
					}
					img.SetGray(x, y, color.Gray{Y: uint8(v + rng.IntN(30))})
				}
			}
			var b bytes.Buffer
			require.NoError(t, png.Encode(&b, img))
			require.NoError(t, os.WriteFile(filepath.Join(class, fmt.Sprintf("%02d.png", i)), b.Bytes(), 0o644))
		}
	}
	return dir
}

func call(args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = run(context.Background(), args, &out, &err, false)
	return code, out.String(), err.String()
}

func small(args ...string) []string {
	return append([]string{"-size", "12", "-channels", "4,8", "-p", "3", "-k", "2", "-embedding", "8"}, args...)
}

func TestFromFoldersToReport(t *testing.T) {
	data := t.TempDir()
	folders(t, filepath.Join(data, "train"), 12, 4)
	folders(t, filepath.Join(data, "test"), 6, 4)
	require.NoError(t, os.WriteFile(filepath.Join(data, "train", "class00", "broken.png"), []byte("no picture"), 0o644))
	out := filepath.Join(t.TempDir(), "run")
	code, stdout, stderr := call(small("-data", data, "-val", "0.2", "-steps", "12", "-out", out)...)
	require.Equal(t, exitOK, code, stderr)
	for _, want := range []string{"train", "validation", "test", "broken.png", "Recall@1", "MAP@R", "NMI", "report.html", "model.safetensors", "step 12/12"} {
		assert.Contains(t, stdout, want)
	}
	for _, name := range []string{"config.yaml", "metrics.jsonl", "model.safetensors", "checkpoints/last.safetensors", "report.html", "embeddings.safetensors"} {
		assert.FileExists(t, filepath.Join(out, name))
	}
	raw, err := os.ReadFile(filepath.Join(out, "result.json"))
	require.NoError(t, err)
	var result map[string]any
	require.NoError(t, json.Unmarshal(raw, &result))
	assert.Equal(t, 12.0, result["steps"])
	for _, key := range []string{"images_per_second", "seconds", "seed", "device", "before", "after", "peak_rss_bytes"} {
		assert.Contains(t, result, key)
	}
	for _, phase := range []string{"before", "after"} {
		for _, key := range []string{"recall_at_1", "recall_at_2", "recall_at_4", "recall_at_8", "map_at_r", "r_precision", "nmi"} {
			assert.Contains(t, result[phase], key)
		}
	}

	f, err := safetensors.Open(filepath.Join(out, "embeddings.safetensors"))
	require.NoError(t, err)
	e, ok := f.Lookup("embeddings")
	require.True(t, ok)
	assert.Equal(t, []int{24, 8}, e.Shape)
	assert.Contains(t, f.Metadata["classes"], "class05")

	// The stored configuration gives the same run again, bit for bit.
	again := filepath.Join(t.TempDir(), "again")
	code, _, stderr = call("-config", filepath.Join(out, "config.yaml"), "-out", again, "-no-report")
	require.Equal(t, exitOK, code, stderr)
	a, err := os.ReadFile(filepath.Join(out, "model.safetensors"))
	require.NoError(t, err)
	b, err := os.ReadFile(filepath.Join(again, "model.safetensors"))
	require.NoError(t, err)
	assert.True(t, bytes.Equal(a, b), "same configuration and seed, another model")
	assert.NoFileExists(t, filepath.Join(again, "report.html"))
}

// A run that Ctrl-C ends goes on with -resume, and ends as if it had not stopped.
func TestInterruptedRunGoesOn(t *testing.T) {
	data := folders(t, t.TempDir(), 12, 4)
	whole := filepath.Join(t.TempDir(), "whole")
	common := small("-data", data, "-steps", "30", "-no-report", "-test", "none")
	code, _, stderr := call(append(common, "-out", whole)...)
	require.Equal(t, exitOK, code, stderr)

	broken := filepath.Join(t.TempDir(), "broken")
	ctx, cancel := context.WithCancel(context.Background())
	var out, errs bytes.Buffer
	watch := writerFunc(func(p []byte) (int, error) {
		if strings.Contains(string(p), "step 1/") {
			cancel()
		}
		return out.Write(p)
	})
	code = run(ctx, append(common, "-out", broken), watch, &errs, false)
	require.Equal(t, exitInterrupted, code, errs.String())
	require.Contains(t, out.String(), "-resume "+broken)

	code, _, stderr = call("-resume", broken, "-lr", "0.5")
	assert.Equal(t, exitFailed, code)
	assert.Contains(t, stderr, "-lr cannot change a run that is resumed")
	code, stdout, stderr := call("-resume", broken)
	require.Equal(t, exitOK, code, stderr)
	require.Contains(t, stdout, "going on after step")
	a, err := os.ReadFile(filepath.Join(whole, "model.safetensors"))
	require.NoError(t, err)
	b, err := os.ReadFile(filepath.Join(broken, "model.safetensors"))
	require.NoError(t, err)
	assert.True(t, bytes.Equal(a, b), "the resumed run ended with another model")
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestWrongInputNamesTheWayOut(t *testing.T) {
	data := folders(t, t.TempDir(), 6, 4)
	one := folders(t, t.TempDir(), 1, 4)
	full := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(full, "mine.txt"), []byte("x"), 0o644))
	file := filepath.Join(full, "mine.txt")
	cases := map[string]struct {
		args []string
		want []string
	}{
		"no such data":     {[]string{"-data", filepath.Join(full, "nowhere")}, []string{"nowhere"}},
		"no pictures":      {[]string{"-data", t.TempDir()}, []string{"no pictures"}},
		"one class":        {[]string{"-data", one}, []string{"class"}},
		"P above classes":  {[]string{"-data", data, "-p", "40", "-k", "2"}, []string{"40", "6"}},
		"K above pictures": {[]string{"-data", data, "-p", "2", "-k", "9"}, []string{"9", "repeat"}},
		"occupied folder":  {[]string{"-data", data, "-p", "2", "-k", "2", "-out", full}, []string{"mine.txt", "not empty"}},
		"out is a file":    {[]string{"-data", data, "-p", "2", "-k", "2", "-out", file}, []string{"mine.txt"}},
		"unknown loss":     {[]string{"-data", data, "-p", "2", "-k", "2", "-loss", "tripplet"}, []string{"triplet"}},
		"unknown backbone": {[]string{"-data", data, "-p", "2", "-k", "2", "-backbone", "resnet81"}, []string{"resnet18"}},
		"cuda":             {[]string{"-data", data, "-p", "2", "-k", "2", "-device", "cuda:99"}, []string{"cuda", "cpu"}},
		"schedule":         {[]string{"-data", data, "-schedule", "cosine:flor=1"}, []string{"flor", "floor"}},
		"size":             {[]string{"-data", data, "-size", "big"}, []string{"-size"}},
		"resume nothing":   {[]string{"-resume", filepath.Join(full, "gone")}, []string{"gone"}},
		"pictures too small": {[]string{"-data", data, "-p", "2", "-k", "2", "-size", "3", "-channels", "4,4,4,4"},
			[]string{"pool"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			args := c.args
			if !strings.Contains(strings.Join(args, " "), "-out") && !strings.Contains(strings.Join(args, " "), "-resume") {
				args = append(args, "-out", filepath.Join(t.TempDir(), "run"))
			}
			code, _, stderr := call(append(args, "-steps", "1")...)
			if name == "resume nothing" {
				code, _, stderr = call(args...)
			}
			require.NotEqual(t, exitOK, code)
			for _, want := range c.want {
				assert.Contains(t, stderr, want)
			}
			assert.NotContains(t, stderr, "goroutine", "a stack is no message")
		})
	}
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, "x", string(content), "somebody's file was changed")
}
