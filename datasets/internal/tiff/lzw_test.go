package tiff

import (
	"bytes"
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

// A table that is full grows no more until it is cleared.
func TestLZWFullTable(t *testing.T) {
	var bits []byte
	at := 0
	put := func(code, width int) {
		for i := width - 1; i >= 0; i-- {
			if at%8 == 0 {
				bits = append(bits, 0)
			}
			bits[at/8] |= byte(code>>i&1) << (7 - at%8)
			at++
		}
	}
	put(lzwClear, 9)
	width, next := 9, lzwEnd+1
	var want []byte
	for i := range 5000 {
		put(i%251, width)
		want = append(want, byte(i%251))
		if i > 0 && next < lzwMost {
			if next++; next == 1<<width-1 && width < 12 {
				width++
			}
		}
	}
	got := make([]byte, len(want))
	require.NoError(t, unpackLZW(got, bits))
	require.Equal(t, want, got)
	require.ErrorIs(t, unpackLZW(make([]byte, len(want)+1), bits[:len(bits)-2]), io.ErrUnexpectedEOF)
	var f FormatError
	require.ErrorAs(t, unpackLZW(got, []byte{0x80, 0x60, 0, 0}), &f)
}
