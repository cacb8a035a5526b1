package spec

// LogSoftmax computes ln(eˣ/Σeˣ) over each row of x (Rows, Cols). Infinite entries are
// taken as the limit: among several +∞, or where all are −∞, those entries share the row.
type LogSoftmax struct{ Rows, Cols int }

// Softmax computes eˣ/Σeˣ over each row of x (Rows, Cols).
type Softmax struct{ Rows, Cols int }

// SoftmaxGrad computes dx = y·(dy − Σ y·dy) over each row, from y = Softmax(x) and dy.
type SoftmaxGrad Softmax

// LogSoftmaxGrad computes dx = dy − eʸ·Σdy over each row, from y = LogSoftmax(x) and dy.
type LogSoftmaxGrad LogSoftmax

// CrossEntropy computes −Σ_c q_c·ln p_c for each row of logits (Rows, Classes), to
// (Rows, 1), where p = softmax(logits) and q = (1 − Smoothing)·onehot(label) +
// Smoothing/Classes. The labels (Rows) are checked when the kernel runs.
type CrossEntropy struct {
	Rows, Classes int
	Smoothing     float64
}

// CrossEntropyGrad computes dx = dy·(p − q) from logits, labels and dy (Rows, 1).
type CrossEntropyGrad CrossEntropy
