package model

import (
	"context"

	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"

	"medusa/datasets"
	"medusa/graph"
	"medusa/internal/ram"
	"medusa/machine"
	"medusa/nets"
)

// Embedder is a network for evaluation: graphs of several batch sizes over parameters that it
// shares with whoever trains them. Many goroutines may use it: each batch is one's own from the
// first picture to the last embedding, and between two batches others have their turn. Nobody
// changes the parameters meanwhile.
type Embedder struct {
	turn        chan struct{} // full while a batch is made
	batch, size int           // pictures in a batch, numbers in an embedding of one view
	in          int           // numbers in a picture
	cfg         nets.Config
	params      *graph.Params
	dev         *machine.Device
	graphs      []*evalGraph // the one of whole batches first; the smaller ones when first needed
	views       Views        // what of a picture is embedded
	closed      bool
}

// evalGraph embeds so many pictures at once.
type evalGraph struct {
	batch int
	x     []float32
	out   *graph.Kept
	vm    gorgonia.VM
}

// fewPictures are the sizes of smaller batches, so that one picture does not cost what a whole batch
// does. The bits are those of a whole batch, which a batch of one picture would not have: see
// loops.Gemm.
var fewPictures = []int{2, 8}

// NewEmbedder builds the network for batches of so many pictures at the most; its parameters, which
// it adds to params where they are not there yet, live on dev from then on, the host if nil. Each picture
// is seen in views.
func NewEmbedder(cfg nets.Config, params *graph.Params, batch int, dev *machine.Device, views Views) (e *Embedder, err error) {
	pictures := float64(batch) * float64(cfg.InChannels) * float64(cfg.Height) * float64(cfg.Width)
	if err := ram.Check(4 * pictures); err != nil {
		return nil, errors.Errorf("model: an evaluation batch of %d pictures of %d×%d×%d (channels, height, width) %v; take a smaller one, or smaller pictures",
			batch, cfg.InChannels, cfg.Height, cfg.Width, err)
	}
	e = &Embedder{turn: make(chan struct{}, 1), batch: batch, in: cfg.InChannels * cfg.Height * cfg.Width, cfg: cfg, params: params, dev: dev, views: views}
	whole, err := e.build(batch)
	if err != nil {
		return nil, err
	}
	e.size = whole.out.Shape()[1]
	return e, nil
}

// build adds the graph of a batch size.
func (e *Embedder) build(batch int) (b *evalGraph, err error) {
	defer graph.Guard("building the network for evaluation", &err)
	b = &evalGraph{batch: batch}
	g := gorgonia.NewGraph()
	x, buf := graph.Input(g, "pictures", batch, e.cfg.InChannels, e.cfg.Height, e.cfg.Width)
	b.x = buf
	net, err := nets.Build(e.cfg, e.params, x, nets.Eval)
	if err != nil {
		return nil, err
	}
	if b.out, err = graph.Keep(net.Embedding); err != nil {
		return nil, err
	}
	if b.vm, err = machine.On(g, e.dev, e.params); err != nil {
		return nil, err
	}
	e.graphs = append(e.graphs, b)
	return b, nil
}

// graphFor is the graph that so many pictures take least time in. A device takes them all in that of
// whole batches: its libraries may compute another size otherwise.
func (e *Embedder) graphFor(pictures int) (*evalGraph, error) {
	batch := e.batch
	for _, n := range fewPictures {
		if e.dev == nil && pictures <= n && n < batch {
			batch = n
		}
	}
	for _, b := range e.graphs {
		if b.batch == batch {
			return b, nil
		}
	}
	return e.build(batch)
}

// Size is the length E of an embedding.
func (e *Embedder) Size() int { return e.views.Size(e.size) }

