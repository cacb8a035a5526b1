package trainer

import (
	"github.com/pkg/errors"

	"medusa/datasets"
	"medusa/internal/device"
)

// deviceBatches makes the batches of training on a device, of pictures that lie there: the
// host draws what happens to each, the device does it, with the same bits as the host.
type deviceBatches struct {
	pictures device.Pictures
	of       []int // item → its picture among those
	recipes  []device.Recipe
}

// keepPictures brings the training set's pictures to the device; where they take too much
// of its memory batches are made by the host, and so are those that are computed in parts.
func (t *Trainer) keepPictures() error {
	if t.device == nil || t.step.chunks != nil || t.data.Train.pictures() == nil {
		return nil
	}
	d := t.data.Train.pictures()
	s := d.Stored()
	scratch := make([]byte, s.Channels*max(s.Height*s.Width, s.DetailHeight*s.DetailWidth))
	items, of := d.Distinct()
	set := device.PictureSet{
		Count: len(items), Channels: s.Channels, Height: s.Height, Width: s.Width, DetailHeight: s.DetailHeight, DetailWidth: s.DetailWidth,
		Tables: t.data.Norm.Tables(s.Channels),
		Read:   func(i int, detail bool) ([]byte, error) { return d.StoredPicture(items[i], detail, scratch) },
	}
	p, err := t.device.Accelerator().NewPictures(set)
	if errors.Is(err, device.ErrNoRoom) {
		if t.o.Notice != nil {
			t.o.Notice("the host makes the batches: " + err.Error())
		}
		return nil
	}
	if err != nil {
		return errors.Wrap(err, "trainer: the pictures on the device")
	}
	t.batches = &deviceBatches{pictures: p, of: of, recipes: make([]device.Recipe, t.sampler.Batch())}
	t.device.Adopt(t.step.x)
	return nil
}

// feed makes the batch the step's input.
func (t *Trainer) feed(b *datasets.Batch) error {
	copy(t.step.y, b.Labels)
	if t.batches == nil {
		copy(t.step.x, b.Pixels)
		return nil
	}
	for i, r := range b.Recipes {
		t.batches.recipes[i] = device.Recipe{
			Item: t.batches.of[r.Item], Detail: r.Detail, Move: r.Warp == datasets.WarpMove, Bilinear: r.Warp == datasets.WarpBilinear, Map: r.Map,
			Elastic: device.Elastic(r.Elastic),
			Toned:   r.Toned, Centred: r.Centred, Bright: r.Bright, Contrast: r.Contrast,
			X: r.X, Y: r.Y, Width: r.Width, Height: r.Height,
		}
	}
	if err := t.device.Change(t.step.x); err != nil {
		return err
	}
	return t.batches.pictures.Make(t.device.Memory(t.step.x), t.batches.recipes)
}
