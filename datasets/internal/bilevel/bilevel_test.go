package bilevel

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// scribbles are drawings with structure: a few thick random lines each.
func scribbles(n, height, width int, seed uint64) [][]byte {
	rng := rand.New(rand.NewPCG(seed, 1))
	drawings := make([][]byte, n)
	for i := range drawings {
		d := make([]byte, height*width)
		x, y := rng.Float64()*float64(width), rng.Float64()*float64(height)
		dx, dy := rng.Float64()-0.5, rng.Float64()-0.5
		for range 2 * (height + width) {
			for a := range 2 {
				for b := range 2 {
					if px, py := int(x)+a, int(y)+b; px >= 0 && py >= 0 && px < width && py < height {
						d[py*width+px] = 1
					}
				}
			}
			dx, dy = dx+0.2*(rng.Float64()-0.5), dy+0.2*(rng.Float64()-0.5)
			x, y = x+dx, y+dy
		}
		drawings[i] = d
	}
	return drawings
}

func roundTrip(t *testing.T, height, width int, drawings [][]byte) []byte {
	t.Helper()
	code, err := Encode(height, width, drawings)
	require.NoError(t, err)
	seen := 0
	require.NoError(t, Decode(code, func(i int, d []byte) error {
		require.Equal(t, seen, i)
		require.Equal(t, drawings[i], d, "drawing %d", i)
		seen++
		return nil
	}))
	require.Equal(t, len(drawings), seen)
	return code
}

func TestRoundTrip(t *testing.T) {
	noise := make([]byte, 40*31)
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range noise {
		noise[i] = byte(rng.IntN(2))
	}
	full := make([]byte, 40*31)
	for i := range full {
		full[i] = 1
	}
	tests := map[string]struct {
		height, width int
		drawings      [][]byte
	}{
		"no drawing":   {40, 31, nil},
		"one pixel":    {1, 1, [][]byte{{1}, {0}, {1}}},
		"one row":      {1, 9, [][]byte{{1, 0, 1, 1, 0, 0, 0, 1, 1}}},
		"one column":   {5, 1, [][]byte{{1, 0, 1, 1, 0}}},
		"blank, full":  {40, 31, [][]byte{make([]byte, 40*31), full, make([]byte, 40*31)}},
		"noise":        {40, 31, [][]byte{noise, noise}},
		"scribbles":    {105, 105, scribbles(30, 105, 105, 5)},
		"wide letters": {20, 300, scribbles(10, 20, 300, 6)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { roundTrip(t, tt.height, tt.width, tt.drawings) })
	}
}

// Noise cannot be packed, and must cost hardly more than its bits; drawings must pack
// far below them.
func TestSizeOfCode(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	noise := make([]byte, 400*400)
	for i := range noise {
		noise[i] = byte(rng.IntN(2))
	}
	code := roundTrip(t, 400, 400, [][]byte{noise})
	require.Less(t, len(code), 400*400/8*130/100) // learning 65,536 contexts from 160,000 pixels costs
	code = roundTrip(t, 105, 105, scribbles(200, 105, 105, 9))
	require.Less(t, len(code), 200*105*105/8/8)
}

func TestDecodeRefuses(t *testing.T) {
	code := roundTrip(t, 105, 105, scribbles(3, 105, 105, 2))
	ignore := func(int, []byte) error { return nil }
	require.ErrorContains(t, Decode(code[:5], ignore), "cut off")
	require.ErrorContains(t, Decode(code[:len(code)/2], ignore), "cut off")
	huge := append([]byte{255, 255, 255, 255, 255, 255, 255, 255}, code[headerSize:]...)
	require.ErrorContains(t, Decode(huge, ignore), "header tells")
	none := append([]byte{255, 255, 255, 255, 0, 0, 0, 0}, code[headerSize:]...) // memory for 4·10⁹ pixels
	require.ErrorContains(t, Decode(none, ignore), "header tells of 0 drawings of 65535×65535")
	_, err := Encode(maxSide, maxSide, nil)
	require.ErrorContains(t, err, "0 drawings of 65535×65535, want at most 268435456 pixels")
	_, err = Encode(2, 2, [][]byte{{1}})
	require.ErrorContains(t, err, "drawing 0 has 1 pixels, want 4")
	_, err = Encode(0, 2, nil)
	require.Error(t, err)
}

func FuzzDecode(f *testing.F) {
	code, err := Encode(9, 7, scribbles(2, 9, 7, 1))
	require.NoError(f, err)
	f.Add(code)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, code []byte) {
		h, w, n, err := Size(code)
		if err != nil || h*w*max(n, 1) > 1<<20 {
			t.Skip()
		}
		// Whatever the bytes say: no panic, and nothing but 0 and 1.
		_ = Decode(code, func(_ int, d []byte) error {
			for _, v := range d {
				if v > 1 {
					t.Fatalf("a pixel of %d", v)
				}
			}
			return nil
		})
	})
}

func BenchmarkDecode(b *testing.B) {
	code, err := Encode(105, 105, scribbles(100, 105, 105, 3))
	require.NoError(b, err)
	for b.Loop() {
		require.NoError(b, Decode(code, func(int, []byte) error { return nil }))
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*100), "ns/drawing")
}
