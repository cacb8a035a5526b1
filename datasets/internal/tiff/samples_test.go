package tiff

import (
	"encoding/binary"
	"image"
	"image/color"
	"testing"

	"github.com/stretchr/testify/require"
)

// onePixel is a file of one pixel of 8 bits a sample, with the kinds of its extra samples.
func onePixel(photometric uint16, samples []byte, extra ...uint16) []byte {
	type field struct {
		tag, kind uint16
		values    []uint16
	}
	bits := make([]uint16, len(samples))
	for i := range bits {
		bits[i] = 8
	}
	const short = 3
	fields := []field{
		{tagWidth, short, []uint16{1}}, {tagHeight, short, []uint16{1}}, {tagBits, short, bits}, {tagCompression, short, []uint16{1}},
		{tagPhotometric, short, []uint16{photometric}}, {tagStripOffsets, short, []uint16{8}}, {tagSamples, short, []uint16{uint16(len(samples))}},
		{tagStripCounts, short, []uint16{uint16(len(samples))}}, {tagExtraSamples, short, extra},
	}
	data := append([]byte("II*\x00\x00\x00\x00\x00"), samples...)
	order := binary.LittleEndian
	var directory []byte
	for _, f := range fields {
		entry := order.AppendUint16(nil, f.tag)
		entry = order.AppendUint16(entry, f.kind)
		entry = order.AppendUint32(entry, uint32(len(f.values)))
		var values []byte
		for _, v := range f.values {
			values = order.AppendUint16(values, v)
		}
		if len(values) > 4 {
			entry = order.AppendUint32(entry, uint32(len(data)))
			data = append(data, values...)
		} else {
			entry = append(entry, append(values, 0, 0, 0, 0)[:4]...)
		}
		directory = append(directory, entry...)
	}
	order.PutUint32(data[4:], uint32(len(data)))
	data = order.AppendUint16(data, uint16(len(fields)))
	return append(append(data, directory...), 0, 0, 0, 0)
}

// What more samples a pixel has than its colours and alpha changes neither.
func TestExtraSamples(t *testing.T) {
	for name, c := range map[string]struct {
		photometric uint16
		samples     []byte
		extra       []uint16
		want        color.NRGBA
	}{
		"grey, alpha":               {blackIsZero, []byte{10, 20}, []uint16{2}, color.NRGBA{10, 10, 10, 20}},
		"grey, alpha, another":      {blackIsZero, []byte{10, 20, 30}, []uint16{2, 0}, color.NRGBA{10, 10, 10, 20}},
		"grey, alpha, two others":   {blackIsZero, []byte{10, 20, 30, 40}, []uint16{2, 0, 0}, color.NRGBA{10, 10, 10, 20}},
		"grey, two others":          {blackIsZero, []byte{10, 20, 30}, []uint16{0, 0}, color.NRGBA{10, 10, 10, 255}},
		"colours":                   {rgb, []byte{10, 20, 30}, nil, color.NRGBA{10, 20, 30, 255}},
		"colours, alpha":            {rgb, []byte{10, 20, 30, 40}, []uint16{2}, color.NRGBA{10, 20, 30, 40}},
		"colours, another":          {rgb, []byte{10, 20, 30, 40}, []uint16{0}, color.NRGBA{10, 20, 30, 255}},
		"colours, alpha, another":   {rgb, []byte{10, 20, 30, 40, 50}, []uint16{2, 0}, color.NRGBA{10, 20, 30, 40}},
		"colours, opaque by alpha":  {rgb, []byte{10, 20, 30, 255}, []uint16{1}, color.NRGBA{10, 20, 30, 255}},
		"white is 0, alpha, others": {whiteIsZero, []byte{10, 20, 30}, []uint16{2, 0}, color.NRGBA{245, 245, 245, 20}},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := Parse(onePixel(c.photometric, c.samples, c.extra...))
			require.NoError(t, err)
			img, err := f.Decode()
			require.NoError(t, err)
			require.Equal(t, image.Rect(0, 0, 1, 1), img.Bounds())
			require.Equal(t, c.want, color.NRGBAModel.Convert(img.At(0, 0)))
		})
	}
}
