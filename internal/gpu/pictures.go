package gpu

import (
	"math"

	"github.com/pkg/errors"

	"medusa/internal/cuda"
	"medusa/internal/device"
)

const (
	pictureShare = 4       // pictures take at most this share (1/4) of the free memory
	pictureChunk = 8 << 20 // bytes that are copied at once
)

// pictures is a set of 8-bit pictures on the device.
type pictures struct {
	d                      *Device
	set                    device.PictureSet
	stored, detail, tables *cuda.Buffer
	feed                   device.Feed // of recipes
	words                  []float32   // what it is fed
	step                   step
	b                      buffers
}

// NewPictures keeps pictures on the device.
func (d *Device) NewPictures(set device.PictureSet) (device.Pictures, error) {
	p := &pictures{d: d, set: set, b: buffers{d: d}}
	if err := p.open(); err != nil {
		p.giveBack()
		return nil, errors.Wrap(err, "gpu: pictures")
	}
	p.set.Read = nil
	return p, nil
}

func (p *pictures) open() error {
	s := p.set
	if s.Count < 1 || s.Channels < 1 || s.Height < 1 || s.Width < 1 || len(s.Tables) != s.Channels {
		return errors.Errorf("%d pictures of %d×%d×%d with %d tables", s.Count, s.Channels, s.Height, s.Width, len(s.Tables))
	}
	each, large := s.Channels*s.Height*s.Width, s.Channels*s.DetailHeight*s.DetailWidth
	free, _, err := p.d.ctx.MemoryInfo()
	if err != nil {
		return err
	}
	if s.Channels > pictureChannels || int64(s.Count)*int64(each+large) > free/pictureShare {
		return errors.Wrapf(device.ErrNoRoom, "%d pictures of %d bytes, %d bytes are free", s.Count, each+large, free)
	}
	if p.stored, err = p.upload(each, false); err != nil {
		return err
	}
	if large > 0 {
		if p.detail, err = p.upload(large, true); err != nil {
			return err
		}
	}
	var flat []float32
	for _, t := range s.Tables {
		flat = append(flat, t[:]...)
	}
	if p.tables, err = p.d.take(len(flat)); err != nil {
		return err
	}
	return cuda.Upload(p.d.stream, p.tables, flat)
}

// upload brings all pictures of that size.
func (p *pictures) upload(each int, detail bool) (*cuda.Buffer, error) {
	b, err := p.d.take((p.set.Count*each + 3) / 4)
	if err != nil {
		return nil, err
	}
	var chunk []byte
	at := 0
	for i := range p.set.Count {
		picture, err := p.set.Read(i, detail)
		if err != nil {
			return b, err
		}
		if len(picture) != each {
			return b, errors.Errorf("picture %d has %d bytes, want %d", i, len(picture), each)
		}
		chunk = append(chunk, picture...)
		if len(chunk) < pictureChunk && i < p.set.Count-1 {
			continue
		}
		part, err := b.Part(at, len(chunk))
		if err != nil {
			return b, err
		}
		if err := cuda.Upload(p.d.stream, part, chunk); err != nil {
			return b, err
		}
		at += len(chunk)
		chunk = chunk[:0]
	}
	return b, nil
}

// Make puts on the device what makes the batch.
func (p *pictures) Make(dst device.Remote, recipes []device.Recipe) error {
	out, ok := dst.(*cuda.Buffer)
	n := len(recipes)
	switch {
	case !ok:
		return errors.New("gpu: pictures: memory that is not of this device")
	case n == 0:
		return nil
	case out.Bytes() < 4*n*p.set.Channels*p.set.Height*p.set.Width:
		return errors.Errorf("gpu: %d pictures do not fit into %d bytes", n, out.Bytes())
	}
	if len(p.words) != n*pictureRecipeWords {
		if err := p.prepare(n); err != nil {
			return errors.Wrap(err, "gpu: pictures")
		}
	}
	for i, r := range recipes {
		if err := p.encode(p.words[i*pictureRecipeWords:][:0:pictureRecipeWords], r); err != nil {
			return err
		}
	}
	if err := p.feed.Put([][]float32{p.words}); err != nil {
		return err
	}
	p.b.out = append(p.b.out[:0], out)
	return errors.Wrap(p.step.run(&p.b), "gpu: pictures")
}

// prepare makes room for n recipes.
func (p *pictures) prepare(n int) (err error) {
	if p.feed != nil {
		if err := p.feed.Close(); err != nil {
			return err
		}
		p.feed = nil
	}
	if p.feed, err = p.d.NewFeed([]int{n * pictureRecipeWords}); err != nil {
		return err
	}
	p.words = make([]float32, n*pictureRecipeWords)
	s := p.set
	making := &builder{d: p.d}
	making.launchMakePictures(blocks(n), s.Channels, divisor(s.Height*s.Width), divisor(s.Width), s.DetailHeight, s.DetailWidth,
		fixed(p.stored), remote(p.detail), remote(p.feed.Memory(0)), fixed(p.tables), out)
	p.step = making.steps[0]
	return making.err
}

// remote is memory of the device as an operand, null if it is nil.
func remote(r device.Remote) operand {
	if b, ok := r.(*cuda.Buffer); ok && b != nil {
		return fixed(b)
	}
	return null
}

// encode writes picture.cu's Recipe, as bits.
func (p *pictures) encode(to []float32, r device.Recipe) error {
	s := p.set
	if r.Item < 0 || r.Item >= s.Count || r.Detail && p.detail == nil {
		return errors.Errorf("gpu: picture %d, detail %t, of %d", r.Item, r.Detail, s.Count)
	}
	long := func(u uint64) { to = append(to, math.Float32frombits(uint32(u)), math.Float32frombits(uint32(u>>32))) }
	for _, v := range [...]float64{r.Map[0], r.Map[1], r.Map[2], r.Map[3], r.Map[4], r.Map[5], r.Bright, r.Contrast} {
		long(math.Float64bits(v))
	}
	long(r.Elastic.Seed)
	long(uint64(r.Elastic.Reach))
	flags := btoi(r.Detail)*recipeFlagDetail | btoi(r.Move)*recipeFlagMove | btoi(r.Bilinear)*recipeFlagBilinear | btoi(r.Toned)*recipeFlagToned | btoi(r.Centred)*recipeFlagCentred
	for _, v := range [...]int{r.Item, flags, r.X, r.Y, r.Width, r.Height, r.Elastic.Cells} {
		to = append(to, math.Float32frombits(uint32(int32(v))))
	}
	return nil
}

// giveBack ends pictures that are not complete.
func (p *pictures) giveBack() {
	for _, b := range []*cuda.Buffer{p.stored, p.detail, p.tables} {
		if b != nil {
			p.d.giveBack(b)
		}
	}
}
