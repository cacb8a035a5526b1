package optim

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/internal/safetensors"
)

// State lists what the solver keeps of the past for each tensor, as NAME/first and NAME/second, and
// the averages as average/NAME. It shares their memory: on a device it is that of the last Fetch.
// Steps comes to it.
func (s *Solver) State() []graph.StoredTensor {
	var out []graph.StoredTensor
	for _, t := range s.slots {
		for _, m := range []struct {
			name   string
			values []float32
		}{{"first", t.first}, {"second", t.second}} {
			if m.values != nil {
				out = append(out, graph.StoredTensor{Name: t.Name + "/" + m.name, Shape: t.Shape, F32: m.values})
			}
		}
	}
	if s.averages != nil {
		for _, p := range s.averages.all {
			out = append(out, graph.StoredTensor{Name: averagePrefix + p.name, Shape: p.shape, F32: p.to})
		}
	}
	return out
}

const averagePrefix = "average/"

// SetSteps makes the solver one that has made so many steps, after its State was written. No step
// may be under way.
func (s *Solver) SetSteps(n int) error {
	if n < 0 || s.pending > 0 {
		return errors.Errorf("optim: %d steps made, with %d under way: want at least 0, and none", n, s.pending)
	}
	s.count = n
	return nil
}

// Fetch makes the host's State current, and Push tells that the host changed it; on the CPU they do
// nothing.
func (s *Solver) Fetch() error { return errors.Wrap(s.o.Device.Read(s.memory()...), "optim") }

// Push is the counterpart of Fetch.
func (s *Solver) Push() error {
	s.o.Device.Wrote(s.memory()...)
	return nil
}

const (
	stateKind    = "solver"
	stateVersion = "1"
	stepsKey     = "steps"
)

// Save writes the State and the number of steps as a safetensors file. The weights are saved by
// graph.Params.Save.
func (s *Solver) Save(w io.Writer) error {
	if w == nil {
		return errors.New("optim: there is nothing to save to: the writer is nil")
	}
	if s.pending > 0 {
		return errors.New("optim: a step is under way: call End first")
	}
	if err := s.Fetch(); err != nil {
		return err
	}
	f := &safetensors.File{Metadata: map[string]string{"medusa": stateKind, "version": stateVersion, "solver": s.cfg.Name, stepsKey: strconv.Itoa(s.count)}}
	for _, t := range s.State() {
		f.Tensors = append(f.Tensors, safetensors.Tensor{Name: t.Name, Shape: t.Shape, F32: t.F32})
	}
	return errors.Wrap(safetensors.Write(w, f), "optim")
}

// Load goes on from what Save wrote, size bytes of it. With an error, which lists all that does not
// fit, nothing is changed.
func (s *Solver) Load(r io.Reader, size int64) error {
	if r == nil {
		return errors.New("optim: there is nothing to load from: the reader is nil")
	}
	f, err := safetensors.Read(r, size)
	if err != nil {
		return errors.Wrap(err, "optim")
	}
	m := f.Metadata
	if m["medusa"] != stateKind || m["version"] != stateVersion {
		return errors.Errorf("optim: the file is a %q of version %q, want a %s of version %s, as Solver.Save writes", m["medusa"], m["version"], stateKind, stateVersion)
	}
	if m["solver"] != s.cfg.Name {
		return errors.Errorf("optim: the file is of the solver %s, this one is %s", m["solver"], s.cfg.Name)
	}
	steps, err := strconv.Atoi(m[stepsKey])
	if err != nil || steps < 0 {
		return errors.Errorf("optim: the file says that %q steps were made, want a number", m[stepsKey])
	}
	if err := checkStored(f.Tensors, s.State()); err != nil {
		return err
	}
	if err := s.SetSteps(steps); err != nil {
		return err
	}
	for _, mine := range s.State() {
		stored, _ := f.Lookup(mine.Name)
		copy(mine.F32, stored.F32)
	}
	return s.Push()
}

// checkStored lists how stored tensors differ from those that are wanted.
func checkStored(stored []safetensors.Tensor, want []graph.StoredTensor) error {
	var faults []string
	missing := map[string]graph.StoredTensor{}
	for _, t := range want {
		missing[t.Name] = t
	}
	for _, t := range stored {
		mine, ok := missing[t.Name]
		switch {
		case !ok:
			faults = append(faults, fmt.Sprintf("%s %v is not part of this solver", t.Name, t.Shape))
		case !slices.Equal(t.Shape, mine.Shape) || len(t.F32) != len(mine.F32):
			faults = append(faults, fmt.Sprintf("%s has shape %v of %s, want %v of float32", t.Name, t.Shape, t.Dtype(), []int(mine.Shape)))
		}
		delete(missing, t.Name)
	}
	for name, t := range missing {
		faults = append(faults, fmt.Sprintf("%s %v is missing", name, []int(t.Shape)))
	}
	if len(faults) == 0 {
		return nil
	}
	slices.Sort(faults)
	return errors.Errorf("optim: the file is of a solver for other tensors:\n  %s", strings.Join(faults, "\n  "))
}
