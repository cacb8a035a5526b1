package tiff

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/klauspost/compress/zlib"
)

// densest is how many bytes one byte can become at most: a file too short for its pixels
// is found out before memory is taken for them. LZW: a code of 9 to 12 bits stands for at
// most 4096 bytes; Deflate: 258 bytes in 2 bits; PackBits: 128 bytes in 2. A line of CCITT
// Group 4 takes one bit, however long it is.
var densest = map[int]uint64{plain: 1, lempelZiv: 4096 * 8 / 9, deflate: 258 * 4, deflateOld: 258 * 4, packBits: 64}

// stored returns the bytes of chunk i as they stand in the file.
func (f *File) stored(l *layout, i int, want uint64) ([]byte, error) {
	at := l.offsets[i]
	n := want
	switch {
	case l.lengths != nil:
		n = l.lengths[i]
	case l.compression != plain:
		n = uint64(len(f.data)) - min(at, uint64(len(f.data)))
	}
	b, err := f.slice(at, n, fmt.Sprintf("strip or tile %d", i))
	if err != nil {
		return nil, err
	}
	if f.number(tagFillOrder, 1) == 2 && l.compression != jpegInside {
		b = reversed(b)
	}
	return b, nil
}

// reversed returns b with the bits of each byte the other way round.
func reversed(b []byte) []byte {
	r := make([]byte, len(b))
	for i, v := range b {
		v = v>>4 | v<<4
		v = v>>2&0x33 | v<<2&0xcc
		r[i] = v>>1&0x55 | v<<1&0xaa
	}
	return r
}

// unpacked returns chunk i, decompressed, of exactly want bytes. What it returns may be
// changed.
func (f *File) unpacked(l *layout, i int, want uint64, width, rows int) ([]byte, error) {
	b, err := f.stored(l, i, want)
	if err != nil {
		return nil, err
	}
	if most, known := densest[l.compression]; known && (uint64(len(b))+8)*most < want || uint64(len(b)) < want && l.compression == plain {
		return nil, FormatError(fmt.Sprintf("strip or tile %d has %d bytes for %d of pixels", i, len(b), want))
	}
	if l.compression == plain {
		if l.predictor == 1 {
			return b[:want], nil
		}
		return bytes.Clone(b[:want]), nil
	}
	raw := make([]byte, want)
	err = decompress(raw, b, l, width, rows, f.number(tagT4Options, 0))
	if err != nil {
		return nil, fmt.Errorf("tiff: strip or tile %d: %w", i, err)
	}
	return raw, nil
}

// decompress fills raw.
func decompress(raw, b []byte, l *layout, width, rows int, t4 uint64) error {
	var r io.Reader
	switch l.compression {
	case group3, group4, huffman:
		return decodeFax(raw, b, l.compression, width, rows, t4&1 != 0)
	case lempelZiv:
		return unpackLZW(raw, b)
	case deflate, deflateOld:
		z, err := zlib.NewReader(bytes.NewReader(b))
		if err != nil {
			return err
		}
		defer z.Close()
		r = z
	case packBits:
		return unpackBits(raw, b)
	}
	_, err := io.ReadFull(r, raw)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// unpackBits reads runs and literal bytes (TIFF 6.0, section 9).
func unpackBits(raw, b []byte) error {
	for len(raw) > 0 {
		if len(b) == 0 {
			return io.ErrUnexpectedEOF
		}
		code := int(int8(b[0]))
		b = b[1:]
		switch {
		case code >= 0:
			if len(b) < code+1 {
				return io.ErrUnexpectedEOF
			}
			raw = raw[copy(raw, b[:code+1]):]
			b = b[code+1:]
		case code != -128:
			if len(b) == 0 {
				return io.ErrUnexpectedEOF
			}
			n := min(1-code, len(raw))
			for i := range n {
				raw[i] = b[0]
			}
			raw, b = raw[n:], b[1:]
		}
	}
	return nil
}

// unpredict undoes the predictor in rows of rowBytes, of samples a pixel.
func unpredict(raw []byte, rowBytes, samples, bits, predictor int, order binary.ByteOrder) {
	if predictor == 1 {
		return
	}
	for ; len(raw) >= rowBytes && rowBytes > 0; raw = raw[rowBytes:] {
		row := raw[:rowBytes]
		if predictor == 3 {
			unpredictFloats(row, samples, bits/8, order)
			continue
		}
		switch bits {
		case 8:
			accumulate(row, samples)
		case 16:
			for i := 2 * samples; i+1 < len(row); i += 2 {
				order.PutUint16(row[i:], order.Uint16(row[i:])+order.Uint16(row[i-2*samples:]))
			}
		case 32:
			for i := 4 * samples; i+3 < len(row); i += 4 {
				order.PutUint32(row[i:], order.Uint32(row[i:])+order.Uint32(row[i-4*samples:]))
			}
		}
	}
}

// accumulate adds to each byte the one that stands so many before it. It does one sample after the
// other, so that their sums stay in a register.
func accumulate(row []byte, samples int) {
	for first := range min(samples, len(row)) {
		sum := byte(0)
		for i := first; i < len(row); i += samples {
			sum += row[i]
			row[i] = sum
		}
	}
}

// unpredictFloats undoes the predictor of floating point: differences of bytes, which
// stand in planes, the highest first.
func unpredictFloats(row []byte, samples, size int, order binary.ByteOrder) {
	accumulate(row, samples)
	planes := bytes.Clone(row)
	n := len(row) / size
	for i := range n {
		for b := range size {
			to := i*size + b
			if order == binary.ByteOrder(binary.LittleEndian) {
				to = i*size + size - 1 - b
			}
			row[to] = planes[b*n+i]
		}
	}
}

// half returns the number that 16 bits of IEEE 754 stand for.
func half(b uint16) float32 {
	sign, exponent, fraction := b>>15, int(b>>10&31), float64(b&1023)
	var v float64
	switch exponent {
	case 0:
		v = math.Ldexp(fraction, -24)
	case 31:
		if v = math.Inf(1); fraction != 0 {
			v = math.NaN()
		}
	default:
		v = math.Ldexp(1024+fraction, exponent-25)
	}
	if sign != 0 {
		v = -v
	}
	return float32(v)
}
