package trainer

import (
	"strconv"
	"strings"

	"github.com/pkg/errors"

	"medusa/internal/catalog"
	"medusa/internal/field"
	"medusa/nets"
)

// FineTune says which weights learn, from when on and how fast, in a run that begins with weights that are good for
// something already. Its zero value is: all, at once, at one rate.
//
// Names are those of the backbone's stages or blocks (nets.Config.Stages), backbone for all of it, embedding for the layer
// that makes the embedding, loss for the loss's own weights, or the beginning of parameters' names, such as layer1.0.conv1.
type FineTune struct {
	// From is the model, a run folder or a model file, whose network the run begins with: see Config.StartFrom.
	From string `json:"from,omitempty" yaml:"from,omitempty" flag:"from" arg:"MODEL" doc:"begin with the network of a finished run's folder or a model file, for other classes or another loss: its weights, its form and its preparation of pictures; weights of the loss are new" unset:"new weights"`

	// Freeze lists names, and ranges such as stem..layer3; all is backbone, and none what is also meant if empty.
	Freeze string `json:"freeze,omitempty" yaml:"freeze,omitempty" flag:"freeze" arg:"all|NAME,…|A..B|none" doc:"weights that do not learn, with their running statistics: all of the backbone, or stages and blocks of it by name, such as stem..layer3 of a resnet or stem..blocks.8 of a vision transformer" unset:"none" shown:"-"`
	// Unfreeze lists after how many epochs what is frozen learns: NAME:EPOCHS for some, EPOCHS for all the rest.
	Unfreeze string `json:"unfreeze,omitempty" yaml:"unfreeze,omitempty" flag:"unfreeze" arg:"EPOCHS|NAME:EPOCHS,…" doc:"let what -freeze names learn after so many epochs: 5 is all of it, layer4:2,layer3:4 one after the other" unset:"never" shown:"-"`
	// WarmupHead is how many epochs the backbone waits for the embedding's layer and the loss's weights, which are new.
	WarmupHead int `json:"warmup_head,omitempty" yaml:"warmup_head,omitempty" flag:"warmup-head" arg:"EPOCHS" doc:"epochs in which the backbone waits, frozen, and only the embedding's layer and the loss's weights learn" min:"0" want:"a number of epochs, or 0 for none"`

	// LRScale lists factors on learning rates, NAME=FACTOR; of several for one parameter that of the fewest parameters counts.
	LRScale string `json:"lr_scale,omitempty" yaml:"lr_scale,omitempty" flag:"lr-scale" arg:"NAME=FACTOR,…" doc:"learning rates ÷ -lr: backbone=0.1,layer4=0.5; the narrowest name counts" unset:"1 for all" shown:"-"`
	// LayerDecay multiplies the rate once for each block between a parameter and the embedding's layer (Bao et al., "BEiT",
	// ICLR 2022).
	LayerDecay float64 `json:"layer_decay,omitempty" yaml:"layer_decay,omitempty" flag:"layer-decay" arg:"FACTOR" doc:"each block of the backbone learns at this share of the rate of the next one, as in BEiT; such as 0.75" above:"0" max:"1" unset:"1, all alike" want:"a factor above 0, at most 1"`

	// FreezeNorm has batch normalisation of the backbone go by its running statistics, which stay as they are; its scale and
	// shift learn. Where weights are frozen it is so in any case.
	FreezeNorm bool `json:"freeze_norm,omitempty" yaml:"freeze_norm,omitempty" flag:"freeze-norm" doc:"batch normalisation of the backbone goes by its running statistics and leaves them as they are, also where weights learn; for small batches"`
}

// isZero reports whether nothing is asked for that rates depend on.
func (f FineTune) isZero() bool {
	f.From = ""
	return !f.freezes() && f == FineTune{Freeze: f.Freeze}
}

// freezes reports whether something is named that does not learn.
func (f FineTune) freezes() bool { return strings.TrimSpace(f.Freeze) != "" && f.Freeze != "none" }

