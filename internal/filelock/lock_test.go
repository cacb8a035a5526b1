package filelock

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLock(t *testing.T) {
	if runtime.GOOS == "js" || runtime.GOOS == "wasip1" || runtime.GOOS == "plan9" {
		t.Skip("no locks here")
	}
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, []byte("content"), 0o666))
	a, err := os.OpenFile(path, os.O_RDWR, 0)
	require.NoError(t, err)
	require.NoError(t, Lock(a))
	b, err := os.OpenFile(path, os.O_RDWR, 0)
	require.NoError(t, err)
	defer b.Close()
	require.Error(t, Lock(b))
	content, err := os.ReadFile(path)
	require.NoError(t, err, "a lock keeps nobody from reading")
	require.Equal(t, "content", string(content))
	require.NoError(t, a.Close())
	require.NoError(t, Lock(b), "closing gives the lock back")
}
