package trainer

import (
	"cmp"

	"medusa/graph"
	"medusa/machine"
	"medusa/optim"
)

// rollback remembers what a forward pass changes besides the graph's own values: running statistics
// and counters. It puts them back after a step that failed. Each step that may be under way has a
// turn, a copy of its own.
type rollback struct {
	save, restore [rollbackTurns]func() error
}

const rollbackTurns = optim.MaxPending

func (r *rollback) open(dev *machine.Device, params *graph.Params) error {
	var live [][]float32
	for _, item := range params.All() {
		if item.Buffer {
			live = append(live, item.Value.Float32s())
		}
	}
	for turn := range rollbackTurns {
		var old [][]float32
		for _, x := range live {
			old = append(old, make([]float32, len(x)))
		}
		var err error
		if r.save[turn], err = dev.Copier(old, live); err != nil {
			return err
		}
		if r.restore[turn], err = dev.Copier(live, old); err != nil {
			return err
		}
	}
	return nil
}

func (r *rollback) remember(turn int) error { return r.save[turn]() }

// undo puts back what was remembered at turn. It returns why, the error that made that necessary.
func (r *rollback) undo(turn int, why error) error {
	err := r.restore[turn]()
	if why != nil && err != nil {
		return bothErrors{why, err}
	}
	return cmp.Or(why, err)
}
