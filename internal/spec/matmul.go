package spec

// MatMul computes op(A)·op(B): A is M×K or, with TransA, K×M; B is K×N or, with TransB,
// N×K.
type MatMul struct {
	TransA, TransB bool
	M, N, K        int
}

// Transpose turns a Rows×Cols matrix into Cols×Rows.
type Transpose struct{ Rows, Cols int }

// Copy copies N elements.
type Copy struct{ N int }
