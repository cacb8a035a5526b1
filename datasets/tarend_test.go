package datasets

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// pictureTar is a tar file of pictures, and the bytes of what stands before its end.
func pictureTar(t *testing.T, format tar.Format) (whole []byte, content int) {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	add := func(h tar.Header, data []byte) {
		h.Mode, h.Size, h.Format = 0o644, int64(len(data)), format
		require.NoError(t, w.WriteHeader(&h))
		_, err := w.Write(data)
		require.NoError(t, err)
	}
	for class := range 2 {
		add(tar.Header{Name: fmt.Sprintf("%c/", 'a'+class), Typeflag: tar.TypeDir}, nil)
		for i := range 3 {
			name := fmt.Sprintf("%c/%d.png", 'a'+class, i)
			if format != tar.FormatUSTAR && i == 0 {
				name = fmt.Sprintf("%c/%s.png", 'a'+class, strings.Repeat("long", 60)) // has a header of its own
			}
			add(tar.Header{Name: name, Typeflag: tar.TypeReg}, pngOf(t, 8, 8, func(x, y int) byte { return byte(x*(class+1) + y*i) }))
		}
	}
	add(tar.Header{Name: "zeros.bin", Typeflag: tar.TypeReg}, make([]byte, 2*512)) // as an end would be
	add(tar.Header{Name: "empty.bin", Typeflag: tar.TypeReg}, nil)
	require.NoError(t, w.Flush())
	content = b.Len()
	require.NoError(t, w.Close())
	return b.Bytes(), content
}

// Wherever an archive is cut, between two entries too, it is told, and never taken for whole.
func TestACutTarIsTold(t *testing.T) {
	for _, format := range []tar.Format{tar.FormatUSTAR, tar.FormatPAX, tar.FormatGNU} {
		whole, content := pictureTar(t, format)
		for size := 0; size <= content; size += 512 {
			_, err := newTarFS(bytes.NewReader(whole[:size]), int64(size))
			require.Error(t, err, "%v: %d of %d bytes", format, size, content)
		}
		for _, size := range []int{content + 1, content + 511} {
			_, err := newTarFS(bytes.NewReader(whole[:size]), int64(size))
			require.Error(t, err, "%v: %d bytes", format, size)
		}
		for _, end := range []int{512, 1024, 10240} { // one block is what some write
			data := append(bytes.Clone(whole[:content]), make([]byte, end)...)
			tree, err := newTarFS(bytes.NewReader(data), int64(len(data)))
			require.NoError(t, err, end)
			require.Len(t, tree.entries["."].children, 4)
		}
	}
}

// The message says what to do, for every way in which an archive is read.
func TestACutTarIsToldByOpen(t *testing.T) {
	whole, content := pictureTar(t, tar.FormatUSTAR)
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, data, 0o644))
		return path
	}
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	_, err := w.Write(whole[:content])
	require.NoError(t, err)
	require.NoError(t, w.Close())
	write("s-000.tar", whole)
	write("s-001.tar", whole[:content])
	for _, path := range []string{write("cut.tar", whole[:content]), write("cut.tar.gz", z.Bytes()), filepath.Join(dir, "s-{000..001}.tar")} {
		_, err := Open(path, Options{})
		require.ErrorContains(t, err, "after 10 entries the archive does not end as one does", path)
		require.ErrorContains(t, err, "fetch it again, or, if nothing is missing, unpack it and give the folder")
	}
	s, err := Open(write("whole.tar", whole), Options{})
	require.NoError(t, err)
	require.Equal(t, 6, s.Train.Len())
	require.NoError(t, s.Close())
}
