package trainer

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/internal/flatnames"
	"medusa/internal/runfolder"
	"medusa/internal/safetensors"
	"medusa/metrics"
	"medusa/nets"
	"medusa/optim"
)

// state is what a run knows besides its tensors; it is part of a checkpoint.
type state struct {
	Step      int             `json:"step"`      // steps done
	Evaluated int             `json:"evaluated"` // step of the last evaluation, -1 for none
	Loss      float64         `json:"loss"`      // of the last step's batch
	Schedule  json.RawMessage `json:"schedule"`  // of an optim.Watching as it stood when this was written
	Drawn     int             `json:"drawn"`     // batches that the sampler drew since the stored state
	LogBytes  int64           `json:"log_bytes"`
	LogSum    string          `json:"log_sum,omitempty"` // checksum of these bytes of metrics.jsonl

	HasBest   bool    `json:"has_best,omitempty"`
	BestValue float64 `json:"best_value,omitempty"`
	BestStep  int     `json:"best_step,omitempty"`
	BestSum   string  `json:"best_sum,omitempty"` // checksum of the tensors of the best checkpoint
	// BestMAPAtR belongs to BestStep; nil in a checkpoint of the first edition.
	BestMAPAtR *float64 `json:"best_map_at_r,omitempty"`
	Stale      int      `json:"stale,omitempty"` // evaluations since the figures got better

	Doubts doubts `json:"doubts,omitzero"`

	From     *StartModel        `json:"from,omitempty"`      // the model that the run began with
	LRScales map[string]float64 `json:"lr_scales,omitempty"` // as of Options
	Rate     string             `json:"rate,omitempty"`      // what Options.Rate was

	// LossInFull is the loss with every parameter. A run goes on with the loss that it was begun
	// with, even if a default has changed since.
	LossInFull string `json:"loss_in_full,omitempty"`

	Weights *nets.WeightsReport `json:"weights,omitempty"` // what the run began with; nil: random ones

	Stopped bool `json:"stopped,omitempty"` // a hook returned ErrStop

	Pixels    *metrics.Result `json:"pixels,omitempty"`
	Before    *metrics.Result `json:"before,omitempty"`
	Watch     health          `json:"watch"`
	Warnings  []Warning       `json:"warnings,omitempty"`
	TrainTime float64         `json:"train_seconds"` // spent in steps, waiting included
	WaitTime  float64         `json:"wait_seconds"`  // spent waiting for pictures
	Timed     int             `json:"timed"`         // steps in TrainTime
	Moved     bool            `json:"moved"`         // every learned tensor was seen to move, or complained of
}

// checkpoint is everything that a run goes on from.
type checkpoint struct {
	config  Config
	state   state
	data    fingerprint
	sampler []byte // state of the sampler, state.Drawn batches before state.Step
	tensors []safetensors.Tensor
	flat    bool // read from a file of version 1, which had flat names
}

// write puts the checkpoint into its file.
func (c *checkpoint) write(f runfolder.Folder, name string) error {
	config, err := configText(c.config)
	if err != nil {
		return err
	}
	c.state.LossInFull = lossInFull(c.config.Loss)
	file := &runfolder.Checkpoint{Config: config, Sampler: c.sampler, Tensors: c.tensors}
	for _, part := range []struct {
		name  string
		value any
		text  *[]byte
	}{{"state", c.state, &file.State}, {"data", c.data, &file.Data}} {
		if *part.text, err = json.Marshal(part.value); err != nil {
			return errors.Wrapf(err, "trainer: checkpoint: %s", part.name)
		}
	}
	return inTrainer(f.WriteCheckpoint(name, file))
}

// sum is a checksum of the tensors alone: equal for checkpoints of equal weights,
// whatever the clock said.
func (c *checkpoint) sum() (string, error) {
	sum, err := runfolder.SumTensors(c.tensors)
	return sum, inTrainer(err)
}

// hasSum reports whether a stored checksum is that of the tensors, under their names of today or
// under the names that a file of version 1 gave them.
func (c *checkpoint) hasSum(stored string) (bool, error) {
	sum, err := c.sum()
	if err != nil || sum == stored || !c.flat {
		return sum == stored, err
	}
	sum, err = runfolder.SumTensors(renamed(c.tensors, flatnames.Flat))
	return sum == stored, inTrainer(err)
}

