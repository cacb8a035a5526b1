package model

import (
	"math"

	"github.com/pkg/errors"

	"medusa/datasets"
)

// Views are the ways in which each picture is seen to be embedded: an embedding is the mean over the
// views of a list, and has the means of several lists one behind the other. The zero value is the
// picture as it is.
type Views struct {
	lists  [][]datasets.View
	detail float64 // of the pictures that they are taken of, as datasets.Options.Detail
}

// ParseViews reads views as datasets.ParseViews does; they are taken of pictures that are opened with
// that datasets.Options.Detail. An empty text is the zero Views.
func ParseViews(text string, detail float64) (Views, error) {
	lists, err := datasets.ParseViews(text)
	if err != nil || len(lists) == 0 {
		return Views{}, errors.Wrap(err, "model: views")
	}
	return Views{lists: lists, detail: detail}, nil
}

// Size is how many numbers an embedding has where that of one view has size.
func (v Views) Size(size int) int { return size * max(len(v.lists), 1) }

// Check returns an error if views cannot be taken of d, or would not be the same as of pictures that
// were opened with their Detail.
func (v Views) Check(d datasets.Set) error {
	if len(v.lists) == 0 {
		return nil
	}
	own, ok := d.(*datasets.Dataset)
	if !ok || own.HoldsVectors() {
		return errors.Errorf("only pictures in a Dataset can be seen in several ways, not these %s", datasets.NounOf(d))
	}
	s, detail := own.Stored(), max(v.detail, 1)
	kept := float64(max(s.DetailHeight, s.Height)) / float64(s.Height)
	if wanted := math.Round(detail*float64(s.Height)) / float64(s.Height); kept != wanted {
		return errors.Errorf("views are taken of pictures that are kept %v times as large, and these are kept %v times as large: open them with Detail %v in datasets.Options, as Model.Options has it", wanted, kept, detail)
	}
	return nil
}

// of writes the embeddings (B, E·lists) of a batch. The function one returns the embeddings of a view,
// size numbers each. If unit is set, embeddings have length 1: the mean over a list is brought back to
// that length, and so is the whole.
func (v Views) of(dst []float32, size int, unit bool, one func(datasets.View) ([]float32, error)) error {
	clear(dst)
	width := v.Size(size)
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
