package gpu

import "medusa/internal/device"

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

// SetProcessors makes d count as a GPU of n multiprocessors.
func SetProcessors(d *Device, n int) { d.processors = n }

// Launches are the kernels of k, in their order.
func Launches(k device.Kernel) []string {
	var names []string
	p := k.(*program)
	for _, s := range p.steps {
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

// Divisor is divisor.
func Divisor(d int) uint64 { return divisor(d) }
