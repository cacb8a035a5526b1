package outside

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"log"
	"math"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/index"
	"medusa/metrics"
	"medusa/model"
	"medusa/nets"
	"medusa/samplers"
	"medusa/serve"
	"medusa/trainer"
)

// trained is the folder of a short run, and that of its pictures beside it.
var trained = sync.OnceValue(func() string {
	dir, err := os.MkdirTemp("", "medusa-outside")
	must(err)
	for class := range 4 {
		folder := filepath.Join(dir, "photos", fmt.Sprint("class", class))
		must(os.MkdirAll(folder, 0o777))
		for n := range 4 {
			must(os.WriteFile(filepath.Join(folder, fmt.Sprint(n, ".png")), drawing(class, n), 0o666))
		}
	}
	cfg := trainer.Config{
		Data:    trainer.DataConfig{Path: filepath.Join(dir, "photos"), Copies: trainer.IgnoreCopies, Channels: 3, Height: 16, Width: 16},
		Net:     nets.Config{Backbone: "mlp", Hidden: []int{32}, Embedding: 8},
		Sampler: samplers.Config{P: 4, K: 2}, Steps: 40,
	}
	data, err := trainer.Load(cfg.Data, cfg.Seed, trainer.LoadOptions{})
	must(err)
	defer data.Close()
	t, err := trainer.New(cfg, data, trainer.Options{Dir: filepath.Join(dir, "run"), NoReport: true})
	must(err)
	defer t.Close()
	_, err = t.Run(context.Background())
	must(err)
	return filepath.Join(dir, "run")
})

func TestMain(m *testing.M) {
	code := m.Run()
	os.RemoveAll(filepath.Dir(trained()))
	os.Exit(code)
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// drawing is a picture of a class, as PNG.
func drawing(class, n int) []byte {
	m := image.NewRGBA(image.Rect(0, 0, 48, 36))
	for y := range 36 {
		for x := range 48 {
			v := 127 + 127*math.Sin(float64(x*(class%5+1)+y*(class/5+2))/8+float64(n)/9)
			m.SetRGBA(x, y, color.RGBA{uint8(v), uint8(class * 60), uint8(255 - v), 255})
		}
	}
	var b bytes.Buffer
	must(png.Encode(&b, m))
	return b.Bytes()
}

// photo is the path of a picture of a class.
func photo(class, n int) string {
	return filepath.Join(filepath.Dir(trained()), "photos", fmt.Sprint("class", class), fmt.Sprint(n, ".png"))
}

// begin is the address of a server with an empty gallery, which knows a threshold.
func begin(t *testing.T, o serve.Options) string {
	t.Helper()
	return beginAt(t, filepath.Join(t.TempDir(), "gallery.index"), o)
}

// beginAt is begin with the gallery's file at path.
func beginAt(t *testing.T, path string, o serve.Options) string {
	t.Helper()
	m, err := model.Load(trained(), model.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { m.Close() })
	g, err := serve.OpenGallery(path, serve.GalleryOptions{Pictures: serve.PicturesPath(path), New: &index.Options{Dim: m.EmbeddingSize(), Model: m.Fingerprint()}})
	require.NoError(t, err)
	t.Cleanup(func() { g.Close() })
	c := &model.Calibration{Model: m.Fingerprint(), Data: "photos"}
	c.AtFAR = []metrics.OperatingPoint{{AskedFAR: 0.01, Threshold: 0.25}}
	o.Calibration, o.Threshold, o.FAR = c, 0.25, 0.01
	s, err := serve.New(m, g, o)
	require.NoError(t, err)
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	return h.URL
}
