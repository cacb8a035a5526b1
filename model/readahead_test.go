package model

import (
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/datasets"
	"medusa/internal/samplesets"
)

func TestReadAheadStops(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, samplesets.Photos(dir))
	s, err := datasets.OpenStream([]string{dir}, datasets.Options{Height: 9, Channels: 3})
	require.NoError(t, err)
	ahead, stop := readAhead(s, 5)
	b := <-ahead
	require.NoError(t, b.err)
	require.Equal(t, []int{5, 5}, []int{b.Pictures.Len(), b.Read})
	stop()
	_, err = s.Next(100)
	require.True(t, err == nil || err == io.EOF, "nobody else reads it any more")
}
