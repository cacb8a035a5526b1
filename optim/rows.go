package optim

// namedRows is what a slot knows of a gradient that is kept by rows.
type namedRows struct {
	cols    int       // of each row; 0 where steps are made of a gradient to all weights
	indices []float32 // of the step in progress
	whole   []float32 // with AllRows: the gradient to all weights
	before  []float32 // the indices whose rows of whole are not 0
}

// nameRows decides whether steps move single rows, or all weights by a whole gradient.
func (t *slot) nameRows(all bool) {
	shape := t.Grad.Shape()
	t.given, t.size = shape.TotalSize(), len(t.Weights)
	if t.Rows != nil && !all {
		t.size, t.named.cols = t.given, shape[1]
	}
}

// pieceSize is how many numbers of the gradient a piece has: whole rows.
func (t *slot) pieceSize() int {
	if cols := t.named.cols; cols > 0 {
		return max(pieceSize/cols, 1) * cols
	}
	return pieceSize
}

// takeRows returns the gradient that a step uses, given the one that the graph keeps.
func (t *slot) takeRows(kept []float32) []float32 {
	if t.Rows == nil {
		return kept
	}
	n := &t.named
	n.indices = t.Rows.Indices().Float32s()
	if n.cols > 0 {
		return kept
	}
	if n.whole == nil {
		n.whole = make([]float32, t.size)
	}
	cols := len(kept) / len(n.indices)
	row := func(index float32) []float32 { return n.whole[int(index)*cols:][:cols] }
	for _, r := range n.before {
		if r >= 0 {
			clear(row(r))
		}
	}
	for i, r := range n.indices {
		if r >= 0 {
			copy(row(r), kept[i*cols:])
		}
	}
	n.before = append(n.before[:0], n.indices...)
	return n.whole
}

// span is numbers of a gradient, with the weights that they move and what is known of these.
type span struct{ w, g, first, second []float32 }

// spans goes through the numbers lo … hi−1 of the gradient: in one span, or in one for each row.
func (t *slot) spans(lo, hi int, do func(span)) {
	cols := t.named.cols
	if cols == 0 {
		do(t.span(lo, lo, hi-lo))
		return
	}
	for ; lo < hi; lo += cols {
		if r := t.named.indices[lo/cols]; r >= 0 {
			do(t.span(int(r)*cols, lo, cols))
		}
	}
}

// span returns the span of n numbers of the gradient from g on, and of the weights from w on.
func (t *slot) span(w, g, n int) span {
	part := func(x []float32) []float32 {
		if x == nil {
			return nil
		}
		return x[w : w+n]
	}
	return span{part(t.Weights), t.g[g : g+n], part(t.first), part(t.second)}
}
