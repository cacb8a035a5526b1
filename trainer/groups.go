package trainer

import (
	"math"
	"strings"

	"medusa/nets"
)

// ParameterGroup is a part of the network, or the loss, with how fast it learns.
type ParameterGroup struct {
	Name       string  // a stage of the backbone, embedding or loss
	Parameters int     // learned numbers, whether they are frozen or not
	Slowest    float64 // learning rate of the slowest of them: Config.Solver.LR times the factors of FineTune and of the loss
	Fastest    float64
	From       int // the first step that they learn in; of several the earliest; 0 if they never do
}

// groups are the parts in the order of the network; nil where FineTune asks for nothing.
func (t *Trainer) groups() (all []ParameterGroup) {
	p := t.parts.plan
	if p == nil {
		return nil
	}
	for _, s := range p.stages {
		all = append(all, t.group(s.Name, s.Holds))
	}
	for _, prefix := range []string{nets.EmbeddingPrefix, lossPrefix} {
		g := t.group(strings.TrimSuffix(prefix, "."), func(name string) bool { return strings.HasPrefix(name, prefix) })
		if g.Parameters > 0 {
			all = append(all, g)
		}
	}
	return all
}

// group is that of the parameters whose names has is true of.
func (t *Trainer) group(name string, has func(string) bool) ParameterGroup {
	g := ParameterGroup{Name: name, Slowest: math.Inf(1)}
	from := never
	for _, item := range t.params.All() {
		if item.Buffer || !has(item.Name) {
			continue
		}
		g.Parameters += item.Shape().TotalSize()
		planned := t.parts.plan.of(item.Name)
		rate := t.cfg.Solver.LR * planned.rate * item.LRScale
		if strings.HasPrefix(item.Name, lossPrefix) {
			rate *= t.solver.Config().LossLR
		}
		g.Slowest, g.Fastest = min(g.Slowest, rate), max(g.Fastest, rate)
		from = min(from, planned.from)
	}
	if from != never {
		g.From = from
	}
	return g
}
