package spec

// HostOp is an op that comes from outside of the module as functions over slices. They are run on
// the host; an accelerator has no kernel for them.
type HostOp struct {
	Name string
	F32  func(out []float32, in [][]float32) error
	F64  func(out []float64, in [][]float64) error
}

// String is the name. It does not say what is computed: such ops are not to be merged.
func (s HostOp) String() string { return s.Name }
