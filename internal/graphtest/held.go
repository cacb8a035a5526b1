package graphtest

import (
	"slices"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"
)

// Held are the ops of a machine of package graph whose results, of shape (b, m), it holds in
// memory, but for the distances themselves and what is made of the inputs by Gorgonia alone.
func Held(t testing.TB, vm gorgonia.VM, b, m int) []string {
	t.Helper()
	machine, ok := vm.(interface{ Nodes() gorgonia.Nodes })
	if !ok {
		t.Fatalf("a machine of type %T does not tell what it computes", vm)
	}
	var held []string
	for _, n := range machine.Nodes() {
		if n.Op() == nil || !slices.Equal(n.Shape(), []int{b, m}) || n.Op().Arity() == 0 {
			continue
		}
		if op := n.Op().String(); !strings.HasPrefix(op, "spec.Distance{") {
			held = append(held, op)
		}
	}
	return held
}

// OnlyDistances checks that a machine of package graph holds no mask of pairs and nothing else of
// shape (b, m) in memory but distances: that every formula over pairs was taken row by row. Take
// a b and m that no other value's sides are.
func OnlyDistances(t testing.TB, vm gorgonia.VM, b, m int) {
	t.Helper()
	if held := Held(t, vm, b, m); len(held) > 0 {
		t.Errorf("of shape (%d, %d) there is more in memory than distances:\n%s", b, m, strings.Join(held, "\n"))
	}
}
