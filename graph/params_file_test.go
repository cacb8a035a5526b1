package graph

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// filled makes two weights and a buffer; sizes is the length of b.
func filled(t *testing.T, seed uint64, size int, extra ...string) *Params {
	g := gorgonia.NewGraph()
	p := NewParams(seed)
	count := 0.0
	number := func(v float64) Init {
		return func(_ *rand.Rand, _ tensor.Shape, dst []float64) {
			for i := range dst {
				count++
				dst[i] = v + count
			}
		}
	}
	require.NoError(t, p.Weight(g, "a", tensor.Float32, number(float64(seed)), 2, 3).Err())
	require.NoError(t, p.Weight(g, "b", tensor.Float64, number(float64(seed)), size).Err())
	require.NoError(t, p.Buffer(g, "c", tensor.Float32, number(float64(seed)), 1, 4).Err())
	for _, name := range extra {
		require.NoError(t, p.Weight(g, name, tensor.Float32, Fill(1), 1).Err())
	}
	return p
}

func TestParamsSaveAndLoad(t *testing.T) {
	from, to := filled(t, 100, 2), filled(t, 200, 2)
	var b bytes.Buffer
	require.NoError(t, from.Save(&b, map[string]string{"made by": "a test"}))
	meta, err := to.Load(&b, int64(b.Len()))
	require.NoError(t, err)
	require.Equal(t, map[string]string{"made by": "a test"}, meta)
	require.Equal(t, from.Tensors(""), to.Tensors(""))
	require.Equal(t, []float32{101, 102, 103, 104, 105, 106}, to.Lookup("a").Value.Float32s())
}

func TestParamsRestoreListsAllDifferences(t *testing.T) {
	from, to := filled(t, 100, 2, "only.there"), filled(t, 200, 3, "only.here")
	before := filled(t, 200, 3, "only.here").Tensors("")
	err := to.Restore(from.Tensors("net/"), "net/")
	require.ErrorContains(t, err, "b has shape (2), want (3)")
	require.ErrorContains(t, err, "only.here (1) is missing")
	require.ErrorContains(t, err, "only.there (1) is not part of this network")
	require.NotContains(t, err.Error(), "a ")
	require.Equal(t, before, to.Tensors(""), "nothing is changed")
	require.ErrorContains(t, to.Restore(from.Tensors("net/"), "other/"), "a (2, 3) is missing")
}
