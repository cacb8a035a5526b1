package model_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pkg/errors"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/datasets"
	"medusa/graph"
	"medusa/internal/samplesets"
	"medusa/model"
	"medusa/nets"
	"medusa/samplers"
	"medusa/trainer"
)

// colourful writes a folder of colour pictures, 24×20, of four classes.
func colourful(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, samplesets.Photos(dir))
	return dir
}

// trainedOn is a run of two steps.
func trainedOn(t *testing.T, d trainer.DataConfig) (trainer.Data, *model.Model) {
	t.Helper()
	d.Copies, d.Val, d.Test = trainer.IgnoreCopies, "none", "none"
	cfg := trainer.Config{
		Data: d, Net: nets.Config{Backbone: "mlp", Hidden: []int{8}, Embedding: 4},
		Loss: "contrastive", Sampler: samplers.Config{P: 2, K: 2}, Steps: 2, EvalEvery: -1, CheckpointEvery: -1, Threads: 1,
	}
	data, err := trainer.Load(cfg.Data, cfg.Seed, trainer.LoadOptions{})
	require.NoError(t, err)
	t.Cleanup(func() { data.Close() })
	tr, err := trainer.New(cfg, data, trainer.Options{Dir: filepath.Join(t.TempDir(), "run"), NoReport: true})
	require.NoError(t, err)
	r, err := tr.Run(context.Background())
	require.NoError(t, err)
	require.NoError(t, tr.Close())
	m, err := model.Load(r.Model, model.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { m.Close() })
	return data, m
}

// modelOf is a model of a few steps on the pictures at path.
func modelOf(t *testing.T, d trainer.DataConfig) *model.Model {
	t.Helper()
	_, m := trainedOn(t, d)
	return m
}

type byPath struct {
	path      string
	embedding []float32
}

// collect gathers what EmbedFiles gives.
func collect(to *[]byPath) func(string, []float32) error {
	return func(path string, embedding []float32) error {
		*to = append(*to, byPath{path, embedding})
		return nil
	}
}

// One file, a reader, an image, a list and a folder give the same bits as a Dataset.
func TestEveryWayToEmbedGivesTheSame(t *testing.T) {
	dir := colourful(t)
	ctx := context.Background()
	for _, d := range []trainer.DataConfig{
		{Path: dir, Height: 9, Width: 11, Resize: datasets.Crop, Invert: true},
		{Path: dir, Height: 20, Width: 24, Channels: 1},
	} {
		m := modelOf(t, d)
		set, err := datasets.OpenUnlabelled(dir, m.Options())
		require.NoError(t, err)
		defer set.Close()
		whole, err := m.Embed(ctx, set)
		require.NoError(t, err)
		var want []byPath
		for i := range set.Len() {
			want = append(want, byPath{set.Path(i), whole[4*i : 4*i+4]})
		}
		var got, listed []byPath
		require.NoError(t, m.EmbedFiles(ctx, []string{dir}, model.EmbedOptions{}, collect(&got)))
		require.Equal(t, want, got)
		var paths []string
		for _, w := range slices.Backward(want) {
			paths = append(paths, w.path)
		}
		require.NoError(t, m.EmbedFiles(ctx, paths, model.EmbedOptions{}, collect(&listed)))
		slices.Reverse(listed)
		require.Equal(t, want, listed, "in the order of the list")
		for _, w := range want {
			data, err := os.ReadFile(w.path)
			require.NoError(t, err)
			img, err := png.Decode(bytes.NewReader(data))
			require.NoError(t, err)
			for name, embed := range map[string]func() ([]float32, error){
				"file":   func() ([]float32, error) { return m.EmbedFile(ctx, w.path) },
				"reader": func() ([]float32, error) { return m.EmbedReader(ctx, bytes.NewReader(data)) },
				"image":  func() ([]float32, error) { return m.EmbedImage(ctx, img) },
			} {
				x, err := embed()
				require.NoError(t, err, name)
				require.Equal(t, w.embedding, x, name)
			}
		}
	}
}

