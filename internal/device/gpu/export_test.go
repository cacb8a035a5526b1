package gpu

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
