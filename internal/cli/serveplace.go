package cli

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/pkg/errors"

	"medusa/index"
	"medusa/internal/field"
	"medusa/model"
	"medusa/serve"
)

// servedPlace is where what is served lies.
type servedPlace struct {
	index    string // file; empty for a gallery that is lost at the end
	create   bool   // there is no such file yet
	model    string
	pictures string // folder; empty if none are kept
	lost     bool   // pictures is removed at the end
}

// place finds out what name is, an index or a model.
func (f *serveFlags) place(name string) (*servedPlace, error) {
	o := f.options
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && o.Model == "":
		return nil, wrong("there is no index, run folder or model file %s; %s says which model a new index is for", name, field.Name("-model"))
	case errors.Is(err, fs.ErrNotExist):
		if dir := filepath.Dir(name); !isFolder(dir) {
			return nil, errors.Errorf("there is no folder %s for the index %s", dir, name)
		}
		if o.ReadOnly {
			return nil, wrong("there is no index %s, and %s makes none", name, field.Name("-read-only"))
		}
		return f.withPictures(&servedPlace{index: name, create: true, model: o.Model})
	case err != nil:
		return nil, errors.WithStack(err)
	case info.IsDir() || !isIndex(name):
		if o.Model != "" {
			return nil, wrong("%s goes with an index, and %s is none: leave it out", field.Name("-model"), name)
		}
		return f.withPictures(&servedPlace{model: name})
	}
	p := &servedPlace{index: name, model: o.Model}
	if p.model == "" {
		x, err := openIndex(name)
		if err != nil {
			return nil, err
		}
		if p.model = asTypedPath(x.Options().ModelPath); p.model == "" {
			return nil, wrong("%s does not say where its model is: name it with %s", name, field.Name("-model"))
		}
		if _, err := os.Stat(p.model); err != nil {
			return nil, wrong("the model of %s is not at %s any more: say with %s where it is", name, p.model, field.Name("-model"))
		}
	}
	return f.withPictures(p)
}

// withPictures says where pictures are kept.
func (f *serveFlags) withPictures(p *servedPlace) (_ *servedPlace, err error) {
	switch o := f.options; {
	case o.NoPictures || o.ReadOnly:
	case o.Pictures != "":
		p.pictures = o.Pictures
	case p.index != "":
		p.pictures = serve.PicturesPath(p.index)
	default:
		p.lost = true
		p.pictures, err = os.MkdirTemp("", "medusa-pictures-")
	}
	return p, errors.WithStack(err)
}

// clean removes what is lost at the end.
func (p *servedPlace) clean() {
	if p.lost {
		os.RemoveAll(p.pictures)
	}
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// isIndex reports whether a file is one of package index, by its beginning or, if that is damaged, by its name.
func isIndex(path string) bool {
	if filepath.Ext(path) == ".index" {
		return true
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	want := []byte("medusa index")
	head := make([]byte, len(want))
	_, err = io.ReadFull(f, head)
	return err == nil && bytes.Equal(head, want)
}

// open opens the gallery, whose vectors m makes.
func (f *serveFlags) open(p *servedPlace, m *model.Model) (*serve.Gallery, error) {
	made := &index.Options{Dim: m.EmbeddingSize(), Model: m.Fingerprint()}
	if p.index == "" {
		x, err := index.New(*made)
		if err != nil {
			return nil, err
		}
		return serve.NewGallery(x, p.pictures)
	}
	o := serve.GalleryOptions{Pictures: p.pictures, ReadOnly: f.options.ReadOnly, SaveEvery: time.Duration(f.options.SaveEvery * float64(time.Second))}
	if p.create {
		made.ModelPath = p.model
		o.New = made
	}
	if !p.create {
		x, err := openIndex(p.index)
		if err != nil {
			return nil, err
		}
		if err := x.checkModel(m, p.model); err != nil {
			return nil, err
		}
	}
	return serve.OpenGallery(p.index, o)
}
