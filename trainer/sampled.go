package trainer

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/pkg/errors"

	"medusa/datasets"
	"medusa/internal/field"
	"medusa/internal/wording"
	"medusa/losses"
	"medusa/miners"
	"medusa/pairs"
	"medusa/samplers"
)

// categorised is a Set that knows which kind of thing the class of each item is, as a Dataset does.
type categorised interface{ Categories() datasets.Groups }

// sampled is what samplers are told of d.
func sampled(d *items, seed uint64) samplers.Pictures {
	p := samplers.Pictures{Labels: d.Labels(), Classes: d.Classes(), Counter: func(text string) (samplers.Counter, error) { return tupleCounter(text, seed) }}
	if _, named := d.Set.(datasets.Named); named {
		p.Names = d.Path
	}
	if c, ok := d.Set.(categorised); ok {
		groups := c.Categories()
		p.Categories, p.CategoryNames = groups.Of, groups.Names
	}
	return p
}

// noticeLeftOut tells of the super-classes that are in no batch.
func (t *Trainer) noticeLeftOut() {
	h, ok := t.batches.sampler.(*samplers.Hierarchical)
	if !ok || len(h.LeftOutNames()) == 0 {
		return
	}
	names := h.LeftOutNames()
	more := ""
	if n := len(names) - 5; n > 0 {
		names, more = names[:5], fmt.Sprintf(" and %d more", n)
	}
	t.notice(fmt.Sprintf("%s with fewer than %d classes of %d pictures left out: %s", wording.Number(len(h.LeftOut), "super-classes"), h.Classes, h.K, strings.Join(names, ", ")+more))
}

// checkViews refuses batches without views for a loss that takes them for granted.
func (c Config) checkViews(o Options) error {
	if o.Sampler != nil {
		return nil // the program's own affair
	}
	loss := o.Loss
	if loss == nil {
		var err error
		if loss, err = losses.Parse(c.Loss, anyClasses); err != nil {
			return nil // told elsewhere
		}
	}
	views, k := losses.ViewsInARow(loss), c.Sampler.K
	if c.Sampler.Name == "views" {
		k = cmp.Or(k, samplers.DefaultViews)
	}
	if views == 0 || k == views {
		return nil
	}
	return field.Errorf("trainer", "", "%s takes %d views of each picture, which stand in a row in the batch: want %s and %s", field.Name("Loss"), views,
		field.Setting{Field: "Sampler.Name", Value: "views"}, field.Setting{Field: "Sampler.K", Value: strconv.Itoa(views)})
}

// noticeEqualViews tells of views of pictures that nothing changes.
func (t *Trainer) noticeEqualViews() {
	c := t.cfg
	if c.Sampler.Name == "views" && t.data.Train.pictures() != nil && c.Data.Augment == (datasets.Augment{}) && c.Net.Dropout == 0 {
		t.notice("the views of a picture are all the same, since nothing changes them: ask for augmentation")
	}
}

// tupleCounter counts tuples of the miner of a text, which it makes anew for each epoch: what a miner
// draws then depends on the seed and the epoch alone, as a run that goes on needs it.
func tupleCounter(text string, seed uint64) (samplers.Counter, error) {
	count := func(embeddings []float32, labels []int, epoch int) ([]float64, error) {
		m, err := miners.Parse(text)
		if err != nil {
			return nil, err
		}
		miners.SetSeed(m, seed+uint64(epoch))
		rows := miners.Rows{Embeddings: make([]float64, len(embeddings)), Labels: labels}
		for i, v := range embeddings {
			rows.Embeddings[i] = float64(v)
		}
		counts, err := miners.TupleCounts(m, pairs.LP{}, rows)
		return counts, errors.WithMessage(err, text)
	}
	// A first try tells of a miner that cannot choose of any rows, before there is a run.
	_, err := count([]float32{1, 0, 0, 1, 1, 1, -1, 0}, []int{0, 0, 1, 1}, 0)
	return count, err
}
