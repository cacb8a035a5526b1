package spec

// Output is one of the results of an op besides its first, whose shape the op's function in package graph says. What it
// is and its number, from 1 on, stand in the doc of the spec. An output that nobody reads has no memory, and a kernel
// does not compute it where that costs.
type Output struct {
	Shape  []int
	Places bool // whole numbers of 32 bits; else numbers of the type that the first result has
}

// outputting is a spec of several outputs.
type outputting interface{ Outputs() []Output }

// OutputsOf are the outputs of a spec besides the first.
func OutputsOf(spec any) []Output {
	if s, ok := spec.(outputting); ok {
		return s.Outputs()
	}
	return nil
}

// Further is output Number, from 1 on, of the op that its input is the first output of. It is a node of a graph, by
// which readers and what they read are known; a machine has no work with it.
type Further struct{ Number int }

// reading is a spec with inputs that are places.
type reading interface{ ReadsPlaces() []int }

// ReadsPlaces reports whether input i of a spec is places, such as another op's output is.
func ReadsPlaces(spec any, i int) bool {
	if s, ok := spec.(reading); ok {
		for _, at := range s.ReadsPlaces() {
			if at == i {
				return true
			}
		}
	}
	return false
}

// column is an output of one number for each of so many rows.
func column(rows int) Output { return Output{Shape: []int{rows, 1}} }
