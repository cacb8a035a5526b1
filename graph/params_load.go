package graph

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pkg/errors"
	"gorgonia.org/tensor"
)

// Loading says how stored tensors come into a set. Its zero value is all or nothing: the
// stored tensors are the set's, by name, shape and type.
type Loading struct {
	Mapping Mapping // nil: each name stays as it is
	Partial Partial
}

// Partial says what may be wanting on either side, each by beginnings of names; "" is every
// name.
type Partial struct {
	Missing  []string // tensors of the set that may be missing among the stored ones: they stay as they are
	LeftOver []string // stored tensors, by their stored names, that may have no place in the set
}

// Mapping tells the name that a stored tensor has in the set. A tensor that it does not know
// (not ok) is left over.
type Mapping func(stored string) (name string, ok bool)

// MapPrefix maps names that begin with from: to stands in its place.
func MapPrefix(from, to string) Mapping {
	return func(stored string) (string, bool) {
		rest, ok := strings.CutPrefix(stored, from)
		return to + rest, ok
	}
}

// MapNames maps the names that are its keys.
func MapNames(names map[string]string) Mapping {
	return func(stored string) (string, bool) {
		name, ok := names[stored]
		return name, ok
	}
}

// FirstOf is the mapping by the first of several that knows a name.
func FirstOf(mappings ...Mapping) Mapping {
	return func(stored string) (string, bool) {
		for _, m := range mappings {
			if m == nil { // as in Loading
				m = MapPrefix("", "")
			}
			if name, ok := m(stored); ok {
				return name, true
			}
		}
		return "", false
	}
}

// LoadReport tells what became of stored tensors.
type LoadReport struct {
	Metadata  map[string]string // of the file, if it was one
	Loaded    []LoadedTensor    // in the order of the set
	Missing   []LoadedTensor    // of the set, and not stored: From is empty
	LeftOver  []LoadedTensor    // stored, and not of the set: Name is empty
	Misshapen []MisshapenTensor // stored in another shape or type
}

// LoadedTensor is a tensor of the set, or a stored one, or both.
type LoadedTensor struct {
	Name  string // in the set
	From  string // as it is stored
	Shape tensor.Shape
}

// MisshapenTensor is a stored tensor that does not fit the one of the set.
type MisshapenTensor struct {
	LoadedTensor              // Shape is the set's
	Stored       tensor.Shape // as it is stored
	Type, Want   string       // of the elements: stored, and the set's
}

// String is the report in lines: how many were loaded, and each that was not.
func (r LoadReport) String() string {
	lines := append([]string{fmt.Sprintf("loaded %d of %d tensors", len(r.Loaded), len(r.Loaded)+len(r.Missing)+len(r.Misshapen))}, r.faults(nil, nil)...)
	return strings.Join(lines, "\n  ")
}

// faults lists what was not loaded, but for missing and left-over tensors of these beginnings.
func (r LoadReport) faults(missing, leftOver []string) []string {
	var out []string
	for _, t := range r.Missing {
		if !begins(t.Name, missing) {
			out = append(out, fmt.Sprintf("%s %v is missing", t.Name, t.Shape))
		}
	}
	for _, t := range r.Misshapen {
		name := t.Name
		if t.From != t.Name {
			name += " (stored as " + t.From + ")"
		}
		if !slices.Equal(t.Stored, t.Shape) {
			out = append(out, fmt.Sprintf("%s has shape %v, want %v", name, t.Stored, t.Shape))
		} else {
			out = append(out, fmt.Sprintf("%s has elements of type %s, want %s", name, t.Type, t.Want))
		}
	}
	for _, t := range r.LeftOver {
		if !begins(t.From, leftOver) {
			out = append(out, fmt.Sprintf("%s %v is not part of this network", t.From, t.Shape))
		}
	}
	return out
}

func begins(name string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) })
}

// Restore copies stored tensors into p's. The report tells what was loaded and what was not.
// With an error, which lists all that how does not allow, nothing is changed.
func (p *Params) Restore(stored []StoredTensor, how Loading) (LoadReport, error) {
	if p == nil {
		return LoadReport{}, errNoParams
	}
	if p.shapes {
		return LoadReport{}, errors.New("graph: a set of NewShapes has no memory to load into")
	}
	found, report, err := p.match(stored, how.Mapping)
	if err != nil {
		return report, err
	}
	faults := report.faults(how.Partial.Missing, how.Partial.LeftOver)
	if len(faults) > 0 {
		report.Loaded = nil
		return report, errors.Errorf("graph: the stored parameters are of another network:\n  %s", strings.Join(faults, "\n  "))
	}
	if len(report.Loaded) == 0 && len(report.Missing) > 0 {
		return report, errors.Errorf("graph: none of %d stored tensors is one of the set's %d: look at the names, or map them", len(stored), len(report.Missing))
	}
	for _, mine := range p.Tensors() {
		t := found[mine.Name]
		copy(mine.F32, t.F32)
		copy(mine.F64, t.F64)
	}
	return report, nil
}

// match finds the stored tensors by the names that they have in p.
func (p *Params) match(stored []StoredTensor, mapping Mapping) (found map[string]StoredTensor, r LoadReport, err error) {
	if mapping == nil {
		mapping = MapPrefix("", "")
	}
	mine := p.Tensors()
	known := map[string]bool{}
	for _, t := range mine {
		known[t.Name] = true
	}
	found = map[string]StoredTensor{}
	for _, t := range stored {
		name, ok := mapping(t.Name)
		if !ok || !known[name] {
			r.LeftOver = append(r.LeftOver, LoadedTensor{From: t.Name, Shape: t.Shape})
			continue
		}
		if twin, taken := found[name]; taken {
			return nil, r, errors.Errorf("graph: the stored tensors %s and %s both stand for %s", twin.Name, t.Name, name)
		}
		if got, want := len(t.F32)+len(t.F64), t.Shape.TotalSize(); got > 0 && got != want {
			return nil, r, errors.Errorf("graph: the stored tensor %s of shape %v has %d numbers, want %d", t.Name, t.Shape, got, want)
		}
		found[name] = t
	}
	slices.SortFunc(r.LeftOver, func(a, b LoadedTensor) int { return strings.Compare(a.From, b.From) })
	for _, want := range mine {
		t, ok := found[want.Name]
		l := LoadedTensor{Name: want.Name, From: t.Name, Shape: want.Shape}
		switch {
		case !ok:
			r.Missing = append(r.Missing, l)
		case !slices.Equal(t.Shape, want.Shape) || t.kind() != want.kind():
			r.Misshapen = append(r.Misshapen, MisshapenTensor{l, t.Shape, t.kind(), want.kind()})
		default:
			r.Loaded = append(r.Loaded, l)
		}
	}
	return found, r, nil
}
