package datasets

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// apply is draw and make for one picture.
func (g *augmenter) apply(dst []float32, src []byte, seed uint64, step, slot int) {
	g.make(dst, src, g.draw(seed, step, slot, 0))
}

// augmented returns picture 0 of d as changed for each of n steps.
func augmented(d *Dataset, a Augment, n int) [][]float32 {
	g := newAugmenter(a, d.store, Normalisation{})
	src, _ := d.store.get(0, nil)
	out := make([][]float32, n)
	for step := range out {
		out[step] = make([]float32, d.store.bytes())
		g.apply(out[step], src, 42, step, 3)
	}
	return out
}

// pictureOf returns a set of one grey picture.
func pictureOf(h, w int, at func(x, y int) byte) *Dataset {
	d := noisy(1, 1, h, w)
	for i := range d.store.memory {
		d.store.memory[i] = at(i%w, i/w)
	}
	return d
}

func TestNoAugmentationIsFill(t *testing.T) {
	d := noisy(3, 3, 8, 6)
	norm := Normalisation{Mean: []float32{0.1, 0.2, 0.3}, Std: []float32{1, 2, 3}}
	want, got := make([]float32, 144), make([]float32, 144)
	require.NoError(t, d.Fill(want, []int{1}, norm))
	src, _ := d.store.get(1, nil)
	newAugmenter(Augment{}, d.store, norm).apply(got, src, 1, 2, 3)
	require.Equal(t, want, got)
}

func TestDrawDependsOnSeedStepAndSlot(t *testing.T) {
	d := noisy(1, 1, 9, 9)
	a := Augment{ResizedCropMin: 0.3, FlipH: 0.5, Rotation: 20, Brightness: 0.3, Contrast: 0.3, Erase: 0.5}
	src, _ := d.store.get(0, nil)
	draw := func(seed uint64, step, slot int) []float32 {
		dst := make([]float32, 81)
		newAugmenter(a, d.store, Normalisation{}).apply(dst, src, seed, step, slot)
		return dst
	}
	first := draw(1, 2, 3)
	require.Equal(t, first, draw(1, 2, 3))
	for _, other := range [][]float32{draw(2, 2, 3), draw(1, 3, 3), draw(1, 2, 4), draw(1, 3, 2)} {
		require.NotEqual(t, first, other)
	}
}

func TestRandomCropMovesByWholePixels(t *testing.T) {
	const size, reach = 16, 3
	d := pictureOf(size, size, func(x, y int) byte { return byte(x + size*y) })
	seen := make(map[[2]int]int)
	for _, p := range augmented(d, Augment{RandomCrop: reach}, 4900) {
		middle := int(math.Round(float64(p[8*size+8]) * 255))
		dx, dy := middle%size-8, middle/size-8
		seen[[2]int{dx, dy}]++
	}
	require.Len(t, seen, 49) // every move within reach, and no other
	for move, n := range seen {
		require.LessOrEqual(t, max(move[0], -move[0], move[1], -move[1]), reach)
		require.InDelta(t, 100, n, 5*10) // 4,900 ÷ 49, five standard deviations
	}
}

func TestFlips(t *testing.T) {
	d := pictureOf(2, 3, func(x, y int) byte { return byte(x + 3*y) })
	for _, p := range augmented(d, Augment{FlipH: 1}, 3) {
		require.Equal(t, []float32{2. / 255, 1. / 255, 0, 5. / 255, 4. / 255, 3. / 255}, p)
	}
	for _, p := range augmented(d, Augment{FlipV: 1}, 3) {
		require.Equal(t, []float32{3. / 255, 4. / 255, 5. / 255, 0, 1. / 255, 2. / 255}, p)
	}
	flipped := 0
	for _, p := range augmented(d, Augment{FlipH: 0.3}, 2000) {
		if p[0] != 0 {
			flipped++
		}
	}
	require.InDelta(t, 600, flipped, 5*math.Sqrt(2000*0.3*0.7))
}

