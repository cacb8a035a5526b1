package losses

import (
	"github.com/pkg/errors"
	"go.yaml.in/yaml/v3"

	"medusa/internal/catalog"
	"medusa/miners"
)

const usage = `A loss is name(parameter=value, …), a parameter may have
its own, and several losses are joined by +:
  triplet(margin=0.2, miner=batch-hard)
  triplet(distance=lp(p=1)) + 0.1*ce(scale=16)
Earlier forms are read as well:
  triplet:margin=0.2,mining=batch-hard+ce:weight=0.1`

var kinds = catalog.New[Loss]("losses", "a loss", usage)

func init() {
	kinds.Sums(func(terms []catalog.Term[Loss]) (Loss, error) {
		j := &Joint{}
		for _, t := range terms {
			j.Parts = append(j.Parts, Part{Loss: t.Value, Weight: t.Weight})
		}
		return j, nil
	}, func(l Loss) (terms []catalog.Term[Loss], ok bool) {
		j, ok := l.(*Joint)
		if !ok {
			return nil, false
		}
		for _, p := range j.Parts {
			terms = append(terms, catalog.Term[Loss]{Weight: p.Weight, Value: p.Loss})
		}
		return terms, true
	})
}

// Setting is what a loss must know of the data and the network to be made from text.
type Setting struct {
	Classes       int    // number of training classes; labels are 0 … Classes−1
	EmbeddingSize int    // E
	TrunkSize     int    // F, the size of the features before the embedding layer; 0 if there are none
	Seed          uint64 // of the loss's own weights
	// ClassNames are the names of the training classes, in the order of their numbers; nil if they
	// are not known.
	ClassNames []string
}

// Settable is a Loss that needs to know a Setting. Set tells it, before the loss is built; a loss
// made of others hands it on.
type Settable interface {
	Loss
	Set(s Setting) error
}

// Register adds a kind of loss to those that can be named in texts: prototype is a struct, or
// a pointer to one, whose exported fields are the parameters, with tags such as
//
//	Margin  float64      `doc:"in units of distance" min:"0" max:"1e3"`
//	Metric  pairs.Metric `name:"distance" doc:"how embeddings are compared"`
//
// and whose values are the defaults. The first line of doc says what it is. A prototype with a
// method Validate() error is asked whether its fields go together. Register is called at start,
// from init, and panics if the name is taken or the struct is not well-formed.
func Register(name, doc string, prototype Loss) { kinds.Add(name, doc, prototype) }

// Names lists the kinds of losses, sorted.
func Names() []string { return kinds.Names() }

// Default is a copy of the registered prototype of a kind of loss, with the defaults that texts
// have: losses.Default[losses.Triplet](). It panics if the type is not registered.
func Default[L Loss]() L { return catalog.Default[L](kinds) }

// Help is a page that names all losses, each with a line of what it is, in lines of at most width
// characters.
func Help(width int) string { return kinds.Help(width) }

// List is a page about all losses and their parameters with their defaults, for people and programs:
// the name of each stands alone at the start of a line, and all about it below, further in.
func List(width int) string { return kinds.List(width) }

// Text is what Parse reads back as l. Parameters at their defaults are left out.
func Text(l Loss) (string, error) { return kinds.Text(l) }

// FullText is Text with every parameter: it means the same when a default has become another one.
func FullText(l Loss) (string, error) { return kinds.FullText(l) }

// Parse makes a loss from text: a name, or a name and parameters, which may have parameters
// of their own,
//
//	triplet
//	triplet(margin=0.2, miner=triplet-margin(type=semi-hard, margin=0.2), distance=lp(p=1))
//
// or a Joint of several of them, each with a weight,
//
//	ce(scale=16) + 0.5*triplet
//
// Names, parameters and ranges are those that Help lists. The form of the first version is
// read as well: triplet:margin=0.2,mining=batch-hard+ce:weight=0.1.
func Parse(text string, s Setting) (Loss, error) {
	l, err := kinds.Parse(text)
	if err != nil {
		return nil, err
	}
	return l, Set(l, s)
}

// FromYAML makes a loss from a node of YAML: a text as Parse reads it, a name over a map of its
// parameters, or a list of these for a sum. Its errors tell the line.
func FromYAML(y *yaml.Node, s Setting) (Loss, error) {
	l, err := kinds.FromYAML(y)
	if err != nil {
		return nil, err
	}
	return l, Set(l, s)
}

// Set tells a loss its setting if it needs one: Parse does so, and the trainer with a loss that it
// is given by value.
func Set(l Loss, s Setting) error {
	if err := acyclic(l); err != nil {
		return err
	}
	return errors.WithMessage(set(l, s), "losses")
}

// set is Set for a loss within another one.
func set(l Loss, s Setting) error {
	if l != nil && catalog.IsNil(l) {
		return errors.Errorf("the loss is a nil %T", l)
	}
	for _, m := range minersOf(l) {
		miners.SetSeed(m, s.Seed)
	}
	if n, ok := l.(Settable); ok {
		return n.Set(s)
	}
	return nil
}
