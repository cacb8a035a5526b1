package optim

import (
	"cmp"
	"path"
	"reflect"
	"strings"

	"medusa/internal/catalog"
	"medusa/internal/field"
	"medusa/internal/settings"
)

// Config chooses and configures a solver. The formulas are PyTorch's. Numbers that are 0 though 0
// cannot be meant are those of Default; Beta1 is among them only where Beta2 or Eps is 0 too, so
// that a 0 in what Default gives is a 0.
type Config struct {
	Name     string  `json:"name,omitempty" yaml:"name,omitempty" flag:"solver" arg:"adam|adamw|sgd|rmsprop|lion|lamb" doc:"how gradients become steps" kind:"a solver"` // adam if empty
	LR       float64 `json:"lr,omitempty" yaml:"lr,omitempty" flag:"lr" arg:"RATE" doc:"learning rate" above:"0" unset:"0.001, for sgd 0.05, for lion 0.0001" want:"a positive learning rate"`
	LossLR   float64 `json:"loss_lr,omitempty" yaml:"loss_lr,omitempty" flag:"loss-lr" arg:"FACTOR" doc:"learning rate of the loss's own weights (class weights, proxies) ÷ -lr" above:"0" unset:"1" want:"a positive factor"` // of parameters whose names begin with LossPrefix
	Momentum float64 `json:"momentum,omitempty" yaml:"momentum,omitempty" flag:"momentum" arg:"SHARE" doc:"sgd, rmsprop: share of the last step that is kept" min:"0" below:"1" for:"sgd,rmsprop" want:"a share from 0 to below 1"`
	Nesterov bool    `json:"nesterov,omitempty" yaml:"nesterov,omitempty" flag:"nesterov" doc:"sgd: look ahead along the momentum" for:"sgd"`
	Beta1    float64 `json:"beta1,omitempty" yaml:"beta1,omitempty" doc:"adam, adamw, lamb, lion: decay of the mean gradient" min:"0" below:"1" for:"adam,adamw,lamb,lion" want:"a share from 0 to below 1"`
	Beta2    float64 `json:"beta2,omitempty" yaml:"beta2,omitempty" doc:"adam, adamw, lamb, lion: decay of the mean square, of lion's mean gradient" above:"0" below:"1" unset:"0.999, for lion 0.99" for:"adam,adamw,lamb,lion" want:"a share above 0 and below 1"`
	Alpha    float64 `json:"alpha,omitempty" yaml:"alpha,omitempty" doc:"rmsprop: decay of the mean square" above:"0" below:"1" unset:"0.99" for:"rmsprop" want:"a share above 0 and below 1"`
	Eps      float64 `json:"eps,omitempty" yaml:"eps,omitempty" doc:"added to the denominator" above:"0" unset:"1e-8, for lamb 1e-6" for:"adam,adamw,lamb,rmsprop" want:"a small positive number"`

	// WeightDecay is added to the gradient as WeightDecay·w, or with adamw and lion taken from
	// the weight directly, as LR·WeightDecay·w, and with lamb added to the step before that is scaled.
	// Vectors (biases, batch norm's scale and shift) are spared unless DecayAll says otherwise, and
	// so is what NoDecay names.
	WeightDecay float64 `json:"weight_decay,omitempty" yaml:"weight_decay,omitempty" flag:"weight-decay" arg:"RATE" doc:"pull of the weights to 0; adamw, lion and lamb decouple it from the gradient" min:"0" want:"a positive number, or 0 for none"`
	DecayAll    bool    `json:"decay_all,omitempty" yaml:"decay_all,omitempty" doc:"weight decay also of biases and of batch norm's scale and shift"`
	NoDecay     string  `json:"no_decay,omitempty" yaml:"no_decay,omitempty" flag:"no-decay" arg:"LIST" doc:"parameters that weight decay spares besides biases and batch norm: beginnings of their names, or patterns such as loss.*, with commas between" shown:"-"`

	// AllRows makes each step move all rows of all tensors. Without it, where a graph gathers rows of a tensor and
	// does nothing else with it (a loss with classes=batch or a share of the classes, a table of
	// vectors), a step moves the rows that the batch names, and the others stay as they are, with what the
	// solver knows of them: their running means do not decay, no momentum moves them, no weight decay pulls
	// them, as with PyTorch's SparseAdam. Steps then cost what these rows cost.
	AllRows bool `json:"all_rows,omitempty" yaml:"all_rows,omitempty" flag:"all-rows" doc:"move the weights of all classes at each step, also of those that a loss with classes=batch or share leaves out: their momentum goes on, and weight decay pulls them"`
}

