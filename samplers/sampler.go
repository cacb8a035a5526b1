package samplers

import (
	"slices"
	"strings"
	"sync"

	"github.com/pkg/errors"

	"medusa/internal/catalog"
	"medusa/internal/field"
)

// Sampler yields the indices of the next batch, for ever; full batches only. What an
// epoch is stands in the package documentation. One goroutine uses a Sampler at a time; those
// of this package give another one an error, since the order of batches would be left to
// chance.
type Sampler interface {
	// Next fills dst, of length Batch, with indices into the labels.
	Next(dst []int) error
	// Batch is the number of indices in a batch.
	Batch() int
	// BatchesPerEpoch is the number of batches in an epoch.
	BatchesPerEpoch() int
	// State is the whole state as bytes: epoch, position, decks and generator.
	State() ([]byte, error)
	// Restore goes on from a State of a sampler with the same name, configuration and
	// labels; the seed may differ, since the generator's state replaces it. Any other
	// state is refused, and leaves the sampler as it was.
	Restore(state []byte) error
}

// Config chooses and configures a sampler. The zero value is pk with P = 16, K = 4; Fit
// fills in sizes that suit the classes instead.
type Config struct {
	Name   string  `json:"name,omitempty" yaml:"name,omitempty" flag:"sampler" arg:"NAME" doc:"fixed-triplets, hierarchical, pk, pk-hard, pk-independent, pk-weighted, tuples-to-weights, uniform, views" kind:"a sampler"` // pk if empty; see Names
	P      int     `json:"p,omitempty" yaml:"p,omitempty" flag:"p" arg:"P" doc:"classes in a batch" min:"1" unset:"16, or what suits the classes there are" for:"pk,pk-hard,pk-independent,pk-weighted,hierarchical,views" want:"at least 1, or 0 for the default"`
	K      int     `json:"k,omitempty" yaml:"k,omitempty" flag:"k" arg:"K" doc:"pictures of each class in a batch" min:"1" unset:"4, or what suits the classes there are" for:"pk,pk-hard,pk-independent,pk-weighted,hierarchical,views" want:"at least 1, or 0 for the default"`
	Pool   int     `json:"pool,omitempty" yaml:"pool,omitempty" flag:"pool" arg:"N" doc:"pk-hard: pictures among which a hard negative is looked for; tuples-to-weights: among which tuples are mined" min:"1" unset:"1024" for:"pk-hard,tuples-to-weights" want:"at least 1, or 0 for the default"`
	Batch  int     `json:"batch,omitempty" yaml:"batch,omitempty" flag:"batch" arg:"B" doc:"pictures in a batch, of samplers that do not go by P×K" min:"1" unset:"64, or all there are" for:"uniform,tuples-to-weights,fixed-triplets" want:"at least 1, or 0 for the default"` // P×K: zero or P·K
	Repeat bool    `json:"repeat,omitempty" yaml:"repeat,omitempty" flag:"repeat" doc:"a class with fewer than K pictures repeats them instead of being left out" for:"pk,pk-hard,pk-independent,pk-weighted,hierarchical"`
	Power  float64 `json:"power,omitempty" yaml:"power,omitempty" doc:"pk-weighted: classes are drawn by size to this power" unset:"1" for:"pk-weighted"`
	Supers int     `json:"supers,omitempty" yaml:"supers,omitempty" flag:"supers" arg:"N" doc:"hierarchical: super-classes in a batch, among which the P classes are parted" min:"1" unset:"2" for:"hierarchical" want:"at least 1, or 0 for the default"`
	// SuperBy says what the super-class of a class is: ByCategory, or what stands between the parts of
	// the classes' names, all of which but the last are it. Empty: the categories, if there are some,
	// else the names with / between.
	SuperBy      string `json:"super_by,omitempty" yaml:"super_by,omitempty" flag:"super-by" arg:"category|TEXT" doc:"hierarchical: the super-class of a class is its category in a table (category), or the name of the class up to the last TEXT, as bird of bird/duck" unset:"category if there is one, else /" for:"hierarchical"`
	SuperBatches int    `json:"super_batches,omitempty" yaml:"super_batches,omitempty" flag:"super-batches" arg:"N" doc:"hierarchical: batches of each set of super-classes in an epoch" min:"1" unset:"4" for:"hierarchical" want:"at least 1, or 0 for the default"`
	// Triplets are those of fixed-triplets: the path of a CSV file with lines anchor,positive,negative, see
	// ReadTriplets, or how many are drawn. Empty: as many as there are pictures.
	Triplets string `json:"triplets,omitempty" yaml:"triplets,omitempty" flag:"triplets" arg:"FILE|N" doc:"fixed-triplets: a CSV file of paths with lines anchor,positive,negative, or how many are drawn" unset:"as many drawn as there are pictures" for:"fixed-triplets"`
	Miner    string `json:"miner,omitempty" yaml:"miner,omitempty" flag:"sampler-miner" arg:"MINER" doc:"tuples-to-weights: what mines the tuples in which pictures are counted, such as triplet-margin(margin=0.1); see -list miners" unset:"multi-similarity" for:"tuples-to-weights"`
	Seed     uint64 `json:"seed,omitempty" yaml:"seed,omitempty" doc:"of the sampler's own generator" unset:"that of the run"`
}

