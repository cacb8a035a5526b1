package trainer

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/pkg/errors"

	"medusa/datasets"
	"medusa/internal/wording"
	"medusa/metrics"
)

// Raw pixels are what every network has to beat: the pictures themselves in place of
// embeddings, at the size and with the normalisation that the network sees, compared by
// cosine. Clusters are not measured, which would cost more than all the rest.

// Limits of the comparison; larger pictures are halved until they keep both.
const (
	pixelNumbers  = 1 << 27 // of all pictures together: half a GiB
	pixelProducts = 3e11    // of all pairs of pictures: some seconds
	rawVectors    = 1 << 28 // numbers of vectors, which cannot be halved: a GiB, and as much again to compare them
	rawProducts   = 4e12    // of vectors, above which fewer are searched for: some minutes
	exactPair     = 20      // what a pair of one class costs, in pairs of two
)

// measurePixels measures the raw pixels of the set that the model will be measured on,
// once in a run.
func (t *Trainer) measurePixels(ctx context.Context) error {
	d, set := t.data.measured()
	if d == nil || t.state.Pixels != nil {
		return nil
	}
	began := time.Now()
	o := metrics.Options{Distance: metrics.Cosine, NoClustering: true}
	if d.vectors() {
		dim := datasets.ItemSize(d)
		if d.Len() > rawVectors/dim {
			t.notice(fmt.Sprintf("the raw %s vectors are not compared: %s of %s numbers are too many for memory; with fewer %s classes they are",
				set, wording.Thousands(d.Len()), wording.Thousands(dim), set))
			return nil
		}
		if most := rawProducts / float64(len(d.Gallery())*dim); float64(len(d.Queries())) > most {
			o.MaxQueries = max(int(most), leastQueries)
		}
	}
	norm := t.data.Norm
	if d.vectors() { // whose lengths and directions mean something as they are
		norm = datasets.Normalisation{}
	}
	share := 1. // of the items, which is searched for
	if queries := len(d.Queries()); queries > 0 {
		if most := t.maxQueries(queries, len(d.Gallery())); most > 0 {
			share = min(1, float64(most)/float64(queries))
		}
	}
	x, dim, err := pixels(ctx, d, norm, share, func(done int) { t.progress(ctx, "reading raw "+rawOf(d), done, d.Len()) })
	if err != nil {
		return err
	}
	if c, h, w := d.Shape(); dim < c*h*w && t.o.Notice != nil {
		t.o.Notice(fmt.Sprintf("raw pixels are compared as %s numbers a picture in place of %s, means of neighbouring pixels: there are too many for all of them",
			wording.Thousands(dim), wording.Thousands(c*h*w)))
	}
	r, err := t.retrieve(ctx, d, x, dim, o)
	if err != nil {
		return errors.Wrap(err, "trainer: raw pixels")
	}
	i := EvalInfo{Steps: t.cfg.Steps, Set: set, Items: d.noun(), Phase: RawPixels, Result: r, Dim: dim, Seconds: time.Since(began).Seconds()}
	if i.Value, err = t.figure(r); err == nil { // clusters are not measured
		i.Metric = t.cfg.Metric
	}
	t.state.Pixels = &r
	if err := t.tellOwn(func(h Hook) error { return h.evaluated(ctx, i) }); err != nil {
		return err
	}
	return t.tellEvaluated(ctx, i)
}

// pixels is the pictures (N, dim) of d as the network sees them, channel after channel,
// halved as often as the limits demand if that share of them is searched for among all.
func pixels(ctx context.Context, d *items, norm datasets.Normalisation, share float64, progress func(done int)) (x []float32, dim int, err error) {
	const batch = 64
	c, h, w := d.Shape()
	n, factor := d.Len(), 1
	size := func() int { return c * max(h/factor, 1) * max(w/factor, 1) }
	for tooLarge(d.Labels(), share, size()) && size() > c {
		factor *= 2
	}
	dim = size()
	x = make([]float32, 0, n*dim)
	whole, indices := make([]float32, batch*c*h*w), make([]int, batch)
	for from := 0; from < n; from += batch {
		progress(from)
		if err := ctx.Err(); err != nil {
			return nil, 0, errors.Wrapf(err, "trainer: raw pixels: stopped at picture %d of %d", from, n)
		}
		indices = indices[:min(batch, n-from)]
		for k := range indices {
			indices[k] = from + k
		}
		if err := d.Fill(whole[:len(indices)*c*h*w], indices, norm); err != nil {
			return nil, 0, errors.WithMessagef(err, "trainer: comparing raw %s at step 0", d.noun())
		}
		for plane := range slices.Chunk(whole[:len(indices)*c*h*w], h*w) {
			x = appendReduced(x, plane, w, min(factor, h), min(factor, w))
		}
	}
	return x, dim, nil
}

// rawOf is what raw items are called.
func rawOf(d *items) string {
	if d.vectors() {
		return "vectors"
	}
	return "pixels"
}

// tooLarge reports whether to compare items of dim numbers would take too much memory or time,
// if a share of them is searched for among all.
func tooLarge(labels []int, share float64, dim int) bool {
	n := float64(len(labels))
	members := make(map[int]float64)
	for _, l := range labels {
		members[l]++
	}
	pairs := n * n
	for _, m := range members {
		pairs += exactPair * m * m
	}
	return n*float64(dim) > pixelNumbers || share*pairs*float64(dim) > pixelProducts
}

// appendReduced appends a plane of width w, each tile of down×across pixels as its mean;
// what does not fill a tile is left out.
func appendReduced(x, plane []float32, w, down, across int) []float32 {
	if down == 1 && across == 1 {
		return append(x, plane...)
	}
	for row := 0; row+down <= len(plane)/w; row += down {
		for column := 0; column+across <= w; column += across {
			sum := float32(0)
			for r := row; r < row+down; r++ {
				for _, v := range plane[r*w+column : r*w+column+across] {
					sum += v
				}
			}
			x = append(x, sum/float32(down*across))
		}
	}
	return x
}
