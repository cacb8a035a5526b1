package main

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"

	"medusa/samplers"
	"medusa/trainer"
)

// classes is among how many folders pictures are dealt.
const classes = 8

// writePhotos writes n pictures of smooth colours to folders of classes.
func writePhotos(dir string, n, side int) (files []string, err error) {
	rng := rand.New(rand.NewPCG(7, 8))
	for i := range n {
		m := image.NewRGBA(image.Rect(0, 0, side, side))
		var wave [3][3]float64
		for c := range wave {
			wave[c] = [3]float64{rng.Float64() * 40 / float64(side), rng.Float64() * 40 / float64(side), rng.Float64() * 7}
		}
		for y := range side {
			for x := range side {
				var v [3]uint8
				for c, w := range wave {
					v[c] = uint8(127 + 100*math.Sin(w[0]*float64(x)+w[1]*float64(y)+w[2]) + 20*rng.Float64())
				}
				m.SetRGBA(x, y, color.RGBA{v[0], v[1], v[2], 255})
			}
		}
		path := filepath.Join(dir, "photos", fmt.Sprint("class", i%classes), fmt.Sprint(i, ".jpg"))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, err
		}
		f, err := os.Create(path)
		if err != nil {
			return nil, err
		}
		if err := jpeg.Encode(f, m, nil); err != nil {
			return nil, err
		}
		if err := f.Close(); err != nil {
			return nil, err
		}
		files = append(files, path)
	}
	return files, nil
}

// untrained is the model of a run of a single step on the pictures, with the backbone that is usual.
func untrained(ctx context.Context, dir string, side int) (string, error) {
	cfg := trainer.Default()
	cfg.Data = trainer.DataConfig{Path: filepath.Join(dir, "photos"), Copies: trainer.IgnoreCopies, Channels: 3, Height: side, Width: side, Val: "none", Test: "none"}
	cfg.Sampler, cfg.Steps = samplers.Config{P: 2, K: 2}, 1
	data, err := trainer.Load(cfg.Data, cfg.Seed, trainer.LoadOptions{})
	if err != nil {
		return "", err
	}
	defer data.Close()
	t, err := trainer.New(cfg, data, trainer.Options{Dir: filepath.Join(dir, "run"), NoReport: true})
	if err != nil {
		return "", err
	}
	defer t.Close()
	r, err := t.Run(ctx)
	return r.Model, err
}
