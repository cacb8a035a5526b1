package graph

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

func names(p *Params) (out []string) {
	for _, item := range p.All() {
		out = append(out, item.Name)
	}
	return out
}

func TestParamsJoin(t *testing.T) {
	all, a, b := NewParams(1), NewParams(2), NewParams(3)
	g := gorgonia.NewGraph()
	require.NoError(t, all.Weight(g, "own", tensor.Float32, Fill(1), 2).Err())
	require.NoError(t, a.Weight(gorgonia.NewGraph(), "w", tensor.Float32, Fill(2), 2).Err())
	require.NoError(t, all.Join("a.", a))
	require.NoError(t, all.Join("b.", b))
	// Equal names, types and shapes in one graph must not become one node.
	wa, wb := a.Weight(g, "w", tensor.Float32, Fill(0), 2), b.Weight(g, "w", tensor.Float32, Fill(3), 2)
	require.NotSame(t, wa.n, wb.n)
	require.NoError(t, wa.Add(wb).Err())
	require.Equal(t, []string{"own", "a.w", "b.w"}, names(all))
	require.Same(t, a.Lookup("w"), all.Lookup("a.w"))
	require.Equal(t, float32(3), all.Lookup("b.w").Value.Float32s()[0])
	require.Nil(t, all.Lookup("w"))
	items, nodes := all.Learned(g)
	require.Len(t, items, 3)
	require.Equal(t, "b.w", nodes[2].Name())

	require.Error(t, all.Join("c.", a), "joined already")
	require.Error(t, all.Join("a.", NewParams(0)), "prefix taken")
	require.Error(t, all.Join("", NewParams(0)))
	require.Error(t, all.Join("c.", all))
	require.Error(t, all.Join("c.", nil))
}

// A tensor is filled from the seed and the name that its own set has for it, so that the prefix
// under which a set stands changes no first value.
func TestParamsAreFilledWhereverTheyStand(t *testing.T) {
	noise := func(rng *rand.Rand, _ tensor.Shape, dst []float64) {
		for i := range dst {
			dst[i] = rng.NormFloat64()
		}
	}
	values := func(p *Params) []float32 {
		require.NoError(t, p.Weight(gorgonia.NewGraph(), "fc.weight", tensor.Float32, noise, 5).Err())
		return p.Lookup("fc.weight").Value.Float32s()
	}
	whole := NewParams(7)
	want := values(NewParams(7))
	require.Equal(t, want, values(whole.Sub("embedding.")))
	require.Equal(t, want, values(whole.Sub("backbone.").Sub("layer1.")))
	require.Equal(t, []string{"embedding.fc.weight", "backbone.layer1.fc.weight"}, names(whole))
	require.Same(t, whole.Sub("backbone.layer1."), whole.Sub("backbone.").Sub("layer1."))
	require.Same(t, whole, whole.Sub(""))
	require.Equal(t, []*Param{whole.All()[1]}, whole.Under("backbone."))
	require.Equal(t, "fc.weight", whole.Sub("embedding.").Tensors()[0].Name)
}

// Sets may be joined in any order, one within the other, and stay joined under one prefix.
func TestParamsJoinWithin(t *testing.T) {
	inner, middle, outer := NewParams(1), NewParams(2), NewParams(3)
	require.NoError(t, inner.Weight(gorgonia.NewGraph(), "w", tensor.Float32, Fill(1), 1).Err())
	require.NoError(t, middle.Join("0.", inner))
	require.NoError(t, outer.Join("loss.", middle))
	require.NoError(t, inner.Weight(gorgonia.NewGraph(), "late", tensor.Float32, Fill(1), 1).Err())
	require.Equal(t, []string{"loss.0.w", "loss.0.late"}, names(outer))
	require.Same(t, inner.Lookup("w"), outer.Lookup("loss.0.w"))
	require.Same(t, inner.Lookup("w"), middle.Lookup("0.w"))
	require.NoError(t, NewParams(4).Join("loss.", middle), "another set of everything, the same names")
	require.ErrorContains(t, NewParams(4).Join("other.", middle), "joined already")
	require.ErrorContains(t, inner.Join("x.", outer), "hold it")
}

// A tensor is one, whether the whole asks for it or the part.
func TestParamsOfPartsByWholeNames(t *testing.T) {
	p, g := NewParams(1), gorgonia.NewGraph()
	b := p.Sub("a.").Sub("b.")
	w := b.Weight(g, "w", tensor.Float32, Fill(1), 2)
	require.Same(t, w.n, p.Weight(g, "a.b.w", tensor.Float32, nil, 2).n)
	require.Same(t, b.Random(g, "r", tensor.Float32), p.Random(g, "a.b.r", tensor.Float32))
	require.NoError(t, p.Weight(g, "a.late", tensor.Float32, Fill(1), 2).Err())
	require.Equal(t, []string{"a.late", "a.b.w", "a.b.r"}, names(p))
	require.NoError(t, p.Weight(g, "c.w", tensor.Float32, Fill(1), 2).Err())
	require.ErrorContains(t, p.Join("c.", NewParams(2)), "the set has c.w itself")
}

