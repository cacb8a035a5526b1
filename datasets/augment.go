package datasets

import (
	"math"
	"math/rand/v2"
	"reflect"

	"medusa/internal/field"
	"medusa/internal/settings"
)

// Augment changes training pictures at random. The zero value changes nothing; every
// field stands for itself. What comes from outside of the picture repeats its edge.
//
// The changes are made in this order: crop, flip, shear, scale, rotation, bending (one resampling for
// all six), brightness, contrast, erasing. A picture's draw depends on the seed, the
// step and the slot in the batch alone.
type Augment struct {
	// RandomCrop moves the picture by up to so many pixels along both axes, which is
	// the same as padding by so many and cropping at random.
	RandomCrop int `json:"random_crop,omitempty" yaml:"random_crop,omitempty" flag:"crop" arg:"PIXELS" doc:"shift by up to so many pixels" min:"0" max:"8192"`
	// ResizedCropMin … ResizedCropMax is the share of the picture's area of a part that
	// is enlarged to the whole. Off while ResizedCropMin is 0; ResizedCropMax 0 means 1.
	ResizedCropMin float64 `json:"resized_crop_min,omitempty" yaml:"resized_crop_min,omitempty" flag:"resized-crop" arg:"SHARE" doc:"enlarge a part of at least this share of the area, such as 0.3" min:"0" max:"1"`
	ResizedCropMax float64 `json:"resized_crop_max,omitempty" yaml:"resized_crop_max,omitempty" doc:"largest share of the area of that part" min:"0" max:"1" unset:"1"`
	// RatioMin … RatioMax is the aspect ratio (width ÷ height, relative to the
	// picture's own) of that part; 3/4 … 4/3 if zero.
	RatioMin float64 `json:"ratio_min,omitempty" yaml:"ratio_min,omitempty" doc:"least aspect ratio of that part, relative to the picture's own" min:"0" max:"100" unset:"3/4"`
	RatioMax float64 `json:"ratio_max,omitempty" yaml:"ratio_max,omitempty" doc:"largest aspect ratio of that part" min:"0" max:"100" unset:"4/3"`
	// FlipH and FlipV are the probabilities of mirroring left–right and top–bottom.
	FlipH float64 `json:"flip_h,omitempty" yaml:"flip_h,omitempty" flag:"flip" arg:"PROB" doc:"mirror left-right with this probability" min:"0" max:"1"`
	FlipV float64 `json:"flip_v,omitempty" yaml:"flip_v,omitempty" flag:"flip-vertical" arg:"PROB" doc:"mirror top-bottom with this probability" min:"0" max:"1"`
	// Rotation turns by up to so many degrees either way.
	Rotation float64 `json:"rotation,omitempty" yaml:"rotation,omitempty" flag:"rotate" arg:"DEGREES" doc:"turn by up to so many degrees either way" min:"0" max:"180"`
	// Scale enlarges or shrinks about the middle, to 1 − Scale … 1 + Scale times the size.
	Scale float64 `json:"scale,omitempty" yaml:"scale,omitempty" flag:"scale" arg:"SHARE" doc:"enlarge or shrink by up to this share" min:"0" below:"1"`
	// Shear slants to the left or right, as italics, by up to so many degrees.
	Shear float64 `json:"shear,omitempty" yaml:"shear,omitempty" flag:"shear" arg:"DEGREES" doc:"slant to the left or right by up to so many degrees" min:"0" max:"60"`
	// Elastic bends the picture smoothly: places move by up to this share of its shorter side
	// along both axes, most by a third of that. ElasticCells is the number of cells along each side
	// of the grid at whose knots moves are drawn, 4 if zero: fewer bend the whole, more its strokes.
	Elastic      float64 `json:"elastic,omitempty" yaml:"elastic,omitempty" flag:"elastic" arg:"SHARE" doc:"bend smoothly, moving places by up to this share of the side, such as 0.15: for handwriting" min:"0" max:"0.5"`
	ElasticCells int     `json:"elastic_cells,omitempty" yaml:"elastic_cells,omitempty" doc:"cells along each side of the grid that it is bent by" min:"0" max:"64" unset:"4"`
	// Brightness multiplies all values by 1 − Brightness … 1 + Brightness.
	Brightness float64 `json:"brightness,omitempty" yaml:"brightness,omitempty" flag:"brightness" arg:"SHARE" doc:"change brightness by up to this share" min:"0" max:"1"`
	// Contrast multiplies the distance from the picture's mean grey by
	// 1 − Contrast … 1 + Contrast.
	Contrast float64 `json:"contrast,omitempty" yaml:"contrast,omitempty" flag:"contrast" arg:"SHARE" doc:"change contrast by up to this share" min:"0" max:"1"`
	// Erase is the probability of setting a rectangle to 0 after normalisation (the
	// mean colour), of 0.02 … EraseArea of the area and of aspect ratio 0.3 … 1/0.3.
	Erase     float64 `json:"erase,omitempty" yaml:"erase,omitempty" flag:"erase" arg:"PROB" doc:"blank a rectangle with this probability" min:"0" max:"1"`
	EraseArea float64 `json:"erase_area,omitempty" yaml:"erase_area,omitempty" doc:"largest share of the area of that rectangle" min:"0" max:"1" unset:"1/3"` // 1/3 if zero
}

