package datasets

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/pkg/errors"
	"github.com/stretchr/testify/require"
)

// idxOf returns an IDX file of bytes.
func idxOf(dims []int, values ...byte) []byte {
	b := []byte{0, 0, 8, byte(len(dims))}
	for _, d := range dims {
		b = binary.BigEndian.AppendUint32(b, uint32(d))
	}
	return append(b, values...)
}

func zipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write(data)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return b.Bytes()
}

var (
	threePictures = idxOf([]int{3, 2, 2}, 0, 51, 102, 153, 204, 255, 0, 51, 9, 9, 9, 9)
	threeLabels   = idxOf([]int{3}, 7, 12, 7)
)

// idxPair writes two files and returns their paths.
func idxPair(t *testing.T, images, labels []byte) (string, string) {
	t.Helper()
	dir := t.TempDir()
	a, b := filepath.Join(dir, "x-images-idx3-ubyte"), filepath.Join(dir, "x-labels-idx1-ubyte")
	require.NoError(t, os.WriteFile(a, images, 0o666))
	require.NoError(t, os.WriteFile(b, labels, 0o666))
	return a, b
}

func TestOpenIDX(t *testing.T) {
	for name, pack := range map[string]func(testing.TB, []byte) []byte{
		"plain": func(_ testing.TB, b []byte) []byte { return b }, "gzip": zipped,
	} {
		t.Run(name, func(t *testing.T) {
			images, labels := idxPair(t, pack(t, threePictures), pack(t, threeLabels))
			s, err := OpenIDX(images, labels, Options{})
			require.NoError(t, err)
			d := s.Train
			require.Equal(t, []string{"7", "12"}, d.Classes()) // as numbers, not as text
			require.Equal(t, []int{0, 1, 0}, d.Labels())
			require.Equal(t, images+"[1]", d.Path(1))
			got := make([]float32, 8)
			require.NoError(t, d.Fill(got, []int{1, 0}, Normalisation{}))
			require.InDeltaSlice(t, []float32{0.8, 1, 0, 0.2, 0, 0.2, 0.4, 0.6}, got, 1e-7)

			fromOpen, err := Open(images, Options{})
			require.NoError(t, err)
			require.Equal(t, d.Summary(), fromOpen.Train.Summary())
		})
	}
}

func TestOpenIDXOptions(t *testing.T) {
	images, labels := idxPair(t, threePictures, threeLabels)
	s, err := OpenIDX(images, labels, Options{Channels: 3, Height: 1, Width: 2, Invert: true})
	require.NoError(t, err)
	got := make([]float32, 6)
	require.NoError(t, s.Train.Fill(got, []int{0}, Normalisation{}))
	// Rows are averaged: (0 + 102)/2 = 51 and (51 + 153)/2 = 102; inverted 204 and 153.
	require.InDeltaSlice(t, []float32{0.8, 0.6, 0.8, 0.6, 0.8, 0.6}, got, 1e-7)
}

func TestOpenIDXFolder(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, data []byte) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o666))
	}
	write("train-images-idx3-ubyte.gz", zipped(t, threePictures))
	_, err := Open(dir, Options{})
	require.ErrorContains(t, err, "has only one of train-images-idx3-ubyte and train-labels-idx1-ubyte")
	write("train-labels-idx1-ubyte", threeLabels)
	write("t10k-images.idx3-ubyte", threePictures)
	write("t10k-labels.idx1-ubyte", threeLabels)
	s, err := Open(dir, Options{})
	require.NoError(t, err)
	require.Nil(t, s.Val)
	require.Equal(t, 3, s.Train.Len())
	require.Equal(t, 3, s.Test.Len())
	require.Equal(t, []string{"7", "12"}, SharedClasses(s.Train, s.Test))
	_, err = OpenIDXFolder(t.TempDir(), Options{})
	require.ErrorContains(t, err, "no IDX files")
}

func TestIDXErrors(t *testing.T) {
	flipped := zipped(t, threePictures)
	flipped[len(flipped)-6] ^= 1 // in the checksum
	for name, tt := range map[string]struct {
		images, labels []byte
		want           string
	}{
		"empty":              {nil, threeLabels, "is cut off"},
		"header cut":         {threePictures[:9], threeLabels, "is cut off"},
		"picture cut":        {append(idxOf([]int{3, 2, 2}), make([]byte, 11)...), threeLabels, "is cut off"},
		"gzip cut":           {zipped(t, threePictures)[:25], threeLabels, "is cut off"},
		"gzip too short":     {zipped(t, idxOf([]int{3, 2, 2}, 1, 2, 3)), threeLabels, "is cut off"},
		"checksum":           {flipped, threeLabels, "invalid checksum"},
		"too long":           {append(bytes.Clone(threePictures), 0), threeLabels, "goes on after its last value"},
		"labels too long":    {threePictures, append(bytes.Clone(threeLabels), 0), "goes on after its last value"},
		"text":               {[]byte("path,label\n"), threeLabels, "is no IDX file"},
		"floats":             {[]byte{0, 0, 0x0d, 3, 0, 0, 0, 1}, threeLabels, "is no IDX file of bytes"},
		"labels for images":  {threeLabels, threeLabels, "want three (pictures, rows, columns)"},
		"images for labels":  {threePictures, threePictures, "want one for labels"},
		"numbers differ":     {threePictures, idxOf([]int{2}, 1, 2), "has 3 pictures, its labels are 2"},
		"one class":          {threePictures, idxOf([]int{3}, 1, 1, 1), "at least two are needed"},
		"no picture":         {idxOf([]int{0, 2, 2}), idxOf([]int{0}), "at least two are needed"},
		"no pixels":          {idxOf([]int{3, 0, 2}), threeLabels, "pictures of 2×0"},
		"a header that lies": {idxOf([]int{1 << 31, 1 << 31, 1 << 31}), threeLabels, "more values than a file of 16 bytes can hold"},
	} {
		t.Run(name, func(t *testing.T) {
			images, labels := idxPair(t, tt.images, tt.labels)
			_, err := OpenIDX(images, labels, Options{})
			require.ErrorContains(t, err, tt.want)
			require.Regexp(t, "^datasets: ", err.Error())
		})
	}
	images, labels := idxPair(t, threePictures[:9], threeLabels)
	_, err := OpenIDX(images, labels, Options{})
	require.True(t, errors.Is(err, io.ErrUnexpectedEOF))
	_, err = OpenIDX(images+"x", labels, Options{})
	require.ErrorIs(t, err, os.ErrNotExist)
}

func FuzzIDX(f *testing.F) {
	f.Add(threePictures)
	f.Add(threeLabels)
	f.Add(zipped(f, threePictures))
	f.Add(idxOf([]int{1 << 31, 1 << 31, 1 << 31}))
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := Options{MaxPixels: 1 << 12}.withDefaults()
		require.NoError(t, err)
		open := func() *idxFile {
			file, err := readIDX(bytes.NewReader(data), int64(len(data)), "fuzz")
			if err != nil {
				t.Skip()
			}
			return file
		}
		labels, err := open().labels()
		require.True(t, err != nil || len(labels) == open().dims[0])
		numbers := make([]byte, min(open().dims[0], 1<<12))
		for i := range numbers {
			numbers[i] = byte(i)
		}
		d, err := open().pictures(numbers, o)
		require.True(t, err != nil || d.Len() == len(numbers))
	})
}
