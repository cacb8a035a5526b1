package miners

import (
	"fmt"
	"sync"

	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/internal/catalog"
)

// Stateful is a Miner with a state, such as that of random draws or a count of steps. The trainer
// saves it with the run. SetSeed is called before the miner is first used; a miner made of others
// hands it on.
type Stateful interface {
	Miner
	Params() *graph.Params
	SetSeed(seed uint64)
}

// ParamsOf is the miner's state; nil if it has none.
func ParamsOf(m Miner) *graph.Params {
	if s, ok := m.(Stateful); ok && !catalog.IsNil(m) {
		return s.Params()
	}
	return nil
}

// SetSeed gives a miner the seed of its draws, if it draws.
func SetSeed(m Miner, seed uint64) {
	if s, ok := m.(Stateful); ok && !catalog.IsNil(m) {
		s.SetSeed(seed)
	}
}

// makingStates is locked while a miner makes its set. It is none of the miner, which may be copied
// until then.
var makingStates sync.Mutex

// stateOf is the set at, made when it is first asked for, with those of other miners as parts.
func stateOf(at **graph.Params, seed uint64, others ...Miner) *graph.Params {
	makingStates.Lock()
	made := *at
	makingStates.Unlock()
	if made != nil {
		return made
	}
	fresh := graph.NewParams(seed)
	parts := make([]*graph.Params, len(others))
	for i, m := range others { // they make theirs under the same lock
		parts[i] = ParamsOf(m)
	}
	makingStates.Lock()
	defer makingStates.Unlock()
	if *at != nil {
		return *at
	}
	for i, p := range parts {
		if p == nil || fresh.Holds(p) {
			continue
		}
		// A set that is a part already, of another miner's, is saved there.
		_ = fresh.Join(fmt.Sprintf("%d.", i), p)
	}
	*at = fresh
	return fresh
}

// given is an error for a miner that is nil.
func given(m Miner) error {
	if catalog.IsNil(m) {
		return errors.Errorf("the miner is a nil %T", m)
	}
	return nil
}

func seedAll(seed uint64, all ...Miner) {
	for _, m := range all {
		SetSeed(m, seed)
	}
}
