package weights

import (
	"encoding/binary"
	"math"
)

// Dtype is the type of a tensor's elements in its file, as safetensors calls it.
type Dtype string

// The types whose numbers are read.
const (
	F32  Dtype = "F32"
	F64  Dtype = "F64"
	F16  Dtype = "F16"
	BF16 Dtype = "BF16" // the upper half of F32
	I64  Dtype = "I64"
	I32  Dtype = "I32"
	I16  Dtype = "I16"
	I8   Dtype = "I8"
	U64  Dtype = "U64"
	U32  Dtype = "U32"
	U16  Dtype = "U16"
	U8   Dtype = "U8"
	Bool Dtype = "BOOL"
)

// encoding is how an element is stored.
type encoding struct {
	width  int // bytes
	decode func([]byte) float32
}

var encodings = map[Dtype]encoding{
	F32:  {4, func(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) }},
	F64:  {8, func(b []byte) float32 { return float32(math.Float64frombits(binary.LittleEndian.Uint64(b))) }},
	F16:  {2, func(b []byte) float32 { return half(binary.LittleEndian.Uint16(b)) }},
	BF16: {2, func(b []byte) float32 { return math.Float32frombits(uint32(binary.LittleEndian.Uint16(b)) << 16) }},
	I64:  {8, func(b []byte) float32 { return float32(int64(binary.LittleEndian.Uint64(b))) }},
	I32:  {4, func(b []byte) float32 { return float32(int32(binary.LittleEndian.Uint32(b))) }},
	I16:  {2, func(b []byte) float32 { return float32(int16(binary.LittleEndian.Uint16(b))) }},
	I8:   {1, func(b []byte) float32 { return float32(int8(b[0])) }},
	U64:  {8, func(b []byte) float32 { return float32(binary.LittleEndian.Uint64(b)) }},
	U32:  {4, func(b []byte) float32 { return float32(binary.LittleEndian.Uint32(b)) }},
	U16:  {2, func(b []byte) float32 { return float32(binary.LittleEndian.Uint16(b)) }},
	U8:   {1, func(b []byte) float32 { return float32(b[0]) }},
	Bool: {1, func(b []byte) float32 { return float32(min(b[0], 1)) }},
}

// integers decode elements that are whole numbers, exactly.
var integers = map[Dtype]func([]byte) int64{
	I64:  func(b []byte) int64 { return int64(binary.LittleEndian.Uint64(b)) },
	I32:  func(b []byte) int64 { return int64(int32(binary.LittleEndian.Uint32(b))) },
	I16:  func(b []byte) int64 { return int64(int16(binary.LittleEndian.Uint16(b))) },
	I8:   func(b []byte) int64 { return int64(int8(b[0])) },
	U64:  func(b []byte) int64 { return int64(binary.LittleEndian.Uint64(b)) },
	U32:  func(b []byte) int64 { return int64(binary.LittleEndian.Uint32(b)) },
	U16:  func(b []byte) int64 { return int64(binary.LittleEndian.Uint16(b)) },
	U8:   func(b []byte) int64 { return int64(b[0]) },
	Bool: func(b []byte) int64 { return int64(min(b[0], 1)) },
}

// Width is the bytes of an element; 0 for a type whose numbers are not read.
func (d Dtype) Width() int { return encodings[d].width }

// unreadWidths are the bytes of an element of types whose numbers are not read, by the names of PyTorch's storages.
var unreadWidths = map[Dtype]int{
	"ComplexFloatStorage": 8, "ComplexDoubleStorage": 16, "QInt8Storage": 1, "QUInt8Storage": 1, "QInt32Storage": 4,
}

// storedWidth is the bytes of an element, of types that are not read too; 0 if it is not known.
func storedWidth(d Dtype) int64 { return int64(max(d.Width(), unreadWidths[d])) }

// Float reports whether the elements are floating-point numbers.
func (d Dtype) Float() bool { return d == F32 || d == F64 || d == F16 || d == BF16 }

// half is a number of IEEE 754's half precision: a sign, 5 bits of exponent and 10 of fraction.
func half(h uint16) float32 {
	sign, exponent, fraction := uint32(h>>15)<<31, uint32(h>>10&31), uint32(h&1023)
	switch exponent {
	case 0: // fraction · 2⁻²⁴
		return math.Float32frombits(sign | math.Float32bits(float32(fraction)/(1<<24)))
	case 31: // infinite, or no number
		return math.Float32frombits(sign | 255<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | fraction<<13)
}