// On a ramp, the slope of the result is the size of the part that was enlarged.
func TestResizedCropDrawsAreaAndRatio(t *testing.T) {
	const size = 32
	slope := func(p []float32, at func(i int) int) float64 {
		return float64(p[at(24)]-p[at(8)]) * 255 / 16 / 8
	}
	a := Augment{ResizedCropMin: 0.2, ResizedCropMax: 0.6, RatioMin: 0.5, RatioMax: 2}
	across := augmented(pictureOf(size, size, func(x, y int) byte { return byte(8 * x) }), a, 200)
	down := augmented(pictureOf(size, size, func(x, y int) byte { return byte(8 * y) }), a, 200)
	least, most := 1., 0.
	for step := range 200 {
		w := slope(across[step], func(i int) int { return 16*size + i })
		h := slope(down[step], func(i int) int { return i*size + 16 })
		require.Greater(t, w*h, 0.2-0.02) // values are rounded to 1/8 of a pixel's step
		require.Less(t, w*h, 0.6+0.02)
		require.Greater(t, w/h, 0.5-0.05)
		require.Less(t, w/h, 2+0.1)
		least, most = min(least, w*h), max(most, w*h)
	}
	require.Less(t, least, 0.25)
	require.Greater(t, most, 0.55)
}

func TestRotationTurnsAboutTheMiddle(t *testing.T) {
	d := pictureOf(33, 33, func(x, y int) byte {
		if math.Hypot(float64(x-16), float64(y-16)) < 8 {
			return 200
		}
		return 50
	})
	plain := augmented(d, Augment{}, 1)[0]
	for _, p := range augmented(d, Augment{Rotation: 180}, 20) {
		differ := 0
		for i := range p {
			if math.Abs(float64(p[i]-plain[i])) > 0.3 {
				differ++
			}
		}
		require.Less(t, differ, 20) // a disc stays, but for its rim
	}
}

func TestBrightnessAndContrast(t *testing.T) {
	flat := pictureOf(4, 4, func(x, y int) byte { return 100 })
	least, most := 1., 0.
	for _, p := range augmented(flat, Augment{Brightness: 0.5}, 500) {
		v := float64(p[0]) * 255
		for i := range p {
			require.Equal(t, p[0], p[i])
		}
		require.GreaterOrEqual(t, v, 49.5)
		require.LessOrEqual(t, v, 150.5)
		least, most = min(least, v/100), max(most, v/100)
	}
	require.Less(t, least, 0.52)
	require.Greater(t, most, 1.48)
	for _, p := range augmented(flat, Augment{Contrast: 1}, 20) {
		require.Equal(t, float32(100)/255, p[0]) // its mean does not move
	}
	halves := pictureOf(4, 4, func(x, y int) byte { return byte(50 + 100*(x/2)) })
	for _, p := range augmented(halves, Augment{Contrast: 0.5}, 100) {
		low, high := float64(p[0])*255, float64(p[3])*255
		require.InDelta(t, 200, low+high, 1.01) // about the mean of 100
		require.InDelta(t, 100, high-low, 51)
	}
}

func TestEraseSetsARectangleToTheMean(t *testing.T) {
	const size = 40
	d := pictureOf(size, size, func(x, y int) byte { return 255 })
	erased := 0
	for _, p := range augmented(d, Augment{Erase: 0.5, EraseArea: 0.2}, 400) {
		x0, y0, x1, y1, n := size, size, -1, -1, 0
		for i, v := range p {
			if v == 0 {
				x0, y0, x1, y1, n = min(x0, i%size), min(y0, i/size), max(x1, i%size), max(y1, i/size), n+1
			}
		}
		if n == 0 {
			continue
		}
		erased++
		require.Equal(t, (x1-x0+1)*(y1-y0+1), n, "it is a full rectangle")
		require.Greater(t, float64(n)/(size*size), eraseLeast*0.7) // sides are rounded to pixels
		require.Less(t, float64(n)/(size*size), 0.2*1.15)
	}
	require.InDelta(t, 200, erased, 5*10)
}