// No name is of two parts.
func TestParamsJoinRefusesOverlap(t *testing.T) {
	p := NewParams(1)
	require.NoError(t, p.Join("x.b.", NewParams(2)))
	for _, prefix := range []string{"x.", "x.b.", "x.b.c."} {
		require.ErrorContains(t, p.Join(prefix, NewParams(3)), `the part "x.b." begin so too`)
	}
	require.ErrorContains(t, p.Join("", NewParams(3)), "the prefix is empty")
	require.NoError(t, p.Join("x.c.", NewParams(3)))
}

func TestParamsScaleLR(t *testing.T) {
	p, loss := NewParams(1), NewParams(2)
	require.NoError(t, p.ScaleLR("backbone.", 0))
	require.NoError(t, p.ScaleLR("backbone.layer4.", 0.5))
	require.NoError(t, p.ScaleLR("loss.memory.", 3))
	g := gorgonia.NewGraph()
	b := p.Sub("backbone.")
	require.True(t, b.Frozen("conv1.weight"), "already")
	require.True(t, p.Frozen("backbone.conv1.weight"))
	conv := b.Weight(g, "conv1.weight", tensor.Float32, Fill(1), 1)
	fourth := b.Weight(g, "layer4.weight", tensor.Float32, Fill(1), 1)
	require.True(t, conv.IsData(), "no gradient is made for it")
	require.False(t, fourth.IsData())
	require.NoError(t, p.Join("loss.", loss))
	require.NoError(t, loss.Weight(g, "memory.w", tensor.Float32, Fill(1), 1).Err())
	loss.Lookup("memory.w").LRScale = 2
	require.NoError(t, loss.Weight(g, "w", tensor.Float32, Fill(1), 1).Err())
	rates := func() (out []float64) {
		for _, item := range p.All() {
			out = append(out, item.Rate())
		}
		return out
	}
	require.Equal(t, []float64{0, 0.5, 6, 1}, rates())
	items, nodes := p.Learned(g)
	require.Len(t, nodes, 3)
	require.Equal(t, "backbone.layer4.weight", items[0].Name)
	require.NoError(t, p.ScaleLR("", 1))
	require.Equal(t, []float64{1, 1, 2, 1}, rates(), "the last call counts")
	require.ErrorContains(t, p.ScaleLR("loss.", -1), "want a number of at least 0")
	require.ErrorContains(t, p.ScaleLR("loss.", math.NaN()), "want a number of at least 0")
}

// A loss says how fast its weights learn before they are there, also as a part of a larger set;
// the scales of others come on top.
func TestParamsLearnAt(t *testing.T) {
	p, q := NewParams(1), NewParams(2)
	require.NoError(t, p.Join("loss.", q))
	require.NoError(t, q.LearnAt("w", 0))
	require.NoError(t, p.LearnAt("loss.v", 3))
	require.True(t, p.Frozen("loss.w"))
	require.False(t, p.Frozen("loss.v"))
	g := gorgonia.NewGraph()
	require.True(t, q.Weight(g, "w", tensor.Float32, Fill(1), 1).IsData())
	require.False(t, q.Weight(g, "v", tensor.Float32, Fill(1), 1).IsData())
	require.Equal(t, 3.0, q.Lookup("v").LRScale)
	require.NoError(t, p.ScaleLR("loss.", 0.5))
	require.Equal(t, 1.5, q.Lookup("v").Rate())
	require.NoError(t, q.LearnAt("w", 2))
	require.False(t, q.Weight(g, "w", tensor.Float32, Fill(1), 1).IsData())
	require.Equal(t, 1.0, q.Lookup("w").Rate())
	require.ErrorContains(t, q.LearnAt("w", -1), `the learning rate of "w" times -1, want a number of at least 0`)
}

func TestParamsConvert(t *testing.T) {
	p, q := NewParams(1), NewParams(2)
	require.NoError(t, p.Join("q.", q))
	require.NoError(t, q.Weight(gorgonia.NewGraph(), "w", tensor.Float64, Fill(0.1), 2, 1).Err())
	require.NoError(t, p.Convert(tensor.Float32))
	require.Equal(t, []float32{0.1, 0.1}, p.Lookup("q.w").Value.Float32s())
	w := q.Weight(gorgonia.NewGraph(), "w", tensor.Float32, Fill(7), 2, 1)
	require.NoError(t, w.Err(), "a graph of the new type")
	require.ErrorContains(t, p.Convert(tensor.Int), "want float32 or float64")
	require.Equal(t, []float32{0.1, 0.1}, p.Lookup("q.w").Value.Float32s(), "as it was")
}
