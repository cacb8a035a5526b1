package graph

import (
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"
)

// Sub is the part of p whose names begin with prefix, such as "backbone."; it is made with
// p's seed if it is not there yet, and takes over the tensors of p whose names begin so. Of "" it
// is p itself, and nil if p is.
func (p *Params) Sub(prefix string) *Params {
	if prefix == "" || p == nil {
		return p
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ready()
	for _, q := range p.parts {
		if rest, ok := strings.CutPrefix(prefix, q.prefix); ok {
			return q.set.Sub(rest)
		}
	}
	sub := NewParams(p.seed)
	sub.ready()
	sub.shapes, sub.observers = p.shapes, maps.Clone(p.observers)
	p.take(prefix, sub)
	p.handOver(prefix, sub)
	return sub
}

// handOver makes all that p, which is locked, has below prefix that of sub, its new part: else
// one name would stand for a tensor of p and for another one of sub.
func (p *Params) handOver(prefix string, sub *Params) {
	sub.mu.Lock()
	defer sub.mu.Unlock()
	var rest []*Param // All may have given p.items away
	for _, item := range p.items {
		local, below := strings.CutPrefix(item.local, prefix)
		if !below || local == "" {
			rest = append(rest, item)
			continue
		}
		delete(p.index, item.local)
		item.local, sub.index[local] = local, item
		sub.items = append(sub.items, item)
	}
	p.items = rest
	cutNames(p.own, sub.own, prefix)
	for g, nodes := range p.nodes {
		sub.nodes[g] = cutNames(nodes, map[string]*gorgonia.Node{}, prefix)
	}
	for g, streams := range p.streams {
		sub.streams[g] = cutNames(streams, map[string]*Random{}, prefix)
	}
	for g, pushes := range p.pushes {
		sub.pushes[g] = cutNames(pushes, map[string]push{}, prefix)
	}
	p.parts = slices.DeleteFunc(slices.Clone(p.parts), func(q part) bool {
		local, below := strings.CutPrefix(q.prefix, prefix)
		if below = below && local != ""; below {
			sub.parts = append(sub.parts, part{local, q.set})
		}
		return below
	})
}

// cutNames moves what has names that begin with prefix to another map, without it.
func cutNames[V any](from, to map[string]V, prefix string) map[string]V {
	for name, v := range from {
		if local, below := strings.CutPrefix(name, prefix); below && local != "" {
			to[local] = v
			delete(from, name)
		}
	}
	return to
}

// Join makes other, with its tensors of now and later, a part of p, whose names begin with
// the prefix. Other must not be a part of another set already, unless its whole prefix stays
// the same, nor p a part of other.
func (p *Params) Join(prefix string, other *Params) error {
	if p == nil {
		return errNoParams
	}
	if other == nil || other == p || slices.Contains(other.sets(), p) {
		return errors.Errorf("graph: cannot join parameters as %q: they are nil, this set itself, or hold it", prefix)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	other.mu.RLock()
	known := other.prefix
	other.mu.RUnlock()
	if slices.ContainsFunc(p.parts, func(q part) bool { return q.set == other }) || known != "" && known != p.prefix+prefix {
		return errors.Errorf("graph: cannot join parameters as %q: they are joined already, as %q", prefix, known)
	}
	if i := slices.IndexFunc(p.items, func(item *Param) bool { return strings.HasPrefix(item.local, prefix) }); i >= 0 && prefix != "" {
		return errors.Errorf("graph: cannot join parameters as %q: the set has %s itself", prefix, p.items[i].local)
	}
	if prefix == "" {
		return errors.New("graph: cannot join parameters as \"\": the prefix is empty")
	}
	// Else a name could be of either part.
	if i := slices.IndexFunc(p.parts, func(q part) bool { return strings.HasPrefix(q.prefix, prefix) || strings.HasPrefix(prefix, q.prefix) }); i >= 0 {
		return errors.Errorf("graph: cannot join parameters as %q: names of the part %q begin so too; take another prefix, or join them to that part", prefix, p.parts[i].prefix)
	}
	p.take(prefix, other)
	return nil
}

// take makes other a part of p, which is locked.
func (p *Params) take(prefix string, other *Params) {
	p.parts = append(p.parts, part{prefix, other})
	other.rename(p.prefix + prefix)
	for _, r := range p.rates {
		other.scaleWithin(prefix, r)
	}
}

// rename sets the prefix of the whole names of p's tensors.
func (p *Params) rename(prefix string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.prefix = prefix
	for _, item := range p.items {
		item.Name = prefix + item.local
	}
	for _, q := range p.parts {
		q.set.rename(prefix + q.prefix)
	}
}

// Holds reports whether other is p or a part of it.
func (p *Params) Holds(other *Params) bool { return slices.Contains(p.sets(), other) }

// sets lists p and all that is part of it.
func (p *Params) sets() []*Params {
	if p == nil {
		return nil
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	out := []*Params{p}
	for _, q := range p.parts {
		out = append(out, q.set.sets()...)
	}
	return out
}

// All lists the tensors in the order of their first use, those of parts last.
func (p *Params) All() []*Param {
	if p == nil {
		return nil
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	if len(p.parts) == 0 {
		return slices.Clip(p.items)
	}
	all := slices.Clone(p.items)
	for _, q := range p.parts {
		all = append(all, q.set.All()...)
	}
	return all
}

// Under lists those of All whose names begin with prefix.
func (p *Params) Under(prefix string) []*Param {
	return slices.DeleteFunc(slices.Clone(p.All()), func(item *Param) bool {
		return !strings.HasPrefix(p.NameOf(item), prefix)
	})
}

// NameOf is the name of a tensor as p has it; of a nil set it is the whole name.
func (p *Params) NameOf(item *Param) string {
	switch {
	case item == nil:
		return ""
	case p == nil:
		return item.Name
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	return strings.TrimPrefix(item.Name, p.prefix)
}

// Lookup finds a tensor by its name; nil if there is none.
func (p *Params) Lookup(name string) *Param {
	if p == nil {
		return nil
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	if item := p.index[name]; item != nil {
		return item
	}
	for _, q := range p.parts {
		if local, ok := strings.CutPrefix(name, q.prefix); ok {
			if item := q.set.Lookup(local); item != nil {
				return item
			}
		}
	}
	return nil
}

// partWith is the part of p, which is locked, that the tensor of a name belongs to, and the name
// there; nil if it is p's own.
func (p *Params) partWith(name string) (q *Params, local string) {
	if p.index[name] != nil {
		return nil, ""
	}
	for _, q := range p.parts {
		if local, ok := strings.CutPrefix(name, q.prefix); ok && local != "" {
			return q.set, local
		}
	}
	return nil, ""
}

// lock is the set that makes the tensor of a name, which may be a part, and the name there. The set
// is locked, and it is the tensor's until it is unlocked.
func (p *Params) lock(name string) (*Params, string, error) {
	if p == nil {
		return nil, "", errNoParams
	}
	p.mu.Lock()
	if q, local := p.partWith(name); q != nil {
		p.mu.Unlock()
		return q.lock(local)
	}
	p.ready()
	return p, name, nil
}

// ScaleLR multiplies the learning rate of all tensors whose names begin with prefix, those
// made later included, by scale; of several scales for one tensor that of the last call
// counts. At 0 they are frozen, running statistics of batch normalisation included (see
// Param.LRScale). It is called before the graphs are built that learn.
func (p *Params) ScaleLR(prefix string, scale float64) error {
	if p == nil {
		return errNoParams
	}
	if err := checkScale(prefix, scale); err != nil {
		return err
	}
	p.scale(rate{prefix: prefix, scale: scale, asked: true})
	return nil
}

// LearnAt sets the LRScale of a tensor of the set's own, also of one that is not there yet: so
// a loss says how fast its weights learn before it asks for them, in any number of goroutines.
func (p *Params) LearnAt(name string, scale float64) error {
	if err := checkScale(name, scale); err != nil {
		return err
	}
	q, local, err := p.lock(name)
	if err != nil {
		return err
	}
	defer q.mu.Unlock()
	q.own[local] = scale
	if item := q.index[local]; item != nil {
		item.LRScale = scale
	}
	return nil
}

// Idle lists what ScaleLR and LearnAt were told of and no tensor has as the beginning of its name,
// or as its name: a slip, once all graphs are built.
func (p *Params) Idle() []string {
	var idle []string
	for _, q := range p.sets() {
		q.mu.RLock()
		var asked []string
		for _, r := range q.rates {
			if r.asked {
				asked = append(asked, r.prefix)
			}
		}
		prefix := strings.TrimPrefix(q.prefix, p.prefix)
		for name := range q.own {
			if q.index[name] == nil {
				idle = append(idle, prefix+name)
			}
		}
		q.mu.RUnlock()
		for _, name := range asked {
			if len(q.Under(name)) == 0 {
				idle = append(idle, prefix+name)
			}
		}
	}
	slices.Sort(idle)
	return slices.Compact(idle)
}

// checkScale refuses what a learning rate cannot be multiplied with.
func checkScale(name string, scale float64) error {
	if !(scale >= 0) || math.IsInf(scale, 1) {
		return errors.Errorf("graph: the learning rate of %q times %v, want a number of at least 0", name, scale)
	}
	return nil
}

func (p *Params) scale(r rate) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rates = append(p.rates, r)
	for _, item := range p.items {
		if strings.HasPrefix(item.local, r.prefix) {
			item.scale = r.scale
		}
	}
	for _, q := range p.parts {
		q.set.scaleWithin(q.prefix, r)
	}
}

// scaleWithin is what a rate of another set is for p, whose names begin with prefix there.
func (p *Params) scaleWithin(prefix string, r rate) {
	if rest, ok := strings.CutPrefix(r.prefix, prefix); ok {
		p.scale(rate{prefix: rest, scale: r.scale})
	} else if strings.HasPrefix(prefix, r.prefix) {
		p.scale(rate{scale: r.scale})
	}
}

// Frozen reports whether the tensor of a name is frozen (see Param.LRScale), or will be if it
// is not there yet.
func (p *Params) Frozen(name string) bool {
	if p == nil {
		return false
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	if item := p.index[name]; item != nil {
		return item.Rate() == 0
	}
	for _, q := range p.parts {
		if local, ok := strings.CutPrefix(name, q.prefix); ok {
			return q.set.Frozen(local)
		}
	}
	own, ok := p.own[name]
	return p.scaleOf(name) == 0 || ok && own == 0
}

// scaleOf is the scale of a new tensor.
func (p *Params) scaleOf(name string) float64 {
	for _, r := range slices.Backward(p.rates) {
		if strings.HasPrefix(name, r.prefix) {
			return r.scale
		}
	}
	return 1
}

// Learned lists the learned tensors that g uses and that are not frozen, in the order of All,
// and their nodes in g.
func (p *Params) Learned(g *gorgonia.ExprGraph) ([]*Param, gorgonia.Nodes) {
	if p == nil {
		return nil, nil
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	var items []*Param
	var nodes gorgonia.Nodes
	for _, item := range p.items {
		if n := p.nodes[g][item.local]; n != nil && !item.Buffer && item.Rate() != 0 {
			items = append(items, item)
			nodes = append(nodes, n)
		}
	}
	for _, q := range p.parts {
		more, nn := q.set.Learned(g)
		items, nodes = append(items, more...), append(nodes, nn...)
	}
	return items, nodes
}

// Forget drops what the set knows of g, which otherwise stays in memory with the set.
func (p *Params) Forget(g *gorgonia.ExprGraph) {
	for _, q := range p.sets() {
		q.mu.Lock()
		delete(q.nodes, g)
		delete(q.streams, g)
		delete(q.pushes, g)
		delete(q.observers, g)
		q.mu.Unlock()
	}
}

// forget drops what the set knows of all graphs.
func (p *Params) forget() {
	for _, q := range p.sets() {
		q.mu.Lock()
		clear(q.nodes)
		clear(q.streams)
		clear(q.pushes)
		clear(q.observers)
		q.mu.Unlock()
	}
}
