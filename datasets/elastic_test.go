package datasets

import (
	"encoding/json"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// Pictures are bent as numpy and scipy bend them.
func TestElasticGolden(t *testing.T) {
	text, err := os.ReadFile("testdata/elastic.json")
	require.NoError(t, err)
	var file struct {
		Cases []struct {
			Height, Width, Cells int
			Seed                 string
			Reach                int64
			FromHeight           int `json:"from_height"`
			FromWidth            int `json:"from_width"`
			Map                  [6]float64
			Picture              []int
			DX, DY, Bent         []float64
		}
	}
	require.NoError(t, json.Unmarshal(text, &file))
	require.Len(t, file.Cases, 6)
	for i, c := range file.Cases {
		seed, err := strconv.ParseUint(c.Seed, 10, 64)
		require.NoError(t, err)
		e := Elastic{Seed: seed, Reach: c.Reach, Cells: c.Cells}
		src := make([]byte, len(c.Picture))
		for j, v := range c.Picture {
			src[j] = byte(v)
		}
		b := newBender(size{c.Height, c.Width}, c.Cells)
		dst := make([]byte, c.Height*c.Width)
		m := affine{c.Map[0], c.Map[1], c.Map[2], c.Map[3], c.Map[4], c.Map[5]}
		b.warp(dst, src, size{c.FromHeight, c.FromWidth}, 1, m, e)
		// Where the moves themselves are asked for, a row's places less those without moves.
		for y := range c.Height {
			b.row(y, identity)
			u, v := identity.rowStart(y)
			for x := range c.Width {
				at := y*c.Width + x
				// Weights have 16 binary places, and so have sums, each rounded down.
				close := 2.0/65536 + 4*float64(c.Reach)/65536/65536
				require.InDelta(t, c.DX[at], float64(b.u[x]-u-int64(x)<<16)/65536, 2*close+1e-6, "case %d, dx of (%d, %d)", i, x, y)
				require.InDelta(t, c.DY[at], float64(b.v[x]-v)/65536, 2*close+1e-6, "case %d, dy of (%d, %d)", i, x, y)
			}
		}
		for at, want := range c.Bent {
			// Weights between pixels are off by up to 1/512 along each axis, and the value is rounded.
			require.InDelta(t, want, float64(dst[at]), 0.5+2*255./512+0.1, "case %d, pixel %d", i, at)
		}
	}
}

// The sum of a place's weights is at most 1, so that no place moves farther than Reach.
func TestElasticStaysWithinReach(t *testing.T) {
	for _, pixels := range []int{1, 2, 28, 56, 1000} {
		for _, cells := range []int{1, 4, 64} {
			for _, at := range splinePlaces(pixels, cells) {
				sum := int64(0)
				for _, w := range at.weights {
					require.GreaterOrEqual(t, w, int64(0))
					sum += w
				}
				require.LessOrEqual(t, sum, int64(1<<16))
				require.GreaterOrEqual(t, sum, int64(1<<16-4))
				require.True(t, at.cell >= 0 && at.cell < cells)
			}
		}
	}
	const reach = 3 << 16
	least, most := int64(0), int64(0)
	for n := range 10000 {
		v := Elastic{Seed: 5, Reach: reach}.knot(n)
		least, most = min(least, v), max(most, v)
	}
	require.InDelta(t, -reach, least, reach/500)
	require.InDelta(t, reach, most, reach/500)
}

// Bending is drawn behind the map, so that runs without it keep their bits, and ones that differ in it
// alone share the map.
func TestElasticIsDrawnBesides(t *testing.T) {
	d := noisy(1, 1, 16, 16)
	plain := Augment{ResizedCropMin: 0.5, Rotation: 10}
	bent := plain
	bent.Elastic = 0.2
	for step := range 20 {
		a := newAugmenter(plain, d.store, Normalisation{}).draw(1, step, 2, 0)
		b := newAugmenter(bent, d.store, Normalisation{}).draw(1, step, 2, 0)
		require.Equal(t, a.Map, b.Map)
		require.Zero(t, a.Elastic)
		require.Equal(t, Elastic{Seed: b.Elastic.Seed, Reach: 209715, Cells: 4}, b.Elastic) // 0.2 · 16 · 65536, rounded
		require.NotEqual(t, b.Elastic.Seed, newAugmenter(bent, d.store, Normalisation{}).draw(1, step, 3, 0).Elastic.Seed)
	}
	// Alone it is enough, from the larger pictures where they are kept, and of turned classes too.
	alone := newAugmenter(Augment{Elastic: 0.2}, d.store, Normalisation{})
	r := alone.draw(1, 0, 0, 0)
	require.Equal(t, WarpBilinear, r.Warp)
	require.Equal(t, [6]float64{1, 0, 0, 0, 1, 0}, r.Map)
	require.NotEqual(t, r.Map, alone.draw(1, 0, 0, 1).Map)
}

func TestElasticValidate(t *testing.T) {
	for want, a := range map[string]Augment{
		"Augment.Elastic is 0.6, want 0":                       {Elastic: 0.6},
		"Augment.Elastic is -0.1":                              {Elastic: -0.1},
		"Augment.ElasticCells does nothing without Augment.El": {ElasticCells: 3},
		"Augment.ElasticCells is 65":                           {Elastic: 0.1, ElasticCells: 65},
	} {
		require.ErrorContains(t, a.Validate(), want)
	}
	require.NoError(t, Augment{Elastic: 0.15, ElasticCells: 6}.Validate())
}
