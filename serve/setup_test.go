package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"log"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/index"
	"medusa/model"
	"medusa/nets"
	"medusa/samplers"
	"medusa/trainer"
)

// trained is the folder of a run of two steps, which all tests share.
var trained = sync.OnceValue(func() string {
	dir, err := os.MkdirTemp("", "medusa-serve")
	must(err)
	photos := filepath.Join(dir, "photos")
	for class := range 4 {
		must(os.MkdirAll(filepath.Join(photos, fmt.Sprint("class", class)), 0o777))
		for n := range 3 {
			must(os.WriteFile(filepath.Join(photos, fmt.Sprint("class", class), fmt.Sprint(n, ".png")), drawing(class, n), 0o666))
		}
	}
	cfg := trainer.Config{
		Data:    trainer.DataConfig{Path: photos, Copies: trainer.IgnoreCopies, Channels: 3, Height: 12, Width: 12},
		Net:     nets.Config{Backbone: "mlp", Hidden: []int{16}, Embedding: 5},
		Sampler: samplers.Config{P: 2, K: 2}, Steps: 2,
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
	m := image.NewRGBA(image.Rect(0, 0, 24, 18))
	for y := range 18 {
		for x := range 24 {
			v := 127 + 127*math.Sin(float64(x*(class%5+1)+y*(class/5+2))/4+float64(n)/3)
			m.SetRGBA(x, y, color.RGBA{uint8(v), uint8(class * 40), uint8(255 - v), 255})
		}
	}
	var b bytes.Buffer
	must(png.Encode(&b, m))
	return b.Bytes()
}

// loaded is the model of all tests.
func loaded(t testing.TB) *model.Model {
	t.Helper()
	m, err := model.Load(trained(), model.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { m.Close() })
	return m
}

// made says what a new gallery of m is made of.
func made(m *model.Model) *index.Options {
	return &index.Options{Dim: m.EmbeddingSize(), Model: m.Fingerprint()}
}

// site is a server under test.
type site struct {
	t       testing.TB
	model   *model.Model
	gallery *Gallery
	server  *Server
	url     string
	path    string // of the index
}

// begin is a server with an empty gallery that is kept in a file.
func begin(t testing.TB, o Options) *site {
	t.Helper()
	m, path := loaded(t), filepath.Join(t.TempDir(), "gallery.index")
	g, err := OpenGallery(path, GalleryOptions{New: made(m), Pictures: PicturesPath(path)})
	require.NoError(t, err)
	t.Cleanup(func() { g.Close() })
	return serving(t, m, g, path, o)
}

func serving(t testing.TB, m *model.Model, g *Gallery, path string, o Options) *site {
	t.Helper()
	s, err := New(m, g, o)
	require.NoError(t, err)
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	return &site{t, m, g, s, h.URL, path}
}

// answer is what came back.
type answer struct {
	t      testing.TB
	status int
	header http.Header
	body   []byte
}

// send sends a body of a kind, with header lines such as "Accept: text/plain".
func (s *site) send(method, path, kind string, body []byte, lines ...string) answer {
	s.t.Helper()
	r, err := http.NewRequest(method, s.url+path, bytes.NewReader(body))
	require.NoError(s.t, err)
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		if r.Header.Set(name, value); name == "Host" {
			r.Host = value
		}
	}
	w, err := http.DefaultClient.Do(r)
	require.NoError(s.t, err)
	defer w.Body.Close()
	b, err := io.ReadAll(w.Body)
	require.NoError(s.t, err)
	return answer{s.t, w.StatusCode, w.Header, b}
}

func (s *site) get(path string, lines ...string) answer {
	s.t.Helper()
	return s.send("GET", path, "", nil, lines...)
}

// png posts a picture.
func (s *site) png(path string, picture []byte, lines ...string) answer {
	s.t.Helper()
	return s.send("POST", path, "image/png", picture, lines...)
}

// json posts a value.
func (s *site) json(path string, v any, lines ...string) answer {
	s.t.Helper()
	b, ok := v.(string)
	if !ok {
		text, err := json.Marshal(v)
		require.NoError(s.t, err)
		b = string(text)
	}
	return s.send("POST", path, "application/json", []byte(b), lines...)
}

// is reads an answer of that status.
func is[T any](a answer, status int) (v T) {
	a.t.Helper()
	require.Equal(a.t, status, a.status, string(a.body))
	require.Equal(a.t, "application/json", a.header.Get("Content-Type"))
	require.NoError(a.t, json.Unmarshal(a.body, &v))
	return v
}

// fails reads a problem.
func (a answer) fails(status int, code, detail string) problem {
	a.t.Helper()
	require.Equal(a.t, status, a.status, string(a.body))
	require.Equal(a.t, "application/problem+json", a.header.Get("Content-Type"))
	var p problem
	require.NoError(a.t, json.Unmarshal(a.body, &p))
	require.Equal(a.t, status, p.Status)
	require.Equal(a.t, http.StatusText(status), p.Title)
	require.Equal(a.t, code, p.Code)
	require.Contains(a.t, p.Detail, detail)
	return p
}

// fill enrols three pictures of each of four classes.
func (s *site) fill() {
	s.t.Helper()
	for class := range 4 {
		var q struct {
			Pictures [][]byte `json:"pictures"`
			Label    string   `json:"label"`
		}
		q.Label = fmt.Sprint("class", class)
		for n := range 3 {
			q.Pictures = append(q.Pictures, drawing(class, n))
		}
		is[enrolAnswer](s.json("/v1/items", q), http.StatusCreated)
	}
}
