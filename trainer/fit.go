package trainer

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/pkg/errors"

	"medusa/datasets"
	"medusa/internal/field"
	"medusa/internal/wording"
	"medusa/samplers"
)

// Fitted is a setting that nobody gave and that was chosen to suit the data.
type Fitted struct {
	Field  string // of Config, such as Sampler.P
	Value  string
	Reason string // in words, where the value is not the usual one; else empty
}

// Fit fills in the settings of c that are not given and depend on the data: Sampler.P,
// Sampler.K, Sampler.Batch and Data.Val, and for vectors Net.Backbone and Net.Hidden. It returns them beside c, and an error where what
// is given cannot be met. New does the same; a program calls Fit to show what a run will
// do before there is one.
func (c Config) Fit(d Data, names Naming) (Config, []Fitted, error) {
	train := itemsOf(d.Train)
	if train == nil || train.Len() == 0 {
		return c, nil, errNothingToLearn
	}
	if err := c.needsPictures(d.items()); err != nil {
		return c, nil, err
	}
	c, fitted, err := c.fitNet(train)
	if err == nil {
		err = field.Under(c.Net.Validate(), "trainer", "Net")
	}
	if err != nil {
		return c, nil, err
	}
	given := c.Sampler
	labels := train.Labels()
	c.Sampler = given.FitTo(sampled(train, c.Seed))
	if err := (Config{Data: c.Data, Sampler: given}).checkSizes(c.Sampler, d, names); err != nil {
		return c, nil, err
	}
	plan := samplers.NewPlan(labels, c.Sampler.K, c.Sampler.Repeat)
	for _, f := range []struct {
		field      string
		given, now int
		reason     string
	}{
		{"Sampler.P", given.P, c.Sampler.P, reasonP(c.Sampler.P, plan)},
		{"Sampler.K", given.K, c.Sampler.K, reasonK(c.Sampler, labels)},
		{"Sampler.Batch", given.Batch, c.Sampler.Batch, reasonBatch(c.Sampler.Batch, len(labels))},
	} {
		if c.Sampler.Name == "hierarchical" && f.reason != "" {
			f.reason = "for super-classes that have as many"
		}
		if f.given == 0 && f.now != 0 {
			fitted = append(fitted, Fitted{f.field, strconv.Itoa(f.now), f.reason})
		}
	}
	for _, f := range d.Fitted {
		if f.Field == "Data.Val" && c.Data.Val == "" {
			c.Data.Val = f.Value
			fitted = append(fitted, f)
		}
	}
	return c, fitted, nil
}

var errNothingToLearn = errors.New("trainer: there are no pictures to learn from")

func reasonP(p int, plan samplers.Plan) string {
	switch {
	case p < samplers.DefaultP:
		return fmt.Sprintf("%d classes to learn", plan.UsableClasses)
	case p > samplers.DefaultP:
		return fmt.Sprintf("for batches of about %d pictures", samplers.DefaultBatch)
	}
	return ""
}

func reasonK(c samplers.Config, labels []int) string {
	switch {
	case c.K == samplers.DefaultK:
		return ""
	case c.K > samplers.DefaultK && c.P*(c.K+1) > samplers.DefaultBatch:
		return fmt.Sprintf("for batches of about %d pictures", samplers.DefaultBatch)
	}
	more := samplers.NewPlan(labels, c.K+1, false)
	have := "have"
	if len(more.LeftOut) == 1 {
		have = "has"
	}
	return fmt.Sprintf("%d of %s %s fewer than %s", len(more.LeftOut), wording.Number(more.Classes, "classes"), have, wording.Number(c.K+1, "pictures"))
}

func reasonBatch(batch, pictures int) string {
	if batch < samplers.DefaultBatch {
		return fmt.Sprintf("%d pictures to learn", pictures)
	}
	return ""
}

