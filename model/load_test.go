package model_test

import (
	"bytes"
	"context"
	"image"
	"image/png"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/pkg/errors"
	"github.com/stretchr/testify/require"

	"medusa/datasets"
	"medusa/model"
	"medusa/nets"
	"medusa/trainer"
)

// A model is the same wherever it is loaded from: its file, the folder of its run, a file system, a reader.
func TestLoadFromEverywhere(t *testing.T) {
	dir := colourful(t)
	_, m := trainedOn(t, trainer.DataConfig{Path: dir, Height: 9, Width: 11})
	ctx, picture := context.Background(), filepath.Join(dir, "class0", "0.png")
	want, err := m.EmbedFile(ctx, picture)
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, model.Write(&b, m.Info(), m.Params(), nil))
	run := filepath.Join(t.TempDir(), "run")
	require.NoError(t, os.Mkdir(run, 0o777))
	require.NoError(t, os.WriteFile(filepath.Join(run, "model.safetensors"), b.Bytes(), 0o666))
	fsys := fstest.MapFS{"runs/a/model.safetensors": {Data: b.Bytes()}}
	for name, load := range map[string]func() (*model.Model, error){
		"file": func() (*model.Model, error) {
			return model.Load(filepath.Join(run, "model.safetensors"), model.Options{})
		},
		"run": func() (*model.Model, error) {
			return model.Load(run, model.Options{Threads: 1, Wait: time.Millisecond, Device: "cpu"})
		},
		"file of a file system": func() (*model.Model, error) { return model.LoadFS(fsys, "runs/a/model.safetensors", model.Options{}) },
		"run of a file system":  func() (*model.Model, error) { return model.LoadFS(fsys, "runs/a", model.Options{}) },
		"reader":                func() (*model.Model, error) { return model.Read(bytes.NewReader(b.Bytes()), model.Options{}) },
	} {
		t.Run(name, func(t *testing.T) {
			other, err := load()
			require.NoError(t, err)
			defer other.Close()
			got, err := other.EmbedFile(ctx, picture)
			require.NoError(t, err)
			require.Equal(t, want, got)
			require.Equal(t, m.Fingerprint(), other.Fingerprint())
		})
	}

	_, err = model.Load(filepath.Dir(run), model.Options{})
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, "holds no model.safetensors, as the folder of a finished run does")
	_, err = model.LoadFS(fsys, "runs", model.Options{})
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = model.LoadFS(fsys, "gone", model.Options{})
	require.ErrorIs(t, err, fs.ErrNotExist)
	var file *model.FileError
	_, err = model.Read(bytes.NewReader(b.Bytes()[:b.Len()-1]), model.Options{})
	require.ErrorAs(t, err, &file)
	require.True(t, file.Damaged)
	_, err = model.Read(strings.NewReader("<html>"), model.Options{})
	require.ErrorAs(t, err, &file)
	for want, o := range map[string]model.Options{
		"Options.Threads is -1": {Threads: -1}, "Options.Wait is -1s": {Wait: -time.Second}, `Options.Device: machine: no device "gpu"`: {Device: "gpu"},
	} {
		_, err = model.Load(run, o)
		require.ErrorContains(t, err, want)
	}
	_, err = model.Load("", model.Options{})
	require.ErrorContains(t, err, "the path is empty")
	_, err = model.Read(nil, model.Options{})
	require.ErrorContains(t, err, "the reader is nil")
	_, err = model.LoadFS(nil, "a", model.Options{})
	require.ErrorContains(t, err, "the file system is nil")
}

// A fingerprint is of what decides about embeddings, and of nothing else.
func TestFingerprint(t *testing.T) {
	m := smallNet(t)
	seen := map[string]bool{m.Fingerprint(): true}
	info := m.Info()
	info.Step, info.Loss, info.Classes = 7, "triplet", 3
	require.Equal(t, m.Fingerprint(), untrained(t, info).Fingerprint())
	for _, change := range []func(*model.Info){
		func(i *model.Info) { i.Invert = true }, func(i *model.Info) { i.Resize = "crop" }, func(i *model.Info) { i.Views = "plain,flip" }, func(i *model.Info) { i.Net.Raw = true },
	} {
		other := m.Info()
		change(&other)
		f := untrained(t, other).Fingerprint()
		require.Len(t, f, 64)
		require.False(t, seen[f])
		seen[f] = true
	}
}

