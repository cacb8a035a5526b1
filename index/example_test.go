package index_test

import (
	"context"
	"fmt"
	"log"
	"math"
	"os"
	"path/filepath"

	"medusa/index"
)

func Example() {
	ctx := context.Background()
	x, err := index.New(index.Options{Dim: 2})
	if err != nil {
		log.Fatal(err)
	}
	err = x.Add(ctx,
		index.Item{ID: 1, Vector: []float32{0, 0}, Label: "cat", Path: "cats/1.png"},
		index.Item{ID: 2, Vector: []float32{3, 4}, Label: "dog", Path: "dogs/1.png"},
		index.Item{ID: 3, Vector: []float32{6, 8}, Label: "dog", Path: "dogs/2.png"},
	)
	if err != nil {
		log.Fatal(err)
	}
	found, err := x.Search(ctx, []float32{0, 0}, index.SearchOptions{K: 2})
	if err != nil {
		log.Fatal(err)
	}
	for place, hit := range found.Of(0) {
		fmt.Println(hit.ID, hit.Distance, found.Item(0, place).Path)
	}
	// Output:
	// 1 0 cats/1.png
	// 2 5 dogs/1.png
}

func ExampleFilter() {
	ctx := context.Background()
	x, err := index.New(index.Options{Dim: 1})
	if err != nil {
		log.Fatal(err)
	}
	for i := range 10 {
		item := index.Item{ID: uint64(i), Vector: []float32{float32(i)}, Meta: map[string]string{"camera": fmt.Sprint(i % 3)}}
		if err := x.Add(ctx, item); err != nil {
			log.Fatal(err)
		}
	}
	found, err := x.Search(ctx, []float32{0}, index.SearchOptions{K: 2, Filter: index.Filter{
		Meta:  map[string]string{"camera": "2"},
		Where: func(it index.Item) bool { return it.ID > 2 },
	}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(found.Of(0)[0].ID, found.Of(0)[1].ID)
	// Output: 5 8
}

func ExampleOpen() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "gallery")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "gallery.index")
	x, err := index.New(index.Options{Dim: 2, Model: "9f86d081"})
	if err != nil {
		log.Fatal(err)
	}
	if err := x.Add(ctx, index.Item{ID: 7, Vector: []float32{1, 2}}); err != nil {
		log.Fatal(err)
	}
	if err := x.Save(ctx, path); err != nil {
		log.Fatal(err)
	}
	y, err := index.Open(path)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(y.Len(), y.CheckModel("9f86d081"))
	fmt.Println(y.CheckModel("2c26b46b"))
	// Output:
	// 1 <nil>
	// index: its vectors were made by model 9f86d081, not by 2c26b46b; search with that model, or embed the items anew
}

func ExampleIndex_Build() {
	ctx := context.Background()
	x, err := index.New(index.Options{Dim: 2})
	if err != nil {
		log.Fatal(err)
	}
	for i := range 3000 {
		angle := float64(i) / 3000 * 2 * math.Pi
		if err := x.Add(ctx, index.Item{ID: uint64(i), Vector: []float32{float32(math.Cos(angle)), float32(math.Sin(angle))}}); err != nil {
			log.Fatal(err)
		}
	}
	if err := x.Build(ctx, index.GraphOptions{Threads: 1}); err != nil {
		log.Fatal(err)
	}
	queries, err := x.Sample(100, 1)
	if err != nil {
		log.Fatal(err)
	}
	recall, err := x.Recall(ctx, queries, index.SearchOptions{K: 10})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(recall > 0.99)
	// Output: true
}

func ExampleIndex_Groups() {
	ctx := context.Background()
	x, err := index.New(index.Options{Dim: 1})
	if err != nil {
		log.Fatal(err)
	}
	for i, place := range []float32{0, 5, 0.25, 9, 5} {
		if err := x.Add(ctx, index.Item{ID: uint64(i), Vector: []float32{place}}); err != nil {
			log.Fatal(err)
		}
	}
	groups, err := x.Groups(ctx, index.GroupOptions{MaxDistance: 0.5})
	if err != nil {
		log.Fatal(err)
	}
	for _, g := range groups {
		for _, m := range g.Members {
			fmt.Println("item", m.ID, "is", m.Distance, "from", m.Nearest)
		}
	}
	// Output:
	// item 1 is 0 from 4
	// item 4 is 0 from 1
	// item 0 is 0.25 from 2
	// item 2 is 0.25 from 0
}
