package graph

// Rewound is the source with its draws from the first on: what is drawn of it in the same order is
// the same once more. So a formula that is built twice in a graph is one, which is computed once.
func (r *Random) Rewound() *Random {
	if r == nil {
		return nil
	}
	return &Random{draw: r.draw}
}
