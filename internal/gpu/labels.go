package gpu

import (
	"fmt"

	"medusa/internal/spec"
)

func init() {
	register(func(b *builder, s spec.Labels) {
		b.launchLabels(flat(s.N), s.N, in(0), out, b.d.reportTo(), b.d.checkFor("label", fmt.Sprintf("a whole number between -%d and %[1]d; number the classes from 0 on", 1<<spec.LabelBits)))
	})
	register(func(b *builder, s spec.Places) {
		b.launchPlaces(flat(s.N), s.N, s.Cols, in(0), out, b.d.reportTo(), b.d.checkFor("column", fmt.Sprintf("one of 0 … %d, or -1 for none", s.Cols-1)))
	})
}
