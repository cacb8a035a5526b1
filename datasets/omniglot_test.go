package datasets

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"image"
	"image/png"
	"io"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

var openOnce = sync.OnceValues(func() (Split, error) { return Open("", Options{}) })

// opened returns the embedded set, opened once for all tests.
func opened(t *testing.T) Split {
	t.Helper()
	if raceEnabled {
		t.Skip("too slow under the race detector; TestDrawAll unpacks a part")
	}
	s, err := openOnce()
	require.NoError(t, err)
	return s
}

// Alphabets are unpacked at the same time, each to its own rows.
func TestDrawAll(t *testing.T) {
	alphabets, _, err := readAlphabets("test")
	require.NoError(t, err)
	var few []alphabet
	total := 0
	for _, a := range alphabets {
		if a.drawings == 400 || a.drawings == 500 { // Angelic and Tengwar
			a.first = total
			few, total = append(few, a), total+a.drawings
		}
	}
	require.Len(t, few, 2)
	var calls, last int
	o, err := Options{Height: 10, Width: 10, Workers: 2, Progress: func(done, all int) { calls, last = calls+1, max(last, done) }}.withDefaults()
	require.NoError(t, err)
	s, err := newStore(total, 1, 10, 10, o)
	require.NoError(t, err)
	require.NoError(t, drawAll(s, few, total, o))
	require.Equal(t, []int{2, 900}, []int{calls, last})
	for i := range total {
		pixels, err := s.get(i, nil)
		require.NoError(t, err)
		require.False(t, isBlank(pixels, 1), "drawing %d", i)
	}
}

func TestOmniglot(t *testing.T) {
	s := opened(t)
	require.Nil(t, s.Val)
	for _, tt := range []struct {
		set                *Dataset
		classes, alphabets int
	}{{s.Train, 393, 11}, {s.Test, 168, 6}} {
		require.Equal(t, tt.classes, tt.set.NumClasses())
		require.Equal(t, 20*tt.classes, tt.set.Len())
		for _, n := range tt.set.classSizes() {
			require.Equal(t, 20, n)
		}
		names := make(map[string]bool)
		for _, c := range tt.set.Classes() {
			alphabet, _, _ := strings.Cut(c, "/")
			names[alphabet] = true
		}
		require.Len(t, names, tt.alphabets)
		c, h, w := tt.set.Shape()
		require.Equal(t, []int{1, 28, 28}, []int{c, h, w})
	}
	require.Empty(t, SharedClasses(s.Train, s.Test))
	require.Equal(t, "omniglot/train/Armenian/character02/03", s.Train.Path(22))

	// Ink is 1 and rare; the border is paper, 0.
	x := make([]float32, 784*s.Test.Len())
	all := make([]int, s.Test.Len())
	for i := range all {
		all[i] = i
	}
	require.NoError(t, s.Test.Fill(x, all, Normalisation{}))
	sum, border := 0., 0.
	for i, v := range x {
		sum += float64(v)
		if i%784 < 28 {
			border += float64(v)
		}
	}
	require.InDelta(t, 0.08, sum/float64(len(x)), 0.03)
	require.Less(t, border/float64(28*s.Test.Len()), 0.02)
	img, err := s.Test.Image(0)
	require.NoError(t, err)
	require.Equal(t, byte(255), img.(*image.Gray).Pix[0], "for people, paper is white")
}

func TestOmniglotOptions(t *testing.T) {
	ink := opened(t)
	paper, err := Omniglot(Options{Width: 28, Channels: 3, Invert: true, CacheBytes: 1, CacheDir: t.TempDir()})
	require.NoError(t, err)
	defer paper.Close()
	a, b := make([]float32, 28*28), make([]float32, 3*28*28)
	require.NoError(t, ink.Train.Fill(a, []int{77}, Normalisation{}))
	require.NoError(t, paper.Train.Fill(b, []int{77}, Normalisation{}))
	for i, v := range a {
		require.InDelta(t, 1, v+b[i], 1e-6)
		require.Equal(t, b[i], b[i+28*28])
		require.Equal(t, b[i], b[i+2*28*28])
	}
	_, err = Omniglot(Options{Channels: 4})
	require.Error(t, err)
}

func TestOmniglotIsSmallAndLicensed(t *testing.T) {
	total := 0
	for _, part := range []string{"train", "test"} {
		alphabets, _, err := readAlphabets(part)
		require.NoError(t, err)
		for _, a := range alphabets {
			total += len(a.code)
		}
	}
	require.Less(t, total, 1<<20)
	require.Contains(t, OmniglotLicence(), "Copyright (c) 2015 Brenden Lake")
	require.Contains(t, OmniglotLicence(), "MIT License")
}

// The embedded drawings are those of the archive, if OMNIGLOT_ARCHIVE names
// omniglot.tar.gz.
func TestOmniglotIsTheArchives(t *testing.T) {
	name := os.Getenv("OMNIGLOT_ARCHIVE")
	if name == "" {
		t.Skip("OMNIGLOT_ARCHIVE does not name omniglot.tar.gz")
	}
	f, err := os.Open(name)
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	s := opened(t)
	type item struct {
		set *Dataset
		i   int
	}
	place := make(map[string]item)
	for _, d := range []*Dataset{s.Train, s.Test} {
		for i := range d.Len() {
			place[d.Path(i)] = item{d, i}
		}
	}
	compared := 0
	r := &renderer{channels: 1, height: 28, width: 28, mode: Squeeze, invert: true}
	planes := make([]byte, 784)
	for files := tar.NewReader(z); ; {
		h, err := files.Next()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		end := strings.LastIndexByte(h.Name, '_')
		slash := strings.LastIndexByte(h.Name, '/')
		if end < slash {
			continue
		}
		at, ok := place[h.Name[:slash+1]+strings.TrimSuffix(h.Name[end+1:], ".png")]
		if !ok {
			continue
		}
		data, err := io.ReadAll(files)
		require.NoError(t, err)
		img, err := png.Decode(bytes.NewReader(data))
		require.NoError(t, err)
		_, err = r.render(planes, picture{Image: img, orientation: 1}, cutout{})
		require.NoError(t, err)
		got, err := at.set.store.get(int(at.set.rows[at.i]), nil)
		require.NoError(t, err)
		require.Equal(t, planes, got, h.Name)
		compared++
	}
	require.Equal(t, len(place), compared)
}

func BenchmarkOmniglot(b *testing.B) {
	for b.Loop() {
		if _, err := Omniglot(Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
