package nets

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"medusa/graph"
	"medusa/internal/field"
)

// Builder adds a backbone to x's graph: pictures x (B, C, H, W) to features (B, F). It
// must give the same parameters, by name and shape, in both modes; Layers helps. p is the part
// of the network's parameters whose names begin with BackbonePrefix.
type Builder func(cfg Config, p *graph.Params, x graph.Expr, mode Mode) (trunk graph.Expr, err error)

var registry = struct {
	sync.RWMutex
	builders map[string]Builder
}{builders: map[string]Builder{
	"mlp":      mlp,
	"cnn":      cnn,
	"resnet18": resnet(2, 2, 2, 2),
	"resnet34": resnet(3, 4, 6, 3),
}}

// Register adds a backbone under a name that Config.Backbone may then take. It panics if
// the name is taken or empty, or build is nil.
func Register(name string, build Builder) {
	registry.Lock()
	defer registry.Unlock()
	if name == "" || build == nil {
		panic("nets: Register needs a name and a builder")
	}
	if registry.builders[name] != nil {
		panic("nets: backbone " + name + " is registered twice")
	}
	registry.builders[name] = build
}

// Names lists the backbones in alphabetical order.
func Names() []string {
	registry.RLock()
	defer registry.RUnlock()
	return slices.Sorted(maps.Keys(registry.builders))
}

// builder is what builds the backbone.
func (c Config) builder() (Builder, error) {
	if c.given != nil {
		return c.given, nil
	}
	return builderOf(c.Backbone)
}

func builderOf(name string) (Builder, error) {
	registry.RLock()
	build := registry.builders[name]
	registry.RUnlock()
	if build == nil {
		return nil, field.Errorf("nets", "", "%s is %q, want one of %s", field.Name("Backbone"), name, strings.Join(Names(), ", "))
	}
	return build, nil
}
