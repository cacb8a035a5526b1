package losses_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/golden"
	"medusa/losses"
	"medusa/losses/losstest"
	"medusa/miners"
)

func init() {
	mappers["ManifoldLoss"] = func(r *goldenRecord) losses.Loss {
		l := losses.Default[*losses.Manifold]()
		l.Proxies, l.Context = int(r.number("K", 50)), r.number("lambdaC", 1)
		l.Alpha, l.Margin = r.number("alpha", 0.8), r.number("margin", 5e-4)
		l.Classes = l.Proxies // each class has its own
		var proxies [][]float64
		r.field("proxies", &proxies)
		w := l.Params().Weight(gorgonia.NewGraph(), "proxies", r.dt, func(_ *rand.Rand, _ tensor.Shape, dst []float64) {
			copy(dst, slices.Concat(proxies...))
		}, len(proxies), len(proxies[0]))
		if err := w.Err(); err != nil {
			r.err = err
		}
		return l
	}
	specials["manifold"] = func(t *testing.T, r *golden.Record) bool {
		for _, p := range precisions {
			g := &goldenRecord{Record: r, left: cloned(r.Params), dt: p.dt, read: []string{"kind", "case", "loss", "params", "value", "grad",
				"weights_name", "weights_shape", "grad_weights", "fd_max_abs_err", "sub_losses"}}
			loss := mappers["ManifoldLoss"](g)
			var proxyOf []int
			g.field("meta_classes", &proxyOf)
			require.NoError(t, g.err)
			require.Empty(t, g.left)
			require.NoError(t, r.Only(g.read...))
			in := r.Input
			v, err := losses.Evaluate(loss, in.Embeddings.Data, proxyOf, p.dt)
			require.NoError(t, err)
			require.NoError(t, golden.Near(v.Loss, float64(r.Value), p.tol), "value in %v", p.dt)
			require.NoError(t, r.Grad.Check(v.Gradient, in.Embeddings.Rows, in.Embeddings.Cols, p.tol), "in %v", p.dt)
			k := loss.(*losses.Manifold).Proxies
			require.NoError(t, r.Weights.Check(v.Params["proxies"], k, in.Embeddings.Cols, p.tol), "gradient to the proxies in %v", p.dt)
		}
		return true
	}
}

func manifold(classes int, set func(l *losses.Manifold)) *losses.Manifold {
	l := losses.Default[*losses.Manifold]()
	l.Classes, l.Proxies = classes, 3
	set(l)
	return l
}

func ExampleManifold() {
	l := losses.Default[*losses.Manifold]()
	l.Classes, l.Proxies, l.Seed = 2, 2, 1
	show(l)
	// Output: 0.369
}

// Classes that are more than proxies are dealt out to them, about as many to each, by the seed.
func TestManifoldSharesProxies(t *testing.T) {
	deal := func(classes int, seed uint64) []float64 {
		l := manifold(classes, func(l *losses.Manifold) { l.Seed = seed })
		x, y := randomBatch(1, 6, 2, 2)
		value(t, l, x, y)
		v, err := graph.Numbers(l.Params().Lookup("proxy-of-class").Value)
		require.NoError(t, err)
		return v
	}
	require.Equal(t, []float64{0, 1, 2}, deal(3, 5))
	require.Equal(t, []float64{0, 1}, deal(2, 5))
	one, other := deal(8, 1), deal(8, 2)
	require.NotEqual(t, one, other)
	require.Equal(t, one, deal(8, 1))
	slices.Sort(one)
	require.Equal(t, []float64{0, 0, 0, 1, 1, 1, 2, 2}, one)
}

// Without a number each class has a proxy of its own, until they are too many.
func TestManifoldProxyOfEachClass(t *testing.T) {
	for classes, want := range map[int]int{2: 2, 5: 5, 1000: 1000, 1001: 1000} {
		l := manifold(classes, func(l *losses.Manifold) { l.Proxies = 0 })
		x, y := randomBatch(1, 4, 2, 2)
		value(t, l, x, y)
		require.Equal(t, want, l.Params().Lookup("proxies").Value.Shape()[0], "%d classes", classes)
		of, err := graph.Numbers(l.Params().Lookup("proxy-of-class").Value)
		require.NoError(t, err)
		slices.Sort(of)
		require.Len(t, slices.Compact(of), want)
	}
}

// The inverse is that of any step of the walk.
func TestManifoldAlpha(t *testing.T) {
	x, y := randomBatch(3, 9, 4, 3)
	for _, alpha := range []float64{1e-3, 0.5, 0.999} {
		l := manifold(3, func(l *losses.Manifold) { l.Alpha = alpha })
		long, err := losses.Evaluate(l, x, y, tensor.Float64)
		require.NoError(t, err)
		require.NoError(t, l.Params().Convert(tensor.Float32))
		short, err := losses.Evaluate(l, x, y, tensor.Float32)
		require.NoError(t, err)
		require.InDelta(t, long.Loss, short.Loss, 1e-4, "%g", alpha)
	}
}

func TestManifoldProperties(t *testing.T) {
	properties(t, map[string]*losses.Manifold{
		"default":    manifold(losstest.Classes, func(l *losses.Manifold) { l.Margin, l.Proxies = 0.5, 0 }),
		"shared":     manifold(losstest.Classes, func(l *losses.Manifold) { l.Margin = 0.5 }),
		"context":    manifold(losstest.Classes, func(l *losses.Manifold) { l.Margin, l.Context, l.Alpha = 0.3, 5, 0.4 }),
		"no context": manifold(losstest.Classes, func(l *losses.Manifold) { l.Margin, l.Context, l.Proxies = 0.5, 0, 20 }),
	}, losstest.ByClass("each class has a proxy"), losstest.NoReference("it compares with its own proxies"))
}

func TestManifoldRefuses(t *testing.T) {
	refuses(t, map[string]losses.Loss{
		"proxies of 0 classes":                         manifold(0, func(*losses.Manifold) {}),
		"losses: manifold: proxies: 1 is out of range": manifold(3, func(l *losses.Manifold) { l.Proxies = 1 }),
		"losses: manifold: alpha: 1 is out of range":   manifold(3, func(l *losses.Manifold) { l.Alpha = 1 }),
		"losses: manifold: context: +Inf is out of":    manifold(3, func(l *losses.Manifold) { l.Context = math.Inf(1) }),
		"want a whole number from 0 to 1":              manifold(2, func(*losses.Manifold) {}), // of the labels 0, 1, 2
		"leave the miner out":                          losses.Mined{Miner: miners.BatchHard{}, Of: manifold(3, func(*losses.Manifold) {})},
		"the loss is a nil *losses.Manifold":           (*losses.Manifold)(nil),
	})
	_, err := losses.Parse("manifold", losses.Setting{Classes: 1, EmbeddingSize: 2})
	require.ErrorContains(t, err, "losses: manifold: proxies of 1 classes")
}
