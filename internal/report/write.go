package report

import (
	"io"
)

// Limits of a report.
const (
	MaxBytes  = 6 << 20 // of the file
	MaxPoints = 5000    // on the map
)

// Write writes the report of d as one HTML page.
func Write(w io.Writer, d Data) error { panic("next") }

// WriteFile writes the report to path: to a temporary file beside it first, which is
// then renamed, so that path never holds half a report.
func WriteFile(path string, d Data) error { panic("next") }
