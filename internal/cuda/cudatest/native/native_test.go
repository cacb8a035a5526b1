package native_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/cuda/cudatest/native"
)

func TestBuild(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("PATH", t.TempDir()+":/bin:/usr/bin")
	build := func(compiler, source string, args ...string) (string, error) {
		return native.Build("medusa-test", []string{"no-such-compiler", compiler}, map[string][]byte{"a": []byte(source)}, [][]string{args})
	}
	one, err := build("cp", "1", "a", "b")
	require.NoError(t, err)
	got, err := os.ReadFile(filepath.Join(one, "b"))
	require.NoError(t, err)
	require.Equal(t, "1", string(got))
	again, err := build("cp", "1", "a", "b")
	require.NoError(t, err)
	require.Equal(t, one, again)
	for _, other := range [][]string{{"2", "a", "b"}, {"1", "a", "c"}} {
		folder, err := build("cp", other[0], other[1:]...)
		require.NoError(t, err)
		require.NotEqual(t, one, folder)
	}
	_, err = build("cp", "1", "x", "b")
	require.ErrorContains(t, err, "cp x b")
	_, err = build("none-either", "1")
	require.ErrorIs(t, err, native.ErrNoCompiler)
	left, err := filepath.Glob(filepath.Join(os.Getenv("XDG_CACHE_HOME"), "*-new-*"))
	require.NoError(t, err)
	require.Empty(t, left)
}
