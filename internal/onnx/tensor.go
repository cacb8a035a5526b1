package onnx

import (
	"encoding/binary"
	"math"
)

// Floats is a tensor of float32.
func Floats(name string, values []float32, shape ...int64) Tensor {
	raw := make([]byte, 0, 4*len(values))
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	return Tensor{Name: name, Elem: Float32, Shape: shape, Raw: raw}
}

// Ints is a tensor of int64.
func Ints(name string, values []int64, shape ...int64) Tensor {
	raw := make([]byte, 0, 8*len(values))
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(v))
	}
	return Tensor{Name: name, Elem: Int64, Shape: shape, Raw: raw}
}
