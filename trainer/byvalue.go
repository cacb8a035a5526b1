package trainer

import (
	"fmt"
	"strings"

	"github.com/pkg/errors"

	"medusa/internal/catalog"
	"medusa/losses"
	"medusa/optim"
	"medusa/samplers"
)

// What a program gives by value in place of a name stands in the stored configuration as a
// description, such as "Options.Loss = main.Circle{Gamma: 80}": no file can give it again. A
// loss of a registered kind stands there as the text that makes it.

// isValue reports whether the text of a configuration describes what an option gave.
func isValue(text, option string) bool {
	_, ok := catalog.GivenText(text, option)
	return ok
}

// given are the fields of c that may describe a value, by the option that gives it.
func (c *Config) given() []givenField {
	return []givenField{{"Loss", &c.Loss}, {"Backbone", &c.Net.Backbone}, {"Sampler", &c.Sampler.Name}, {"Schedule", &c.Schedule.Name}}
}

type givenField struct {
	option string
	text   *string
}

// has reports whether o gives something by value for the option of a givenField.
func (o Options) has(option string) bool {
	switch option {
	case "Loss":
		return o.Loss != nil
	case "Backbone":
		return o.Backbone != nil
	case "Schedule":
		return o.Schedule != nil
	}
	return o.Sampler != nil
}

// applyTo returns c with what o gives by value in place of names. A loss that text can make is stored
// as that text and made from it, so that each run has its own.
func (o *Options) applyTo(c Config) (Config, error) {
	if o.Loss != nil {
		text, err := losses.Text(o.Loss)
		switch {
		case err == nil:
			c.Loss, o.Loss = text, nil
		case errors.As(err, new(*catalog.UnnamedError)):
			c.Loss = catalog.Given("Loss", o.Loss)
		default:
			return c, errors.Wrap(err, "trainer: Options.Loss")
		}
	}
	if o.Backbone != nil {
		c.Net.Backbone = catalog.Given("Backbone", o.Backbone)
		c.Net = c.Net.With(o.Backbone)
	}
	if o.Sampler != nil {
		c.Sampler = samplers.Config{Name: catalog.Given("Sampler", o.Sampler)}
	}
	if o.Schedule != nil {
		c.Schedule = optim.ScheduleConfig{Name: catalog.Given("Schedule", o.Schedule)}
	}
	return c, nil
}

// reapplyTo returns the stored configuration c of a run that goes on. It checks that o gives by value
// what the run was begun with.
func (o *Options) reapplyTo(c Config) (Config, error) {
	begun, asked := c, *o // into forgets a loss that it makes a text of
	c, err := o.applyTo(c)
	if err != nil {
		return c, err
	}
	if !isValue(begun.Loss, "Loss") && c.Loss != begun.Loss { // one loss has many texts
		if l, err := losses.Parse(begun.Loss, anyClasses); err == nil {
			if text, err := losses.Text(l); err == nil && text == c.Loss {
				c.Loss = begun.Loss
			}
		}
	}
	var faults []string
	for i, was := range begun.given() {
		now := *c.given()[i].text
		switch {
		case isValue(*was.text, was.option) && !asked.has(was.option):
			faults = append(faults, fmt.Sprintf("it was begun with %s, which no file can hold: give it again", *was.text))
		case *was.text != now && isValue(now, was.option):
			faults = append(faults, fmt.Sprintf("it was begun with %s, and is to go on with %s: give the same again", describeText(was, *was.text), now))
		case *was.text != now:
			faults = append(faults, fmt.Sprintf("it was begun with %s, and is to go on with Options.%s, which is %s: give the same again", describeText(was, *was.text), was.option, now))
		}
	}
	if len(faults) > 0 {
		return c, errors.Errorf("trainer: the run in %s cannot go on:\n  %s", o.Dir, strings.Join(faults, "\n  "))
	}
	return c, nil
}

// describeText is how a message calls a text of the configuration.
func describeText(f givenField, text string) string {
	if isValue(text, f.option) {
		return text
	}
	if text == "" {
		return "the default " + strings.ToLower(f.option)
	}
	return fmt.Sprintf("the %s %s", strings.ToLower(f.option), text)
}

// validate is Validate of a configuration whose descriptions of values o fulfils.
func (c Config) validate(o Options) error {
	var f faults
	for _, g := range c.given() {
		switch described := isValue(*g.text, g.option); {
		case described && !o.has(g.option):
			f.add(true, "%s, which no file can give: only the program that has it", *g.text)
			fallthrough
		case described:
			*g.text = "" // and nothing of it is said twice
		}
	}
	if err := c.validateNamed(); err != nil && len(f) == 0 {
		return err
	}
	return f.err()
}

// values are what a run was given by value, in the words of its configuration.
func (t *Trainer) values() map[string]string {
	out := map[string]string{}
	for _, g := range t.cfg.given() {
		if text, ok := catalog.GivenText(*g.text, g.option); ok {
			out[g.option] = text
		}
	}
	if t.state.Rate != "" {
		out["Rate"] = t.state.Rate
	}
	return out
}

// lossOf is the loss that is given, or else that of the text.
func lossOf(given losses.Loss, text string, s losses.Setting) (losses.Loss, error) {
	if given != nil {
		return given, losses.Set(given, s)
	}
	return losses.Parse(text, s)
}

// checkSampler refuses a program's own sampler if its batch or its epoch has no size.
func checkSampler(s samplers.Sampler) error {
	if s.Batch() < 1 || s.BatchesPerEpoch() < 1 {
		return errors.Errorf("trainer: Options.Sampler makes batches of %d, %d in an epoch, want at least 1 of each", s.Batch(), s.BatchesPerEpoch())
	}
	return nil
}
