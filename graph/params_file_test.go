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
	r, err := to.Load(&b, int64(b.Len()), Loading{})
	require.NoError(t, err)
	require.Equal(t, map[string]string{"made by": "a test"}, r.Metadata)
	require.Len(t, r.Loaded, 3)
	require.Equal(t, from.Tensors(), to.Tensors())
	require.Equal(t, []float32{101, 102, 103, 104, 105, 106}, to.Lookup("a").Value.Float32s())
}

func TestParamsRestoreListsAllDifferences(t *testing.T) {
	from, to := filled(t, 100, 2, "only.there"), filled(t, 200, 3, "only.here")
	before := filled(t, 200, 3, "only.here").Tensors()
	r, err := to.Restore(from.Tensors(), Loading{})
	require.ErrorContains(t, err, "b has shape (2), want (3)")
	require.ErrorContains(t, err, "only.here (1) is missing")
	require.ErrorContains(t, err, "only.there (1) is not part of this network")
	require.NotContains(t, err.Error(), "a ")
	require.Equal(t, before, to.Tensors(), "nothing is changed")
	require.Empty(t, r.Loaded)
	require.Len(t, r.Missing, 1)
	require.Len(t, r.LeftOver, 1)
	require.Len(t, r.Misshapen, 1)
}

// Each way of wanting a part, and each that is not allowed.
func TestParamsRestoreInPart(t *testing.T) {
	stored := filled(t, 100, 2, "fc.weight").Tensors()
	stored = append(stored, StoredTensor{Name: "num_batches_tracked"}) // whole numbers
	for _, c := range []struct {
		name string
		how  Loading
		want string
	}{
		{"nothing may be left over", Loading{Partial: Partial{Missing: []string{"head."}}}, "fc.weight (1) is not part"},
		{"not that", Loading{Partial: Partial{Missing: []string{"head."}, LeftOver: []string{"fc."}}}, "num_batches_tracked () is not part"},
		{"nothing may be missing", Loading{Partial: Partial{LeftOver: []string{""}}}, "head.w (1) is missing"},
		{"nothing fits", Loading{Mapping: MapPrefix("x.", ""), Partial: Partial{[]string{""}, []string{""}}}, "none of 5 stored tensors is one of the set's 4"},
		{"no shape may differ", Loading{Mapping: FirstOf(MapNames(map[string]string{"b": "a"})), Partial: Partial{[]string{""}, []string{""}}}, "a (stored as b) has shape (2), want (2, 3)"},
		{"two for one", Loading{Mapping: func(string) (string, bool) { return "a", true }}, "a and b both stand for a"},
		{"whole numbers", Loading{Mapping: MapNames(map[string]string{"num_batches_tracked": "c"}), Partial: Partial{[]string{""}, []string{""}}}, "c (stored as num_batches_tracked) has shape (), want (1, 4)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			to := filled(t, 200, 2, "head.w")
			_, err := to.Restore(stored, c.how)
			require.ErrorContains(t, err, c.want)
			require.Equal(t, filled(t, 200, 2, "head.w").Tensors(), to.Tensors(), "nothing is changed")
		})
	}
	to := filled(t, 200, 2, "head.w")
	r, err := to.Restore(stored, Loading{Partial: Partial{Missing: []string{"head."}, LeftOver: []string{"fc.", "num_"}}})
	require.NoError(t, err)
	require.Equal(t, float32(101), to.Lookup("a").Value.Float32s()[0])
	require.Equal(t, float32(1), to.Lookup("head.w").Value.Float32s()[0])
	require.Equal(t, "loaded 3 of 4 tensors\n  head.w (1) is missing\n  fc.weight (1) is not part of this network\n  num_batches_tracked () is not part of this network", r.String())
}

// Shapes alone are not stored, loaded or converted, and nothing panics.
// What holds fewer or more numbers than its shape is not copied in part.
func TestParamsRestoreRefusesShortTensors(t *testing.T) {
	p := NewParams(1)
	require.NoError(t, p.Weight(gorgonia.NewGraph(), "w", tensor.Float32, Fill(7), 2, 2).Err())
	for _, s := range []StoredTensor{
		{Name: "w", Shape: tensor.Shape{2, 2}, F32: []float32{1}},
		{Name: "w", Shape: tensor.Shape{2, 2}, F32: make([]float32, 5)},
		{Name: "w", Shape: tensor.Shape{2, 2}, F32: make([]float32, 4), F64: make([]float64, 4)},
	} {
		_, err := p.Restore([]StoredTensor{s}, Loading{})
		require.ErrorContains(t, err, "the stored tensor w of shape (2, 2) has")
	}
	require.Equal(t, []float32{7, 7, 7, 7}, p.Lookup("w").Value.Float32s())
	_, err := p.Restore(p.Tensors(), Loading{Mapping: FirstOf(nil)})
	require.NoError(t, err, "no mapping leaves names as they are")
}

func TestShapesHaveNoNumbers(t *testing.T) {
	p := NewShapes()
	require.NoError(t, p.Sub("a.").Weight(gorgonia.NewGraph(), "w", tensor.Float32, Fill(0), 2).Err())
	require.Equal(t, []StoredTensor{{Name: "a.w", Shape: tensor.Shape{2}}}, p.Tensors())
	require.Empty(t, Tensors(p))
	require.ErrorContains(t, p.Save(new(bytes.Buffer), nil), "a.w")
	_, err := p.Restore(nil, Loading{})
	require.ErrorContains(t, err, "NewShapes has no memory")
	require.ErrorContains(t, p.Convert(tensor.Float64), "NewShapes has no elements")
}

func TestParamsRestoreMapped(t *testing.T) {
	to := NewParams(1)
	g := gorgonia.NewGraph()
	require.NoError(t, to.Sub("backbone.").Weight(g, "conv1.weight", tensor.Float32, Fill(0), 2).Err())
	require.NoError(t, to.Sub("embedding.").Weight(g, "fc.bias", tensor.Float32, Fill(0), 1).Err())
	stored := []StoredTensor{
		{Name: "module.conv1.weight", Shape: tensor.Shape{2}, F32: []float32{1, 2}},
		{Name: "bias of the head", Shape: tensor.Shape{1}, F32: []float32{3}},
	}
	r, err := to.Restore(stored, Loading{Mapping: FirstOf(
		MapNames(map[string]string{"bias of the head": "embedding.fc.bias"}), MapPrefix("module.", "backbone."))})
	require.NoError(t, err)
	require.Equal(t, []LoadedTensor{
		{"backbone.conv1.weight", "module.conv1.weight", tensor.Shape{2}}, {"embedding.fc.bias", "bias of the head", tensor.Shape{1}},
	}, r.Loaded)
	require.Equal(t, []float32{1, 2}, to.Lookup("backbone.conv1.weight").Value.Float32s())
	require.Equal(t, []float32{3}, to.Sub("embedding.").Lookup("fc.bias").Value.Float32s())

	// A part by itself, by the names that it has.
	stored = []StoredTensor{{Name: "conv1.weight", Shape: tensor.Shape{2}, F32: []float32{8, 9}}}
	_, err = to.Sub("backbone.").Restore(stored, Loading{})
	require.NoError(t, err)
	require.Equal(t, []float32{8, 9}, to.Lookup("backbone.conv1.weight").Value.Float32s())
}
