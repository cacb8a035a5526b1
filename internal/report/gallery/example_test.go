package gallery_test

import (
	"bytes"
	"fmt"
	"image"
	"log"
	"strings"

	"medusa/internal/report/gallery"
)

func ExampleWrite() {
	var page bytes.Buffer
	err := gallery.Write(&page, gallery.Page{
		Kind: "search", Title: "What is like a.jpg",
		Sections: []gallery.Section{{
			Asked:    &gallery.Picture{Key: "a.jpg", Path: "a.jpg"},
			Pictures: []gallery.Picture{{Key: "cats/1.jpg", Path: "cats/1.jpg", Label: "cat", Note: "0.21"}},
		}},
		Thumbnail: func(string) (image.Image, error) { return image.NewGray(image.Rect(0, 0, 8, 8)), nil },
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(strings.Count(page.String(), "background-image:url(data:"))
	// Output: 2
}