// Several images at once have the embeddings that each has alone; a wrong one is named.
func TestEmbedImages(t *testing.T) {
	m, ctx := smallNet(t), context.Background()
	var images []image.Image
	var want []float32
	for i := range 70 {
		img := image.NewNRGBA(image.Rect(0, 0, 9+i%3, 8))
		for p := range img.Pix {
			img.Pix[p] = uint8(p*(i+1)) | uint8(p%4/3*255)
		}
		images = append(images, img)
		x, err := m.EmbedImage(ctx, img)
		require.NoError(t, err)
		want = append(want, x...)
	}
	got, err := m.EmbedImages(ctx, images...)
	require.NoError(t, err)
	require.Equal(t, want, got)
	got, err = m.EmbedImages(ctx)
	require.NoError(t, err)
	require.Empty(t, got)
	images[3] = image.NewNRGBA(image.Rect(0, 0, 0, 8))
	_, err = m.EmbedImages(ctx, images...)
	var bad *model.PictureError
	require.ErrorAs(t, err, &bad)
	require.Equal(t, "image 4", bad.Path)
	require.Equal(t, "broken picture", bad.Reason)
}

// Vectors are normalised as those of a set are, and embedded alike.
func TestEmbedVectors(t *testing.T) {
	info := vectorModel(t).Info()
	info.Normalisation.Mean, info.Normalisation.Std = []float32{1, 2, 3, 4, 5, 6}, []float32{1, 2, .5, 3, 4, 5}
	m, ctx := untrained(t, info), context.Background()
	vectors := make([]float32, 70*6)
	normalised := make([]float32, len(vectors))
	for i := range vectors {
		vectors[i] = float32(math.Cos(float64(i)))
		normalised[i] = (vectors[i] - info.Normalisation.Mean[i%6]) / info.Normalisation.Std[i%6]
	}
	want, err := m.EmbedPixels(ctx, normalised)
	require.NoError(t, err)
	got, err := m.EmbedVectors(ctx, vectors)
	require.NoError(t, err)
	require.Equal(t, want, got)
	_, err = m.EmbedVectors(ctx, vectors[:7])
	require.ErrorContains(t, err, "7 numbers are no whole vectors of 6")
	vectors[8] = float32(math.NaN())
	_, err = m.EmbedVectors(ctx, vectors)
	require.ErrorContains(t, err, "vector 1 holds NaN")
	_, err = m.EmbedImage(ctx, image.NewGray(image.Rect(0, 0, 3, 3)))
	require.ErrorIs(t, err, model.ErrInput)
	_, err = smallNet(t).EmbedVectors(ctx, make([]float32, 3))
	require.True(t, errors.Is(err, model.ErrInput))
}

// benchNet is the default network for colour pictures of 64×64, untrained.
func benchNet(b *testing.B) *model.Model {
	return untrained(b, model.Info{Net: nets.Config{Embedding: 128, InChannels: 3, Height: 64, Width: 64}, Resize: datasets.Squeeze})
}

// BenchmarkEmbed is one picture and a batch of them, decoded already: time to embed, and how many a second.
func BenchmarkEmbed(b *testing.B) {
	for _, n := range []int{1, 8, 64} {
		b.Run(map[int]string{1: "1 picture", 8: "8 pictures", 64: "64 pictures"}[n], func(b *testing.B) {
			m := benchNet(b)
			pixels := make([]float32, n*3*64*64)
			for i := range pixels {
				pixels[i] = float32(math.Sin(float64(i)))
			}
			ctx := context.Background()
			_, err := m.EmbedPixels(ctx, pixels)
			require.NoError(b, err)
			for b.Loop() {
				_, err := m.EmbedPixels(ctx, pixels)
				require.NoError(b, err)
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "pictures/s")
		})
	}
}

// BenchmarkEmbedReader is what a service does with one PNG.
func BenchmarkEmbedReader(b *testing.B) {
	m := benchNet(b)
	var file bytes.Buffer
	require.NoError(b, png.Encode(&file, image.NewNRGBA(image.Rect(0, 0, 100, 80))))
	for b.Loop() {
		_, err := m.EmbedReader(context.Background(), bytes.NewReader(file.Bytes()))
		require.NoError(b, err)
	}
}
