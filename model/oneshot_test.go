package model_test

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/metrics"
	"medusa/model"
	"medusa/trainer"
)

func pngOf(t *testing.T, seed uint64) []byte {
	rng := rand.New(rand.NewPCG(seed, 5))
	m := image.NewGray(image.Rect(0, 0, 12, 12))
	for i := range m.Pix {
		m.SetGray(i%12, i/12, color.Gray{Y: uint8(rng.IntN(256))})
	}
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, m))
	return b.Bytes()
}

// lakeRuns are two runs of three items, in the form of all_runs.zip.
func lakeRuns(t *testing.T) map[string][]byte {
	files := map[string][]byte{}
	for run := 1; run <= 2; run++ {
		var labels strings.Builder
		for i := 1; i <= 3; i++ {
			item, class := fmt.Sprintf("run%02d/test/item%02d.png", run, i), fmt.Sprintf("run%02d/training/class%02d.png", run, 4-i)
			fmt.Fprintln(&labels, item, class)
			files[item], files[class] = pngOf(t, uint64(10*run+i)), pngOf(t, uint64(100*run+i))
		}
		files[fmt.Sprintf("run%02d/class_labels.txt", run)] = []byte(labels.String())
	}
	return files
}

func writeZip(t *testing.T, path string, files map[string][]byte) string {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, data := range files {
		f, err := w.Create(name)
		require.NoError(t, err)
		_, err = f.Write(data)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	require.NoError(t, os.WriteFile(path, b.Bytes(), 0o666))
	return path
}

// The errors are those of a plain search by cosine among the embeddings of the known pictures, in
// an archive and in a folder, with another folder around them or without.
func TestOneShotRuns(t *testing.T) {
	ctx, m, files := context.Background(), modelOf(t, trainer.DataConfig{Path: colourful(t), Height: 8, Width: 8, Channels: 1}), lakeRuns(t)
	files["run01/test/item02.png"] = files["run01/training/class02.png"] // the same picture is nearest
	files["run02/test/item01.png"] = files["run02/training/class01.png"] // class03 would be right
	cosine := func(a, b []float32) float64 {
		var ab, aa, bb float64
		for i := range a {
			ab, aa, bb = ab+float64(a[i]*b[i]), aa+float64(a[i]*a[i]), bb+float64(b[i]*b[i])
		}
		return ab * ab * max(ab, -ab) / ab / aa / bb // with its sign
	}
	embed := func(name string) []float32 {
		x, err := m.EmbedReader(ctx, bytes.NewReader(files[name]))
		require.NoError(t, err)
		return x
	}
	var want model.OneShotRuns
	for run := 1; run <= 2; run++ {
		r := model.OneShotRun{Name: fmt.Sprintf("run%02d", run), Classes: 3, Items: 3}
		for i := 1; i <= 3; i++ {
			x := embed(fmt.Sprintf("run%02d/test/item%02d.png", run, i))
			best, at := 0, -2.
			for c := 1; c <= 3; c++ {
				if s := cosine(x, embed(fmt.Sprintf("run%02d/training/class%02d.png", run, c))); s > at {
					best, at = c, s
				}
			}
			if best != 4-i {
				r.Wrong++
			}
		}
		want.Runs = append(want.Runs, r)
		want.Items, want.Wrong = want.Items+r.Items, want.Wrong+r.Wrong
	}
	require.NotZero(t, want.Wrong)
	require.Less(t, want.Wrong, want.Items)

	around := map[string][]byte{"__MACOSX/run01/._item.png": nil}
	folder := t.TempDir()
	for name, data := range files {
		around["all_runs/"+name] = data
		require.NoError(t, os.MkdirAll(filepath.Join(folder, filepath.Dir(name)), 0o777))
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), data, 0o666))
	}
	for _, path := range []string{writeZip(t, filepath.Join(t.TempDir(), "all_runs.zip"), files), writeZip(t, filepath.Join(t.TempDir(), "around.zip"), around), folder} {
		got, err := m.OneShot(ctx, path)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	require.Equal(t, float64(want.Wrong)/6, want.Error())
	require.Len(t, trainer.OneShotTable(want).Rows, 3)
	require.Empty(t, trainer.OneShotTable(model.OneShotRuns{}).Rows)
}

func TestOneShotRunsThatCannotBe(t *testing.T) {
	ctx, m := context.Background(), modelOf(t, trainer.DataConfig{Path: colourful(t), Height: 8, Width: 8, Channels: 1})
	ended, cancel := context.WithCancel(ctx)
	cancel()
	_, err := m.OneShot(ended, writeZip(t, filepath.Join(t.TempDir(), "all_runs.zip"), lakeRuns(t)))
	require.ErrorIs(t, err, context.Canceled)
	_, err = m.OneShot(ctx, filepath.Join(t.TempDir(), "gone.zip"))
	require.ErrorIs(t, err, os.ErrNotExist)
	noZip := filepath.Join(t.TempDir(), "no.zip")
	require.NoError(t, os.WriteFile(noZip, []byte("no"), 0o666))
	_, err = m.OneShot(ctx, noZip)
	require.ErrorContains(t, err, "no.zip, want all_runs.zip, or the folder that it unpacks to")

	for name, tt := range map[string]struct {
		change func(files map[string][]byte)
		want   string
	}{
		"empty":        {func(f map[string][]byte) { clear(f); f["a.txt"] = nil }, "there is no run in it: want folders with a class_labels.txt"},
		"picture gone": {func(f map[string][]byte) { delete(f, "run02/test/item03.png") }, "run02/test/item03.png"},
		"no picture":   {func(f map[string][]byte) { f["run02/test/item03.png"] = []byte("x") }, "run02/test/item03.png"},
		"three words":  {func(f map[string][]byte) { f["run01/class_labels.txt"] = []byte("a b\n\nc d e\n") }, "run01/class_labels.txt: line 3 has 3 words, want the picture of an item and that of its class"},
		"outside":      {func(f map[string][]byte) { f["run01/class_labels.txt"] = []byte("../../a b\n") }, `line 1 leads to "../../a", outside of the runs`},
		"one class":    {func(f map[string][]byte) { f["run01/class_labels.txt"] = []byte("a b\nc b\n") }, "1 class, want two or more"},
		"nothing":      {func(f map[string][]byte) { f["run01/class_labels.txt"] = nil }, "0 classes, want two or more"},
		"no end of it": {func(f map[string][]byte) {
			f["run01/class_labels.txt"] = bytes.Repeat([]byte("a b\n"), model.MaxLabelsBytes/2)
		}, "run01/class_labels.txt"},
		"a long line":   {func(f map[string][]byte) { f["run01/class_labels.txt"] = bytes.Repeat([]byte("a"), 1<<17) }, "too long"},
		"other folders": {func(f map[string][]byte) { f["run01/class_labels.txt"] = []byte("run03/a run03/b\nrun03/c run03/d\n") }, "run03/b"},
	} {
		t.Run(name, func(t *testing.T) {
			files := lakeRuns(t)
			tt.change(files)
			_, err := m.OneShot(ctx, writeZip(t, filepath.Join(t.TempDir(), "runs.zip"), files))
			require.ErrorContains(t, err, tt.want)
		})
	}
}

// A network that puts all on one point recognises nothing.
func TestOneShotTiesAreErrors(t *testing.T) {
	s := metrics.Set{Dim: 2, Embeddings: []float32{1, 1, 1, 1}, Labels: []int{4, 7}}
	wrong, err := metrics.OneShot(s, s, metrics.Cosine)
	require.NoError(t, err)
	require.Equal(t, 2, wrong)
}
