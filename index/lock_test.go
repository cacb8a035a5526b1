package index_test

import (
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/index"
)

func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gallery.index")
	l, err := index.Lock(path)
	require.NoError(t, err)
	_, err = index.Lock(path)
	var busy *index.BusyError
	require.ErrorAs(t, err, &busy)
	require.Equal(t, path, busy.Path)
	require.NoError(t, l.Unlock())
	require.NoError(t, l.Unlock())
	l, err = index.Lock(path)
	require.NoError(t, err)
	require.NoError(t, l.Unlock())
	if runtime.GOOS != "windows" {
		require.NoFileExists(t, path+".lock")
	}
	require.NoError(t, (*index.FileLock)(nil).Unlock())

	_, err = index.Lock(filepath.Join(t.TempDir(), "no", "gallery.index"))
	require.ErrorContains(t, err, "no such file")
}

// However many want the lock, one at a time has it.
func TestLockAmongMany(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gallery.index")
	var holders, had atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				l, err := index.Lock(path)
				if err != nil {
					continue
				}
				if holders.Add(1) != 1 {
					t.Error("two have the lock")
				}
				had.Add(1)
				holders.Add(-1)
				if err := l.Unlock(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	require.Positive(t, had.Load())
}
