package gpu

import (
	"math"
	"math/bits"
)

// WithoutBLAS takes cuBLAS away.
func WithoutBLAS(d *Device) {
	if d.blas != nil {
		d.blas.Close()
		d.blas = nil
	}
}

// WithoutDNN takes cuDNN away.
func WithoutDNN(d *Device) {
	for _, c := range d.convs {
		c.Close()
	}
	clear(d.convs)
	if d.dnn != nil {
		d.dnn.Close()
		d.dnn = nil
	}
}

// Over is n/d as kernels divide.
func Over(n, d int) int {
	packed := divisor(d).packed()
	s := 31 + bits.Len32(uint32(d-1))
	return int(uint64(n) * (packed & math.MaxUint32) >> s)
}

// Parts is how many blocks make one of n sums of m numbers each.
func Parts(n, m int) int {
	_, parts := parted(n, m)
	return parts
}
