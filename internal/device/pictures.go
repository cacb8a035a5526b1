package device

// PictureSet is 8-bit pictures that an Accelerator keeps, to make batches of them by recipes.
type PictureSet struct {
	Count                     int
	Channels, Height, Width   int // planar (C, H, W)
	DetailHeight, DetailWidth int // of larger ones beside them; 0 if there are none
	// Tables is what a value of each channel becomes: normalisation.
	Tables [][256]float32
	// Read is picture i, or the larger one; the result is used before the next call.
	Read func(i int, detail bool) ([]byte, error)
}

// Recipe says how one picture of a batch is made; package datasets tells what the fields mean.
type Recipe struct {
	Item                int
	Detail              bool
	Move, Bilinear      bool // where values come from; neither: the picture as it is
	Map                 [6]float64
	Elastic             Elastic
	Toned, Centred      bool
	Bright, Contrast    float64
	X, Y, Width, Height int // what is set to 0
}

// Elastic moves places before Map, if Bilinear; not at all if Reach is 0.
type Elastic struct {
	Seed  uint64
	Reach int64
	Cells int
}

// Pictures are kept by an Accelerator until its Close.
type Pictures interface {
	// Make puts on the device what makes a batch (len(recipes), C, H, W) of the recipes, at dst. They may
	// be changed when it returns.
	Make(dst Remote, recipes []Recipe) error
}
