package safetensors

import (
	"io"
)

// Location says where a tensor lies in a file, for reading or mapping it in place.
type Location struct {
	Name          string
	Dtype         Dtype // also types that Read does not decode, such as F16
	Shape         []int
	Offset, Bytes int64 // in the file
}

// widths are the bytes of an element of the format's types.
var widths = map[Dtype]int{
	F64: 8, I64: 8, "U64": 8, F32: 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2, "U16": 2, "I8": 1, U8: 1, "BOOL": 1,
	"C64": 8, "F8_E4M3": 1, "F8_E5M2": 1, "F8_E8M0": 1,
}

// Locate reads the header of a file of size bytes: its metadata, and where its tensors lie.
// A checksum is not verified, since that takes reading the whole file.
func Locate(r io.Reader, size int64) (metadata map[string]string, tensors []Location, err error) {
	header, f, places, err := readHeader(r, size, func(d Dtype) int { return widths[d] })
	if err != nil {
		return nil, nil, err
	}
	for _, p := range places {
		begin := int64(len(header)) + int64(p.Offsets[0])
		tensors = append(tensors, Location{Name: p.name, Dtype: p.Dtype, Shape: p.Shape, Offset: begin, Bytes: int64(p.Offsets[1] - p.Offsets[0])})
	}
	return f.Metadata, tensors, nil
}
