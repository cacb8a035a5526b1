package losses

import (
	"reflect"

	"medusa/graph"
	"medusa/miners"
)

// minersOf are the miners in the exported fields of a loss.
func minersOf(l Loss) (out []miners.Miner) {
	v := reflect.Indirect(reflect.ValueOf(l))
	if v.Kind() != reflect.Struct {
		return nil
	}
	for _, f := range reflect.VisibleFields(v.Type()) {
		if f.Type != reflect.TypeFor[miners.Miner]() || !f.IsExported() {
			continue
		}
		at, err := v.FieldByIndexErr(f.Index)
		if err != nil { // within a nil pointer
			continue
		}
		if m, ok := at.Interface().(miners.Miner); ok {
			out = append(out, m)
		}
	}
	return out
}

// withStates are own parameters of a loss with the states of its miners, whose names begin with
// "miner." where both are there.
func withStates(own *graph.Params, l Loss) *graph.Params {
	for _, m := range minersOf(l) {
		state := miners.ParamsOf(m)
		switch {
		case state == nil:
		case own == nil:
			own = state
		case !own.Holds(state):
			// A state that is part of another set, as of a miner of two losses, is saved there.
			_ = own.Join("miner.", state)
		}
	}
	return own
}
