package trainer

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"medusa/graph"
	"medusa/losses"
	"medusa/model"
	"medusa/nets"
)

// drawn writes pictures of noise in folders of classes.
func drawn(t *testing.T, each int, classes ...string) string {
	t.Helper()
	dir := t.TempDir()
	n := 1
	for _, class := range classes {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, class), 0o755))
		for i := range each {
			img := image.NewGray(image.Rect(0, 0, side, side))
			for p := range img.Pix {
				n = n * 69069 % (1 << 24)
				img.SetGray(p%side, p/side, color.Gray{Y: uint8(n >> 16)})
			}
			var b bytes.Buffer
			require.NoError(t, png.Encode(&b, img))
			require.NoError(t, os.WriteFile(filepath.Join(dir, class, string(rune('a'+i))+".png"), b.Bytes(), 0o644))
		}
	}
	return dir
}

// A context that is nil is an error of whatever takes one, and so is a path that is empty.
func TestNilContextAndEmptyPath(t *testing.T) {
	cfg := Config{Data: DataConfig{Path: drawn(t, 3, "a", "b", "c"), Val: "none", Copies: IgnoreCopies}, Net: nets.Config{Backbone: "mlp", Hidden: []int{4}, Embedding: 2}, Steps: 1, EvalEvery: -1}
	tr := start(t, cfg, Options{NoReport: true})
	d := tr.data.data().Train
	var none context.Context
	_, err := tr.Run(none)
	require.ErrorContains(t, err, "the context is nil; context.Background()")
	r, err := tr.Run(context.Background())
	require.NoError(t, err, "it was not begun")
	m, err := model.Load(r.Model, model.Options{})
	require.NoError(t, err)
	defer m.Close()
	s, err := NewStepper(StepperConfig{Net: cfg.Net, Loss: "triplet", Batch: 4, Classes: 2})
	require.NoError(t, err)
	defer s.Close()
	path := opened(d).Path(0)
	each := func(string, []float32) error { return nil }
	for name, f := range map[string]func() error{
		"EmbedImage":     func() error { _, err := m.EmbedImage(none, image.NewGray(image.Rect(0, 0, side, side))); return err },
		"EmbedReader":    func() error { _, err := m.EmbedReader(none, bytes.NewReader(nil)); return err },
		"EmbedFile":      func() error { _, err := m.EmbedFile(none, path); return err },
		"EmbedFiles":     func() error { return m.EmbedFiles(none, []string{path}, model.EmbedOptions{}, each) },
		"Embed":          func() error { _, err := m.Embed(none, d); return err },
		"EmbedPixels":    func() error { _, err := m.EmbedPixels(none, make([]float32, side*side)); return err },
		"Stepper.Embed":  func() error { _, err := s.Embed(none, make([]float32, 28*28)); return err },
		"Trainer.Embed":  func() error { _, err := tr.Embed(none, d); return err },
		"EmbedUntrained": func() error { _, err := tr.EmbedUntrained(none, d); return err },
		"Evaluate":       func() error { _, err := tr.Evaluate(none, d); return err },
		"Verify":         func() error { _, err := tr.Verify(none, d); return err },
	} {
		require.ErrorContains(t, f(), "the context is nil", name)
	}
	_, err = m.EmbedFile(context.Background(), "")
	require.EqualError(t, err, "model: EmbedFile: the path is empty, want that of a picture")
	require.ErrorContains(t, m.EmbedFiles(context.Background(), []string{path, ""}, model.EmbedOptions{}, each), "path 2 of 2 is empty, want a picture or a folder of pictures")
}

// A backbone or a loss that sets the learning rate of what is not there is told so.
func TestARateOfNothingIsRefused(t *testing.T) {
	cfg := ownConfig(t)
	d := load(t, cfg)
	for prefix, want := range map[string]string{
		"fc1": "", "": "",
		"nosuch": `the backbone or the loss sets the learning rate of "backbone.nosuch"`,
	} {
		o := ownOptions(t, d)
		o.Backbone = func(cfg nets.Config, p *graph.Params, x graph.Expr, mode nets.Mode) (graph.Expr, error) {
			if err := p.ScaleLR(prefix, 0.5); err != nil {
				return graph.Expr{}, err
			}
			return ownBackbone(cfg, p, x, mode)
		}
		tr, err := New(cfg, d, o)
		if want == "" {
			require.NoError(t, err)
			tr.Close()
			continue
		}
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "names are such as backbone.fc1")
	}
}

// A loss that holds itself ends no program, however it is given.
func TestALossThatHoldsItselfIsRefused(t *testing.T) {
	knot := &losses.Joint{}
	knot.Parts = []losses.Part{{Loss: knot, Weight: 1}, {Loss: ownLoss{}, Weight: 1}, {Loss: knot, Weight: 1}}
	cfg := ownConfig(t)
	d := load(t, cfg)
	o := ownOptions(t, d)
	o.Loss = knot
	ended := make(chan error, 1)
	go func() {
		_, err := New(cfg, d, o)
		ended <- err
	}()
	select {
	case err := <-ended:
		require.Error(t, err)
	case <-time.After(30 * time.Second):
		t.Fatal("no end")
	}
}

// Classes that look alike on both sides of a cut are told with the data.
func TestLookalikesOnBothSidesOfACutAreTold(t *testing.T) {
	cfg := DataConfig{Path: drawn(t, 3, "red fox", "red_fox", "red-fox", "Red fox"), Val: "0.5", Copies: IgnoreCopies}
	d, err := Load(cfg, 1, LoadOptions{})
	require.NoError(t, err)
	defer d.Close()
	var told []string
	for _, note := range d.Notes() {
		told = append(told, note.String())
	}
	require.Contains(t, told[len(told)-1]+told[0], "class name that looks like that of a learned class: 2")
	require.Contains(t, told[len(told)-1]+told[0], "give both one name, in the table or as that of the folder")
}
