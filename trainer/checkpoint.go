package trainer

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/internal/safetensors"
	"medusa/metrics"
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

	LRScales map[string]float64 `json:"lr_scales,omitempty"` // as of Options
	Rate     string             `json:"rate,omitempty"`      // what Options.Rate was
	Stopped  bool               `json:"stopped,omitempty"`   // a hook returned ErrStop

	Pixels    *metrics.Result `json:"pixels,omitempty"`
	Before    *metrics.Result `json:"before,omitempty"`
	Watch     watch           `json:"watch"`
	Warnings  []Warning       `json:"warnings,omitempty"`
	TrainTime float64         `json:"train_seconds"` // spent in steps, waiting included
	WaitTime  float64         `json:"wait_seconds"`  // spent waiting for pictures
	Timed     int             `json:"timed"`         // steps in TrainTime
	Moved     bool            `json:"moved"`         // every learned tensor was seen to move, or complained of
}

const (
	formatKey  = "medusa"
	versionKey = "version"
	version    = "2" // 1 has flat names: see flatnames.go

	kindCheckpoint = "checkpoint"
	kindModel      = "model"
)

// checkpoint is everything that a run goes on from.
type checkpoint struct {
	config  Config
	state   state
	data    fingerprint
	sampler []byte // state of the sampler, state.Drawn batches before state.Step
	tensors []safetensors.Tensor
	flat    bool // read from a file of version 1, which had flat names
}

const samplerTensor = "sampler"

func (c *checkpoint) write(f folder, name string) error {
	config, err := configText(c.config)
	if err != nil {
		return err
	}
	meta := map[string]string{formatKey: kindCheckpoint, versionKey: version, "config": string(config)}
	for key, v := range map[string]any{"state": c.state, "data": c.data} {
		b, err := json.Marshal(v)
		if err != nil {
			return errors.Wrapf(err, "trainer: checkpoint: %s", key)
		}
		meta[key] = string(b)
	}
	tensors := append(slices.Clone(c.tensors), safetensors.Tensor{
		Name: samplerTensor, Shape: []int{len(c.sampler)}, U8: append([]byte{}, c.sampler...),
	})
	content := func(w io.Writer) error {
		return safetensors.Write(w, &safetensors.File{Metadata: meta, Tensors: tensors})
	}
	if name == LastFile {
		return f.rotate(name, PreviousFile, content)
	}
	return f.write(name, content)
}

// sum is a checksum of the tensors alone: equal for checkpoints of equal weights,
// whatever the clock said.
func (c *checkpoint) sum() (string, error) { return sumOf(c.tensors) }

func sumOf(tensors []safetensors.Tensor) (string, error) {
	sum := sha256.New()
	if err := safetensors.Write(sum, &safetensors.File{Tensors: tensors}); err != nil {
		return "", errors.Wrap(err, "trainer: checkpoint")
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// hasSum reports whether a stored checksum is that of the tensors: under their names of today
// or, in a file of version 1, under those that it has.
func (c *checkpoint) hasSum(stored string) (bool, error) {
	sum, err := c.sum()
	if err != nil || sum == stored || !c.flat {
		return sum == stored, err
	}
	sum, err = sumOf(renamed(c.tensors, flatName))
	return sum == stored, err
}

// readCheckpoint reads a checkpoint; an error that wraps os.ErrNotExist says there is none.
func readCheckpoint(path string) (*checkpoint, error) {
	file, err := openChecked(path, kindCheckpoint)
	if err != nil {
		return nil, err
	}
	c := &checkpoint{}
	if c.config, err = parseConfig([]byte(file.Metadata["config"])); err != nil {
		return nil, errors.Wrapf(err, "trainer: %s: config", path)
	}
	for key, v := range map[string]any{"state": &c.state, "data": &c.data} {
		if err := json.Unmarshal([]byte(file.Metadata[key]), v); err != nil {
			return nil, errors.Wrapf(err, "trainer: %s: %s", path, key)
		}
	}
	c.config.Data.Range = storedRange(c.config.Data.Range)
	for _, t := range file.Tensors {
		if t.Name == samplerTensor {
			c.sampler = t.U8
			continue
		}
		c.tensors = append(c.tensors, t)
	}
	if c.flat = file.Metadata[versionKey] == flatVersion; c.flat {
		c.tensors = renamed(c.tensors, nestedName)
	}
	return c, nil
}

// damageError says that a file is not what was written to it. What another program wrote,
// or another version of this one, is no damage.
type damageError struct{ error }

func (e damageError) Unwrap() error { return e.error }

func isDamage(err error) bool { return errors.As(err, new(damageError)) }

// openChecked reads a file of ours and says what is wrong with any other.
func openChecked(path, kind string) (*safetensors.File, error) {
	file, err := safetensors.Open(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, errors.Wrap(err, "trainer: no "+kind)
	case errors.As(err, new(*os.PathError)) && !errors.Is(err, syscall.EIO): // such as no permission, or too many open files
		return nil, errors.Wrapf(err, "trainer: the %s cannot be read", kind)
	case err != nil:
		return nil, damageError{errors.Wrapf(err, "trainer: the %s cannot be read", kind)}
	case file.Metadata[formatKey] == "" && file.Checked:
		return nil, errors.Errorf("trainer: %s was not written by Medusa", path)
	case file.Metadata[formatKey] == "":
		return nil, damageError{errors.Errorf("trainer: %s was not written by Medusa, or is damaged", path)}
	case file.Metadata[formatKey] != kind:
		return nil, errors.Errorf("trainer: %s is a %s, want a %s", path, file.Metadata[formatKey], kind)
	case !file.Checked:
		return nil, damageError{errors.Errorf("trainer: %s has lost its checksum: the file was altered or damaged", path)}
	case file.Metadata[versionKey] != version && file.Metadata[versionKey] != flatVersion:
		return nil, errors.Errorf("trainer: %s is of format version %s, this program reads versions %s and %s", path, file.Metadata[versionKey], flatVersion, version)
	}
	return file, nil
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