// LossPrefix begins the names of a loss's own parameters, whose learning rate Config.LossLR scales.
const LossPrefix = "loss."

// Default is the solver name with its published numbers; adam if name is empty. Of a solver that
// there is not it has the name alone.
func Default(name string) Config {
	s := Config{Name: cmp.Or(name, "adam"), LR: 1e-3, LossLR: 1}
	switch s.Name {
	case "sgd":
		s.LR = 0.05
	case "adam", "adamw":
		s.Beta1, s.Beta2, s.Eps = 0.9, 0.999, 1e-8
	case "lion":
		s.LR, s.Beta1, s.Beta2 = 1e-4, 0.9, 0.99
	case "lamb":
		s.Beta1, s.Beta2, s.Eps = 0.9, 0.999, 1e-6
	case "rmsprop":
		s.Alpha, s.Eps = 0.99, 1e-8
	default:
		return Config{Name: name}
	}
	return s
}

// spared is a group for each entry of NoDecay.
func (c Config) spared() (groups []Group) {
	for _, names := range strings.Split(c.NoDecay, ",") {
		if names = strings.TrimSpace(names); names != "" {
			groups = append(groups, Group{Names: names, LR: 1, Decay: 0})
		}
	}
	return groups
}

// Defaults fills in what cannot be meant as it is. Where Beta2 and Eps are given a Beta1 of 0 is
// one: who begins with Default, as every file does, can write it.
func (c Config) Defaults() Config {
	d := Default(c.Name)
	if c.Beta2 == 0 || c.Eps == 0 && d.Eps != 0 {
		c.Beta1 = cmp.Or(c.Beta1, d.Beta1)
	}
	c.Name = d.Name
	c.LR, c.LossLR = cmp.Or(c.LR, d.LR, 1e-3), cmp.Or(c.LossLR, d.LossLR, 1)
	c.Beta2, c.Alpha, c.Eps = cmp.Or(c.Beta2, d.Beta2), cmp.Or(c.Alpha, d.Alpha), cmp.Or(c.Eps, d.Eps)
	return c
}

// Validate lists all that is wrong with the fields.
func (c Config) Validate() error {
	c = c.Defaults()
	f := faultsOf(c, configSchema, c.Name, Kinds())
	for _, g := range c.spared() {
		if _, err := path.Match(g.Names, ""); err != nil {
			f = append(f, field.Errorf("optim", "", "%s has %q, want the beginning of names, or a pattern such as *.bias", field.Name("NoDecay"), g.Names))
		}
	}
	if c.NoDecay != "" && c.WeightDecay == 0 {
		f = append(f, field.Errorf("optim", "", "%s needs a %s, such as 0.01", field.Name("NoDecay"), field.Name("WeightDecay")))
	}
	if c.Name == "sgd" && c.Nesterov && c.Momentum == 0 {
		f = append(f, field.Errorf("optim", "", "%s needs a %s, such as 0.9", field.Name("Nesterov"), field.Name("Momentum")))
	}
	return f.err()
}

var configSchema = settings.Of(reflect.TypeFor[Config](), nil)

// faultsOf lists the values of a struct that are out of range, and those that its kind does not read.
func faultsOf(v any, schema *settings.Schema, kind string, kinds []Kind) (f faults) {
	for _, wrong := range schema.Faults(v, "") {
		f = append(f, field.Errorf("optim", "", "%s is %s, want %s", field.Name(wrong.Field), wrong.Value, wrong.Want))
	}
	known := namesOf(kinds)
	for _, name := range known {
		if name != kind {
			continue
		}
		for _, unread := range schema.Unused(v, "") {
			f = append(f, field.Errorf("optim", "", "%s means nothing to %s %s", field.Name(unread), field.Name("Name"), kind))
		}
		return f
	}
	return append(f, field.Errorf("optim", "", "%s is %q%s, want one of %s", field.Name("Name"), kind, catalog.Hint(kind, known), strings.Join(known, ", ")))
}

// faults is all that is wrong with a configuration.
type faults []*field.Error

func (f faults) err() error {
	if len(f) == 0 {
		return nil
	}
	return f
}

func (f faults) Error() string {
	var all []string
	for _, e := range f {
		all = append(all, e.In(field.Plain))
	}
	return "optim: " + strings.Join(all, "; ")
}

// Unwrap lists the faults, for errors.As to look in.
func (f faults) Unwrap() []error {
	out := make([]error, len(f))
	for i, e := range f {
		out[i] = e
	}
	return out
}
