package nets

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"medusa/graph"
)

// Builder adds a backbone to x's graph: pictures x (B, C, H, W) to features (B, F). It
// must give the same parameters, by name and shape, in both modes; Layers helps. p is the part
// of the network's parameters whose names begin with BackbonePrefix.
type Builder func(cfg Config, p *graph.Params, x graph.Expr, mode Mode) (trunk graph.Expr, err error)

var registry = struct {
	sync.RWMutex
	builders map[string]Builder
	docs     map[string]string // what is said of the backbones
	own      map[string]bool   // those of this package, which read what the tags of Config say and no more
}{builders: map[string]Builder{}, docs: map[string]string{}, own: map[string]bool{}}

// provide registers a backbone of this package.
func provide(name string, build Builder, doc string) {
	Register(name, build, doc)
	registry.own[name] = true
}

// provided reports whether a backbone is of this package.
func provided(name string) bool {
	if isONNX(name) {
		return true
	}
	registry.RLock()
	defer registry.RUnlock()
	return registry.own[name]
}

// Convolves reports whether a backbone of this package works on rows and columns, and so not on vectors. Of others
// nobody knows.
func Convolves(name string) bool { return provided(name) && name != "mlp" }

// Register adds a backbone under a name that Config.Backbone may then take; doc is a line that
// says what it is, and perhaps more lines. It panics if the name is taken or empty, or build is
// nil.
func Register(name string, build Builder, doc ...string) {
	registry.Lock()
	defer registry.Unlock()
	if name == "" || build == nil {
		panic("nets: Register needs a name and a builder")
	}
	if registry.builders[name] != nil {
		panic("nets: backbone " + name + " is registered twice")
	}
	registry.builders[name] = build
	registry.docs[name] = strings.Join(doc, "\n")
}

// Doc is the line or lines about a backbone that Names lists; it may be empty.
func Doc(name string) string {
	registry.RLock()
	defer registry.RUnlock()
	return registry.docs[name]
}

// Names lists the backbones in alphabetical order.
func Names() []string {
	registry.RLock()
	defer registry.RUnlock()
	return slices.Sorted(maps.Keys(registry.builders))
}

// BuiltIn reports whether the backbone is one of this package, which keeps no parameters of the networks that it builds; others
// may.
func (c Config) BuiltIn() bool {
	registry.RLock()
	defer registry.RUnlock()
	return c.given == nil && (registry.own[c.Backbone] || registry.builders[c.Backbone] == nil)
}

// builder is what builds the backbone.
func (c Config) builder() (Builder, error) {
	if c.given != nil {
		return c.given, nil
	}
	return builderOf(c.Backbone)
}

func builderOf(name string) (Builder, error) {
	if isONNX(name) {
		return buildONNX, nil
	}
	registry.RLock()
	build := registry.builders[name]
	registry.RUnlock()
	if build == nil {
		return nil, oneOf("Backbone", name, append(Names(), ONNXPrefix+"FILE"))
	}
	return build, nil
}
