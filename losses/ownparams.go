package losses

import (
	"sync"

	"medusa/graph"
)

// makingParams is locked while a loss makes its set of parameters. It is none of the loss, which
// may be copied until then.
var makingParams sync.Mutex

// ownParams is the set of a loss's own parameters, which the loss holds in p, made when it is first
// asked for.
func ownParams(p **graph.Params, seed uint64) *graph.Params {
	makingParams.Lock()
	defer makingParams.Unlock()
	if *p == nil {
		*p = graph.NewParams(seed)
	}
	return *p
}