var augmentation = settings.Of(reflect.TypeFor[Augment](), nil)

// Validate says which field is outside of its range.
func (a Augment) Validate() error {
	for _, f := range augmentation.Faults(a, "") {
		return wrongAugment("%s is %s, want %s", field.Name(f.Field), f.Value, f.Want)
	}
	const least, largest, low, high = field.Name("ResizedCropMin"), field.Name("ResizedCropMax"), field.Name("RatioMin"), field.Name("RatioMax")
	d := a.withDefaults()
	if d.ResizedCropMin > d.ResizedCropMax {
		return wrongAugment("%s %v is above %s %v", least, d.ResizedCropMin, largest, d.ResizedCropMax)
	}
	if a.ResizedCropMin == 0 && (a.ResizedCropMax != 0 || a.RatioMin != 0 || a.RatioMax != 0) {
		return wrongAugment("%s, %s and %s do nothing without %s", largest, low, high, least)
	}
	if d.RatioMin > d.RatioMax {
		return wrongAugment("%s %v is above %s %v", low, d.RatioMin, high, d.RatioMax)
	}
	if a.Elastic == 0 && a.ElasticCells != 0 {
		return wrongAugment("%s does nothing without %s", field.Name("ElasticCells"), field.Name("Elastic"))
	}
	if a.Erase == 0 && a.EraseArea != 0 {
		return wrongAugment("%s does nothing without %s", field.Name("EraseArea"), field.Name("Erase"))
	}
	if a.Erase > 0 && d.EraseArea < eraseLeast {
		return wrongAugment("%s is %v, want %v … 1", field.Name("EraseArea"), a.EraseArea, eraseLeast)
	}
	return nil
}

// wrongAugment is an error about fields of Augment.
func wrongAugment(format string, args ...any) error {
	return field.Errorf("datasets", "Augment", format, args...)
}

// eraseLeast is the smallest share of a picture that is erased.
const eraseLeast = 0.02

func (a Augment) withDefaults() Augment {
	if a.ResizedCropMax == 0 {
		a.ResizedCropMax = 1
	}
	if a.RatioMin == 0 {
		a.RatioMin = 3. / 4
	}
	if a.RatioMax == 0 {
		a.RatioMax = 4. / 3
	}
	if a.ElasticCells == 0 {
		a.ElasticCells = elasticCells
	}
	if a.EraseArea == 0 {
		a.EraseArea = 1. / 3
	}
	return a
}

