package datasets

import (
	"image"
	"log/slog"
	"runtime"

	"medusa/internal/field"
)

// ResizeMode says how a picture of another shape becomes Height×Width.
type ResizeMode string

// The three ways to resize.
const (
	Squeeze ResizeMode = "squeeze" // the whole picture, its aspect ratio given up; the default
	Crop    ResizeMode = "crop"    // the largest centred part of the right aspect ratio
	Pad     ResizeMode = "pad"     // the whole picture, centred, white beside it (letterbox)
)

// Filter is what pictures are resized with. Either is as wide as the reduction asks for, so that small pictures of large
// ones do not alias.
type Filter string

// The filters, as in Pillow.
const (
	Bilinear Filter = "bilinear" // a triangle; the default
	Bicubic  Filter = "bicubic"  // Keys' cubic convolution with a = −½
)

// Layout says how folders become classes and parts.
type Layout string

// The ways to read folders.
const (
	LayoutAuto    Layout = "auto"    // well-known data sets, parts and tables are recognised; the default
	LayoutFolders Layout = "folders" // every folder of pictures is a class, whatever its name and its neighbours
)

// Limits that hold where Options has zero.
const (
	DefaultMaxPixels    = 64 << 20  // 67 megapixels: above any telephone's usual setting
	DefaultMaxFileBytes = 256 << 20 // an uncompressed 16-bit TIFF of 40 megapixels
	DefaultCacheBytes   = 2 << 30
)

// Options says how pictures are read. The zero value is usable: sizes and channels are
// then decided from the data.
type Options struct {
	// Height and Width of every picture after reading. Both zero: the size of the
	// pictures if they all have one size of at most 64×64, else 28×28 for grey
	// pictures and 64×64 for colour. One zero: the same as the other.
	Height, Width int
	// Channels is 1 (grey) or 3 (RGB). Zero: 1 if a sample of the pictures is grey, else 3.
	Channels int
	// Resize is the way to the common size; Squeeze if empty.
	Resize ResizeMode
	// CropPct, above 0 and up to 1, brings pictures to Height/CropPct × Width/CropPct, in whole pixels downwards, and
	// takes the middle Height×Width of that, as networks for ImageNet are used: 224 at 0.875 are the middle of a picture
	// whose short side is 256, if Resize is Crop. With Crop, 1 differs from 0, which cuts whole pixels of the
	// picture out before it is resized; torchvision, timm and Hugging Face resize first. Pad takes no part out.
	CropPct float64
	// Filter is what pictures are resized with; Bilinear if empty.
	Filter Filter
	// Align AlignArcFace brings faces to their size by five landmarks in place of resizing: the columns of a table say
	// them (docs/datasets.md); what lies outside of the picture is black. A picture without landmarks that is of
	// Height×Width is taken as it is, as an aligned face; others are left out. Height and Width are then 112
	// if both are zero. No alignment if empty.
	Align Alignment
	// Detail, 1 … 4, keeps a second copy of each picture that is so many times as high
	// and wide, for augmentation to crop, turn and enlarge from without blur: 1.5 suits
	// resized crops of half the area. Memory grows by its square. No copy if 0 or 1.
	Detail float64
	// Invert stores 255 − value: line drawings on white paper get ink 1 and paper 0,
	// so that what lies outside of a picture and what is empty in it are alike.
	Invert bool

	// Range says which values are black and white in files of more than 8 bits that do
	// not say so themselves:
	//
	//	auto      the range that the pictures opened together use: of 16 bits 0 … 255,
	//	          1023, 4095, 16383 or 65535; of floating point, signed and 32-bit numbers
	//	          0 … 1, 0 … 255, or from the smallest to the largest. As if empty
	//	full      0 … 65535 of 16 bits, 0 … 1 of floating point, the range of the type else
	//	LOW/HIGH  such as 0/4095; what lies outside becomes black or white
	//
	// Two of these with a comma between are for 16 bits and for all others. Dataset.Range
	// tells what auto has decided.
	Range string
	// Layout says how folders are read; LayoutAuto if empty.
	Layout Layout
	// Columns names the columns of a table, where its header does not: of a table
	// without a header all in order, such as "path,label,-,split", - being one that is
	// not used; of others those that are called differently, such as "path=Foto,label=Art".
	Columns string

	// MaxPixels is the largest width × height, looked up in the header before a
	// picture is decoded; DefaultMaxPixels if zero.
	MaxPixels int64
	// MaxFileBytes is the largest file that is read; DefaultMaxFileBytes if zero.
	MaxFileBytes int64
	// Strict makes the first unreadable picture an error. Without it such a picture
	// is left out and told in Summary.
	Strict bool
	// DropDuplicates leaves out byte-identical files: further copies in one class, and
	// all copies where two classes claim the same file. Without it they are only told.
	DropDuplicates bool

	// CacheBytes is the memory for decoded pictures; DefaultCacheBytes if zero. A
	// data set above it goes to an unnamed temporary file in CacheDir.
	CacheBytes int64
	// CacheDir is where that file is made; os.TempDir() if empty.
	CacheDir string
	// KeepCache keeps decoded pictures in a file in CacheDir, which must then be given. The
	// next opening with the same size and way of resizing decodes none of them again, whatever
	// their files are called by then: pictures are known by their content. It is for files of
	// pictures; IDX files and vectors need no decoding.
	KeepCache bool
	kept      *keptFile   // opened by gather
	sharded   bool        // folders at the top, or in those of parts, are archives
	image     image.Image // the only picture, in place of a file; nil if files are read
	besides   []string    // files beside those that are read, to be told
	eachAlone bool        // deep pictures are read by a range of their own, where Range leaves it open
	list      string      // name of the list that was given in place of the folder around it; "" for none
	likely    int         // of what gather reads, the files that are likely to be pictures; 0 if it does not tell
	// Workers decode at the same time; GOMAXPROCS if zero.
	Workers int

	// Logger gets one line when a set has been opened and a warning for what was left
	// out; nothing is logged if nil.
	Logger *slog.Logger
	// Progress, if not nil, is called now and then by one goroutine at a time: while a
	// folder is listed with the files and folders seen so far and a total of 0, then while
	// pictures are decoded, and later while FindNearCopies, Split.TellCopies or
	// Dataset.ComputeNormalisation go through all of them.
	Progress func(done, total int)
}

