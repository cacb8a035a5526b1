package datasets_test

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"log"
	"os"
	"path/filepath"
	"strings"
	"testing/fstest"

	"medusa/datasets"
)

// photographs writes a folder of four classes of three pictures each.
func photographs() string {
	dir, err := os.MkdirTemp("", "photographs")
	if err != nil {
		log.Fatal(err)
	}
	for c, class := range []string{"apple", "kiwi", "lemon", "pear"} {
		if err := os.Mkdir(filepath.Join(dir, class), 0o777); err != nil {
			log.Fatal(err)
		}
		for i := range 3 {
			f, err := os.Create(filepath.Join(dir, class, fmt.Sprintf("%d.png", i)))
			if err != nil {
				log.Fatal(err)
			}
			img := image.NewRGBA(image.Rect(0, 0, 40, 30))
			for p := range 40 * 30 {
				img.Set(p%40, p/40, color.RGBA{byte(60 * c), byte(80 * i), byte(5 * (p % 40)), 255})
			}
			if err := png.Encode(f, img); err != nil {
				log.Fatal(err)
			}
			f.Close()
		}
	}
	return dir
}

func ExampleOpen() {
	dir := photographs()
	defer os.RemoveAll(dir)
	split, err := datasets.Open(dir, datasets.Options{Height: 32, Width: 32, Resize: datasets.Crop})
	if err != nil {
		log.Fatal(err)
	}
	defer split.Close()
	s := split.Train.Summary()
	fmt.Println(s.Pictures, "pictures of", s.Classes, "classes, kept as", s.Channels, "×", s.Height, "×", s.Width)
	fmt.Println(split.Train.Classes())
	// Output:
	// 12 pictures of 4 classes, kept as 3 × 32 × 32
	// [apple kiwi lemon pear]
}

func ExampleDataset_Summary() {
	fsys := fstest.MapFS{
		"a/broken.jpg": {Data: []byte("<!DOCTYPE html>")},
		"b/empty.png":  {Data: nil},
	}
	dir := photographs()
	defer os.RemoveAll(dir)
	if err := os.CopyFS(dir, fsys); err != nil {
		log.Fatal(err)
	}
	split, err := datasets.Open(dir, datasets.Options{})
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range split.Train.Summary().Skipped {
		fmt.Println(strings.ReplaceAll(filepath.ToSlash(c.String()), filepath.ToSlash(dir), "DIR"))
	}
	for _, c := range split.Train.Summary().Notes {
		fmt.Println(c)
	}
	// Output:
	// empty file: 1 (DIR/b/empty.png)
	// not a picture: 1 (DIR/a/broken.jpg): an HTML page
	// class without a readable picture: 2 (a, b)
}

func ExampleDataset_SplitClasses() {
	dir := photographs()
	defer os.RemoveAll(dir)
	split, err := datasets.Open(dir, datasets.Options{})
	if err != nil {
		log.Fatal(err)
	}
	train, val, err := split.Train.SplitClasses(0.5, 1)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(train.NumClasses(), "classes to learn from,", val.NumClasses(), "to choose the best state with")
	// Output:
	// 2 classes to learn from, 2 to choose the best state with
}

func ExampleLoader() {
	dir := photographs()
	defer os.RemoveAll(dir)
	split, err := datasets.Open(dir, datasets.Options{Height: 28, Width: 28})
	if err != nil {
		log.Fatal(err)
	}
	norm, err := split.Train.ComputeNormalisation()
	if err != nil {
		log.Fatal(err)
	}
	position := 0 // in place of a sampler
	next := func(dst []int) error {
		for i := range dst {
			dst[i] = position
			position = (position + 4) % split.Train.Len()
		}
		return nil
	}
	loader, err := datasets.NewLoader(split.Train, datasets.LoaderConfig{
		Batch: 4, Seed: 1, Normalisation: norm,
		Augment: datasets.Augment{RandomCrop: 2, Rotation: 10},
	}, next, 0)
	if err != nil {
		log.Fatal(err)
	}
	defer loader.Close()
	for range 2 {
		batch, err := loader.Next(context.Background())
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("step", batch.Step, "classes", batch.Classes, "values", len(batch.Pixels))
		batch.Release()
	}
	// Output:
	// step 0 classes [0 1 2 0] values 9408
	// step 1 classes [1 2 0 1] values 9408
}

func ExampleAugment_Validate() {
	fmt.Println(datasets.Augment{FlipH: 50}.Validate())
	// Output:
	// datasets: Augment.FlipH is 50, want 0 to 1
}