// augmenter applies an Augment to pictures of one size. It belongs to one goroutine.
type augmenter struct {
	Augment
	channels int
	size          // of the pictures that are made
	detail   size // of the larger ones that are kept; 0 if none are

	plain  [][256]float32 // normalisation alone
	tables [][256]float32 // normalisation after brightness and contrast, for one picture
	warped []byte
	bender *bender // nil if nothing is bent
	source rand.PCG
	rng    *rand.Rand
}

func newAugmenter(a Augment, s *store, norm Normalisation) *augmenter {
	g := &augmenter{
		Augment: a.withDefaults(), channels: s.channels, size: size{s.height, s.width},
		plain: norm.Tables(s.channels), tables: make([][256]float32, s.channels), warped: make([]byte, s.bytes()),
	}
	if s.detail != nil {
		g.detail = size{s.detail.height, s.detail.width}
	}
	if g.Elastic > 0 {
		g.bender = newBender(g.size, g.ElasticCells)
	}
	g.rng = rand.New(&g.source)
	return g
}

// draw makes the recipe of the picture for (seed, step, slot), without its item. The picture is turned by
// that many quarters first.
func (g *augmenter) draw(seed uint64, step, slot, quarters int) Recipe {
	g.source.Seed(seedOf(seed, step, slot))
	drawn, bent := g.drawWarp(), g.Elastic > 0
	r := g.placed(drawn, quarters, drawn != identity || bent)
	if bent {
		r.Warp, r.Elastic = WarpBilinear, g.drawElastic()
	}
	if g.Brightness > 0 {
		r.Toned = true
		r.Bright = g.between(1-g.Brightness, 1+g.Brightness)
	}
	if g.Contrast > 0 {
		r.Toned, r.Centred = true, true
		r.Contrast = g.between(1-g.Contrast, 1+g.Contrast)
	}
	if g.Erase > 0 && g.rng.Float64() < g.Erase {
		g.drawErased(&r)
	}
	return r
}

// placed is the recipe of a picture that is turned by that many quarters and then mapped by m. It starts
// from the larger picture if there is one and resampled says that more happens than the turn: a picture
// that is only turned should look as upright ones do.
func (g *augmenter) placed(m affine, quarters int, resampled bool) Recipe {
	r := Recipe{Bright: 1, Contrast: 1}
	if m = m.thenTurn(quarters, float64(g.width)); m == identity && !resampled {
		return r
	}
	from := g.size
	if g.detail.width > 0 && resampled {
		r.Detail, from = true, g.detail
		m = m.thenScale(float64(from.width)/float64(g.width), float64(from.height)/float64(g.height), 0, 0)
	}
	r.Warp = m.kind(g.size, from)
	r.Map = [6]float64{m.a, m.b, m.c, m.d, m.e, m.f}
	return r
}

// make writes picture src, changed and normalised, to dst.
func (g *augmenter) make(dst []float32, src []byte, r Recipe) {
	pixels := src
	if r.Warp != WarpNone {
		from := g.size
		if r.Detail {
			from = g.detail
		}
		m := affine{r.Map[0], r.Map[1], r.Map[2], r.Map[3], r.Map[4], r.Map[5]}
		if r.Elastic.Reach > 0 {
			g.bender.warp(g.warped, src, from, g.channels, m, r.Elastic)
		} else {
			warp(g.warped, g.size, src, from, g.channels, m)
		}
		pixels = g.warped
	}
	lookUp(dst, pixels, g.toned(pixels, r))
	for c := range g.channels {
		for y := r.Y; y < r.Y+r.Height; y++ {
			at := (c*g.height+y)*g.width + r.X
			clear(dst[at : at+r.Width])
		}
	}
}

// seedOf is the seed of what is random in one place of one step's batch.
func seedOf(seed uint64, step, slot int) (uint64, uint64) {
	return mix(seed ^ mix(uint64(step))), mix(uint64(slot) + 0x9e3779b97f4a7c15)
}

// mix is the finaliser of SplitMix64: near inputs give unrelated outputs.
func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// between draws uniformly from low … high.
func (g *augmenter) between(low, high float64) float64 {
	return low + (high-low)*g.rng.Float64()
}

