package loops

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/spec"
)

// floatsOf makes n numbers of bytes, read as they are: NaN, infinities and denormals come
// too. Short data is used again.
func floatsOf(data []byte, n int) []float32 {
	x := make([]float32, n)
	if len(data) == 0 {
		return x
	}
	var four [4]byte
	for i := range x {
		for k := range four {
			four[k] = data[(4*i+k)%len(data)]
		}
		x[i] = math.Float32frombits(binary.LittleEndian.Uint32(four[:]))
	}
	return x
}

func bytesOf(x ...float32) (data []byte) {
	for _, v := range x {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	return data
}

// Every function on slices has the bits of its Go loop, whatever the numbers.
func FuzzVectors(f *testing.F) {
	var names []string
	for name := range vectorOps {
		names = append(names, name)
	}
	slices.Sort(names)
	for i := range names {
		f.Add(uint8(i), uint8(33), bytesOf(corners...), bytesOf(1, 0.5, -2))
	}
	f.Fuzz(func(t *testing.T, which, n uint8, data, constants []byte) {
		name := names[int(which)%len(names)]
		all := floatsOf(data, 4*int(n))
		slicesOf := func() (s [4][]float32) {
			for i := range s {
				s[i] = slices.Clone(all[i*int(n) : (i+1)*int(n)])
			}
			return s
		}
		k := [9]float32(floatsOf(constants, 9))
		if k[0] != k[0] || k[1] != k[1] || k[0] > k[1] {
			k[0], k[1] = -0.5, 0.5 // what graph.Clamp allows
		}
		want := slicesOf()
		forInstructionSet(t, "generic", func() { vectorOps[name](want, k) })
		withEachInstructionSet(t, func(t *testing.T) {
			got := slicesOf()
			vectorOps[name](got, k)
			for i := range got {
				requireSame(t, want[i], got[i], fmt.Sprintf("%s, slice %d, constants %v", name, i, k))
			}
		})
	})
}

// The reductions of masked rows say on every instruction set what plain loops say.
func FuzzRows(f *testing.F) {
	f.Add(bytesOf(corners...), bytesOf(1, 0, 1), float32(1), float32(0.5), float32(0), float32(2))
	f.Add(bytesOf(0.1, 0.9, 0.3, 0.9), bytesOf(1, 1, 0), float32(-1), float32(1), float32(0), float32(math.NaN()))
	f.Fuzz(func(t *testing.T, data, marks []byte, k, c, low, high float32) {
		x := floatsOf(data, min(len(data)/4, 200))
		mask := floatsOf(marks, len(x))
		for i, v := range mask {
			mask[i] = indicator[float32](v != 0)
		}
		first, most := -1, math.Inf(-1)
		var sum, size float64
		var count float64
		for i, v := range x {
			if mask[i] == 0 {
				continue
			}
			if float64(v) > most {
				most, first = float64(v), i
			}
			term := max(float32(k*v)+c, 0)
			if !(term <= low) && !(term >= high) {
				sum, size, count = sum+float64(term), size+math.Abs(float64(term)), count+1
			}
		}
		withEachInstructionSet(t, func(t *testing.T) {
			best, finite := Extreme(x, mask, true)
			if finite {
				require.Equal(t, most, float64(best))
				at := FirstEqual(x, mask, best, make([]float32, len(x)))
				require.Equal(t, first, at)
			}
			gotSum, gotCount := HingeSums(x, mask, k, c, low, high)
			require.Equal(t, count, gotCount)
			if sum == sum && !math.IsInf(sum, 0) {
				require.InDelta(t, sum, gotSum, 1e-13*size)
			} else {
				require.Equal(t, fmt.Sprint(sum), fmt.Sprint(gotSum))
			}
		})
	})
}

func FuzzMaxPool(f *testing.F) {
	for i := range uint64(4) {
		f.Add(i, uint8(2+i), uint8(5*i+2), bytesOf(corners...))
	}
	f.Fuzz(func(t *testing.T, seed uint64, h, w uint8, data []byte) {
		r := rand.New(rand.NewPCG(seed, 1))
		p := &spec.Pool2D{Planes: 5, H: 2 + int(h)%12, W: 2 + int(w)%50, KH: 2, KW: 2, StrideH: 2, StrideW: 2}
		checkHalves(t, p, floatsOf(data, 5*p.H*p.W), randomSlice[float32](r, 5*p.OutH()*p.OutW()))
	})
}
