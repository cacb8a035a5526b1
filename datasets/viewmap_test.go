package datasets

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// A view by its ViewMap, in float32 as other programs compute it, has the values of FillView.
func TestViewMapIsFillView(t *testing.T) {
	for _, detail := range []float64{0, 1.5, 2} {
		o := Options{Height: 14, Width: 14, Channels: 3, Detail: detail}
		s, err := OpenFS(twoPictures(t), o)
		require.NoError(t, err)
		defer s.Close()
		d := s.Train
		require.Equal(t, d.Stored(), o.Stored())
		views := []View{{}, {Flip: true}, {Rotation: 90}, {Rotation: 180, ShiftX: 2, ShiftY: -3}, {Scale: 1.3}, {ShiftX: 20}}
		rng := rand.New(rand.NewPCG(1, 2))
		for range 30 {
			views = append(views, View{rng.IntN(2) == 0, 0.5 + rng.Float64(), 360*rng.Float64() - 180, 8 * rng.NormFloat64(), 8 * rng.NormFloat64()})
		}
		for _, v := range views {
			m := o.Stored().ViewMap(v)
			for item := range d.Len() {
				pixels, err := d.StoredPicture(item, m.Detail, make([]byte, 1<<16))
				require.NoError(t, err)
				want, got := make([]float32, 3*14*14), make([]float32, 3*14*14)
				require.NoError(t, d.FillView(want, []int{item}, Normalisation{}, v))
				for i := range got {
					plane := pixels[i/(14*14)*m.Height*m.Width:]
					sum := float32(0)
					for k := range m.Places {
						sum += float32(m.Weights[k][i%(14*14)]) * float32(plane[m.Places[k][i%(14*14)]])
					}
					got[i] = float32(math.Floor(float64(sum/wholeWeight+0.5))) / 255
				}
				require.Equal(t, want, got, "%+v of detail %v", v, detail)
			}
		}
	}
}
