package report_test

import (
	"fmt"
	"image"
	"image/color"
	"os"
	"path/filepath"

	"medusa/internal/report"
)

func ExampleWriteFile() {
	dir, err := os.MkdirTemp("", "run")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "report.html")
	err = report.WriteFile(path, report.Data{
		Title:      "Dark and light",
		Facts:      []report.Fact{{Name: "Loss", Value: "triplet"}, {Name: "Steps", Value: "2"}},
		Metrics:    []report.Metric{{Name: "Recall@1", Before: 0.5, After: 1}},
		Series:     []report.Series{{Group: "Loss", Steps: []int{1, 2}, Values: []float64{0.2, 0.1}}},
		Classes:    []string{"dark", "light"},
		Labels:     []int{0, 0, 1, 1},
		Dim:        2,
		Embeddings: []float32{0, 0, 0, 1, 5, 5, 5, 6},
		Neighbours: report.Neighbours{
			Indices:   [][]int32{{1, 2}, {0, 2}, {3, 1}, {2, 1}},
			Distances: [][]float32{{1, 7}, {1, 6}, {1, 6}, {1, 7}},
		},
		Thumbnail: func(i int) (image.Image, error) {
			m := image.NewGray(image.Rect(0, 0, 28, 28))
			for p := range m.Pix {
				m.Pix[p] = color.Gray{Y: uint8(60 * i)}.Y
			}
			return m, nil
		},
		Config: "loss: triplet\nsteps: 2\n",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	info, err := os.Stat(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(info.Name(), info.Size() > 0, info.Size() < report.MaxBytes)
	// Output: report.html true true
}
