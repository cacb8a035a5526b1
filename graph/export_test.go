package graph

import (
	"gorgonia.org/gorgonia"

	"medusa/internal/device"
)

// Fusions are the names of the table's rows.
func Fusions() []string {
	names := make([]string, len(fusions))
	for i, row := range fusions {
		names[i] = row.name
	}
	return names
}

// FusionOf is the name of the row by which n's op was fused, "" if it was not.
func FusionOf(n *gorgonia.Node) string {
	o, ok := n.Op().(*op)
	if !ok || o.plain == nil {
		return ""
	}
	for _, row := range fusions {
		w, fits := row.fuse(o.plain, o.plain.inputs(Expr{n: n}))
		if fits && device.Describe(w.spec) == device.Describe(o.spec) {
			return row.name
		}
	}
	return "no row of the table"
}
