package losses

import "medusa/graph"

// ownParams is the set of a loss's own parameters, which the loss holds in p, made when it is first
// asked for.
func ownParams(p **graph.Params, seed uint64) *graph.Params {
	makingClassifiers.Lock()
	defer makingClassifiers.Unlock()
	if *p == nil {
		*p = graph.NewParams(seed)
	}
	return *p
}
