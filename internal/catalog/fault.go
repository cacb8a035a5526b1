package catalog

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/pkg/errors"
)

// position is where something stands: the character of a text of one line, or the line of a
// file. The zero value is nowhere.
type position struct {
	line   int // of a file, from 1
	column int // of a text, in characters from 1
}

// Error is what is wrong with a text.
type Error struct {
	Package string   // whose registry says so
	Path    []string // leads to the fault, such as triplet, miner, angle
	Message string
	Line    int // of the file, from 1; 0 if the text came from none
	Column  int // of the text, in characters from 1; 0 if it came from a file

	// Noun is what there is no kind of under the name given, or whose kind has no parameter of that
	// name, such as "a loss"; empty for other errors.
	Noun string

	going bool // Message is a sentence about the last of Path
}

// Text is the message with the path before it.
func (e *Error) Text() string {
	path := strings.Join(e.Path, ": ")
	switch {
	case path == "":
		return e.Message
	case e.going:
		return path + " " + e.Message
	}
	return path + ": " + e.Message
}

// Error is Text with the place behind it.
func (e *Error) Error() string {
	text := e.Text()
	if e.Package != "" {
		text = e.Package + ": " + text
	}
	switch {
	case e.Line > 0:
		return fmt.Sprintf("%s (line %d)", text, e.Line)
	case e.Column > 1: // the first character needs no pointing at
		return fmt.Sprintf("%s (column %d)", text, e.Column)
	}
	return text
}

// fail is an error at a place. It is told in the words of format.
func fail(at position, format string, args ...any) error {
	return &Error{Message: fmt.Sprintf(format, args...), Line: at.line, Column: at.column}
}

// sentence makes err, which fail made, a sentence about what leads to it: "triplet has no …".
func sentence(err error) error {
	if e := new(Error); errors.As(err, &e) {
		e.going = true
	}
	return err
}

// under adds the names that lead to where err was found.
func under(err error, names ...string) error {
	if e := new(Error); errors.As(err, &e) {
		e.Path = append(append([]string(nil), names...), e.Path...)
	}
	return err
}

// of adds the name of the package that says so.
func (r *registry) of(err error) error {
	if e := new(Error); errors.As(err, &e) {
		e.Package = r.pkg
		return e
	}
	return errors.Wrap(err, r.pkg)
}

// quote is a text of any length and content as a message shows it.
func quote(s string) string {
	const most = 60
	if utf8.RuneCountInString(s) > most {
		s = string([]rune(s)[:most]) + "…"
	}
	return fmt.Sprintf("%q", s)
}
