package gpu

// addParts adds up the parts of n results that lie in the workspace; one part alone was written
// to y.
func (b *builder) addParts(n, parts int, y operand) {
	if parts > 1 {
		b.launchAddParts(flat(n), n, parts, work(0), y)
	}
}