// A picture is read as those that the model learned from are stored, also where that was
// not asked for: the embedded drawings have bright ink, and people draw on white paper.
func TestImageOfADatasetIsEmbeddedAsTheDataset(t *testing.T) {
	data, m := trainedOn(t, trainer.DataConfig{Height: 14, TrainClasses: "Armenian/character0[1-4]"})
	require.True(t, m.Info().Invert)
	some := data.Train.(*datasets.Dataset)
	want, err := m.Embed(context.Background(), some)
	require.NoError(t, err)
	for i := range some.Len() {
		img, err := some.Image(i)
		require.NoError(t, err)
		got, err := m.EmbedImage(context.Background(), img)
		require.NoError(t, err)
		require.Equal(t, want[4*i:4*i+4], got, i)
	}
}

// What cannot be read is told by its path and left out, or ends it, as the options say.
func TestBrokenPicturesAreToldOrAnError(t *testing.T) {
	dir := colourful(t)
	m := modelOf(t, trainer.DataConfig{Path: dir, Height: 9, Width: 11})
	ctx := context.Background()
	broken, notes, gone := filepath.Join(dir, "class1", "0a.png"), filepath.Join(dir, "class1", "notes.txt"), filepath.Join(dir, "gone.png")
	for path, text := range map[string]string{broken: "\x89PNG\r\n\x1a\nrest", notes: "about"} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o666))
	}
	var got []byPath
	left := map[string]string{}
	var progress [][2]int
	o := model.EmbedOptions{
		LeftOut:  func(s datasets.Skip) { left[s.Path] = s.Reason },
		Progress: func(done, total int) { progress = append(progress, [2]int{done, total}) },
		Workers:  2,
	}
	require.NoError(t, m.EmbedFiles(ctx, []string{gone, dir}, o, collect(&got)))
	require.Len(t, got, 12)
	require.Equal(t, map[string]string{broken: "broken picture", notes: "not a picture", gone: "cannot be read"}, left)
	require.Equal(t, [2]int{15, 15}, progress[len(progress)-1])
	require.Contains(t, progress, [2]int{0, 15})
	require.Zero(t, progress[0][1], "while folders are listed nobody knows how many there are")

	err := m.EmbedFiles(ctx, []string{dir}, model.EmbedOptions{}, collect(&got))
	require.ErrorContains(t, err, broken+": broken picture")
	require.NoError(t, os.Remove(broken))
	got = nil
	require.NoError(t, m.EmbedFiles(ctx, []string{dir}, model.EmbedOptions{}, collect(&got)), "a text in a folder is none of its pictures")
	require.Len(t, got, 12)
	for path, want := range map[string]string{gone: "gone.png: cannot be read", notes: "notes.txt: not a picture: text"} {
		require.ErrorContains(t, m.EmbedFiles(ctx, []string{dir, path}, model.EmbedOptions{}, collect(&got)), want)
		_, err := m.EmbedFile(ctx, path)
		require.Error(t, err)
	}
}

func TestEmbeddingThatCannotBe(t *testing.T) {
	dir := colourful(t)
	m := modelOf(t, trainer.DataConfig{Path: dir, Height: 9, Width: 11})
	ctx, none := context.Background(), func(string, []float32) error { return nil }
	_, err := m.EmbedFile(ctx, dir)
	require.ErrorContains(t, err, "is a folder, want a picture; EmbedFiles embeds folders")
	_, err = m.EmbedImage(ctx, nil)
	require.ErrorContains(t, err, "there is no image")
	_, err = m.EmbedReader(ctx, strings.NewReader("<html>"))
	require.ErrorContains(t, err, "an HTML page")
	require.ErrorContains(t, m.EmbedFiles(ctx, nil, model.EmbedOptions{}, none), "none of 0 files is a picture that can be read")
	require.ErrorContains(t, m.EmbedFiles(ctx, []string{t.TempDir()}, model.EmbedOptions{}, none), "none of 0 files")
	require.ErrorContains(t, m.EmbedFiles(ctx, []string{dir}, model.EmbedOptions{}, nil), "each is nil")
	require.ErrorContains(t, m.EmbedFiles(ctx, []string{dir}, model.EmbedOptions{Workers: -1}, none), "Workers is -1")
	enough := errors.New("enough")
	calls := 0
	require.Equal(t, enough, m.EmbedFiles(ctx, []string{dir}, model.EmbedOptions{}, func(string, []float32) error { calls++; return enough }))
	require.Equal(t, 1, calls)
	stopped, stop := context.WithCancel(ctx)
	stop()
	require.ErrorIs(t, m.EmbedFiles(stopped, []string{dir}, model.EmbedOptions{}, none), context.Canceled)
	require.NoError(t, m.Close())
	require.ErrorContains(t, m.EmbedFiles(ctx, []string{dir}, model.EmbedOptions{}, none), "closed")

	waves := vectorModel(t)
	for _, err := range []error{waves.EmbedFiles(ctx, []string{dir}, model.EmbedOptions{}, none), second(waves.EmbedFile(ctx, dir+"/class0/0.png"))} {
		require.ErrorContains(t, err, "learned from vectors or from a Set of one's own")
	}
}