// drawWarp draws crop, flips, shear, scale and rotation as one map from places in the result to
// places in the picture.
func (g *augmenter) drawWarp() affine {
	w, h := float64(g.width), float64(g.height)
	m := identity
	if g.Rotation > 0 {
		m = m.thenRotate(g.between(-g.Rotation, g.Rotation)*math.Pi/180, w/2, h/2)
	}
	if g.Scale > 0 {
		f := 1 / g.between(1-g.Scale, 1+g.Scale)
		m = m.thenScale(f, f, w/2-float64(f*w/2), h/2-float64(f*h/2)) // float64: not fused
	}
	if g.Shear > 0 {
		m = m.thenShear(math.Tan(g.between(-g.Shear, g.Shear)*math.Pi/180), h/2)
	}
	if g.FlipH > 0 && g.rng.Float64() < g.FlipH {
		m = m.thenScale(-1, 1, w, 0)
	}
	if g.FlipV > 0 && g.rng.Float64() < g.FlipV {
		m = m.thenScale(1, -1, 0, h)
	}
	if g.ResizedCropMin > 0 {
		x, y, cw, ch := g.drawPart()
		m = m.thenScale(cw/w, ch/h, x, y)
	}
	if n := g.RandomCrop; n > 0 {
		m = m.thenScale(1, 1, float64(g.rng.IntN(2*n+1)-n), float64(g.rng.IntN(2*n+1)-n))
	}
	return m
}

// drawPart draws the part that a resized crop enlarges: its corner and size.
func (g *augmenter) drawPart() (x, y, w, h float64) {
	W, H := float64(g.width), float64(g.height)
	for range 10 {
		area := g.between(g.ResizedCropMin, g.ResizedCropMax)
		ratio := math.Exp(g.between(math.Log(g.RatioMin), math.Log(g.RatioMax)))
		w, h = W*math.Sqrt(area*ratio), H*math.Sqrt(area/ratio)
		if w <= W && h <= H {
			return g.between(0, W-w), g.between(0, H-h), w, h
		}
	}
	return 0, 0, W, H // no part of that area and ratio lies inside: the whole
}

// toned is the tables of a picture.
func (g *augmenter) toned(pixels []byte, r Recipe) [][256]float32 {
	if !r.Toned {
		return g.plain
	}
	var mean float64
	if r.Centred {
		mean = g.meanGrey(pixels, r.Bright)
	}
	for c := range g.tables {
		for v := range g.tables[c] {
			x := min(float64(v)*r.Bright, 255)
			x = min(max(mean+float64(r.Contrast*(x-mean)), 0), 255) // float64: not fused
			g.tables[c][v] = g.plain[c][int(x+0.5)]
		}
	}
	return g.tables
}

// meanGrey returns the mean luminance of a picture after brightening.
func (g *augmenter) meanGrey(pixels []byte, bright float64) float64 {
	weights := [3]float64{0.299, 0.587, 0.114}
	if g.channels == 1 {
		weights[0] = 1
	}
	plane := g.height * g.width
	mean := 0.0
	for c := range g.channels {
		sum := 0
		for _, v := range pixels[c*plane : (c+1)*plane] {
			sum += int(v)
		}
		mean += weights[c] * float64(sum) / float64(plane)
	}
	return min(mean*bright, 255)
}

// drawErased draws the rectangle that is set to 0.
func (g *augmenter) drawErased(r *Recipe) {
	for range 10 {
		area := g.between(eraseLeast, g.EraseArea) * float64(g.height*g.width)
		ratio := math.Exp(g.between(math.Log(0.3), -math.Log(0.3)))
		h, w := int(math.Sqrt(area*ratio)+0.5), int(math.Sqrt(area/ratio)+0.5)
		if h < 1 || w < 1 || h > g.height || w > g.width {
			continue
		}
		r.Y, r.X = g.rng.IntN(g.height-h+1), g.rng.IntN(g.width-w+1)
		r.Width, r.Height = w, h
		return
	}
}
