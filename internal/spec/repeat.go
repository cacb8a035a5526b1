package spec

// writing is a spec whose kernel also writes into some of its inputs.
type writing interface{ Writes() []int }

// Writes are the numbers of the inputs that a spec's kernel changes.
func Writes(spec any) []int {
	if s, ok := spec.(writing); ok {
		return s.Writes()
	}
	return nil
}

// Repeatable reports whether a kernel that is run once more on the same inputs makes the same and nothing else
// besides. It is false of those that change an input, and of those from outside of the module, which may keep a state.
func Repeatable(spec any) bool {
	_, outside := spec.(HostOp)
	return !outside && len(Writes(spec)) == 0
}
