package cli

import (
	"slices"
	"strings"

	"github.com/pkg/errors"

	"medusa/internal/catalog"
	"medusa/internal/field"
	"medusa/internal/settings"
	"medusa/losses"
	"medusa/miners"
	"medusa/nets"
	"medusa/optim"
	"medusa/pairs"
	"medusa/samplers"
	"medusa/trainer"
)

// list is what -list prints of a family of names.
type list struct {
	name  string
	field string // whose flag takes one of the names; empty if it stands within those of others
	noun  string // of a family in a catalog: "a loss"
	names func() []string
	page  func(width int) string
}

var lists = []list{
	{"losses", "Loss", "a loss", losses.Names, losses.List},
	{"miners", "", "a miner", miners.Names, miners.List},
	{"distances", "", "a distance", pairs.MetricNames, pairs.MetricList},
	{"reducers", "", "a reducer", pairs.ReducerNames, pairs.ReducerList},
	{"regularizers", "", "a regularizer", losses.RegularizerNames, losses.RegularizerList},
	{"samplers", "Sampler.Name", "", samplers.Names, func(width int) string { return namedPage("Sampler", samplers.Names(), samplers.Doc, width) }},
	{"backbones", "Net.Backbone", "", nets.Names, func(width int) string { return namedPage("Net", nets.Names(), nets.Doc, width) }},
	{"solvers", "Solver.Name", "", func() []string { return kindNamesOf(optim.Kinds()) }, func(width int) string { return kindPage("Solver", optim.Kinds(), width) }},
	{"schedules", "Schedule.Name", "", func() []string { return kindNamesOf(optim.ScheduleKinds()) }, func(width int) string { return kindPage("Schedule", optim.ScheduleKinds(), width) }},
}

// listNames are what -list takes.
func listNames() (names []string) {
	for _, l := range lists {
		names = append(names, l.name)
	}
	return names
}

func namedPage(section string, names []string, doc func(string) string, width int) string {
	var kinds []settings.Kind
	for _, name := range names {
		kinds = append(kinds, settings.Kind{Name: name, Doc: doc(name)})
	}
	return schema.List(section, kinds, prototype(), width)
}

func kindNamesOf(all []optim.Kind) (names []string) {
	for _, k := range all {
		names = append(names, k.Name)
	}
	return names
}

func kindPage(section string, all []optim.Kind, width int) string {
	var kinds []settings.Kind
	for _, k := range all {
		kinds = append(kinds, settings.Kind{Name: k.Name, Doc: k.Doc})
	}
	return schema.List(section, kinds, prototype(), width)
}

// askedFor is the list that the command line asks for: by -list, or by help in place of a name, as
// in -loss help. It is nil if it asks for none.
func (f *flags) askedFor() (*list, error) {
	if f.given()["list"] {
		i := slices.Index(listNames(), f.options.List)
		if i < 0 {
			return nil, wrong("%s is %q%s, want one of %s", field.Name("-list"), f.options.List, catalog.Hint(f.options.List, listNames()), strings.Join(listNames(), ", "))
		}
		return &lists[i], nil
	}
	for i, l := range lists {
		o := schema.Field(l.field)
		if o == nil || !f.given()[o.Flag] || strings.TrimSpace(o.Text(f.options)) != "help" {
			continue
		}
		if !strings.Contains("\n"+l.page(widestHelp), "\nhelp\n") { // else it is a name
			return &lists[i], nil
		}
	}
	return nil, nil
}

// listHint says how to list the names to choose from, if err is about a name that does not exist. For
// other errors it is empty.
func (f *flags) listHint(err error) string {
	unknown, about := new(catalog.Error), trainer.FieldError(nil)
	isUnknown, isAbout := errors.As(err, &unknown) && unknown.Noun != "", errors.As(err, &about)
	for _, l := range lists {
		if isUnknown && l.noun == unknown.Noun || isAbout && l.noun == "" && slices.Contains(about.Fields(), l.field) {
			return "; this lists what there is:\n  " + f.call.toType("-list", l.name)
		}
	}
	return ""
}
