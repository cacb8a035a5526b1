package tiff

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/image/tiff/lzw"
)

// Whatever bytes come, they become what golang.org/x/image makes of them, where it makes
// anything.
func TestLZWAsOther(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	whole := 0
	for range 3000 {
		b := make([]byte, 2+r.IntN(600))
		for i := range b {
			b[i] = byte(r.Uint32() >> r.IntN(8))
		}
		b[0], b[1] = 0x80, b[1]&0x7f // a clear code
		z := lzw.NewReader(bytes.NewReader(b), lzw.MSB, 8)
		want, _ := io.ReadAll(z)
		if len(want) == 0 {
			continue
		}
		got := make([]byte, len(want))
		require.NoError(t, unpackLZW(got, b))
		require.Equal(t, want, got)
		whole++
	}
	require.Greater(t, whole, 500)
}

// lzwWriter writes codes.
type lzwWriter struct {
	bytes       []byte
	bits        int
	width, next int
}

func (w *lzwWriter) clear() {
	if w.width == 0 {
		w.width = 9
	}
	w.write(lzwClear)
	w.width, w.next = 9, lzwEnd+1
}

func (w *lzwWriter) write(code int) {
	for i := w.width - 1; i >= 0; i-- {
		if w.bits%8 == 0 {
			w.bytes = append(w.bytes, 0)
		}
		w.bytes[w.bits/8] |= byte(code>>i&1) << (7 - w.bits%8)
		w.bits++
	}
}

// grow is what follows each code but the first one after a clear code.
func (w *lzwWriter) grow() {
	if w.next < lzwMost {
		if w.next++; w.next == 1<<w.width-1 && w.width < 12 {
			w.width++
		}
	}
}

// packLZW packs data as TIFF 6.0, section 13, says. If it never clears, a full table stays.
func packLZW(data []byte, clears bool) []byte {
	w := &lzwWriter{}
	var codes map[string]int
	since := 0 // codes since the table was cleared
	fresh := func() {
		w.clear()
		since, codes = 0, make(map[string]int)
		for v := range lzwClear {
			codes[string([]byte{byte(v)})] = v
		}
	}
	fresh()
	for len(data) > 0 {
		n := 1
		for n < len(data) && codes[string(data[:n+1])] > 0 {
			n++
		}
		w.write(codes[string(data[:n])])
		if n < len(data) && len(codes)+2 < lzwMost {
			codes[string(data[:n+1])] = len(codes) + 2
		}
		if since++; since > 1 {
			w.grow()
		}
		if data = data[n:]; clears && len(codes)+2 == lzwMost-2 {
			fresh()
		}
	}
	w.write(lzwEnd)
	return w.bytes
}

// What is packed comes out again, whatever its strings' lengths, and however much of it is asked for.
func TestLZWRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for name, next := range map[string]func(i int, before []byte) byte{
		"one byte":       func(int, []byte) byte { return 7 },
		"noise":          func(int, []byte) byte { return byte(r.Uint32()) },
		"bits":           func(int, []byte) byte { return byte(r.IntN(2)) },
		"a ramp":         func(i int, _ []byte) byte { return byte(i) },
		"runs":           func(i int, before []byte) byte { return byte(i >> 5) },
		"steps of noise": func(i int, before []byte) byte { return byte(int(before[max(len(before)-3, 0)]) + r.IntN(3) - 1) },
	} {
		for _, clears := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, clears %v", name, clears), func(t *testing.T) {
				data := []byte{0}
				for i := range 70000 {
					data = append(data, next(i, data))
				}
				packed := packLZW(data, clears)
				if clears { // golang.org/x/image knows no table that stays full
					want, err := io.ReadAll(lzw.NewReader(bytes.NewReader(packed), lzw.MSB, 8))
					require.NoError(t, err)
					require.True(t, bytes.Equal(data, want))
				}
				for n := len(data); n > 0; n -= 1 + r.IntN(min(n, 2+len(data)/20)) {
					got := make([]byte, n)
					require.NoError(t, unpackLZW(got, packed))
					require.True(t, bytes.Equal(data[:n], got))
				}
				require.ErrorIs(t, unpackLZW(make([]byte, len(data)+1), packed), io.ErrUnexpectedEOF)
			})
		}
	}
}

// A table that is full grows no more until it is cleared.
func TestLZWFullTable(t *testing.T) {
	w := &lzwWriter{}
	w.clear()
	var want []byte
	for i := range 5000 {
		w.write(i % 251)
		want = append(want, byte(i%251))
		if i > 0 {
			w.grow()
		}
	}
	got := make([]byte, len(want))
	require.NoError(t, unpackLZW(got, w.bytes))
	require.Equal(t, want, got)
	require.ErrorIs(t, unpackLZW(make([]byte, len(want)+1), w.bytes[:len(w.bytes)-2]), io.ErrUnexpectedEOF)
	var f FormatError
	require.ErrorAs(t, unpackLZW(got, []byte{0x80, 0x60, 0, 0}), &f)
}

func BenchmarkLZW(b *testing.B) {
	r := rand.New(rand.NewPCG(5, 6))
	for name, steps := range map[string]int{"smooth": 3, "noisy": 12} {
		data := []byte{128, 128, 128}
		for range 1 << 16 {
			data = append(data, byte(int(data[len(data)-3])+r.IntN(steps)-steps/2))
		}
		packed := packLZW(data, true)
		b.Run(name, func(b *testing.B) {
			raw := make([]byte, len(data))
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				require.NoError(b, unpackLZW(raw, packed))
			}
		})
	}
}
