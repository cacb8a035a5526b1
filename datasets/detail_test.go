package datasets

import (
	"math"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

// twoPictures are 32×32: fine stripes and a smooth slope.
func twoPictures(t *testing.T) fstest.MapFS {
	t.Helper()
	return fstest.MapFS{
		"slope/1.png":   {Data: pngOf(t, 32, 32, func(x, y int) byte { return byte(4*x + 3*y) })},
		"stripes/1.png": {Data: pngOf(t, 32, 32, func(x, y int) byte { return byte(255 * (x % 2)) })},
	}
}

// drawn returns both pictures, reduced to 16×16, as augmented for some steps.
func drawn(t *testing.T, o Options, a Augment) []copied {
	t.Helper()
	o.Height, o.Width = 16, 16
	s, err := OpenFS(twoPictures(t), o)
	require.NoError(t, err)
	defer s.Close()
	return read(t, s.Train, LoaderConfig{Batch: 4, Augment: a}, &cycle{n: 2}, 0, 20)
}

func TestDetailKeepsPlainPicturesAndPlaces(t *testing.T) {
	require.Equal(t, drawn(t, Options{}, Augment{}), drawn(t, Options{Detail: 2}, Augment{}))
	// On a slope more detail changes nothing: so crops, flips and turns fall on the
	// same places as without.
	a := Augment{RandomCrop: 1, ResizedCropMin: 0.4, FlipH: 0.5, FlipV: 0.5, Rotation: 30}
	without, with := drawn(t, Options{}, a), drawn(t, Options{Detail: 2}, a)
	compared := 0
	for i := range without {
		for slot, class := range without[i].classes {
			if class != 0 {
				continue
			}
			p, q := without[i].pixels[slot*256:][:256], with[i].pixels[slot*256:][:256]
			for j := range p {
				if x, y := j%16, j/16; min(x, y) < 5 || max(x, y) > 10 {
					continue // the edge is repeated from the last pixel's middle, which lies elsewhere
				}
				require.InDelta(t, p[j], q[j], 3./255)
				compared++
			}
		}
	}
	require.Greater(t, compared, 500)
}

func TestDetailShowsInEnlargedParts(t *testing.T) {
	a := Augment{ResizedCropMin: 0.25, ResizedCropMax: 0.25, RatioMin: 1, RatioMax: 1}
	spread := func(batches []copied) float64 { // of the stripes' values, about their mean
		sum, n := 0., 0.
		for _, b := range batches {
			for slot, class := range b.classes {
				if class == 1 {
					for _, v := range b.pixels[slot*256:][:256] {
						sum, n = sum+math.Abs(float64(v)-0.5), n+1
					}
				}
			}
		}
		return sum / n
	}
	// Reduced by 2, the stripes are grey, 128 of 255. Of the larger picture the part is
	// as many pixels as the result: stripes, blended by where the part begins, 1/4 from
	// the mean on average.
	require.Less(t, spread(drawn(t, Options{}, a)), 0.01)
	require.InDelta(t, 0.25, spread(drawn(t, Options{Detail: 2}, a)), 0.1)
}

func TestDetailInCacheFile(t *testing.T) {
	a := Augment{ResizedCropMin: 0.3, Rotation: 20}
	dir := t.TempDir()
	require.Equal(t, drawn(t, Options{Detail: 1.5}, a), drawn(t, Options{Detail: 1.5, CacheBytes: 1, CacheDir: dir}, a))
	s, err := OpenFS(twoPictures(t), Options{Height: 16, Width: 16, Detail: 1.5})
	require.NoError(t, err)
	require.Equal(t, int64(2*(16*16+24*24)), s.Train.Summary().Bytes)
	require.Len(t, s.Train.store.memory, 2*16*16)
	require.Len(t, s.Train.store.detail.memory, 2*24*24)
	_, err = OpenFS(twoPictures(t), Options{Detail: 0.5})
	require.ErrorContains(t, err, "Detail is 0.5, want 1 … 4")
}