// withDefaults returns o with its zero fields decided, or what is wrong with it.
func (o Options) withDefaults() (Options, error) {
	for _, f := range []struct {
		name  field.Name
		value int64
	}{
		{"Height", int64(o.Height)}, {"Width", int64(o.Width)}, {"MaxPixels", o.MaxPixels},
		{"MaxFileBytes", o.MaxFileBytes}, {"CacheBytes", o.CacheBytes}, {"Workers", int64(o.Workers)},
	} {
		if f.value < 0 {
			return o, wrongOption("%s is %d, want 0 (default) or more", f.name, f.value)
		}
	}
	if o.Height > maxSide || o.Width > maxSide {
		return o, wrongOption("%s: pictures of %d×%d, want at most %d either way", field.Names{"Height", "Width"}, o.Height, o.Width, maxSide)
	}
	if o.Channels != 0 && o.Channels != 1 && o.Channels != 3 {
		return o, wrongOption("%s is %d, want 1 (grey), 3 (RGB) or 0 (decide from the data)", field.Name("Channels"), o.Channels)
	}
	if o.Detail != 0 && !(o.Detail >= 1 && o.Detail <= 4) {
		return o, wrongOption("%s is %v, want 1 … 4, or 0 for no copy of more detail", field.Name("Detail"), o.Detail)
	}
	switch o.Resize {
	case "":
		o.Resize = Squeeze
	case Squeeze, Crop, Pad:
	default:
		return o, wrongOption("%s is %q, want %q, %q or %q", field.Name("Resize"), o.Resize, Squeeze, Crop, Pad)
	}
	if err := o.checkAlign(); err != nil {
		return o, err
	}
	if err := o.checkResizing(); err != nil {
		return o, err
	}
	if o.Filter == "" {
		o.Filter = Bilinear
	}
	if o.KeepCache && o.CacheDir == "" {
		return o, wrongOption("%s without %s: name the folder where decoded pictures are to be kept", field.Name("KeepCache"), field.Name("CacheDir"))
	}
	if _, err := parseRange(o.Range); err != nil {
		return o, err
	}
	switch o.Layout {
	case "":
		o.Layout = LayoutAuto
	case LayoutAuto, LayoutFolders:
	default:
		return o, wrongOption("%s is %q, want %q or %q", field.Name("Layout"), o.Layout, LayoutAuto, LayoutFolders)
	}
	if _, err := parseColumns(o.Columns); err != nil {
		return o, wrongOption("%s: %v", field.Name("Columns"), err)
	}
	if o.Height == 0 {
		o.Height = o.Width
	}
	if o.Width == 0 {
		o.Width = o.Height
	}
	if o.MaxPixels == 0 {
		o.MaxPixels = DefaultMaxPixels
	}
	if o.MaxFileBytes == 0 {
		o.MaxFileBytes = DefaultMaxFileBytes
	}
	if o.CacheBytes == 0 {
		o.CacheBytes = DefaultCacheBytes
	}
	if o.Workers == 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	return o, nil
}

// checkResizing refuses what no picture can be brought to.
func (o Options) checkResizing() error {
	switch {
	case o.Filter != "" && o.Filter != Bilinear && o.Filter != Bicubic:
		return wrongOption("%s is %q, want %q or %q", field.Name("Filter"), o.Filter, Bilinear, Bicubic)
	case o.CropPct != 0 && !(o.CropPct >= minCropPct && o.CropPct <= 1):
		return wrongOption("%s is %v, want %v … 1, or 0 for the whole picture", field.Name("CropPct"), o.CropPct, minCropPct)
	case o.CropPct != 0 && o.Resize == Pad:
		return wrongOption("%s is %v, but %s %s keeps the whole picture: leave one of them out", field.Name("CropPct"), o.CropPct, field.Name("Resize"), Pad)
	}
	return nil
}

// minCropPct is less than anybody leaves of a picture.
const minCropPct = 0.1

// wrongOption is an error about fields of Options.
func wrongOption(format string, args ...any) error {
	return field.Errorf("datasets", "Options", format, args...)
}

// maxSide bounds Height and Width: one picture then takes at most 192 MiB.
const maxSide = 8192

// progress calls o.Progress if there is one.
func (o Options) progress(done, total int) {
	if o.Progress != nil {
		o.Progress(done, total)
	}
}
