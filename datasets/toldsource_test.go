package datasets

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestProgressFromTheFirstFolderOn(t *testing.T) {
	type step struct{ done, total int }
	var steps []step
	_, err := OpenFS(files(t, "a/1.png", "a/2.png", "b/1.png"), Options{Progress: func(done, total int) { steps = append(steps, step{done, total}) }})
	require.NoError(t, err)
	require.Equal(t, 0, steps[0].total, "the folder is being listed")
	require.Positive(t, steps[0].done)
	require.Equal(t, step{3, 3}, steps[len(steps)-1])
}
