package safetensors

import (
	"bytes"
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func sample() *File {
	return &File{
		Metadata: map[string]string{"format": "test", "quotes": `"sha256":"no"`, "wide": "<ü>"},
		Tensors: []Tensor{
			{Name: "w", Shape: []int{2, 3}, F32: []float32{1, -2.5, float32(math.Inf(1)), 0, math.Float32frombits(1), 6}},
			{Name: "scalar", F64: []float64{math.Pi}},
			{Name: "counts", Shape: []int{2}, I64: []int64{math.MinInt64, 7}},
			{Name: "none", Shape: []int{0, 4}, F32: []float32{}},
			{Name: "state", Shape: []int{3}, U8: []byte{0, 255, 7}},
		},
	}
}

func written(t testing.TB, f *File) []byte {
	var b bytes.Buffer
	require.NoError(t, Write(&b, f))
	return b.Bytes()
}

func read(b []byte) (*File, error) { return Read(bytes.NewReader(b), int64(len(b))) }

func TestRoundTrip(t *testing.T) {
	f := sample()
	got, err := read(written(t, f))
	require.NoError(t, err)
	require.True(t, got.Checked)
	require.Equal(t, f.Metadata, got.Metadata)
	require.Len(t, got.Tensors, len(f.Tensors))
	for i, want := range f.Tensors {
		if want.Shape == nil {
			want.Shape = []int{}
		}
		assert.Equal(t, want, got.Tensors[i])
	}
	w, ok := got.Lookup("counts")
	require.True(t, ok)
	require.Equal(t, int64(7), w.I64[1])
	_, ok = got.Lookup("absent")
	require.False(t, ok)
}

func TestManyElementsCrossBlocks(t *testing.T) {
	x := make([]float32, 3<<13+5)
	for i := range x {
		x[i] = float32(i)
	}
	got, err := read(written(t, &File{Tensors: []Tensor{{Name: "x", Shape: []int{len(x)}, F32: x}}}))
	require.NoError(t, err)
	require.Equal(t, x, got.Tensors[0].F32)
}

// A file by hand, as another writer would make it: no metadata, no checksum.
func TestForeignFile(t *testing.T) {
	b := file(`{"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}   `,
		[]byte{0, 0, 128, 63, 0, 0, 0, 64}) // 1 and 2 as IEEE 754 single precision, little endian
	got, err := read(b)
	require.NoError(t, err)
	require.False(t, got.Checked)
	require.Equal(t, []Tensor{{Name: "a", Shape: []int{}, F32: []float32{1}}, {Name: "b", Shape: []int{1}, F32: []float32{2}}}, got.Tensors)
}

func TestEveryBitFlipIsFound(t *testing.T) {
	whole := written(t, sample())
	for i := range whole {
		for bit := range 8 {
			b := bytes.Clone(whole)
			b[i] ^= 1 << bit
			f, err := read(b)
			require.True(t, err != nil || !f.Checked, "byte %d bit %d", i, bit)
		}
	}
}

func TestEveryTruncationIsFound(t *testing.T) {
	whole := written(t, sample())
	for n := range whole {
		_, err := read(whole[:n])
		require.Error(t, err, "%d bytes", n)
	}
	_, err := read(append(bytes.Clone(whole), 0))
	require.Error(t, err)
}

func file(header string, data []byte) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), data...)
}

func TestBadFiles(t *testing.T) {
	four := make([]byte, 4)
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"empty":             {nil, "too few for a header"},
		"header too long":   {binary.LittleEndian.AppendUint64(nil, 1<<40), "claims"},
		"no object":         {file(`[]`, nil), "does not begin"},
		"twice":             {file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, four), "twice"},
		"gap":               {file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, make([]byte, 8)), "gap"},
		"overlap":           {file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}`, make([]byte, 6)), "overlap"},
		"size":              {file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}`, four), "wants 8"},
		"negative":          {file(`{"a":{"dtype":"F32","shape":[-1,-1],"data_offsets":[0,4]}}`, four), "negative"},
		"huge":              {file(`{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}`, four), "too large"},
		"type":              {file(`{"a":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}`, four), "BF16"},
		"truncated":         {file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, four), "truncated"},
		"unused bytes":      {file(`{}`, four), "added to"},
		"unknown field":     {file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}}`, four), "unknown field"},
		"behind the object": {file(`{} {}`, nil), "behind"},
		"not UTF-8":         {file("{\"\xff\":1}", nil), "UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := read(c.file)
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestBadTensorsAreNotWritten(t *testing.T) {
	for name, c := range map[string]struct {
		tensors []Tensor
		want    string
	}{
		"shape":    {[]Tensor{{Name: "a", Shape: []int{2}, F32: []float32{1}}}, "wants 2"},
		"nothing":  {[]Tensor{{Name: "a", Shape: []int{1}}}, "no elements set"},
		"two":      {[]Tensor{{Name: "a", U8: []byte{1}}, {Name: "a", U8: []byte{1}}}, "twice"},
		"reserved": {[]Tensor{{Name: "__metadata__", U8: []byte{1}}}, "reserved"},
	} {
		t.Run(name, func(t *testing.T) {
			require.ErrorContains(t, Write(&bytes.Buffer{}, &File{Tensors: c.tensors}), c.want)
		})
	}
}

func FuzzRead(f *testing.F) {
	f.Add(written(f, sample()))
	f.Add(file(`{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}`, make([]byte, 4)))
	f.Add(file(strings.Repeat("[", 1000), nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := read(b)
		if err != nil {
			return
		}
		again, err := read(written(t, got)) // what was read can be written, and reads the same
		require.NoError(t, err)
		require.Equal(t, len(got.Tensors), len(again.Tensors))
		for i := range got.Tensors {
			require.Equal(t, got.Tensors[i].Name, again.Tensors[i].Name)
			require.Equal(t, got.Tensors[i].Shape, again.Tensors[i].Shape)
		}
	})
}