// Set is the embeddings (N, E) of d's items, row-major, normalised by norm. progress, if not nil,
// is told how many of how many are embedded.
func (e *Embedder) Set(ctx context.Context, d datasets.Set, norm datasets.Normalisation, progress func(done, total int)) ([]float32, error) {
	if err := datasets.CheckShape(d); err != nil {
		return nil, errors.WithMessage(err, "model")
	}
	if c, h, w := d.Shape(); c*h*w != e.in {
		return nil, errors.Errorf("model: pictures of %d×%d×%d (channels, height, width) do not fit the network, which takes %d numbers", c, h, w, e.in)
	}
	if err := e.views.Check(d); err != nil {
		return nil, errors.WithMessage(err, "model")
	}
	indices := make([]int, 0, e.batch)
	return e.run(ctx, d.Len(), func(dst []float32, from, to int, v datasets.View) error {
		if progress != nil {
			progress(from, d.Len())
		}
		indices = indices[:0]
		for i := from; i < to; i++ {
			indices = append(indices, i)
		}
		if own, ok := d.(*datasets.Dataset); ok {
			return own.FillView(dst, indices, norm, v)
		}
		return datasets.Fill(d, dst, indices, norm)
	})
}

// Pixels is the embeddings (N, E) of pictures (N, C, H, W) that are normalised already. Of them there
// are no views: an Embedder that takes views returns an error.
func (e *Embedder) Pixels(ctx context.Context, pixels []float32) ([]float32, error) {
	if len(pixels)%e.in != 0 {
		return nil, errors.Errorf("model: %d numbers are no whole pictures of %d", len(pixels), e.in)
	}
	if len(e.views.lists) > 0 {
		return nil, errors.New("model: an embedding is that of several views, which are made of pictures and not of normalised pixels: give it a Dataset, a file or an image")
	}
	return e.run(ctx, len(pixels)/e.in, func(dst []float32, from, to int, _ datasets.View) error {
		copy(dst, pixels[from*e.in:to*e.in])
		return nil
	})
}

// run is the embeddings of n pictures, which fill provides a batch at a time. A short
// last batch is filled up with what was there before, and that part of the result dropped.
func (e *Embedder) run(ctx context.Context, n int, fill fillView) (out []float32, err error) {
	defer graph.Guard("embedding pictures", &err)
	size := e.Size()
	out = make([]float32, n*size)
	for from := 0; from < n; from += e.batch {
		to := min(from+e.batch, n)
		if err := e.next(ctx, out[from*size:to*size], from, to, fill); err != nil {
			if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
				return nil, errors.Wrapf(err, "model: embedding stopped at picture %d of %d", from, n)
			}
			return nil, err
		}
	}
	return out, nil
}

// fillView writes the pictures of a batch, seen in one way.
type fillView func(dst []float32, from, to int, v datasets.View) error

// next waits for its turn and writes the embeddings of one batch to dst.
func (e *Embedder) next(ctx context.Context, dst []float32, from, to int, fill fillView) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case e.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-e.turn }()
	if e.closed {
		return errClosed
	}
	b, err := e.graphFor(to - from)
	if err != nil {
		return err
	}
	one := func(v datasets.View) ([]float32, error) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := fill(b.x[:(to-from)*e.in], from, to, v); err != nil {
			return nil, err
		}
		if err := b.vm.RunAll(); err != nil {
			return nil, errors.Wrap(err, "model: evaluation")
		}
		values := b.out.Float32s()
		return values, errors.Wrap(b.out.Err(), "model: evaluation")
	}
	if len(e.views.lists) == 0 {
		values, err := one(datasets.View{})
		copy(dst, values)
		return err
	}
	return e.views.of(dst, e.size, !e.cfg.Raw, one)
}

// errClosed is what is said of pictures to be embedded after Close.
var errClosed = errors.New("model: the network is closed: embed pictures before Close")

// Close waits for the batch that is being made. It may be called twice.
func (e *Embedder) Close() error {
	if e == nil {
		return nil
	}
	e.turn <- struct{}{}
	defer func() { <-e.turn }()
	if e.closed {
		return nil
	}
	e.closed = true
	var err error
	for _, b := range e.graphs {
		if e := b.vm.Close(); err == nil {
			err = e
		}
	}
	return err
}
