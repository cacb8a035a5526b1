package safetensors

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLocate(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, Write(&b, &File{Metadata: map[string]string{"paths": "[]"}, Tensors: []Tensor{
		{Name: "embeddings", Shape: []int{2, 3}, F32: []float32{1, 2, 3, 4, 5, 6}},
		{Name: "labels", Shape: []int{2}, I64: []int64{7, 9}},
	}}))
	metadata, tensors, err := Locate(bytes.NewReader(b.Bytes()), int64(b.Len()))
	require.NoError(t, err)
	require.Equal(t, "[]", metadata["paths"])
	require.Len(t, tensors, 2)
	for _, l := range tensors {
		bytes := b.Bytes()[l.Offset : l.Offset+l.Bytes]
		switch l.Name {
		case "embeddings":
			require.Equal(t, F32, l.Dtype)
			require.Equal(t, []int{2, 3}, l.Shape)
			var v [6]float32
			_, err := binary.Decode(bytes, binary.LittleEndian, &v)
			require.NoError(t, err)
			require.Equal(t, [6]float32{1, 2, 3, 4, 5, 6}, v)
		case "labels":
			require.Equal(t, uint64(9), binary.LittleEndian.Uint64(bytes[8:]))
		}
	}
}

// Types that Read refuses are found all the same, as half precision is common elsewhere.
func TestLocateHalfPrecision(t *testing.T) {
	header := `{"x":{"dtype":"BF16","shape":[2,2],"data_offsets":[0,8]}}`
	b := append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header+"12345678"...)
	_, tensors, err := Locate(bytes.NewReader(b), int64(len(b)))
	require.NoError(t, err)
	require.Equal(t, []Location{{Name: "x", Dtype: "BF16", Shape: []int{2, 2}, Offset: int64(8 + len(header)), Bytes: 8}}, tensors)
	_, err = Read(bytes.NewReader(b), int64(len(b)))
	require.ErrorContains(t, err, `elements of type "BF16"`)
	_, _, err = Locate(bytes.NewReader(b), int64(len(b)-1))
	require.ErrorContains(t, err, "the file is truncated")
}
