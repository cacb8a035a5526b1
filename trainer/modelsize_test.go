package trainer

import (
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/nets"
)

// The sizes that a model of ONNX fixes are those of the pictures, and others are refused.
func TestWithModel(t *testing.T) {
	fixed := Config{Net: nets.Config{Backbone: "onnx:../internal/onnxgraph/testdata/mixed-fixed.onnx"}}
	for _, c := range []struct {
		data DataConfig
		want DataConfig
		told int
		err  string
	}{
		{DataConfig{}, DataConfig{Height: 16, Width: 16, Channels: 3}, 1, ""},
		{DataConfig{Height: 16}, DataConfig{Height: 16, Channels: 3}, 0, ""},
		{DataConfig{Height: 16, Width: 16, Channels: 3}, DataConfig{Height: 16, Width: 16, Channels: 3}, 0, ""},
		{DataConfig{Channels: 1}, DataConfig{}, 0, "Data.Channels is 1, and the backbone takes pictures of 3 channels, 16 rows and 16 columns and no others"},
		{DataConfig{Width: 20}, DataConfig{}, 0, "Data.Height is 20"},
	} {
		given := fixed
		given.Data = c.data
		got, told, err := given.WithModel(nil)
		if c.err != "" {
			require.ErrorContains(t, err, c.err)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, c.want, got.Data)
		require.Len(t, told, c.told)
	}
	got, told, err := Config{Net: nets.Config{Backbone: "cnn"}}.WithModel(nil)
	require.NoError(t, err)
	require.Empty(t, told)
	require.Equal(t, DataConfig{}, got.Data)
	_, _, err = Config{Net: nets.Config{Backbone: "onnx:nowhere"}}.WithModel(nil)
	require.ErrorContains(t, err, "there is no file nowhere")
}
