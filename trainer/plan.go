package trainer

import (
	"math"
	"slices"
	"strings"

	"medusa/graph"
	"medusa/internal/field"
	"medusa/nets"
	"medusa/optim"
)

// plan says of each parameter how fast it learns and from which step on. A run goes through phases: in each the same
// parameters learn, and those of the next one join them.
type plan struct {
	entries []planned // shorter names first: of several that fit the last counts
	stages  []nets.Stage
	starts  []int    // the first steps of the phases; the first is 1
	behind  []string // beginnings of names that are not the backbone's: the loss's are known only when it is built
}

// planned is what holds for all parameters whose names begin with a prefix, which may be a whole name.
type planned struct {
	prefix string
	rate   float64 // learning rate ÷ that of the run
	from   int     // the first step that they learn in, from 1; never for none
}

// never is the first step of what does not learn.
const never = math.MaxInt

// newPlan makes the plan of a backbone with these stages, in a run whose epochs have so many steps. The errors are about
// fields of FineTune.
func newPlan(t tuning, stages []nets.Stage, backbone string, epoch int) (*plan, error) {
	a := anatomyOf(backbone, stages)
	rules, err := newRules(t, a)
	if err != nil {
		return nil, err
	}
	p := &plan{stages: stages}
	for _, name := range a.params {
		e := planned{name, rules.rate(name) * math.Pow(t.layerDecay, float64(a.blocks-a.block[name])), rules.first(name, epoch)}
		if e.from != never {
			e.from = max(e.from, 1+t.warmup*epoch)
		}
		if t.freezeNorm && isStatistic(name) {
			e.from = never
		}
		if e.rate != 1 || e.from != 1 {
			p.entries = append(p.entries, e)
		}
	}
	p.behind = rules.prefixes
	for _, prefix := range rules.prefixes {
		p.entries = append(p.entries, planned{prefix, rules.rate(prefix), rules.first(prefix, epoch)})
	}
	slices.SortStableFunc(p.entries, func(a, b planned) int { return len(a.prefix) - len(b.prefix) })
	p.starts = []int{1}
	for _, e := range p.entries {
		if e.from != never {
			p.starts = append(p.starts, e.from)
		}
	}
	slices.Sort(p.starts)
	p.starts = slices.Compact(p.starts)
	return p, nil
}

// isStatistic reports whether a parameter of that name is a running statistic of batch normalisation.
func isStatistic(name string) bool {
	return strings.HasSuffix(name, ".running_mean") || strings.HasSuffix(name, ".running_var")
}

// rules are a tuning whose names are resolved.
type rules struct {
	freeze, thaw, rates []rule
	thawRest            int
	prefixes            []string // that rules name outside of the backbone, each once
}

type rule struct {
	scope
	value float64
}

func newRules(t tuning, a *anatomy) (r rules, err error) {
	r.thawRest = t.thawRest
	var freeze []named
	for _, name := range t.freeze {
		freeze = append(freeze, named{name, 0})
	}
	for _, list := range []struct {
		in    string
		names []named
		rules *[]rule
	}{{"Freeze", freeze, &r.freeze}, {"Unfreeze", t.thaw, &r.thaw}, {"LRScale", t.rates, &r.rates}} {
		for _, n := range list.names {
			s, err := a.scopeOf(list.in, n.name)
			if err != nil {
				return r, err
			}
			*list.rules = append(*list.rules, rule{s, n.value})
			if s.prefix != "" && !slices.Contains(r.prefixes, s.prefix) {
				r.prefixes = append(r.prefixes, s.prefix)
			}
		}
	}
	for i, x := range r.thaw {
		if !r.freezesSomeOf(x.scope) {
			return r, field.Errorf("trainer", "", "%s has %s, which %s does not freeze: name there what should wait", field.Name("Unfreeze"), t.thaw[i].name, field.Name("Freeze"))
		}
	}
	return r, nil
}

// freezesSomeOf reports whether a part of a scope is frozen at first.
func (r rules) freezesSomeOf(s scope) bool {
	if s.prefix != "" {
		return narrowest(r.freeze, s.prefix) != nil
	}
	for p := range s.params {
		if narrowest(r.freeze, p) != nil {
			return true
		}
	}
	return false
}

// narrowest is the rule for a name that is about the fewest parameters, of equals the last; nil if none is about it.
func narrowest(all []rule, name string) (found *rule) {
	for i, r := range all {
		if r.has(name) && (found == nil || r.narrower(found.scope)) {
			found = &all[i]
		}
	}
	return found
}

func (r rules) rate(name string) float64 {
	if x := narrowest(r.rates, name); x != nil {
		return x.value
	}
	return 1
}

// first is the first step that a parameter learns in.
func (r rules) first(name string, epoch int) int {
	if narrowest(r.freeze, name) == nil {
		return 1
	}
	if x := narrowest(r.thaw, name); x != nil {
		return 1 + int(x.value)*epoch
	}
	if r.thawRest > 0 {
		return 1 + r.thawRest*epoch
	}
	return never
}

// phase is the first step of the phase that a step is in; the first step's where none was made yet.
func (p *plan) phase(step int) int {
	first := 1
	if p != nil {
		for _, s := range p.starts {
			if s <= step {
				first = s
			}
		}
	}
	return first
}

// apply gives parameters the rates of a phase; those that do not learn yet are frozen.
func (p *plan) apply(params *graph.Params, phase int) error {
	if p == nil {
		return nil
	}
	for _, e := range p.entries {
		rate := e.rate
		if e.from > phase {
			rate = 0
		}
		if err := params.ScaleLR(e.prefix, rate); err != nil {
			return err
		}
	}
	return nil
}

// of is what holds for a parameter.
func (p *plan) of(name string) planned {
	if p != nil {
		for _, e := range slices.Backward(p.entries) {
			if strings.HasPrefix(name, e.prefix) {
				return e
			}
		}
	}
	return planned{name, 1, 1}
}

// number tells each learned tensor how many steps were made before its first.
func (p *plan) number(tensors []optim.Tensor) {
	for i := range tensors {
		tensors[i].Begun = p.of(tensors[i].Name).from - 1
	}
}

// checkNames refuses beginnings of names that no parameter has.
func (p *plan) checkNames(params *graph.Params) error {
	if p == nil {
		return nil
	}
	for _, prefix := range p.behind {
		if len(params.Under(prefix)) > 0 {
			continue
		}
		var names []string
		for _, item := range params.All() {
			if !strings.HasPrefix(item.Name, nets.BackbonePrefix) {
				names = append(names, item.Name)
			}
		}
		return field.Errorf("trainer", "", "no parameter's name begins with %q, as %s or %s has it; those behind the backbone are %s",
			strings.TrimSuffix(prefix, "."), field.Name("FineTune.Freeze"), field.Name("FineTune.LRScale"), strings.Join(names, ", "))
	}
	return nil
}

// checkLength refuses phases that a run of so many steps never comes to.
func (p *plan) checkLength(f FineTune, steps, epoch int) error {
	last := p.starts[len(p.starts)-1]
	if last <= steps {
		return nil
	}
	by := field.Name("FineTune.Unfreeze")
	if f.Unfreeze == "" {
		by = "FineTune.WarmupHead"
	}
	return field.Errorf("trainer", "", "%s has weights begin to learn at step %d, but the run has %d steps, and an epoch has %d: make it longer by %s, or let them begin earlier",
		by, last, steps, epoch, field.Name("Epochs"))
}
