package graph

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"

	"medusa/internal/spec"
)

// sumsOfPowers is the sum of a formula's logarithms of sums over negative and over positive pairs.
func sumsOfPowers(labels, d Expr) Expr {
	pos, neg := PairMasks(labels)
	near := d.Scale(-2)
	return RowLogSumExp(neg, near, 0).Add(RowLogSumExp(pos, near.Scale(0.5), 1)).Sum()
}

// Steps make distances with the sums of their powers where nobody else reads them.
func TestPowered(t *testing.T) {
	for name, c := range map[string]struct {
		of   func(x, labels Expr) Expr
		want int
	}{
		"squares":  {func(x, labels Expr) Expr { return sumsOfPowers(labels, SquaredDistances(x)) }, 1},
		"products": {func(x, labels Expr) Expr { return sumsOfPowers(labels, DotProducts(x, x)) }, 1},
		"sums of positive distances beside": {func(x, labels Expr) Expr {
			pos, _ := PairMasks(labels)
			d := SquaredDistances(x)
			sum, _ := RowTerms(pos, d, math.Inf(-1), math.Inf(1))
			return sumsOfPowers(labels, d).Add(sum.Sum())
		}, 1},
		"positive pairs alone": {func(x, labels Expr) Expr {
			pos, _ := PairMasks(labels)
			return RowLogSumExp(pos, SquaredDistances(x), 0).Sum()
		}, 0},
		"roots":    {func(x, labels Expr) Expr { return sumsOfPowers(labels, Distances(x)) }, 0},
		"two sets": {func(x, labels Expr) Expr { return sumsOfPowers(labels, SquaredDistancesBetween(x, x.Scale(2))) }, 0},
		"distances that are kept": {func(x, labels Expr) Expr {
			d := SquaredDistances(x)
			_, err := Keep(d.n)
			require.NoError(t, err)
			return sumsOfPowers(labels, d)
		}, 0},
		"distances that others read": {func(x, labels Expr) Expr {
			d := SquaredDistances(x)
			return sumsOfPowers(labels, d).Add(d.Exp().Sum())
		}, 0},
		"powers of two factors": {func(x, labels Expr) Expr {
			_, neg := PairMasks(labels)
			d := SquaredDistances(x)
			return sumsOfPowers(labels, d).Add(RowLogSumExp(neg, d, 0).Sum())
		}, 0},
		"labels of two kinds": {func(x, labels Expr) Expr {
			d := SquaredDistances(x)
			_, neg := PairMasks(labels.Scale(2))
			return sumsOfPowers(labels, d).Add(RowLogSumExp(neg, d.Scale(-2), 0).Sum())
		}, 0},
		"no gradient": {func(x, labels Expr) Expr {
			return sumsOfPowers(labels, SquaredDistances(x.Detach())).Add(x.Sum())
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			steps, err := Steps(costGraph(t, 16, 8, c.of))
			require.NoError(t, err)
			powers, made := 0, map[*gorgonia.Node]bool{}
			for _, s := range Powered(steps) {
				if p, ok := s.Spec.(spec.PairPowers); ok {
					powers++
					require.Len(t, s.Further, len(p.Outputs()))
				}
				if g, ok := s.Spec.(spec.PairGrad); ok {
					require.Equal(t, c.want > 0, g.Powers)
				}
				for _, n := range s.In {
					require.True(t, made[n] || !slices.ContainsFunc(steps, func(s Step) bool { return s.Node == n }), "a step reads what no step before has made")
				}
				for _, n := range append(slices.Concat(s.Further...), s.Node) {
					made[n] = true
				}
			}
			require.Equal(t, c.want, powers)
		})
	}
}
