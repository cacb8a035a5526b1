package report

import (
	"bytes"
	"encoding/base64"
	"image"
	"testing"

	"github.com/stretchr/testify/require"
)

func decoded(t *testing.T, s sheet) image.Image {
	t.Helper()
	_, data, found := bytes.Cut([]byte(s.Source), []byte(","))
	require.True(t, found)
	raw, err := base64.StdEncoding.DecodeString(string(data))
	require.NoError(t, err)
	m, _, err := image.Decode(bytes.NewReader(raw))
	require.NoError(t, err)
	return m
}
