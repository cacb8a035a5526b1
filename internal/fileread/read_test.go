package fileread

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRegular(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	require.NoError(t, os.WriteFile(path, []byte("12345"), 0o644))
	b, err := Regular(path, 5)
	require.NoError(t, err)
	require.Equal(t, "12345", string(b))
	_, err = Regular(path, 4)
	require.ErrorContains(t, err, "more than 4 bytes")
	_, err = Regular(dir, 4)
	require.ErrorContains(t, err, "is a folder, want a file")
	_, err = Regular(filepath.Join(dir, "none"), 4)
	require.ErrorIs(t, err, os.ErrNotExist)
	if _, err := os.Stat("/dev/zero"); err == nil {
		_, err = Open("/dev/zero")
		require.ErrorContains(t, err, "is a device, want a file")
	}
}

func TestLimitedNeverReadsMore(t *testing.T) {
	r := strings.NewReader(strings.Repeat("x", 1000))
	_, err := Limited(r, "it", 10)
	require.ErrorContains(t, err, "it has more than 10 bytes")
	require.Equal(t, 989, r.Len())
}

func TestKind(t *testing.T) {
	for mode, want := range map[fs.FileMode]string{0o644: "a file", fs.ModeDir: "a folder", fs.ModeNamedPipe: "a pipe", fs.ModeSocket: "a socket",
		fs.ModeDevice | fs.ModeCharDevice: "a device", fs.ModeIrregular: "no regular file"} {
		require.Equal(t, want, Kind(mode))
	}
}
