package datasets

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

// tarOf writes headers, each with as many bytes as it says.
func tarOf(t testing.TB, headers ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i, h := range headers {
		h.Mode = 0o644
		require.NoError(t, w.WriteHeader(&h))
		_, err := w.Write(bytes.Repeat([]byte{'a' + byte(i)}, int(h.Size)))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

func TestTarFS(t *testing.T) {
	data := tarOf(t,
		tar.Header{Name: "./top/", Typeflag: tar.TypeDir},
		tar.Header{Name: "./top/one", Typeflag: tar.TypeReg, Size: 3},
		tar.Header{Name: "top/deep/down/two", Typeflag: tar.TypeReg, Size: 700},
		tar.Header{Name: "top/hard", Typeflag: tar.TypeLink, Linkname: "./top/one"},
		tar.Header{Name: "top/deep/soft", Typeflag: tar.TypeSymlink, Linkname: "../one"},
		tar.Header{Name: "../outside", Typeflag: tar.TypeReg, Size: 1},
		tar.Header{Name: "/absolute", Typeflag: tar.TypeReg, Size: 1},
		tar.Header{Name: "top/one", Typeflag: tar.TypeReg, Size: 5},
	)
	tree, err := newTarFS(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	require.NoError(t, fstest.TestFS(tree, "top/one", "top/deep/down/two", "top/hard", "top/deep/soft", "absolute"))
	for name, want := range map[string]string{"top/one": "hhhhh", "top/hard": "hhhhh", "top/deep/soft": "hhhhh", "absolute": "g"} {
		got, err := fs.ReadFile(tree, name)
		require.NoError(t, err)
		require.Equal(t, want, string(got), name)
	}
	_, err = tree.Open("outside")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestTarLinksThatLeadNowhere(t *testing.T) {
	data := tarOf(t,
		tar.Header{Name: "a/self.png", Typeflag: tar.TypeSymlink, Linkname: "self.png"},
		tar.Header{Name: "a/out.png", Typeflag: tar.TypeSymlink, Linkname: "../../etc/passwd"},
		tar.Header{Name: "a/pipe.png", Typeflag: tar.TypeFifo},
		tar.Header{Name: "a/1.png", Typeflag: tar.TypeReg, Size: 3},
	)
	tree, err := newTarFS(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	_, err = OpenFS(tree, Options{})
	require.ErrorContains(t, err, "broken link: 2 (a/out.png, a/self.png)")
	require.ErrorContains(t, err, "not an ordinary file: 1 (a/pipe.png)")
}

func TestTarErrors(t *testing.T) {
	whole := tarOf(t, tar.Header{Name: "a/1.png", Typeflag: tar.TypeReg, Size: 2000})
	for name, data := range map[string][]byte{"cut.tar": whole[:1500], "text.tar": bytes.Repeat([]byte("no tar\n"), 200), "no.tar.gz": []byte("\x1f\x8b\x08\x00\x00")} {
		path := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(path, data, 0o666))
		_, err := Open(path, Options{})
		require.ErrorContains(t, err, "cut off or damaged", name)
	}
}

// Whatever is wrong with the archive, the disk is not blamed.
func TestDamagedGzip(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write(tarOf(t, tar.Header{Name: "a/1.png", Typeflag: tar.TypeReg, Size: 2000}))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	dir := t.TempDir()
	unpack := func(data []byte) error {
		_, remove, err := gunzip(bytes.NewReader(data), dir)
		if err == nil {
			remove()
		}
		return err
	}
	require.NoError(t, unpack(b.Bytes()))
	refused := 0
	for i := range b.Len() {
		damaged := bytes.Clone(b.Bytes())
		damaged[i] ^= 0xff
		if err := unpack(damaged); err != nil {
			require.Equal(t, errArchiveCut, err, "byte %d", i)
			refused++
		}
		require.Equal(t, errArchiveCut, unpack(b.Bytes()[:i]), "cut at %d", i)
	}
	require.Greater(t, refused, b.Len()*9/10) // bytes of the header say when the file was made
}

func FuzzTar(f *testing.F) {
	f.Add(tarOf(f, tar.Header{Name: "a/1", Typeflag: tar.TypeReg, Size: 3}, tar.Header{Name: "a", Typeflag: tar.TypeReg, Size: 3},
		tar.Header{Name: "b", Typeflag: tar.TypeSymlink, Linkname: "b"}, tar.Header{Name: "c/d/e", Typeflag: tar.TypeLink, Linkname: "a/1"}))
	f.Fuzz(func(t *testing.T, data []byte) {
		tree, err := newTarFS(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				if _, err := fs.ReadFile(tree, name); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			return nil
		})
	})
}
