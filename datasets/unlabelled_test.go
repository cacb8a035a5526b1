package datasets

import (
	"bytes"
	"image/color"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestUnlabelled(t *testing.T) {
	fsys := files(t, "1.png", "a/2.png", "a/b/3.png", "train/4.png", "query/5.png")
	fsys["a/notes.txt"] = manifestOver(t, "no picture")["pics/list.csv"]
	dir := plant(t, fsys)
	d, err := OpenUnlabelled(dir, Options{})
	require.NoError(t, err)
	require.Equal(t, 5, d.Len())
	require.Equal(t, []int{NoClass, NoClass, NoClass, NoClass, NoClass}, d.Labels())
	require.Zero(t, d.NumClasses())
	require.Empty(t, d.Queries())
	require.Equal(t, []int{0, 1, 2, 3, 4}, d.Gallery())
	require.Equal(t, filepath.Join(dir, "a/b/3.png"), d.Path(2))
	require.Equal(t, 5, d.Summary().Pictures)
	require.Equal(t, reasonNoPicture, d.Skipped()[0].Reason)
	_, err = d.ComputeNormalisation()
	require.NoError(t, err)
	whole := make([]float32, 5*20)
	require.NoError(t, d.Fill(whole, []int{0, 1, 2, 3, 4}, Normalisation{}))

	for i, open := range []func() (*Dataset, error){
		func() (*Dataset, error) { return OpenUnlabelled(d.Path(2), Options{}) },
		func() (*Dataset, error) { return OpenUnlabelledFiles([]string{d.Path(2)}, Options{}) },
		func() (*Dataset, error) {
			data, err := os.ReadFile(d.Path(2))
			require.NoError(t, err)
			return ReadUnlabelled(bytes.NewReader(data), d.Path(2), Options{})
		},
	} {
		one, err := open()
		require.NoError(t, err, i)
		require.Equal(t, d.Path(2), one.Path(0))
		got := make([]float32, 20)
		require.NoError(t, one.Fill(got, []int{0}, Normalisation{}))
		require.Equal(t, whole[40:60], got, "the same picture by every way")
	}
}

func TestUnlabelledErrors(t *testing.T) {
	dir := plant(t, files(t, "a/1.png"))
	text := filepath.Join(dir, "text.png")
	require.NoError(t, os.WriteFile(text, []byte("no picture"), 0o666))
	_, err := OpenUnlabelled(filepath.Join(dir, "none"), Options{})
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = OpenUnlabelled(t.TempDir(), Options{})
	require.ErrorContains(t, err, "no pictures under")
	_, err = OpenUnlabelled(text, Options{})
	require.ErrorContains(t, err, "no readable picture in list of pictures\n  not a picture: 1")
	_, err = OpenUnlabelledFiles(nil, Options{})
	require.ErrorContains(t, err, "no pictures")
	_, err = ReadUnlabelled(bytes.NewReader(plainPNG(t, 90, 90, color.White)), "upload", Options{MaxFileBytes: 20})
	require.ErrorContains(t, err, "no readable picture in upload\n  file too large: 1 (upload)")
	_, err = ReadUnlabelled(nil, "upload", Options{})
	require.ErrorContains(t, err, "datasets: upload: there is nothing to read: the reader is nil")
	_, err = ReadUnlabelled(bytes.NewReader(nil), "upload", Options{})
	require.ErrorContains(t, err, "empty file")
}
