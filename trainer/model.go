package trainer

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"slices"
	"strconv"

	"github.com/pkg/errors"

	"medusa/datasets"
	"medusa/graph"
	"medusa/internal/needs"
	"medusa/internal/safetensors"
	"medusa/machine"
	"medusa/nets"
)

// ModelInfo is what a model file says about itself.
type ModelInfo struct {
	Net           nets.Config            `json:"net"`
	Normalisation datasets.Normalisation `json:"normalisation"`
	Resize        datasets.ResizeMode    `json:"resize"`          // how pictures were brought to the network's size; empty if it learned from no picture files
	Invert        bool                   `json:"invert"`          // whether pictures were inverted
	Range         string                 `json:"range,omitempty"` // which values were black and white, as datasets.Options.Range
	Classes       int                    `json:"classes"`         // that it learned from
	Loss          string                 `json:"loss"`
	Step          int                    `json:"step"` // that the weights are of
	// Views is what an embedding is made of, as Config.EvalViews, and Detail that of the pictures that
	// views are taken of; both zero if it is the picture as it is.
	Views  string  `json:"views,omitempty"`
	Detail float64 `json:"detail,omitempty"`
}

// Model is a trained network, ready to embed pictures. Many goroutines may use one Model: they
// take turns, batch by batch, and each gets the bits that it would get alone.
type Model struct {
	info   ModelInfo
	params *graph.Params
	eval   *embedder
}

const modelBatch = 64

// writeModel writes the weights as they are.
func (t *Trainer) writeModel(step int) error {
	info := ModelInfo{Net: t.cfg.Net, Normalisation: t.data.Norm, Classes: t.data.Train.NumClasses(), Loss: t.cfg.Loss, Step: step}
	if p := t.data.Train.pictures(); p != nil {
		info.Resize, info.Invert = t.cfg.Data.Resize, p.Inverted()
		info.Range = cmp.Or(t.data.Train.Range(), datasets.RangeAuto)
	}
	if t.cfg.EvalViews != "" {
		info.Views, info.Detail = t.cfg.EvalViews, t.cfg.Data.Detail
	}
	file, err := modelFile(t.averaged, info, t.device)
	if err != nil {
		return err
	}
	return t.dir.write(ModelFile, func(w io.Writer) error { return safetensors.Write(w, file) })
}

// modelFile is the network of info with its weights out of params, which dev holds.
func modelFile(params *graph.Params, info ModelInfo, dev *machine.Device) (*safetensors.File, error) {
	b, err := json.Marshal(info)
	if err != nil {
		return nil, errors.Wrap(err, "trainer: model")
	}
	// Training keeps more than a model needs: the loss's parameters, dropout's state.
	needed := graph.NewParams(0)
	e, err := newEmbedder(info.Net, needed, 1, nil)
	if err != nil {
		return nil, err
	}
	e.close()
	if err := dev.Read(graph.Tensors(params)...); err != nil {
		return nil, err
	}
	return &safetensors.File{
		Metadata: map[string]string{formatKey: kindModel, versionKey: version, "model": string(b), "step": strconv.Itoa(info.Step)},
		Tensors:  slices.DeleteFunc(tensorsOf(params), func(s safetensors.Tensor) bool { return needed.Lookup(s.Name) == nil }),
	}, nil
}

// LoadModel reads a model.safetensors that a run left. Close it when done.
func LoadModel(path string) (*Model, error) { return LoadModelWith(path, nil) }

// LoadModelWith is LoadModel of a run that was given its backbone by value: it must be given
// again. The backbone may be nil for other models.
func LoadModelWith(path string, backbone nets.Builder) (*Model, error) {
	file, err := openChecked(path, kindModel)
	if err != nil {
		return nil, err
	}
	m := &Model{params: graph.NewParams(0)}
	if err := json.Unmarshal([]byte(file.Metadata["model"]), &m.info); err != nil {
		return nil, errors.Wrapf(err, "trainer: %s: what the model says about itself", path)
	}
	switch described := isValue(m.info.Net.Backbone, "Backbone"); {
	case described && backbone == nil:
		return nil, errors.Errorf("trainer: %s is of a run that was begun with %s: load it with that backbone, by LoadModelWith", path, m.info.Net.Backbone)
	case described:
		m.info.Net = m.info.Net.With(backbone)
	case backbone != nil:
		return nil, errors.Errorf("trainer: %s has the backbone %s, which has a name: load it with LoadModel", path, cmp.Or(m.info.Net.Backbone, "cnn"))
	}
	if m.eval, err = newEmbedder(m.info.Net, m.params, modelBatch, nil); err != nil {
		return nil, errors.Wrapf(err, "trainer: %s", path)
	}
	if m.eval.views, err = newViewing(m.info.Views, m.info.Detail); err != nil {
		m.Close()
		return nil, errors.Wrapf(err, "trainer: %s", path)
	}
	if err := m.restore(file); err != nil {
		m.Close()
		return nil, errors.Wrapf(err, "trainer: %s", path)
	}
	return m, nil
}

// restore takes the weights of a model file.
func (m *Model) restore(file *safetensors.File) error {
	stored := make([]graph.StoredTensor, len(file.Tensors))
	for i, t := range file.Tensors {
		stored[i] = graph.StoredTensor{Name: t.Name, Shape: t.Shape, F32: t.F32, F64: t.F64}
	}
	var how graph.Loading
	if file.Metadata[versionKey] == flatVersion {
		how.Mapping = func(name string) (string, bool) { return nestedNetName(name), true }
	}
	_, err := m.params.Restore(stored, how)
	return err
}

// Info is what the model says about itself.
func (m *Model) Info() ModelInfo { return m.info }

// EmbeddingSize is the length E of an embedding.
func (m *Model) EmbeddingSize() int { return m.eval.outSize() }

// Options is how pictures must be opened for this model; with those for a model of vectors
// datasets.OpenVectors opens them.
func (m *Model) Options() datasets.Options {
	n := m.info.Net
	if m.info.Resize == "" && n.Height*n.Width == 1 {
		return datasets.Options{}
	}
	return datasets.Options{Channels: n.InChannels, Height: n.Height, Width: n.Width, Resize: m.info.Resize, Invert: m.info.Invert, Range: storedRange(m.info.Range), Detail: m.info.Detail}
}

// Embed is the embeddings (N, E) of d's items, row-major. Pictures and vectors of files are
// opened with Options. Pictures that need no labels and no Dataset are for EmbedFiles,
// EmbedFile, EmbedReader and EmbedImage.
func (m *Model) Embed(ctx context.Context, d datasets.Set) ([]float32, error) {
	if err := needs.Context("trainer", ctx); err != nil {
		return nil, err
	}
	set, err := toEmbed(d)
	if err != nil {
		return nil, err
	}
	return m.eval.dataset(ctx, set, m.info.Normalisation)
}

// EmbedPixels is the embeddings (N, E) of pictures (N, C, H, W), or of vectors (N, D), that
// are normalised already (by Info().Normalisation), row-major. A model of several views embeds no
// such pictures.
func (m *Model) EmbedPixels(ctx context.Context, pixels []float32) ([]float32, error) {
	if err := needs.Context("trainer", ctx); err != nil {
		return nil, err
	}
	return m.eval.pixels(ctx, pixels)
}

// Close gives back what the model holds, once the batch that is being embedded is done;
// Embed fails from then on.
func (m *Model) Close() error { return m.eval.close() }
