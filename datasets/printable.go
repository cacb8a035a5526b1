package datasets

import "medusa/internal/plain"

// printable returns name fit for terminals, JSON and HTML.
func printable(name string) string { return plain.Text(name) }

// show returns where a file of a source is, for messages and reports.
func show(s source, name string) string { return printable(s.full(name)) }
