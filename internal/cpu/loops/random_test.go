package loops

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// The known answers of Random123's kat_vectors for philox4x32-10.
func TestPhilox(t *testing.T) {
	for _, c := range []struct {
		counter [4]uint32
		key     [2]uint32
		want    [4]uint32
	}{
		{[4]uint32{}, [2]uint32{}, [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{
			[4]uint32{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, [2]uint32{0xffffffff, 0xffffffff},
			[4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
		},
		{
			[4]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, [2]uint32{0xa4093822, 0x299f31d0},
			[4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1},
		},
	} {
		require.Equal(t, c.want, Philox(c.key, c.counter))
	}
}

// Words are the same from wherever they are taken.
func TestDrawWords(t *testing.T) {
	d := Draw{Seed: 1<<40 - 5, Run: 1 << 33, Stream: 3}
	whole := make([]uint32, 50)
	d.Words(whole, 0)
	for first := range whole {
		part := make([]uint32, 7)
		d.Words(part, first)
		require.Equal(t, whole[first:min(first+7, 50)], part[:min(7, 50-first)])
	}
	other := make([]uint32, 50)
	for _, o := range []Draw{{d.Seed + 1, d.Run, 3}, {d.Seed, d.Run + 1, 3}, {d.Seed, d.Run, 4}, {d.Seed & (1<<32 - 1), d.Run, 3}, {d.Seed, 0, 3}} {
		o.Words(other, 0)
		require.NotEqual(t, whole, other)
	}
}

// Normal is the inverse of the normal distribution, which math.Erfc gives.
func TestNormalQuantiles(t *testing.T) {
	for w := uint64(0); w < 1<<32; w += 1<<32/9973 + 1 {
		checkNormal(t, uint32(w))
	}
	for i := range uint32(2000) { // the tails
		checkNormal(t, i)
		checkNormal(t, math.MaxUint32-i)
	}
	require.InDelta(t, -6.337, Normal(0), 1e-3)
	require.InDelta(t, 6.337, Normal(math.MaxUint32), 1e-3)
}

func checkNormal(t *testing.T, w uint32) {
	t.Helper()
	x := Normal(w)
	require.Equal(t, -x, Normal(^w), "symmetric")
	p := Fraction(min(w, ^w))
	require.InEpsilon(t, p, math.Erfc(math.Abs(x)/math.Sqrt2)/2, 1e-12, "%d: %v", w, x)
}

func TestLogarithm(t *testing.T) {
	for _, x := range []float64{0x1p-33, 0.075, 0.5, 1, math.Sqrt2 / 2, math.Nextafter(math.Sqrt2/2, 0), 3, 1e300, 0x1p-1022} {
		require.InDelta(t, math.Log(x), logarithm(x), 4e-16*max(1, math.Abs(math.Log(x))), x)
	}
}

// Whatever the rounding, a weight of 0 is never chosen, and a single weight above 0 always.
func TestChooseCorners(t *testing.T) {
	var sums [ChoiceParts]float64
	words := []uint32{0, 1, 1 << 31, math.MaxUint32}
	got := make([]float32, len(words))
	for _, n := range []int{1, 2, 255, 256, 257, 1000, 5000} {
		weights := make([]float32, n)
		Choose(got, weights, words, &sums)
		require.Equal(t, []float32{-1, -1, -1, -1}, got)
		for _, only := range []int{0, n / 2, n - 1} {
			clear(weights)
			weights[only] = 1e-45
			Choose(got, weights, words, &sums)
			for _, v := range got {
				require.EqualValues(t, only, v, "of %d", n)
			}
		}
		for i := range weights { // sums of which no two are rounded alike
			weights[i] = float32(math.Ldexp(1.1, i%60-30)) * float32(i%2)
		}
		Choose(got, weights, words, &sums)
		for k, v := range got {
			if n > 1 {
				require.Positive(t, weights[int(v)], "word %d of %d", k, n)
			}
		}
	}
}

// A checksum over many numbers' bits, recorded on linux/amd64, holds on every processor.
func TestDrawsHaveTheSameBitsEverywhere(t *testing.T) {
	const n = 20000
	words := make([]uint32, n)
	Draw{Seed: 123456789, Run: 7, Stream: 1}.Words(words, 0)
	h := fnv.New64a()
	weights := make([]float32, 300)
	for i, w := range words {
		binary.Write(h, binary.LittleEndian, math.Float64bits(Normal(w)))
		binary.Write(h, binary.LittleEndian, math.Float64bits(Uniform(w)))
		weights[i%300] = float32(Uniform(w))
	}
	var sums [ChoiceParts]float64
	columns := make([]float32, n)
	Choose(columns, weights, words, &sums)
	binary.Write(h, binary.LittleEndian, columns)
	require.Equal(t, uint64(0x7abbfb83ddf6371a), h.Sum64())
}
