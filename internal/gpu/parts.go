package gpu

// addParts adds up the parts of n results that lie in the workspace; one part alone was written
// to y.
func (b *builder) addParts(n, parts int, y operand) { b.addPartsAt(0, n, parts, y) }

// addTwoParts is addParts of the first two outputs, of n results each.
func (b *builder) addTwoParts(n, parts int) {
	b.addParts(n, parts, out)
	b.ifRead(1, func() { b.addPartsAt(2*n*parts, n, parts, output(1)) })
}

// addPartsAt is addParts where the parts begin at a place in the workspace.
func (b *builder) addPartsAt(at, n, parts int, y operand) {
	if parts > 1 {
		b.launchAddParts(flat(n), n, parts, work(at), y)
	}
}
