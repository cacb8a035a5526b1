package jpeg

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// The bits of a segment come in their order, whatever is asked for, without the zeros behind
// 0xff; behind its end come zeros, and it is known how many.
func TestBitReader(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for range 500 {
		var file, want []byte
		for range r.IntN(40) {
			b := byte(r.Uint32())
			if r.IntN(4) == 0 {
				b = 0xff
			}
			file, want = append(file, b), append(want, b)
			if b == 0xff {
				file = append(file, 0)
			}
		}
		d := &decoder{file: append(file, 0xff, endOfImage)}
		require.True(t, d.openSegment())
		require.Equal(t, len(file), d.at)
		left := 8 * len(want)
		bitAt := func(i int) int32 {
			if i >= 8*len(want) {
				return 0
			}
			return int32(want[i/8] >> (7 - i%8) & 1)
		}
		for at := 0; left > -100; {
			require.Equal(t, left, d.bits.left())
			require.Equal(t, left < 0, d.bits.overrun())
			require.Equal(t, left >= 0 && left < 8, d.bits.atEnd())
			count := r.IntN(17)
			var wanted int32
			for i := range max(count, 1) {
				wanted = wanted<<1 | bitAt(at+i)
			}
			if count == 0 {
				require.Equal(t, wanted == 1, d.bits.bit())
			} else {
				if d.bits.n < 16 {
					d.bits.fill()
				}
				require.Equal(t, wanted, d.bits.take(uint8(count)))
			}
			at += max(count, 1)
			left -= max(count, 1)
		}
	}
}

// Where no marker follows there is no segment.
func TestSegmentWithoutEnd(t *testing.T) {
	for _, file := range []string{"", "\x01", "\xff", "\x01\xff", "\xff\x00", "\xff\x00\xff", "\xff\x00\xff\x00"} {
		d := &decoder{file: []byte(file)}
		require.False(t, d.openSegment(), "%q", file)
	}
}