// vectorModel is an untrained model of vectors of 6 numbers.
func vectorModel(t *testing.T) *model.Model {
	t.Helper()
	return untrained(t, model.Info{Net: nets.Config{Backbone: "mlp", Hidden: []int{5}, Embedding: 3, InChannels: 6, Height: 1, Width: 1}})
}

// untrained is a model with its first weights.
func untrained(t testing.TB, info model.Info) *model.Model {
	t.Helper()
	params := graph.NewParams(1)
	e, err := model.NewEmbedder(info.Net, params, 2, nil, model.Views{})
	require.NoError(t, err)
	require.NoError(t, e.Close())
	path := filepath.Join(t.TempDir(), "model.safetensors")
	f, err := os.Create(path)
	require.NoError(t, err)
	require.NoError(t, model.Write(f, info, params, nil))
	require.NoError(t, f.Close())
	m, err := model.Load(path, model.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { m.Close() })
	return m
}

// writeModel writes a model to a file of its own.
func writeModel(t testing.TB, m *model.Model) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, model.Write(&b, m.Info(), m.Params(), nil))
	path := filepath.Join(t.TempDir(), "model.safetensors")
	require.NoError(t, os.WriteFile(path, b.Bytes(), 0o666))
	return path
}

func second(_ []float32, err error) error { return err }

// Many goroutines embed files with one Model, and each gets its own.
func TestFilesEmbeddedByManyGoroutines(t *testing.T) {
	dir := colourful(t)
	m := modelOf(t, trainer.DataConfig{Path: dir, Height: 9, Width: 11})
	var want []byPath
	require.NoError(t, m.EmbedFiles(context.Background(), []string{dir}, model.EmbedOptions{}, collect(&want)))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			var got []byPath
			assert.NoError(t, m.EmbedFiles(context.Background(), []string{dir}, model.EmbedOptions{}, collect(&got)))
			assert.Equal(t, want, got)
			x, err := m.EmbedFile(context.Background(), want[3].path)
			assert.NoError(t, err)
			assert.Equal(t, want[3].embedding, x)
		})
	}
	wg.Wait()
}

// The memory that is in use does not grow with the number of pictures: with all of them
// decoded it would by 48 KiB each.
func TestMemoryOfEmbeddingManyFiles(t *testing.T) {
	dir := t.TempDir()
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, image.NewNRGBA(image.Rect(0, 0, 8, 8))))
	const n = 1200
	for i := range n {
		require.NoError(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("%04d.png", i)), b.Bytes(), 0o666))
	}
	m := modelOf(t, trainer.DataConfig{Path: colourful(t), Height: 128, Width: 128})
	inUse := func() int {
		runtime.GC()
		var s runtime.MemStats
		runtime.ReadMemStats(&s)
		return int(s.HeapAlloc)
	}
	seen, early, late := 0, 0, 0
	require.NoError(t, m.EmbedFiles(context.Background(), []string{dir}, model.EmbedOptions{}, func(string, []float32) error {
		switch seen++; seen {
		case n / 4:
			early = inUse()
		case n:
			late = inUse()
		}
		return nil
	}))
	require.Equal(t, n, seen)
	require.Less(t, late-early, (n-n/4)*128*128*3/3)
}