// validate lists what is wrong with the texts, and with names as far as the network of c is known.
func (f FineTune) validate(net nets.Config, all *faults) {
	const freeze, unfreeze = field.Name("FineTune.Freeze"), field.Name("FineTune.Unfreeze")
	all.add(f.Unfreeze != "" && !f.freezes(), "%s is %s, but nothing is frozen: say by %s what is, or leave it out", unfreeze, f.Unfreeze, freeze)
	all.add(f.WarmupHead > 0 && f.Unfreeze == "" && isAll(f.Freeze), "%s means nothing where %s is %s: the backbone never learns", field.Name("FineTune.WarmupHead"), freeze, f.Freeze)
	if f.isZero() {
		return
	}
	text, err := f.parse()
	if err != nil {
		all.addError(err, "FineTune")
		return
	}
	if stages := stagesFor(net); stages != nil {
		_, err := newPlan(text, stages, net.Backbone, 1)
		all.addError(err, "FineTune")
	}
}

// stagesFor are those of a network whose pictures may not be known yet; nil if it cannot be built, which is told elsewhere.
func stagesFor(net nets.Config) []nets.Stage {
	stages, err := net.Stages()
	if err != nil {
		net.InChannels, net.Height, net.Width = 3, 224, 224
		stages, _ = net.Stages()
	}
	return stages
}

// isAll reports whether a text of Freeze is the whole backbone.
func isAll(text string) bool {
	text = strings.TrimSpace(text)
	return text == "all" || strings.TrimSuffix(text, ".") == "backbone"
}

// tuning is what the texts of a FineTune say.
type tuning struct {
	freeze     []string
	thaw       []named // after so many epochs
	thawRest   int     // the same for the rest of what is frozen; 0 for never
	warmup     int     // epochs
	rates      []named
	layerDecay float64
	freezeNorm bool
}

// named is a number for what a name stands for.
type named struct {
	name  string
	value float64
}

// parse reads the texts.
func (f FineTune) parse() (t tuning, err error) {
	t.warmup, t.layerDecay, t.freezeNorm = f.WarmupHead, f.LayerDecay, f.FreezeNorm
	if t.layerDecay == 0 {
		t.layerDecay = 1
	}
	if f.freezes() {
		t.freeze = listOf(f.Freeze)
	}
	for _, item := range listOf(f.LRScale) {
		name, number, ok := strings.Cut(item, "=")
		rate, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if !ok || err != nil || !(rate > 0) || !finite(rate) {
			return t, field.Errorf("trainer", "", "%s has %q, want NAME=FACTOR with a factor above 0, such as backbone=0.1; what should not learn at all is named by %s",
				field.Name("LRScale"), item, field.Name("Freeze"))
		}
		t.rates = append(t.rates, named{strings.TrimSpace(name), rate})
	}
	for _, item := range listOf(f.Unfreeze) {
		name, number, ok := strings.Cut(item, ":")
		if !ok {
			name, number = "", item
		}
		epochs, err := strconv.Atoi(strings.TrimSpace(number))
		if err != nil || epochs < 1 || name == "" && (ok || t.thawRest > 0) {
			return t, field.Errorf("trainer", "", "%s has %q, want a whole number of epochs, at least 1, for all that is frozen, or NAME:EPOCHS, such as layer4:2",
				field.Name("Unfreeze"), item)
		}
		if name == "" {
			t.thawRest = epochs
			continue
		}
		t.thaw = append(t.thaw, named{strings.TrimSpace(name), float64(epochs)})
	}
	return t, nil
}

// listOf are the items of a text with commas between; none of an empty one.
func listOf(text string) (items []string) {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	for _, item := range strings.Split(text, ",") {
		items = append(items, strings.TrimSpace(item))
	}
	return items
}

// anatomy is what names can stand for.
type anatomy struct {
	backbone string // its name
	stages   []nets.Stage
	params   []string       // of the backbone, with its prefix, from the pictures on
	block    map[string]int // of a parameter: its number from the pictures on
	blocks   int
}

