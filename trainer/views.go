package trainer

import (
	"math"

	"github.com/pkg/errors"

	"medusa/datasets"
	"medusa/graph"
)

// viewing is the views that an embedding is made of: the mean over each list, and the means of
// several lists one behind the other. The zero value is the picture as it is.
type viewing struct {
	lists  [][]datasets.View
	detail float64 // of the pictures that they are taken of, as datasets.Options.Detail
}

// newViewing reads Config.EvalViews, of pictures of that detail.
func newViewing(text string, detail float64) (viewing, error) {
	lists, err := datasets.ParseViews(text)
	if err != nil {
		return viewing{}, errors.Wrap(err, "trainer: views")
	}
	return viewing{lists: lists, detail: detail}, nil
}

// width is how many numbers an embedding has where one of a view has size.
func (v viewing) width(size int) int { return size * max(len(v.lists), 1) }

// newEmbedder is the network for the run's evaluations over some weights.
func (t *Trainer) newEmbedder(params *graph.Params) (*embedder, error) {
	e, err := newEmbedder(t.cfg.Net, params, t.cfg.EvalBatch, t.device)
	if err == nil {
		e.views = t.views
	}
	return e, err
}

// outSize is the numbers in an embedding.
func (e *embedder) outSize() int { return e.views.width(e.size) }

// suit returns an error if views cannot be taken of d, or would not be the same as of the pictures that
// the network is measured on.
func (v viewing) suit(d *items) error {
	if len(v.lists) == 0 {
		return nil
	}
	own := d.pictures()
	if own == nil {
		return errors.Errorf("trainer: an embedding is that of several views, and only of pictures in a Dataset can there be any, not of these %s", d.noun())
	}
	s, wanted := own.Stored(), max(v.detail, 1)
	if kept := float64(max(s.DetailHeight, s.Height)) / float64(s.Height); kept != math.Round(wanted*float64(s.Height))/float64(s.Height) {
		return errors.Errorf("trainer: views are taken of pictures that are kept %v times as large, and these are kept %v times as large: open them with Detail %v in datasets.Options, as Model.Options has it", wanted, kept, v.detail)
	}
	return nil
}

// embed writes the embeddings (B, E·lists) of a batch, with one giving those of a view, of size numbers
// each. The mean of unit vectors is brought to length 1 again if unit is set, and so is the
// whole.
func (v viewing) embed(dst []float32, size int, unit bool, one func(datasets.View) ([]float32, error)) error {
	clear(dst)
	width := v.width(size)
	for l, list := range v.lists {
		for _, view := range list {
			x, err := one(view)
			if err != nil {
				return err
			}
			for i := 0; i*width < len(dst); i++ {
				to := dst[i*width+l*size:][:size]
				for j, value := range x[i*size : (i+1)*size] {
					to[j] += value
				}
			}
		}
	}
	for i := 0; i*width < len(dst); i++ {
		for l, list := range v.lists {
			factor := 1 / float64(len(list))
			part := dst[i*width+l*size:][:size]
			if unit {
				factor = 1 / (euclidean(part) * math.Sqrt(float64(len(v.lists))))
			}
			for j := range part {
				part[j] = float32(float64(part[j]) * factor)
			}
		}
	}
	return nil
}

// euclidean is the length of a vector; 1 of the zero vector, which stays what it is.
func euclidean(x []float32) float64 {
	sum := 0.0
	for _, v := range x {
		sum += float64(float64(v) * float64(v)) // float64: not fused, so that all processors agree
	}
	if sum == 0 {
		return 1
	}
	return math.Sqrt(sum)
}
