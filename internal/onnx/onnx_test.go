package onnx

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
)

// fields are the fields of a message by their numbers: whole numbers, or bytes.
func fields(t *testing.T, b []byte) map[protowire.Number][]any {
	t.Helper()
	out := map[protowire.Number][]any{}
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		require.Positive(t, n)
		b = b[n:]
		var v any
		switch kind {
		case protowire.VarintType:
			v, n = protowire.ConsumeVarint(b)
		case protowire.Fixed32Type:
			v, n = protowire.ConsumeFixed32(b)
		default:
			v, n = protowire.ConsumeBytes(b)
		}
		require.Positive(t, n)
		out[number], b = append(out[number], v), b[n:]
	}
	return out
}

// whole is a graph with something in every field.
func whole() *Model {
	return &Model{IRVersion: 8, Opset: 17, Producer: "p", ProducerVersion: "1", Doc: "d", Metadata: []Property{{"k", "v"}}, Graph: Graph{
		Name: "g", Doc: "dd",
		Initializers: []Tensor{Floats("w", []float32{1, -2}, 2), Ints("i", []int64{-1}, 1), Floats("scalar", []float32{3})},
		Inputs:       []Value{{Name: "x", Doc: "in", Elem: Uint8, Shape: []Dim{{Param: "N"}, {Size: 2}}}},
		Outputs:      []Value{{Name: "y", Elem: Float32, Shape: []Dim{{Param: "N"}}}},
		Nodes: []Node{{Op: "Op", Name: "n", In: []string{"x", "", "w"}, Out: []string{"y"}, Attributes: []Attribute{
			{"f", float32(0.5)}, {"i", int64(0)}, {"s", ""}, {"l", []int64{3, -1}},
			{"fs", []float32{0.5}}, {"ss", []string{"a", ""}}, {"t", Ints("", []int64{7})}}}},
	}}
}

// The numbers of the fields and of the types are those of onnx.proto. (Files are read by onnx itself in the
// tests of package model.)
func TestMarshal(t *testing.T) {
	data, err := whole().Marshal()
	require.NoError(t, err)
	m := fields(t, data)
	require.Equal(t, []any{uint64(8)}, m[1])
	require.Equal(t, []any{[]byte("p")}, m[2])
	require.Equal(t, []any{uint64(17)}, fields(t, m[8][0].([]byte))[2])
	require.Equal(t, map[protowire.Number][]any{1: {[]byte("k")}, 2: {[]byte("v")}}, fields(t, m[14][0].([]byte)))
	g := fields(t, m[7][0].([]byte))
	require.Equal(t, []any{[]byte("g")}, g[2])
	require.Len(t, g[5], 3)
	w := fields(t, g[5][0].([]byte))
	require.Equal(t, map[protowire.Number][]any{1: {uint64(2)}, 2: {uint64(1)}, 8: {[]byte("w")}, 9: {[]byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0}}}, w)
	require.Empty(t, fields(t, g[5][2].([]byte))[1], "a scalar has no sizes")
	x := fields(t, fields(t, g[11][0].([]byte))[2][0].([]byte))
	array := fields(t, x[1][0].([]byte))
	require.Equal(t, []any{uint64(Uint8)}, array[1])
	dims := fields(t, array[2][0].([]byte))[1]
	require.Equal(t, map[protowire.Number][]any{2: {[]byte("N")}}, fields(t, dims[0].([]byte)))
	require.Equal(t, map[protowire.Number][]any{1: {uint64(2)}}, fields(t, dims[1].([]byte)))
	n := fields(t, g[1][0].([]byte))
	require.Equal(t, []any{[]byte("x"), []byte{}, []byte("w")}, n[1], "an input that is left out keeps its place")
	require.Equal(t, []any{[]byte("Op")}, n[4])
	var attributes []map[protowire.Number][]any
	for _, a := range n[5] {
		attributes = append(attributes, fields(t, a.([]byte)))
	}
	require.Equal(t, []map[protowire.Number][]any{
		{1: {[]byte("f")}, 2: {math.Float32bits(0.5)}, 20: {uint64(1)}},
		{1: {[]byte("i")}, 3: {uint64(0)}, 20: {uint64(2)}},
		{1: {[]byte("s")}, 4: {[]byte{}}, 20: {uint64(3)}},
		{1: {[]byte("l")}, 8: {uint64(3), uint64(math.MaxUint64)}, 20: {uint64(7)}},
		{1: {[]byte("fs")}, 7: {math.Float32bits(0.5)}, 20: {uint64(6)}},
		{1: {[]byte("ss")}, 9: {[]byte("a"), []byte{}}, 20: {uint64(8)}},
		{1: {[]byte("t")}, 5: {[]byte(Ints("", []int64{7}).encode())}, 20: {uint64(4)}},
	}, attributes)
}

func TestMarshalRefuses(t *testing.T) {
	for want, spoil := range map[string]func(*Graph){
		`node "n" reads "z", which nothing before it makes`:           func(g *Graph) { g.Nodes[0].In[0] = "z" },
		`the tensor "w" is made twice`:                                func(g *Graph) { g.Nodes[0].Out = []string{"y", "w"} },
		`a tensor has no name`:                                        func(g *Graph) { g.Inputs[0].Name = "" },
		`nothing makes the output "z"`:                                func(g *Graph) { g.Outputs[0].Name = "z" },
		`the tensor "w" of shape [3] and type 1 has 8 bytes, want 12`: func(g *Graph) { g.Initializers[0].Shape = []int64{3} },
		`the tensor "i" of shape [1] and type 16 has 8 bytes`:         func(g *Graph) { g.Initializers[1].Elem = 16 },
		`attribute "f" is of type int, want int64`:                    func(g *Graph) { g.Nodes[0].Attributes[0].Value = 3 },
	} {
		m := whole()
		spoil(&m.Graph)
		_, err := m.Marshal()
		require.ErrorContains(t, err, want)
	}
}
