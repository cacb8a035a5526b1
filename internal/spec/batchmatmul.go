package spec

// BatchMatMul computes Batch products as MatMul does, of matrices that follow each other.
type BatchMatMul struct {
	Batch int
	MatMul
}