func TestAugmentValidate(t *testing.T) {
	require.NoError(t, Augment{}.Validate())
	require.NoError(t, Augment{RandomCrop: 4, ResizedCropMin: 0.5, FlipH: 0.5, Rotation: 10, Brightness: 1, Contrast: 1, Erase: 1}.Validate())
	for want, a := range map[string]Augment{
		"Augment.RandomCrop is -1":       {RandomCrop: -1},
		"FlipH is 1.5":                   {FlipH: 1.5},
		"FlipV is NaN":                   {FlipV: math.NaN()},
		"Rotation is 181":                {Rotation: 181},
		"above Augment.ResizedCropMax":   {ResizedCropMin: 0.5, ResizedCropMax: 0.4},
		"above Augment.RatioMax":         {ResizedCropMin: 0.5, RatioMin: 2},
		"without Augment.ResizedCropMin": {RatioMin: 0.5},
		"nothing without Augment.Erase":  {EraseArea: 0.5},
		"EraseArea is 0.01":              {Erase: 1, EraseArea: 0.01},
		"Brightness is 2, want 0":        {Brightness: 2},
		"ResizedCropMin is -0.25":        {ResizedCropMin: -0.25},
	} {
		require.ErrorContains(t, a.Validate(), want)
	}
}

func TestAugmentJSON(t *testing.T) {
	text, err := json.Marshal(Augment{})
	require.NoError(t, err)
	require.Equal(t, "{}", string(text))
	a := Augment{RandomCrop: 2, FlipH: 0.5, EraseArea: 0.1, Erase: 1}
	text, err = json.Marshal(a)
	require.NoError(t, err)
	var b Augment
	require.NoError(t, json.Unmarshal(text, &b))
	require.Equal(t, a, b)
}

func BenchmarkAugment(b *testing.B) {
	for _, size := range []struct {
		name    string
		c, h, w int
	}{{"28x28x1", 1, 28, 28}, {"64x64x3", 3, 64, 64}, {"224x224x3", 3, 224, 224}} {
		d := noisy(1, size.c, size.h, size.w)
		src, _ := d.store.get(0, nil)
		dst := make([]float32, d.store.bytes())
		for name, a := range map[string]Augment{
			"none": {}, "crop+flip": {RandomCrop: 2, FlipH: 0.5}, "rotate": {Rotation: 10},
			"all": {ResizedCropMin: 0.5, FlipH: 0.5, Rotation: 10, Brightness: 0.2, Contrast: 0.2, Erase: 0.3},
		} {
			b.Run(size.name+"/"+name, func(b *testing.B) {
				g := newAugmenter(a, d.store, Normalisation{})
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					g.apply(dst, src, 1, i, 0)
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "images/s")
			})
		}
	}
}

// On ramps the slopes of the result tell the map: 1 ÷ scale both ways, and the shear's tangent.
func TestScaleAndShear(t *testing.T) {
	const size = 33
	across := pictureOf(size, size, func(x, y int) byte { return byte(7 * x) })
	down := pictureOf(size, size, func(x, y int) byte { return byte(7 * y) })
	slopes := func(d *Dataset, a Augment) (along, athwart []float64) {
		for _, p := range augmented(d, a, 300) {
			at := func(x, y int) float64 { return float64(p[y*size+x]) * 255 / 7 }
			require.InDelta(t, 16, at(16, 16), 0.15, "the middle stays")
			along = append(along, (at(20, 16)-at(12, 16))/8)
			athwart = append(athwart, (at(16, 20)-at(16, 12))/8)
		}
		return along, athwart
	}
	span := func(v []float64) (low, high float64) {
		low, high = v[0], v[0]
		for _, x := range v {
			low, high = min(low, x), max(high, x)
		}
		return low, high
	}
	const rounding = 0.04 // of values that are whole numbers, over 8 pixels
	x, xy := slopes(across, Augment{Scale: 0.25})
	_, y := slopes(down, Augment{Scale: 0.25})
	for i := range x {
		require.InDelta(t, x[i], y[i], rounding, "the same both ways")
		require.InDelta(t, 0, xy[i], rounding)
	}
	low, high := span(x)
	require.InDelta(t, 1/1.25, low, 0.02+rounding)
	require.InDelta(t, 1/0.75, high, 0.02+rounding)

	x, xy = slopes(across, Augment{Shear: 20})
	yx, y := slopes(down, Augment{Shear: 20})
	for i := range x {
		require.InDelta(t, 1, x[i], rounding)
		require.InDelta(t, 1, y[i], rounding)
		require.InDelta(t, 0, yx[i], rounding, "rows stay rows")
	}
	low, high = span(xy)
	require.InDelta(t, -math.Tan(20*math.Pi/180), low, 0.02+rounding)
	require.InDelta(t, math.Tan(20*math.Pi/180), high, 0.02+rounding)
}
