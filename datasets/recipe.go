package datasets

import "github.com/pkg/errors"

// Recipe says how one picture of a batch is made of a stored one: what a loader does itself
// unless LoaderConfig.Recipes is set, and what another device must do to the bit.
type Recipe struct {
	Item   int  // of the data set
	Detail bool // from the larger picture that is kept beside it, see Dataset.Stored
	// Warp says where the values come from. Place (x, y) of the result, in pixels of which
	// number i covers i … i+1, lies at (Map[0]·x + Map[1]·y + Map[2], Map[3]·x + Map[4]·y + Map[5])
	// of the stored picture.
	Warp WarpKind
	Map  [6]float64
	// Elastic moves (x, y) before Map, if Warp is WarpBilinear.
	Elastic Elastic
	// With Toned a value v becomes min(v·Bright, 255), then m + Contrast·(v − m) within 0 … 255, rounded;
	// m is 0 or, with Centred, the picture's mean luminance, brightened.
	Toned, Centred   bool
	Bright, Contrast float64
	// After normalisation the rectangle from (X, Y) of Width×Height pixels becomes 0; none if
	// Width is 0.
	X, Y, Width, Height int
}

// WarpKind is how values are read.
type WarpKind uint8

// The kinds.
const (
	WarpNone     WarpKind = iota // the picture as it is stored
	WarpMove                     // whole pixels: mirrored, or moved, the edge repeated
	WarpBilinear                 // between the centres of four pixels, the edge repeated
)

// Stored is how a Dataset keeps its pictures: 8 bits a value, planar (C, H, W).
type Stored struct {
	Channels, Height, Width   int
	DetailHeight, DetailWidth int // of the larger ones that are kept beside them; 0 if none are
}

// Stored tells the sizes of the pictures as they are kept.
func (d *Dataset) Stored() Stored {
	s := Stored{Channels: d.store.channels, Height: d.store.height, Width: d.store.width}
	if t := d.store.detail; t != nil {
		s.DetailHeight, s.DetailWidth = t.height, t.width
	}
	return s
}

// StoredPicture is picture i as it is kept, upright, or the larger one. It may lie in scratch, which
// has room for it, and must not be changed.
func (d *Dataset) StoredPicture(i int, detail bool, scratch []byte) ([]byte, error) {
	if err := d.checkIndices([]int{i}); err != nil {
		return nil, err
	}
	s := d.store
	if detail {
		s = s.detail
	}
	switch {
	case s == nil:
		return nil, errors.New("datasets: no larger pictures are kept")
	case s.file != nil && len(scratch) < s.bytes():
		return nil, errors.Errorf("datasets: %d bytes of room for a picture of %d", len(scratch), s.bytes())
	}
	return s.get(int(d.rows[i]), scratch)
}