func anatomyOf(backbone string, stages []nets.Stage) *anatomy {
	a := &anatomy{backbone: backbone, stages: stages, block: map[string]int{}}
	for i, s := range stages {
		for _, b := range s.Blocks {
			for _, p := range b.Params {
				a.params = append(a.params, nets.BackbonePrefix+p)
				a.block[nets.BackbonePrefix+p] = a.blocks
			}
			if i < len(stages)-1 || s.Name != "final" { // final is of the last block's depth
				a.blocks++
			}
		}
	}
	for p, n := range a.block {
		a.block[p] = min(n, a.blocks-1)
	}
	return a
}

// scope is what a name stands for.
type scope struct {
	params map[string]bool // of the backbone
	prefix string          // of others; empty for the backbone's
}

// has reports whether a parameter, or all whose names begin with a prefix, are in the scope.
func (s scope) has(name string) bool {
	return s.params[name] || s.prefix != "" && strings.HasPrefix(name, s.prefix)
}

// narrower reports whether s is about fewer parameters than another scope that has the same one.
func (s scope) narrower(than scope) bool {
	if s.prefix != "" {
		return len(s.prefix) >= len(than.prefix)
	}
	return len(s.params) <= len(than.params)
}

// scopeOf is what a name that stands in the field stands for.
func (a *anatomy) scopeOf(in, name string) (scope, error) {
	bare := strings.TrimSuffix(name, ".")
	for _, prefix := range []string{nets.EmbeddingPrefix, lossPrefix} {
		if bare+"." == prefix || strings.HasPrefix(bare, prefix) {
			if bare+"." == prefix {
				bare = prefix
			}
			return scope{prefix: bare}, nil
		}
	}
	if from, to, ok := strings.Cut(bare, ".."); ok {
		return a.between(in, from, to)
	}
	if params := a.paramsOf(bare); len(params) > 0 {
		return scope{params: params}, nil
	}
	return scope{}, a.unknown(in, name)
}

// paramsOf are the backbone's parameters that a name stands for; none if it stands for nothing.
func (a *anatomy) paramsOf(name string) map[string]bool {
	found := map[string]bool{}
	if isAll(name) {
		for _, p := range a.params {
			found[p] = true
		}
		return found
	}
	name = strings.TrimPrefix(name, nets.BackbonePrefix)
	for _, s := range a.stages {
		for _, b := range s.Blocks {
			for _, p := range b.Params {
				if name == s.Name || name == b.Name || p == name || strings.HasPrefix(p, name+".") {
					found[nets.BackbonePrefix+p] = true
				}
			}
		}
	}
	return found
}

// between is the scope from one name to another one, in the order of the backbone.
func (a *anatomy) between(in, from, to string) (scope, error) {
	first, last := -1, -1
	for _, end := range []string{from, to} {
		found := a.paramsOf(end)
		if len(found) == 0 {
			return scope{}, a.unknown(in, end)
		}
		for i, p := range a.params {
			if found[p] && end == from && first < 0 {
				first = i
			}
			if found[p] && end == to {
				last = i
			}
		}
	}
	if first > last {
		return scope{}, field.Errorf("trainer", "", "%s has %s..%s, but %s comes first in %s: want %s..%s", field.Name(in), from, to, to, a.name(), to, from)
	}
	s := scope{params: map[string]bool{}}
	for _, p := range a.params[first : last+1] {
		s.params[p] = true
	}
	return s, nil
}

func (a *anatomy) name() string {
	if a.backbone == "" {
		return "cnn"
	}
	return a.backbone
}

// unknown is the error about a name that stands for nothing.
func (a *anatomy) unknown(in, name string) error {
	var known []string
	for _, s := range a.stages {
		known = append(known, s.Name)
	}
	list := strings.Join(known, ", ")
	if len(known) > 8 {
		list = strings.Join(known[:2], ", ") + " … " + strings.Join(known[len(known)-2:], ", ")
	}
	return errors.WithStack(field.Errorf("trainer", "", "%s has %q%s, which is no part of the network: the stages of %s are %s; backbone is all of them, embedding and loss are what stands behind",
		field.Name(in), name, catalog.Hint(name, append(known, "backbone", "embedding", "loss")), a.name(), list))
}
