package spec

// Pairs says what pairs of rows a mask (Rows, Cols) holds before any are chosen of them.
type Pairs string

// The pairs of a mask. What is made of labels takes no memory and hardly any time to read.
const (
	Given    Pairs = ""         // those of a mask (Rows, Cols) in memory
	Positive Pairs = "positive" // of one label
	Negative Pairs = "negative" // of two labels
)

// Mask says where the mask (Rows, Cols) of an op comes from, and so what the op's inputs for it
// are: the mask in memory or the labels, then those of each filter. A kernel makes a row of the
// mask when it reads it.
type Mask struct {
	Pairs Pairs
	// Cross: of labels (Rows + Cols), those of the rows first. Otherwise rows and columns are the
	// same, and no row makes a positive pair with itself.
	Cross   bool
	Filters []Filter // an entry counts that all of them let through
}

// Filter lets some entries of a mask through.
type Filter struct {
	Kind FilterKind
	K    int // of Listed: how many columns a row lists
}

// FilterKind names how a filter does that.
type FilterKind string

// The kinds of Filter.
const (
	// Within chooses above[i] < d[i,j] ≤ atMost[i]; the inputs are d (Rows, Cols), above and
	// atMost (Rows). A bound that is NaN is none, as are an above of −∞ and an atMost of ∞. A
	// NaN in d is chosen: it must not be passed over.
	Within FilterKind = "within"
	// Listed chooses the columns index[i, k]; the input is index (Rows, K), −1 for none.
	Listed FilterKind = "listed"
)

// Inputs is how many inputs the filter has.
func (c Filter) Inputs() int {
	if c.Kind == Within {
		return 3
	}
	return 1
}

// Inputs is how many inputs the mask has.
func (m Mask) Inputs() int {
	n := 1
	for _, c := range m.Filters {
		n += c.Inputs()
	}
	return n
}

// InMemory reports whether the mask is an input as it is.
func (m Mask) InMemory() bool { return m.Pairs == Given && len(m.Filters) == 0 }

// Symmetric reports whether the mask is known to hold (j, i) with (i, j), being of labels alone.
func (m Mask) Symmetric() bool { return m.Pairs != Given && !m.Cross && len(m.Filters) == 0 }

// PairMask computes the mask (Rows, Cols) of Mask from its inputs.
type PairMask struct {
	Rows, Cols int
	Mask       Mask
}

// RowCount counts the entries of each row of a mask (Rows, Cols) that are not 0, to (Rows).
type RowCount struct {
	Rows, Cols int
	Mask       Mask
}
