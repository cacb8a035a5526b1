package serve_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	"medusa/index"
	"medusa/model"
	"medusa/nets"
	"medusa/samplers"
	"medusa/serve"
	"medusa/trainer"
)

// A service with a gallery of its own, in a server that a program has anyway.
func Example() {
	run, photos, clean := trained()
	defer clean()
	m, err := model.Load(run, model.Options{})
	check(err)
	defer m.Close()
	path := filepath.Join(filepath.Dir(run), "gallery.index")
	g, err := serve.OpenGallery(path, serve.GalleryOptions{
		New:      &index.Options{Dim: m.EmbeddingSize(), Model: m.Fingerprint()},
		Pictures: serve.PicturesPath(path),
	})
	check(err)
	defer g.Close()
	s, err := serve.New(m, g, serve.Options{Threshold: 0.05})
	check(err)
	mux := http.NewServeMux()
	mux.Handle("/", s) // beside what else there is
	server := httptest.NewServer(mux)
	defer server.Close()

	for _, name := range []string{"class0/0.png", "class3/0.png"} {
		var enrolled struct{ Items []struct{ ID, Label string } }
		post(server.URL+"/v1/items?label="+filepath.Dir(name), filepath.Join(photos, name), &enrolled)
		fmt.Println("item", enrolled.Items[0].ID, "is", enrolled.Items[0].Label)
	}
	var found struct {
		Results []struct {
			Hits     []struct{ ID string }
			Decision struct{ Label string }
		}
	}
	post(server.URL+"/v1/search?k=1", filepath.Join(photos, "class3/0.png"), &found)
	fmt.Println("nearest is item", found.Results[0].Hits[0].ID+", so it is", found.Results[0].Decision.Label)
	// Output:
	// item 1 is class0
	// item 2 is class3
	// nearest is item 2, so it is class3
}

// post posts a picture and reads the answer.
func post(url, file string, into any) {
	picture, err := os.ReadFile(file)
	check(err)
	answer, err := http.Post(url, "image/png", bytes.NewReader(picture))
	check(err)
	defer answer.Body.Close()
	check(json.NewDecoder(answer.Body).Decode(into))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// trained is the folder of a run of two steps, and that of the pictures that it learned from.
func trained() (run, photos string, clean func()) {
	dir, err := os.MkdirTemp("", "medusa")
	check(err)
	photos = filepath.Join(dir, "photos")
	for class := range 4 {
		check(os.MkdirAll(filepath.Join(photos, fmt.Sprint("class", class)), 0o777))
		for n := range 3 {
			m := image.NewGray(image.Rect(0, 0, 12, 12))
			for i := range 12 * 12 {
				m.SetGray(i%12, i/12, color.Gray{Y: uint8(i*(class+1) + 9*n)})
			}
			var b bytes.Buffer
			check(png.Encode(&b, m))
			check(os.WriteFile(filepath.Join(photos, fmt.Sprint("class", class), fmt.Sprint(n, ".png")), b.Bytes(), 0o666))
		}
	}
	cfg := trainer.Config{
		Data:    trainer.DataConfig{Path: photos, Copies: trainer.IgnoreCopies},
		Net:     nets.Config{Backbone: "mlp", Hidden: []int{8}, Embedding: 4},
		Sampler: samplers.Config{P: 2, K: 2}, Steps: 2,
	}
	data, err := trainer.Load(cfg.Data, cfg.Seed, trainer.LoadOptions{})
	check(err)
	defer data.Close()
	t, err := trainer.New(cfg, data, trainer.Options{Dir: filepath.Join(dir, "run"), NoReport: true})
	check(err)
	defer t.Close()
	_, err = t.Run(context.Background())
	check(err)
	return filepath.Join(dir, "run"), photos, func() { os.RemoveAll(dir) }
}