// readCheckpoint reads a checkpoint; an error that wraps os.ErrNotExist says there is none.
func readCheckpoint(path string) (*checkpoint, error) {
	file, err := runfolder.ReadCheckpoint(path)
	if err != nil {
		return nil, inTrainer(err)
	}
	c := &checkpoint{sampler: file.Sampler, tensors: file.Tensors, flat: file.Flat}
	if c.config, err = parseConfig(file.Config); err != nil {
		return nil, errors.Wrapf(err, "trainer: %s: config", path)
	}
	for _, part := range []struct {
		name string
		text []byte
		into any
	}{{"state", file.State, &c.state}, {"data", file.Data, &c.data}} {
		if err := json.Unmarshal(part.text, part.into); err != nil {
			return nil, errors.Wrapf(err, "trainer: %s: %s", path, part.name)
		}
	}
	c.config.Data.Range = storedRange(c.config.Data.Range)
	if full := c.state.LossInFull; full != "" && full != lossInFull(c.config.Loss) {
		c.config.Loss = full
	}
	if c.flat {
		c.tensors = renamed(c.tensors, flatnames.Nested)
	}
	return c, nil
}

// restore copies the tensors of a checkpoint into the parameters and the solver. All
// differences are listed in one error, and then nothing is changed.
func (c *checkpoint) restore(params *graph.Params, s *optim.Solver) error {
	want := map[string]safetensors.Tensor{}
	for _, t := range allTensors(params, s) {
		want[t.Name] = t
	}
	var faults []string
	for _, t := range c.tensors {
		mine, ok := want[t.Name]
		switch {
		case !ok:
			faults = append(faults, fmt.Sprintf("%s %v is not part of this run", t.Name, t.Shape))
		case !slices.Equal(t.Shape, mine.Shape):
			faults = append(faults, fmt.Sprintf("%s has shape %v, want %v", t.Name, t.Shape, mine.Shape))
		case t.Dtype() != mine.Dtype():
			faults = append(faults, fmt.Sprintf("%s has elements of type %s, want %s", t.Name, t.Dtype(), mine.Dtype()))
		}
		delete(want, t.Name)
	}
	for name, t := range want {
		faults = append(faults, fmt.Sprintf("%s %v is missing", name, t.Shape))
	}
	if len(faults) > 0 {
		slices.Sort(faults)
		return errors.Errorf("trainer: the checkpoint is of another network, loss or solver:\n  %s", strings.Join(faults, "\n  "))
	}
	mine := map[string]safetensors.Tensor{}
	for _, t := range allTensors(params, s) {
		mine[t.Name] = t
	}
	for _, t := range c.tensors {
		copy(mine[t.Name].F32, t.F32)
		copy(mine[t.Name].F64, t.F64)
		copy(mine[t.Name].I64, t.I64)
	}
	return s.SetSteps(int(mine[solverPrefix+"count"].I64[0]))
}

const solverPrefix = "solver/"

// allTensors lists what a checkpoint holds; the memory is shared, but for the solver's
// count.
func allTensors(params *graph.Params, s *optim.Solver) []safetensors.Tensor {
	all := append(tensorsOf(params), safetensors.Tensor{Name: solverPrefix + "count", I64: []int64{int64(s.Steps())}})
	for _, t := range s.State() {
		all = append(all, safetensors.Tensor{Name: solverPrefix + t.Name, Shape: t.Shape, F32: t.F32})
	}
	return all
}

// tensorsOf is the tensors of a set as a file has them; the memory is shared.
func tensorsOf(params *graph.Params) []safetensors.Tensor {
	var out []safetensors.Tensor
	for _, t := range params.Tensors() {
		out = append(out, safetensors.Tensor{Name: t.Name, Shape: t.Shape, F32: t.F32, F64: t.F64})
	}
	return out
}

// renamed is the tensors under other names.
func renamed(tensors []safetensors.Tensor, name func(string) string) []safetensors.Tensor {
	out := make([]safetensors.Tensor, len(tensors))
	for i, t := range tensors {
		t.Name = name(t.Name)
		out[i] = t
	}
	return out
}
