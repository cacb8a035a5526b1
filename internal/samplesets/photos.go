package samplesets

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// Photos writes a folder of colour pictures of 24×20, three of each of four classes: noise that the
// seed of the generator alone decides.
func Photos(dir string) error {
	rng := rand.New(rand.NewPCG(5, 6))
	for class := range 4 {
		folder := filepath.Join(dir, fmt.Sprint("class", class))
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
		for n := range 3 {
			m := image.NewRGBA(image.Rect(0, 0, 24, 20))
			for i := range 24 * 20 {
				m.Set(i%24, i/24, color.RGBA{uint8(rng.IntN(256)), uint8(rng.IntN(256)), uint8(i), 255})
			}
			f, err := os.Create(filepath.Join(folder, fmt.Sprint(n, ".png")))
			if err != nil {
				return err
			}
			if err := png.Encode(f, m); err != nil {
				return err
			}
			if err := f.Close(); err != nil {
				return err
			}
		}
	}
	return nil
}
