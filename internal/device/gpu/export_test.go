package gpu

// WithoutBLAS takes cuBLAS away.
func WithoutBLAS(d *Device) {
	if d.blas != nil {
		d.blas.Close()
		d.blas = nil
	}
}
