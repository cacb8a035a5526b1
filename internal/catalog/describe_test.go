package catalog_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/catalog"
)

type shape interface{ Area() float64 }

type square struct{ Side float64 }

func (s square) Area() float64 { return s.Side * s.Side }

type tile struct {
	Gamma  float64
	Shape  shape
	Names  []string
	Sizes  map[string]int
	Round  func(float64) float64
	hidden int
	state  []int
}

type speaking struct{ state int }

func (speaking) String() string { return "two" }

type ring struct {
	Gamma float64
	Next  *ring
}

func half(x float64) float64 { return x / 2 }

func TestDescribe(t *testing.T) {
	loop := &ring{Gamma: 1}
	loop.Next = loop
	for want, v := range map[string]any{
		`nil`:                          nil,
		`catalog_test.tile{}`:          tile{},
		`catalog_test.tile{Gamma: 80}`: tile{Gamma: 80},
		`catalog_test.tile{Shape: catalog_test.square{Side: 2}, Names: {"a", "b"}, Sizes: {"x": 1, "y": 2}, hidden: 3, state: {1, 2}}`: tile{
			Shape: square{2}, Names: []string{"a", "b"}, Sizes: map[string]int{"y": 2, "x": 1}, hidden: 3, state: []int{1, 2}},
		`&catalog_test.tile{Gamma: 80}`:                               &tile{Gamma: 80, hidden: 3, state: []int{4}}, // behind a pointer these may be its state
		`catalog_test.speaking(two)`:                                  speaking{3},
		`medusa/internal/catalog_test.half`:                           half,
		`catalog_test.tile{Round: medusa/internal/catalog_test.half}`: tile{Round: half},
	} {
		require.Equal(t, want, catalog.Describe(v))
	}
	require.Contains(t, catalog.Describe(loop), "&catalog_test.ring{Gamma: 1, Next: &catalog_test.ring{")
	a, b := strings.Repeat("x", 5000)+"a", strings.Repeat("x", 5000)+"b"
	require.NotEqual(t, catalog.Describe(a), catalog.Describe(b), "also where only the end differs")
	require.Less(t, len(catalog.Describe(a)), 3000)
}

func TestGiven(t *testing.T) {
	text := catalog.Given("Loss", tile{Gamma: 80})
	require.Equal(t, "Options.Loss = catalog_test.tile{Gamma: 80}", text)
	require.True(t, catalog.IsGiven(text))
	described, ok := catalog.GivenText(text, "Loss")
	require.True(t, ok)
	require.Equal(t, "catalog_test.tile{Gamma: 80}", described)
	_, ok = catalog.GivenText(text, "Backbone")
	require.False(t, ok)
	for _, other := range []string{"", "ce", "Options.", "Options.Loss", "options.Loss = x", "Options.a(b=1) = x", "ce(scale = 2)"} {
		require.False(t, catalog.IsGiven(other), other)
	}
}
