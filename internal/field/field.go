// Package field makes errors about fields of a configuration that can be told in other
// words: a Go program set Solver.LR, a person typed -lr, and each should read the name that
// they know.
package field

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pkg/errors"
)

// Name stands for a field among the arguments of Errorf, by its path below the owner, such
// as LR or Solver.LR.
type Name string

// Setting stands for a field that should have a value, as advice says it; for the field alone
// where the value is empty.
type Setting struct{ Field, Value string }

// Naming says how the reader of a message knows a field, given its path, such as Solver.LR.
// value is what it should be, or empty where the field itself is meant.
type Naming = func(field, value string) string

// Plain names fields as Go does.
func Plain(field, value string) string {
	if value == "" {
		return field
	}
	return field + ": " + value
}

// Names stand for fields that are told together, as a list. Those that the reader knows by
// one name, such as a flag that sets two of them, are told once.
type Names []Name

// Error is an error about fields.
type Error struct {
	pkg    string // that says so
	owner  string // path that leads to the fields; may be empty
	format string
	args   []any
}

// Errorf is an error of the package pkg about fields below owner. Each Name among args is
// told as that field, Names as a list of them, and an error without the name of its package.
func Errorf(pkg, owner, format string, args ...any) *Error {
	return &Error{pkg: pkg, owner: owner, format: format, args: args}
}

// Error is the message in the words of Go.
func (e *Error) Error() string {
	text := e.In(Plain)
	if e.pkg == "" {
		return text
	}
	return e.pkg + ": " + text
}

// In is the message, without the package, in which name says how each field is called.
func (e *Error) In(name Naming) string {
	args := slices.Clone(e.args)
	for i, a := range args {
		switch a := a.(type) {
		case Name:
			args[i] = name(e.path(a), "")
		case Setting:
			args[i] = name(e.path(Name(a.Field)), a.Value)
		case Names:
			args[i] = e.list(a, name)
		case error:
			args[i] = Told(a, name)
		}
	}
	return fmt.Sprintf(e.format, args...)
}

// Unwrap is the error among the arguments, if there is one.
func (e *Error) Unwrap() error {
	for _, a := range e.args {
		if err, ok := a.(error); ok {
			return err
		}
	}
	return nil
}

// Fields lists the fields that the message names, each once.
func (e *Error) Fields() []string {
	var out []string
	for _, a := range e.args {
		names, _ := a.(Names)
		switch a := a.(type) {
		case Name:
			names = Names{a}
		case Setting:
			names = Names{Name(a.Field)}
		}
		for _, n := range names {
			if !slices.Contains(out, e.path(n)) {
				out = append(out, e.path(n))
			}
		}
	}
	return out
}

// list writes names with commas and an and between, each once.
func (e *Error) list(names Names, name Naming) string {
	var all []string
	for _, n := range names {
		if told := name(e.path(n), ""); !slices.Contains(all, told) {
			all = append(all, told)
		}
	}
	if last := len(all) - 1; last > 0 {
		return strings.Join(all[:last], ", ") + " and " + all[last]
	}
	return strings.Join(all, "")
}

func (e *Error) path(n Name) string {
	if e.owner == "" {
		return string(n)
	}
	return e.owner + "." + string(n)
}

// Under makes the error about fields that err is, or holds, one of the package pkg about
// fields below owner: the caller's own configuration, of which err knows a part. It returns
// err.
func Under(err error, pkg, owner string) error {
	var e *Error
	if errors.As(err, &e) {
		e.pkg, e.owner = pkg, owner
	}
	return err
}

// UnderAll is Under for every error about fields along the chain, also where one quotes another.
func UnderAll(err error, pkg, owner string) error {
	var e *Error
	if errors.As(err, &e) {
		e.pkg, e.owner = pkg, owner
		UnderAll(e.Unwrap(), pkg, owner)
	}
	return err
}

// packages are those whose names stand before messages.
var packages = []string{"trainer", "datasets", "losses", "nets", "samplers", "metrics", "graph", "gpu", "cuda", "cpu", "loops", "spec", "device", "report", "safetensors", "miners", "pairs", "optim", "model", "machine", "embeddings", "index", "push", "serve"}

// Bare is a message without the name of the package that says so.
func Bare(message string) string {
	for {
		pkg, rest, ok := strings.Cut(message, ":")
		if !ok || !slices.Contains(packages, pkg) || rest != "" && rest[0] != ' ' {
			return message
		}
		message = strings.TrimPrefix(rest, " ")
	}
}

// Told is err as a person reads it who knows the fields by the names of name: without names
// of packages, wherever in the chain they stand.
func Told(err error, name Naming) string {
	if e, ok := err.(interface{ In(Naming) string }); ok {
		return e.In(name)
	}
	full := err.Error()
	if e, ok := err.(interface{ Unwrap() []error }); ok {
		for _, part := range e.Unwrap() {
			full = strings.Replace(full, part.Error(), Told(part, name), 1)
		}
		return Bare(full)
	}
	cause := errors.Unwrap(err)
	if cause == nil {
		return Bare(full)
	}
	inner := cause.Error()
	if head, ok := strings.CutSuffix(full, inner); ok {
		return Bare(head) + Told(cause, name)
	}
	return Bare(strings.Replace(full, inner, Told(cause, name), 1))
}
