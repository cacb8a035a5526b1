package losses

import (
	"slices"
	"strings"

	"github.com/pkg/errors"
)

// Setting is what a loss must know of the data and the network to be made from text.
type Setting struct {
	Classes       int    // number of training classes; labels are 0 … Classes−1
	EmbeddingSize int    // E
	TrunkSize     int    // F, the size of the features before the embedding layer; 0 if there are none
	Seed          uint64 // of the loss's own weights
}

// Entry is a kind of loss that can be named on a command line or in a configuration file.
type Entry struct {
	Name       string
	Doc        string // one line
	Parameters []Parameter
	// New makes the loss. Values holds every parameter, of the right type and in range,
	// at its default if it was not given.
	New func(v Values, s Setting) (Loss, error)
}

var entries []Entry

// Register adds a kind of loss to those that Parse, New, Names and Help know. It is
// called at start, from init, and panics if the name is taken, or if the entry or a
// default is not well-formed.
func Register(e Entry) {
	if err := e.check(); err != nil {
		panic(err)
	}
	entries = append(entries, e)
	slices.SortFunc(entries, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
}

func (e Entry) check() error {
	if !wordy(e.Name) || e.New == nil {
		return errors.Errorf("losses: registering %q: want a name of letters, digits and -, and New", e.Name)
	}
	if _, ok := lookup(e.Name); ok {
		return errors.Errorf("losses: registering %q: the name is taken", e.Name)
	}
	for i, p := range e.Parameters {
		if p.Name == "weight" || slices.ContainsFunc(e.Parameters[:i], func(q Parameter) bool { return q.Name == p.Name }) {
			return errors.Errorf("losses: registering %q: the parameter %q is taken", e.Name, p.Name)
		}
		if err := p.check(); err != nil {
			return errors.Wrapf(err, "losses: registering %q", e.Name)
		}
	}
	return nil
}

func wordy(s string) bool {
	ok := func(r rune) bool {
		return r == '-' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	}
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !ok(r) })
}

func lookup(name string) (Entry, bool) {
	i := slices.IndexFunc(entries, func(e Entry) bool { return e.Name == name })
	if i < 0 {
		return Entry{}, false
	}
	return entries[i], true
}

// Names lists the kinds of losses, sorted.
func Names() []string {
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name
	}
	return names
}

// New makes the loss name with the given parameters; the others are at their defaults. A
// name, parameter or value that is not known is an error that names the nearest one.
func New(name string, parameters map[string]string, s Setting) (Loss, error) {
	e, ok := lookup(name)
	if !ok {
		return nil, errors.Errorf("losses: no loss is named %q%s; there are %s", name, nearest(name, Names()), strings.Join(Names(), ", "))
	}
	v, err := e.values(parameters)
	if err != nil {
		return nil, err
	}
	loss, err := e.New(v, s)
	return loss, errors.Wrapf(err, "losses: %s", name)
}

// values are e's parameters, given or default.
func (e Entry) values(given map[string]string) (Values, error) {
	v := Values{all: map[string]any{}, given: map[string]bool{}}
	var names []string
	for _, p := range e.Parameters {
		v.all[p.Name] = p.Default
		names = append(names, p.Name)
	}
	for _, name := range sortedKeys(given) {
		i := slices.Index(names, name)
		if i < 0 {
			return v, errors.Errorf("losses: %s has no parameter %q%s; it has %s", e.Name, name, nearest(name, names), strings.Join(append(names, "weight"), ", "))
		}
		value, err := e.Parameters[i].parse(given[name])
		if err != nil {
			return v, errors.Wrapf(err, "losses: %s: %s", e.Name, name)
		}
		v.all[name], v.given[name] = value, true
	}
	return v, nil
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
