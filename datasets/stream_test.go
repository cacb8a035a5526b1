package datasets

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// drain reads a Stream, so many files at a time.
func drain(t *testing.T, s *Stream, n int) (paths []string, pixels [][]float32, left []Skip) {
	t.Helper()
	files, known := s.Files(context.Background(), nil)
	require.True(t, known)
	for {
		d, err := s.Next(n)
		if err == io.EOF {
			require.Equal(t, files, s.Read())
			require.NoError(t, s.Close())
			return paths, pixels, left
		}
		require.NoError(t, err)
		for i := range d.Len() {
			x := make([]float32, ItemSize(d))
			require.NoError(t, d.Fill(x, []int{i}, Normalisation{}))
			paths, pixels = append(paths, d.Path(i)), append(pixels, x)
		}
		left = append(left, d.Skipped()...)
	}
}

// A Stream has the pictures that OpenUnlabelled has, in the order that was asked for,
// however many are read at a time.
func TestStreamReadsAllInOrder(t *testing.T) {
	fsys := files(t, "1.png", "a/2.png", "a/b/3.png", "train/4.png", "query/5.png", "z/6.png")
	fsys["a/notes.txt"] = manifestOver(t, "no picture")["pics/list.csv"]
	fsys["a/.hidden.png"] = fsys["1.png"]
	fsys["a/broken.png"] = manifestOver(t, "no picture")["pics/list.csv"]
	dir := plant(t, fsys)
	o := Options{Channels: 1, Height: 6, Width: 5}
	whole, err := OpenUnlabelled(dir, o)
	require.NoError(t, err)
	defer whole.Close()
	last := filepath.Join(dir, "z", "6.png")
	gone := filepath.Join(dir, "gone.png")
	for _, n := range []int{1, 2, 5, 100} {
		s, err := OpenStream([]string{last, dir, gone, last}, o)
		require.NoError(t, err)
		n11, _ := s.Files(context.Background(), nil)
		require.Equal(t, 11, n11, "hidden ones are not read")
		paths, pixels, left := drain(t, s, n)
		require.Equal(t, whole.Len()+2, len(paths))
		require.Equal(t, []string{last, last}, []string{paths[0], paths[len(paths)-1]})
		require.Equal(t, pixels[0], pixels[len(pixels)-1])
		for i := range whole.Len() {
			require.Equal(t, whole.Path(i), paths[i+1])
			x := make([]float32, 30)
			require.NoError(t, whole.Fill(x, []int{i}, Normalisation{}))
			require.Equal(t, x, pixels[i+1])
		}
		reasons := map[string]string{}
		for _, l := range left {
			reasons[l.Path] = l.Reason
		}
		require.Equal(t, map[string]string{
			gone: reasonNoFile, filepath.Join(dir, "a", ".hidden.png"): reasonHidden,
			filepath.Join(dir, "a", "notes.txt"): reasonNoPicture, filepath.Join(dir, "a", "broken.png"): reasonNoPicture,
		}, reasons)
	}
}

// What a picture becomes does not depend on those beside it: a dark one of 16 bits is read
// by its own range.
func TestStreamReadsEachAlone(t *testing.T) {
	dir := t.TempDir()
	deepPNG := func(name string, most int) string {
		img := image.NewGray16(image.Rect(0, 0, 8, 8))
		for i := range 64 {
			img.SetGray16(i%8, i/8, color.Gray16{Y: uint16(i * most / 63)})
		}
		var b bytes.Buffer
		require.NoError(t, png.Encode(&b, img))
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, b.Bytes(), 0o666))
		return path
	}
	dark, bright := deepPNG("dark.png", 1000), deepPNG("light.png", 65535)
	for _, r := range []string{"", "full", "0/4095"} {
		o := Options{Channels: 1, Height: 8, Range: r}
		alone, err := OpenUnlabelled(dark, o)
		require.NoError(t, err)
		s, err := OpenStream([]string{dark, bright}, o)
		require.NoError(t, err)
		_, pixels, _ := drain(t, s, 10)
		require.Equal(t, onlyItem(t, alone), pixels[0], r)
		require.NoError(t, alone.Close())
	}
}

func TestStreamsThatCannotBe(t *testing.T) {
	dir := plant(t, files(t, "a/1.png"))
	text := filepath.Join(dir, "text")
	require.NoError(t, os.WriteFile(text, []byte("no picture"), 0o666))
	sized := Options{Channels: 1, Height: 4}
	for want, o := range map[string]Options{
		"give Options.Height":                        {Channels: 1},
		"Options.Width and Options.Channels":         {Height: 3},
		"Options.KeepCache and Options.DropDuplicat": {Channels: 1, Height: 4, DropDuplicates: true},
		"Options.Height is -4":                       {Channels: 1, Height: -4},
	} {
		_, err := OpenStream([]string{dir}, o)
		require.ErrorContains(t, err, want)
	}
	s, err := OpenStream(nil, sized)
	require.NoError(t, err)
	_, err = s.Next(3)
	require.Equal(t, io.EOF, err)
	_, err = s.Next(0)
	require.ErrorContains(t, err, "want 1 or more")

	sized.Strict = true
	for want, path := range map[string]string{
		"text: not a picture: text":      text,
		"gone: cannot be read: no such ": filepath.Join(dir, "gone"),
	} {
		s, err := OpenStream([]string{path}, sized)
		require.NoError(t, err)
		_, err = s.Next(3)
		require.ErrorContains(t, err, want)
	}
	s, err = OpenStream([]string{dir}, sized)
	require.NoError(t, err)
	paths, _, left := drain(t, s, 5)
	require.Len(t, paths, 1)
	require.Len(t, left, 1, "below a folder what is no picture is none of its pictures")
}
