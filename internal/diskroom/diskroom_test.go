package diskroom

import (
	"math"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCheck(t *testing.T) {
	dir := t.TempDir()
	n, known := Free(dir)
	if !known {
		t.Skip("the system does not tell what is free")
	}
	require.Positive(t, n)
	assert.NoError(t, Check(dir, 0))
	assert.NoError(t, Check(dir, n/2))
	err := Check(dir, math.MaxInt64)
	require.Error(t, err)
	assert.Contains(t, err.Error(), "8 EiB")
	assert.Contains(t, err.Error(), dir)

	missing := filepath.Join(dir, "missing")
	_, known = Free(missing)
	assert.False(t, known)
	assert.NoError(t, Check(missing, math.MaxInt64), "that it is missing is told by who opens it")
}