// Builder makes a sampler over labels, one label a picture.
type Builder func(labels []int, c Config) (Sampler, error)

var registry = struct {
	sync.RWMutex
	builders map[string]func(Pictures, Config) (Sampler, error)
}{builders: map[string]func(Pictures, Config) (Sampler, error){
	"pk":                labelled(newDeckPK),
	"pk-independent":    labelled(newIndependentPK),
	"pk-weighted":       labelled(newWeightedPK),
	"pk-hard":           labelled(newHardPK),
	hierarchicalName:    hierarchicalOf,
	tuplesToWeightsName: tuplesToWeightsOf,
	fixedTripletsName:   fixedTripletsOf,
	"uniform":           labelled(newUniform),
	"views":             labelled(newViews),
}}

// builtIn are the names of the samplers of this package.
var builtIn = Names()

// Register adds a sampler under a name for New; doc is a line that says what it is, and perhaps
// more lines. It panics when the name is empty or taken, or build is nil.
func Register(name string, build Builder, doc ...string) {
	registry.Lock()
	defer registry.Unlock()
	if name == "" || build == nil {
		panic("samplers: Register needs a name and a builder")
	}
	if _, taken := registry.builders[name]; taken {
		panic("samplers: " + name + " is registered twice")
	}
	registry.builders[name] = labelled(build)
	docs[name] = strings.Join(doc, "\n")
}

// Names lists the registered samplers in alphabetical order.
func Names() []string {
	registry.RLock()
	defer registry.RUnlock()
	names := make([]string, 0, len(registry.builders))
	for name := range registry.builders {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// New makes the sampler that c names over labels, one label a picture; labels may be
// any integers. Fields that the sampler does not use must be zero.
func New(labels []int, c Config) (Sampler, error) { return Of(Pictures{Labels: labels}, c) }

// Of is New over pictures of which more may be known than their labels.
func Of(d Pictures, c Config) (Sampler, error) {
	if c.Name == "" {
		c.Name = "pk"
	}
	labels := d.Labels
	registry.RLock()
	build := registry.builders[c.Name]
	registry.RUnlock()
	if build == nil {
		return nil, field.Errorf("samplers", "", "%s is %q%s, want one of %s", field.Name("Name"), c.Name, catalog.Hint(c.Name, Names()), strings.Join(Names(), ", "))
	}
	if len(labels) == 0 {
		return nil, errors.Errorf("samplers: %s: no labels: the data set is empty", c.Name)
	}
	if len(labels) > maxPictures {
		return nil, errors.Errorf("samplers: %s: %d labels, at most %d are supported", c.Name, len(labels), maxPictures)
	}
	if err := c.Check(); err != nil {
		return nil, err
	}
	return build(d, c)
}

// maxPictures keeps indices within an int32, the width of decks and saved states.
const maxPictures = 1<<31 - 1

// pk fills in the defaults that all P×K samplers share and checks them.
func (c Config) pk() (Config, error) {
	if c.Name == "" {
		c.Name = "pk"
	}
	if c.P == 0 {
		c.P = DefaultP
	}
	if c.K == 0 {
		c.K = DefaultK
	}
	if c.P < 1 || c.K < 1 || c.P > maxPictures/c.K {
		if c.P > 0 && c.K > 0 {
			return c, field.Errorf("samplers", "", "%s is %d and %s %d, which make a batch above %d: lower one of them", field.Name("P"), c.P, field.Name("K"), c.K, maxPictures)
		}
		return c, field.Errorf("samplers", "", "%s is %d and %s %d, want at least 1 of each", field.Name("P"), c.P, field.Name("K"), c.K)
	}
	if c.Batch != 0 && c.Batch != c.P*c.K {
		return c, field.Errorf("samplers", "", "%s is %d, but %s of %d and %s of %d make %d: leave it out, or make them equal",
			field.Name("Batch"), c.Batch, field.Name("P"), c.P, field.Name("K"), c.K, c.P*c.K)
	}
	c.Batch = c.P * c.K
	return c, nil
}

// whatIsUsed is how an error calls a sampler that two goroutines use.
func whatIsUsed(c Config) string { return "samplers: " + c.Name + ": the sampler" }
