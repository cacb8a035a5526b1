package model

import (
	"cmp"
	"context"

	"medusa/datasets"
	"medusa/graph"
	"medusa/internal/needs"
	"medusa/machine"
	"medusa/nets"
)

// Info is what a model file says about itself.
type Info struct {
	Net           nets.Config            `json:"net"`
	Normalisation datasets.Normalisation `json:"normalisation"`
	Resize        datasets.ResizeMode    `json:"resize"`             // how pictures were brought to the network's size; empty if it learned from no picture files
	CropPct       float64                `json:"crop_pct,omitempty"` // of which the middle was taken, as datasets.Options.CropPct
	Filter        datasets.Filter        `json:"filter,omitempty"`   // that they were resized with; bilinear if empty
	Align         datasets.Alignment     `json:"align,omitempty"`    // to which landmarks faces were brought; none if empty
	Invert        bool                   `json:"invert"`             // whether pictures were inverted
	Range         string                 `json:"range,omitempty"`    // which values were black and white, as datasets.Options.Range
	Classes       int                    `json:"classes"`            // that it learned from
	Loss          string                 `json:"loss"`
	Step          int                    `json:"step"` // that the weights are of
	// Views is what an embedding is made of, as datasets.ParseViews reads it, and Detail that of the
	// pictures that views are taken of; both zero if it is the picture as it is.
	Views  string  `json:"views,omitempty"`
	Detail float64 `json:"detail,omitempty"`
}

// Model is a trained network, ready to embed pictures. Many goroutines may use one Model: what they
// want at the same time is embedded together, and each gets the bits that it would get alone.
type Model struct {
	info        Info
	fingerprint string
	params      *graph.Params
	net         *Embedder
	dev         *machine.Device
	release     func() // of weights that are fixed; nil where they are not
}

// Batch is how many pictures a model embeds at once at the most.
const Batch = 64

// Info is what the model says about itself.
func (m *Model) Info() Info { return m.info }

// EmbeddingSize is the length E of an embedding.
func (m *Model) EmbeddingSize() int { return m.net.Size() }

// Options is how pictures must be opened for this model; with those for a model of vectors
// datasets.OpenVectors opens them. Models of before there was a choice of range read all values in
// full.
func (m *Model) Options() datasets.Options {
	n := m.info.Net
	if m.info.Resize == "" && n.Height*n.Width == 1 {
		return datasets.Options{}
	}
	return datasets.Options{
		Channels: n.InChannels, Height: n.Height, Width: n.Width, Resize: m.info.Resize, CropPct: m.info.CropPct, Filter: m.info.Filter, Align: m.info.Align,
		Invert: m.info.Invert, Range: cmp.Or(m.info.Range, datasets.RangeFull), Detail: m.info.Detail,
	}
}

// Embed is the embeddings (N, E) of d's items, row-major. Pictures and vectors of files are
// opened with Options. Pictures that need no labels and no Dataset are for EmbedFiles,
// EmbedFile, EmbedReader and EmbedImage.
func (m *Model) Embed(ctx context.Context, d datasets.Set) ([]float32, error) {
	if err := needs.Context("model", ctx); err != nil {
		return nil, err
	}
	return m.net.Set(ctx, d, m.info.Normalisation, nil)
}

// EmbedPixels is the embeddings (N, E) of pictures (N, C, H, W), or of vectors (N, D), that
// are normalised already (by Info().Normalisation), row-major. A model of several views embeds no
// such pictures.
func (m *Model) EmbedPixels(ctx context.Context, pixels []float32) ([]float32, error) {
	if err := needs.Context("model", ctx); err != nil {
		return nil, err
	}
	return m.net.Pixels(ctx, pixels)
}

// Close gives back what the model holds, once the batch that is being embedded is done;
// Embed fails from then on.
func (m *Model) Close() error {
	err := m.net.Close()
	if m.release != nil {
		m.release()
	}
	m.dev.Release(graph.Tensors(m.params)...)
	if e := m.dev.Close(); err == nil {
		err = e
	}
	return err
}
