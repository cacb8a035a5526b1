package graph

import (
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
	require.ErrorContains(t, all.Join("a.", a), "a graph uses them by their old names")
	a.forget()
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

func TestParamsConvert(t *testing.T) {
	p, q := NewParams(1), NewParams(2)
	require.NoError(t, p.Join("q.", q))
	require.NoError(t, q.Weight(gorgonia.NewGraph(), "w", tensor.Float64, Fill(0.1), 2, 1).Err())
	require.NoError(t, p.Convert(tensor.Float32))
	require.Equal(t, []float32{0.1, 0.1}, p.Lookup("q.w").Value.Float32s())
	w := q.Weight(gorgonia.NewGraph(), "w", tensor.Float32, Fill(7), 2, 1)
	require.NoError(t, w.Err(), "a graph of the new type")
	require.ErrorContains(t, p.Convert(tensor.Int), "want float32 or float64")
}
