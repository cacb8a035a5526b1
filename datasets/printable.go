package datasets

import "medusa/internal/plain"

// printable returns name fit for terminals, JSON and HTML.
func printable(name string) string { return plain.Text(name) }
