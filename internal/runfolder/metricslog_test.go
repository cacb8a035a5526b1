package runfolder

import (
	"crypto/sha256"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// What a really full device says.
func TestFullDevice(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	m := &MetricsLog{file: full, sum: sha256.New()}
	defer m.Close()
	require.ErrorContains(t, m.Add(map[string]int{"step": 1}), "the disk is full")
	require.Zero(t, m.Size())
}

// A log goes on from the size that a checkpoint knows, and refuses lines that are others than
// those it knows.
func TestMetricsLogGoesOn(t *testing.T) {
	f := Folder(t.TempDir())
	open := func(size int64, sum string) (*MetricsLog, bool, error) {
		lock, err := f.Lock()
		require.NoError(t, err)
		return lock.MetricsLog(size, sum)
	}
	m, lost, err := open(0, "")
	require.NoError(t, err)
	require.False(t, lost)
	require.NoError(t, m.Add(map[string]int{"step": 1}))
	size, sum := m.Size(), m.Checksum()
	require.NoError(t, m.Add(map[string]int{"step": 2}))
	require.NoError(t, m.Sync())
	require.NoError(t, m.Close())
	read := func() (lines []string) {
		require.NoError(t, f.ReadMetrics(func(line []byte) error { lines = append(lines, string(line)); return nil }))
		return lines
	}
	require.Equal(t, []string{"{\"step\":1}\n", "{\"step\":2}\n"}, read())

	m, lost, err = open(size, sum)
	require.NoError(t, err)
	require.False(t, lost)
	require.Equal(t, []string{"{\"step\":1}\n"}, read(), "what lies behind is cut off")
	require.Equal(t, sum, m.Checksum())
	require.NoError(t, m.Add(map[string]int{"step": 3}))
	require.NoError(t, m.Rewind(size))
	require.Equal(t, sum, m.Checksum())
	require.NoError(t, m.Rewind(size+100), "there is no more")
	require.Equal(t, sum, m.Checksum())
	require.NoError(t, m.Close())

	_, _, err = open(size+1, "")
	require.ErrorContains(t, err, "it was cut; put it back, or remove it")
	_, _, err = open(size, sum[1:]+"x")
	require.ErrorContains(t, err, "the file was altered or damaged; put it back, or remove it")
	require.NoError(t, os.Truncate(f.Path(MetricsFile), 0))
	m, lost, err = open(size, sum)
	require.NoError(t, err)
	require.True(t, lost)
	require.NoError(t, m.Close())
}

func TestLock(t *testing.T) {
	f := Folder(t.TempDir())
	lock, err := f.Lock()
	require.NoError(t, err)
	_, err = f.Lock()
	require.ErrorContains(t, err, "another process trains in this folder")
	m, _, err := lock.WholeMetricsLog()
	require.NoError(t, err)
	_, err = f.Lock()
	require.Error(t, err, "the log holds it")
	require.NoError(t, m.Close())
	lock, err = f.Lock()
	require.NoError(t, err)
	require.NoError(t, lock.Close())

	other := Folder(t.TempDir())
	require.NoError(t, os.Mkdir(other.Path(MetricsFile), 0o777))
	_, err = other.Lock()
	require.ErrorContains(t, err, "want a file")
}
