package spec

// SymmetricInverse computes the inverse (N, N) of a symmetric positive definite matrix (N, N), NaN if it is not. It has a
// second input, an inverse that was made of products: where products are what a device is good at, the result is
// that; the CPU need not make it (see graph.OnHost).
type SymmetricInverse struct{ N int }
