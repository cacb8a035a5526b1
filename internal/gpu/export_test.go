package gpu

import (
	"math"
	"math/bits"

	"medusa/internal/device"
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
	m := divisor(d).packed() & math.MaxUint32
	return int(uint64(n) * 2 * m >> 32 >> bits.Len32(uint32(d-1)))
}

// Parts is how many blocks make one of n sums of m numbers each.
func Parts(n, m int) int {
	_, parts := parted(n, m)
	return parts
}

// SetProcessors makes d count as a GPU of n multiprocessors.
func SetProcessors(d *Device, n int) { d.processors = n }

// Launches are the kernels of k, in their order.
func Launches(k device.Kernel) []string {
	var names []string
	p := k.(*program)
	for _, s := range p.steps {
		if o, ok := s.(forOutput); ok {
			s = o.step
		}
		l, ok := s.(*launch)
		for name, f := range p.b.d.functions {
			if ok && f == l.f {
				names = append(names, name)
			}
		}
	}
	return names
}

// Cut is cutProduct.
func Cut(rows, cols, k, times, processors int, tf32 bool) (side, parts, each int) {
	c := cutProduct(rows, cols, k, times, processors, tf32)
	return c.side, c.parts, c.each
}
