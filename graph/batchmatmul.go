package graph

import (
	"slices"

	"github.com/pkg/errors"

	"medusa/internal/spec"
)

// BatchMatMul is the matrix product of each x (…, M, K) with the y (…, K, N) at its place:
// (…, M, N), such as what the heads of an attention make of weights (B, N, T, T) and values
// (B, N, T, D). The axes before the matrices are equal; of two matrices it is MatMul.
func (e Expr) BatchMatMul(f Expr) Expr { return batchMatMul(e, f, false, false) }

// BatchMatMulT is the product of each x (…, M, K) with the transpose of the y (…, N, K) at its
// place: (…, M, N), such as queries with keys.
func (e Expr) BatchMatMulT(f Expr) Expr { return batchMatMul(e, f, false, true) }

func batchMatMul(a, b Expr, ta, tb bool) Expr {
	if err := firstError(a, b); err != nil {
		return Fail(err)
	}
	sa, sb := a.Shape(), b.Shape()
	n := len(sa) - 2
	if n < 0 || len(sa) != len(sb) || !slices.Equal(sa[:n], sb[:n]) {
		return Fail(errors.Errorf("graph: matrix products of shapes %v and %v, want (…, M, K) and (…, K, N) with equal axes before the matrices", sa, sb))
	}
	if n == 0 {
		return matMul(a, b, ta, tb)
	}
	product, err := productOf("matrix products", sa, sb, ta, tb)
	if err != nil {
		return Fail(err)
	}
	out := sa.Clone()
	out[n], out[n+1] = product.M, product.N
	return apply(spec.BatchMatMul{Batch: sa[:n].TotalSize(), MatMul: product}, out, productGrad(batchMatMul, ta, tb), a, b)
}