// checkSizes returns an error that says which of the sizes of a P×K batch in c the classes cannot meet. now
// is c.Sampler with everything filled in.
func (c Config) checkSizes(now samplers.Config, d Data, names Naming) error {
	if now.P < 1 || now.K < 1 || now.Name == "views" || now.Name == "hierarchical" {
		return nil // not P×K of classes, or refused elsewhere
	}
	labels := d.Train.Labels()
	plan := samplers.NewPlan(labels, now.K, now.Repeat)
	if plan.UsableClasses >= now.P {
		return nil
	}
	given := c.Sampler
	if alone := samplers.NewPlan(labels, 2, now.Repeat); alone.UsableClasses < 2 && given.K != 1 {
		return c.checkClasses(alone, d, names)
	}
	sizes := func(p, k int) string { // those that were given
		var all []string
		if given.P > 0 {
			all = append(all, names.of("Sampler.P", numberOrNone(p)))
		}
		if given.K > 0 {
			all = append(all, names.of("Sampler.K", numberOrNone(k)))
		}
		return strings.Join(all, " and ")
	}
	var ways []string
	if given.P > 0 && plan.UsableClasses >= 2 {
		ways = append(ways, names.of("Sampler.P", numberOrNone(plan.UsableClasses)))
	}
	if k := largestK(labels, now.P); given.K > k && k >= 2 {
		ways = append(ways, names.of("Sampler.K", numberOrNone(k)))
	}
	if given.K > 0 && plan.Classes >= now.P && !now.Repeat {
		ways = append(ways, names.of("Sampler.Repeat", "true")+", with which small classes repeat their pictures")
	}
	ways = append(ways, "leave out "+sizes(0, 0)+", to have sizes that suit the classes")
	have := fmt.Sprintf("of the %d classes to learn %d have so many", plan.Classes, plan.UsableClasses)
	if len(plan.LeftOut) == 0 {
		have = fmt.Sprintf("there are %d classes to learn", plan.Classes)
	}
	return errors.Errorf("trainer: %s: batches of %d classes with %d pictures each cannot be drawn, %s: want %s",
		sizes(now.P, now.K), now.P, now.K, have, strings.Join(ways, ", or "))
}

// numberOrNone is n in a message; none for 0.
func numberOrNone(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// largestK is the largest number of pictures that p classes have each.
func largestK(labels []int, p int) int {
	k := 0
	for samplers.NewPlan(labels, k+1, false).UsableClasses >= p {
		k++
	}
	return k
}

// checkClasses returns an error if there are not two classes to compare. plan is the one for two pictures of
// each class.
func (c Config) checkClasses(plan samplers.Plan, d Data, names Naming) error {
	var ways []string
	for _, part := range []struct {
		field, from string
		set         datasets.Set
	}{{"Data.Val", c.Data.Val, d.Val}, {"Data.Test", c.Data.Test, d.Test}} {
		if _, isCut := datasets.Share(part.from); isCut && itemsOf(part.set) != nil && datasets.PairClasses(part.set)+plan.UsableClasses >= 2 {
			ways = append(ways, "set none of them aside ("+names.of(part.field, "none")+")")
		}
	}
	if c.Data.TrainClasses != "" {
		ways = append(ways, "learn more classes ("+names.of("Data.TrainClasses", "")+")")
	}
	if plan.Classes >= 2 {
		ways = append(ways, "let a picture be its own partner ("+names.of("Sampler.Repeat", "true")+"), which teaches something with augmentation only")
	}
	ways = append(ways, "add classes of two pictures or more")
	return errors.Errorf("trainer: %d of %d classes to learn have two pictures or more, want at least 2, since pictures of one class and of two are compared: %s",
		plan.UsableClasses, plan.Classes, strings.Join(ways, ", or "))
}

// firstSizes fills in the sizes of a batch that the first edition used, 16 classes of 4 pictures: its
// runs did not store them.
func firstSizes(c samplers.Config) samplers.Config {
	if c.Batch == 0 && (c.Name == "" || strings.HasPrefix(c.Name, "pk")) {
		c.P, c.K = cmp.Or(c.P, samplers.DefaultP), cmp.Or(c.K, samplers.DefaultK)
	}
	return c
}
