package datasets

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

// A context that is nil, and a path that is empty, are told as what they are.
func TestNilContextAndEmptyPaths(t *testing.T) {
	d := open(t, "lfw", Options{}).Train
	l, err := NewLoader(d, LoaderConfig{Batch: 2}, (&cycle{n: d.Len()}).next, 0)
	require.NoError(t, err)
	defer l.Close()
	var none context.Context
	_, err = l.Next(none)
	require.EqualError(t, err, "datasets: the context is nil; context.Background() is one that never ends")

	_, err = OpenUnlabelled("", Options{})
	require.EqualError(t, err, "datasets: the path is empty, want a picture or a folder of pictures")
	_, err = OpenUnlabelledFiles([]string{d.Path(0), ""}, Options{})
	require.EqualError(t, err, "datasets: path 2 of 2 is empty, want a picture")
	_, err = OpenStream([]string{""}, Options{Channels: 1, Height: 8, Width: 8})
	require.EqualError(t, err, "datasets: path 1 of 1 is empty, want a picture or a folder of pictures")
}
