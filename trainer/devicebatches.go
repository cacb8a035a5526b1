package trainer

import (
	"github.com/pkg/errors"

	"medusa/datasets"
	"medusa/internal/device"
	"medusa/machine"
)

// deviceBatches makes the batches of training on a device, of pictures that lie there: the
// host draws what happens to each, the device does it, with the same bits as the host.
type deviceBatches struct {
	pictures device.Pictures
	of       []int // item → its picture among those
	recipes  []device.Recipe
}

// pinPictures brings the training set's pictures to the device; where they take too much
// of its memory batches are made by the host, and so are those that are computed in parts.
func (b *batches) pinPictures(into *trainGraph, dev *machine.Device, notice func(string)) error {
	d := b.set.pictures()
	if dev == nil || into.chunks != nil || d == nil || b.pinned {
		return nil
	}
	b.pinned = true
	s := d.Stored()
	scratch := make([]byte, s.Channels*max(s.Height*s.Width, s.DetailHeight*s.DetailWidth))
	items, of := d.Distinct()
	set := device.PictureSet{
		Count: len(items), Channels: s.Channels, Height: s.Height, Width: s.Width, DetailHeight: s.DetailHeight, DetailWidth: s.DetailWidth,
		Tables: b.norm.Tables(s.Channels),
		Read:   func(i int, detail bool) ([]byte, error) { return d.StoredPicture(items[i], detail, scratch) },
	}
	p, err := dev.Accelerator().NewPictures(set)
	if errors.Is(err, device.ErrNoRoom) {
		if notice != nil {
			notice("the host makes the batches: " + err.Error())
		}
		return nil
	}
	if err != nil {
		return errors.Wrap(err, "trainer: the pictures on the device")
	}
	b.onDevice = &deviceBatches{pictures: p, of: of, recipes: make([]device.Recipe, b.sampler.Batch())}
	dev.Adopt(into.x)
	return nil
}

// make makes the pictures of a batch at x.
func (m *deviceBatches) make(b *datasets.Batch, x []float32, dev *machine.Device) error {
	for i, r := range b.Recipes {
		m.recipes[i] = device.Recipe{
			Item: m.of[r.Item], Detail: r.Detail, Move: r.Warp == datasets.WarpMove, Bilinear: r.Warp == datasets.WarpBilinear, Map: r.Map,
			Elastic: device.Elastic(r.Elastic),
			Toned:   r.Toned, Centred: r.Centred, Bright: r.Bright, Contrast: r.Contrast,
			X: r.X, Y: r.Y, Width: r.Width, Height: r.Height,
		}
	}
	if err := dev.Change(x); err != nil {
		return err
	}
	return m.pictures.Make(dev.Memory(x), m.recipes)
}
