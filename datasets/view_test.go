package datasets

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseViews(t *testing.T) {
	eight := View{Scale: 1.1, Rotation: 8}
	for text, want := range map[string][][]View{
		"":                             nil,
		"plain":                        {{{}}},
		"plain,flip":                   {{{}, {Flip: true}}},
		" plain , scale=1.1+rotate=8 ": {{{}, eight}},
		"rotate=8+scale=1.1":           {{eight}},
		"shift=-1/2.5+flip":            {{{Flip: true, ShiftX: -1, ShiftY: 2.5}}},
		"scale=1":                      {{{}}},
		"plain|flip":                   {{{}}, {{Flip: true}}},
		"plain,rotate=-8 | turned":     {{{}, {Rotation: -8}}, {{Rotation: 90}, {Rotation: 82}}, {{Rotation: 180}, {Rotation: 172}}, {{Rotation: 270}, {Rotation: 262}}},
		"plain|shift=1/0|turned":       {{{}}, {{ShiftX: 1}}, {{Rotation: 90}}, {{Rotation: 90, ShiftX: 1}}, {{Rotation: 180}}, {{Rotation: 180, ShiftX: 1}}, {{Rotation: 270}}, {{Rotation: 270, ShiftX: 1}}},
	} {
		got, err := ParseViews(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for text, want := range map[string]string{
		"plain,":                      `"" is no change of a view: want plain alone`,
		"plain+flip":                  `"plain" is no change of a view`,
		"rotate=181":                  `"rotate=181" is no change`,
		"rotate=NaN":                  `"rotate=NaN" is no change`,
		"scale=0.4":                   `"scale=0.4" is no change`,
		"scale":                       `"scale" is no change`,
		"flip=1":                      `"flip=1" is no change`,
		"shift=1":                     `"shift=1" is no change`,
		"mirror":                      `"mirror" is no change`,
		"flip,flip":                   `"flip" stands twice`,
		"scale=1,plain":               `"plain" stands twice`,
		"flip+flip":                   "has flip twice",
		"turned":                      "turned stands at the end",
		"plain|turned|flip":           "turned stands at the end",
		"plain|":                      `"" is no change`,
		strings.Repeat("plain|", 256): "257 views, want at most 256",
	} {
		_, err := ParseViews(text)
		require.ErrorContains(t, err, want, text)
	}
}

func FuzzParseViews(f *testing.F) {
	for _, seed := range []string{"plain,flip", "scale=1.1+rotate=8|turned", "shift=1/-1", "|", "turned", "plain,,", "shift=/"} {
		f.Add(seed)
	}
	d := noisy(2, 1, 5, 5)
	f.Fuzz(func(t *testing.T, text string) {
		lists, err := ParseViews(text)
		if err != nil {
			require.Nil(t, lists)
			return
		}
		dst := make([]float32, 50)
		for _, list := range lists {
			require.NotEmpty(t, list)
			for _, v := range list {
				require.NoError(t, d.FillView(dst, []int{0, 1}, Normalisation{}, v))
			}
		}
	})
}

// seen returns picture 0 of d in one view.
func seen(t *testing.T, d *Dataset, v View) []float32 {
	t.Helper()
	c, h, w := d.Shape()
	dst := make([]float32, c*h*w)
	require.NoError(t, d.FillView(dst, []int{0}, Normalisation{}, v))
	return dst
}

// Views that move pixels to pixels are told by hand.
func TestViewsOfWholePixels(t *testing.T) {
	const n = 6
	d := noisy(1, 3, n, n)
	plain := seen(t, d, View{})
	filled := make([]float32, len(plain))
	require.NoError(t, d.Fill(filled, []int{0}, Normalisation{}))
	require.Equal(t, filled, plain)
	for name, tt := range map[string]struct {
		view View
		from func(x, y int) (int, int)
	}{
		"flip":                 {View{Flip: true}, func(x, y int) (int, int) { return n - 1 - x, y }},
		"right and up":         {View{ShiftX: 2, ShiftY: -1}, func(x, y int) (int, int) { return max(x-2, 0), min(y+1, n-1) }},
		"quarter to the left":  {View{Rotation: 90}, func(x, y int) (int, int) { return n - 1 - y, x }}, // the right edge comes up
		"half a turn":          {View{Rotation: 180}, func(x, y int) (int, int) { return n - 1 - x, n - 1 - y }},
		"flipped, then turned": {View{Flip: true, Rotation: 90}, func(x, y int) (int, int) { return y, x }},
		"turned, then moved":   {View{Rotation: 90, ShiftX: 1}, func(x, y int) (int, int) { return n - 1 - y, max(x-1, 0) }},
	} {
		t.Run(name, func(t *testing.T) {
			got := seen(t, d, tt.view)
			for c := range 3 {
				for y := range n {
					for x := range n {
						u, v := tt.from(x, y)
						require.Equal(t, plain[(c*n+v)*n+u], got[(c*n+y)*n+x], "channel %d of (%d, %d)", c, x, y)
					}
				}
			}
		})
	}
}

// On ramps the slopes tell scale and turn.
func TestViewScaleAndTurn(t *testing.T) {
	const n = 33
	across := pictureOf(n, n, func(x, y int) byte { return byte(7 * x) })
	at := func(p []float32, x, y int) float64 { return float64(p[y*n+x]) * 255 / 7 }
	for _, degrees := range []float64{0, 20, -35} {
		p := seen(t, across, View{Scale: 1.25, Rotation: degrees})
		sin, cos := math.Sincos(degrees * math.Pi / 180)
		require.InDelta(t, 16, at(p, 16, 16), 0.15, "the middle stays")
		require.InDelta(t, cos/1.25, (at(p, 22, 16)-at(p, 10, 16))/12, 0.03)
		require.InDelta(t, -sin/1.25, (at(p, 16, 22)-at(p, 16, 10))/12, 0.03) // what was on the right has come up
	}
}

// A view is what augmentation makes of the same map: from the larger picture where one is kept, and
// for turned classes of the turned picture.
func TestViewsAreTakenAsAugmentationIs(t *testing.T) {
	s, err := OpenFS(twoPictures(t), Options{Height: 16, Width: 16, Detail: 2})
	require.NoError(t, err)
	defer s.Close()
	turned, err := s.Train.Turned()
	require.NoError(t, err)
	v := View{Scale: 1.2, Rotation: 8}
	norm := Normalisation{Mean: []float32{0.4}, Std: []float32{0.3}}
	g := newAugmenter(Augment{}, s.Train.store, norm)
	for item := range turned.Len() {
		src, err := s.Train.store.detail.get(int(turned.rows[item]), nil)
		require.NoError(t, err)
		want, got := make([]float32, 256), make([]float32, 256)
		r := g.placed(v.warp(size{16, 16}), turned.quarter(item), true)
		require.True(t, r.Detail)
		require.Equal(t, WarpBilinear, r.Warp)
		g.make(want, src, r)
		require.NoError(t, turned.FillView(got, []int{item}, norm, v))
		require.Equal(t, want, got, item)
	}
}

func TestFillViewRefuses(t *testing.T) {
	d := noisy(2, 1, 5, 5)
	require.ErrorContains(t, d.FillView(make([]float32, 24), []int{0}, Normalisation{}, View{Flip: true}), "24 values of room")
	require.ErrorContains(t, d.FillView(make([]float32, 25), []int{2}, Normalisation{}, View{Flip: true}), "picture 2 asked for")
}
