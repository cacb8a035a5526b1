package datasets

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"math/bits"
	"math/rand/v2"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
	"golang.org/x/image/draw"
)

// photograph is a made-up picture of soft blobs, stripes and grain.
func photograph(seed uint64, w, h int) *image.RGBA {
	rng := rand.New(rand.NewPCG(seed, 1))
	type blob struct{ x, y, size, r, g, b float64 }
	blobs := make([]blob, 12)
	for i := range blobs {
		blobs[i] = blob{rng.Float64(), rng.Float64(), 0.05 + 0.3*rng.Float64(), rng.NormFloat64(), rng.NormFloat64(), rng.NormFloat64()}
	}
	angle, wave := rng.Float64()*math.Pi, 10+30*rng.Float64()
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range w * h {
		x, y := float64(i%w)/float64(w), float64(i/w)/float64(h)
		stripe := 12 * math.Sin(wave*(x*math.Cos(angle)+y*math.Sin(angle)))
		r, g, b := 128+stripe, 128+stripe, 128-stripe
		for _, o := range blobs {
			weight := 70 * math.Exp(-((x-o.x)*(x-o.x)+(y-o.y)*(y-o.y))/(o.size*o.size))
			r, g, b = r+weight*o.r, g+weight*o.g, b+weight*o.b
		}
		grain := 6 * rng.NormFloat64()
		img.SetRGBA(i%w, i/w, color.RGBA{level(r + grain), level(g + grain), level(b + grain), 255})
	}
	return img
}

func level(v float64) uint8 { return uint8(min(max(v, 0), 255)) }

func pngFile(t testing.TB, img image.Image) *fstest.MapFile {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, img))
	return &fstest.MapFile{Data: b.Bytes()}
}

// jpegFile is img scaled and encoded.
func jpegFile(t testing.TB, img image.Image, scale float64, quality int) *fstest.MapFile {
	t.Helper()
	size := img.Bounds().Size()
	small := image.NewRGBA(image.Rect(0, 0, int(scale*float64(size.X)), int(scale*float64(size.Y))))
	draw.CatmullRom.Scale(small, small.Bounds(), img, img.Bounds(), draw.Src, nil)
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, small, &jpeg.Options{Quality: quality}))
	return &fstest.MapFile{Data: b.Bytes()}
}

// copiesFS holds n different photographs to learn from and n others to test on, of which
// the first are copies: encoded anew, smaller, compressed, to the byte, and of one colour.
func copiesFS(t testing.TB, n int) fstest.MapFS {
	t.Helper()
	fsys := fstest.MapFS{}
	for i := range 2 * n {
		part := "train"
		if i >= n {
			part = "test"
		}
		fsys[fmt.Sprintf("%s/%s%d/p%03d.png", part, part, i%4, i)] = pngFile(t, photograph(uint64(i), 160, 120))
	}
	fsys["test/test0/jpeg.jpg"] = jpegFile(t, photograph(0, 160, 120), 1, 75)
	fsys["test/test0/half.jpg"] = jpegFile(t, photograph(1, 160, 120), 0.5, 75)
	fsys["test/test1/poor.jpg"] = jpegFile(t, photograph(2, 160, 120), 1, 30)
	fsys["test/test2/large.jpg"] = jpegFile(t, photograph(3, 160, 120), 2, 90)
	fsys["test/test3/same.png"] = fsys["train/train0/p004.png"]
	fsys["train/train1/red.png"] = &fstest.MapFile{Data: plainPNG(t, 160, 120, color.RGBA{255, 0, 0, 255})}
	fsys["test/test1/blue.png"] = &fstest.MapFile{Data: plainPNG(t, 160, 120, color.RGBA{0, 0, 255, 255})}
	return fsys
}

func TestNearCopiesAreFound(t *testing.T) {
	fsys := copiesFS(t, 40)
	for _, o := range []Options{{Height: 64}, {Height: 28, Channels: 1}, {Height: 100, Width: 40, Resize: Crop}, {Height: 8}, {Height: 64, Invert: true, CacheBytes: 1}} {
		s, err := OpenFS(fsys, o)
		require.NoError(t, err)
		found, err := FindNearCopies(s.Test, s.Train)
		require.NoError(t, err)
		var got []string
		for _, c := range found {
			require.InDelta(t, 1, c.Like, 0.01)
			got = append(got, fmt.Sprintf("%s of %s %v", s.Test.Path(c.Picture), s.Train.Path(c.Of), c.Identical))
		}
		require.Equal(t, []string{
			"test/test0/half.jpg of train/train1/p001.png false",
			"test/test0/jpeg.jpg of train/train0/p000.png false",
			"test/test1/poor.jpg of train/train2/p002.png false",
			"test/test2/large.jpg of train/train3/p003.png false",
			"test/test3/same.png of train/train0/p004.png true",
		}, got, "%+v", o)
		require.NoError(t, s.Close())
	}
}

func TestCopiesAreToldOrLeftOut(t *testing.T) {
	fsys := copiesFS(t, 8)
	for i := 4; i < 8; i++ { // now every picture but red of a class is in the test part
		delete(fsys, fmt.Sprintf("train/train%d/p%03d.png", i%4, i))
	}
	delete(fsys, "train/train1/red.png")
	fsys["train/train0/p004.png"] = fsys["test/test3/same.png"]
	fsys["train/other/a.png"] = pngFile(t, photograph(500, 160, 120))
	fsys["train/more/b.png"] = pngFile(t, photograph(501, 160, 120))
	s, err := OpenFS(fsys, Options{})
	require.NoError(t, err)
	require.Empty(t, s.Test.Summary().Notes[1:], "only the picture of one colour is noted")

	told, err := s.TellCopies(false)
	require.NoError(t, err)
	require.Equal(t, 5, told.Test.Summary().Copies)
	require.Zero(t, told.Train.Summary().Copies)
	require.Equal(t, s.Train, told.Train)
	require.Equal(t, []string{
		"picture of a single colour: 1 (test/test1/blue.png)",
		"picture that train has too: 1 (test/test3/same.png)",
		"picture that train shows too, encoded or sized anew: 4 (test/test0/half.jpg as train/train1/p001.png, " +
			"test/test0/jpeg.jpg as train/train0/p000.png, test/test1/poor.jpg as train/train2/p002.png, test/test2/large.jpg as train/train3/p003.png)",
	}, texts(told.Test.Summary().Notes))
	require.Len(t, s.Test.Summary().Notes, 1, "the sets that were given stay as they are")

	rest, err := s.TellCopies(true)
	require.NoError(t, err)
	require.Equal(t, []string{"more train/more/b.png", "other train/other/a.png"}, listing(rest.Train))
	require.Equal(t, []int{0, 1}, rest.Train.Labels())
	require.Len(t, rest.Train.Skipped(), 5)
	require.Equal(t, Skip{Path: "train/train0/p000.png", Reason: "the part test has the picture too", Detail: "shows the same as test/test0/jpeg.jpg"}, rest.Train.Skipped()[0])
	require.Equal(t, s.Test.Len(), rest.Test.Len())

	delete(fsys, "train/more/b.png")
	s, err = OpenFS(fsys, Options{})
	require.NoError(t, err)
	_, err = s.TellCopies(true)
	require.ErrorContains(t, err, "without the pictures that the part test has too, train cannot be used: 1 of its 5 classes are left")
}

func texts(counts []Count) []string {
	var out []string
	for _, c := range counts {
		out = append(out, c.String())
	}
	return out
}

func TestNearCopiesWantOneSize(t *testing.T) {
	_, err := FindNearCopies(toy(t, 2, 2, Options{}), toy(t, 2, 2, Options{Height: 9}))
	require.ErrorContains(t, err, "near-copies between pictures of 1×4×5 and of 1×9×9")
}

// The index finds what looking at every pair finds.
func TestHashIndexMissesNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	hashes := make([]pictureHash, 500)
	for i := range hashes {
		hashes[i].bits = rng.Uint64() | uint64(i%7)<<61
		hashes[i].waves[0] = 127 // all alike in their frequencies
		hashes[i].blank = i%50 == 0
		if i%2 == 1 { // a neighbour
			hashes[i].bits = hashes[i-1].bits
			for range rng.IntN(10) {
				hashes[i].bits ^= 1 << rng.IntN(64)
			}
		}
	}
	index := newHashIndex(hashes)
	pairs := 0
	for i := range hashes {
		if hashes[i].blank {
			continue
		}
		var want []int32
		for j := range hashes {
			if !hashes[j].blank && bits.OnesCount64(hashes[i].bits^hashes[j].bits) <= nearBits {
				want = append(want, int32(j))
			}
		}
		require.ElementsMatch(t, want, index.near(&hashes[i], nil))
		pairs += len(want)
	}
	require.Greater(t, pairs, 600)
}

// Drawings differ in few strokes, and yet none is taken for a copy.
func TestEmbeddedDrawingsHaveNoNearCopies(t *testing.T) {
	s, err := Open("", Options{})
	require.NoError(t, err)
	found, err := FindNearCopies(s.Test, s.Train)
	require.NoError(t, err)
	require.Empty(t, found)
}

func BenchmarkFindNearCopies(b *testing.B) {
	s, err := Open("", Options{})
	require.NoError(b, err)
	for b.Loop() {
		_, err := FindNearCopies(s.Test, s.Train)
		require.NoError(b, err)
	}
	b.ReportMetric(float64(s.Test.Len()+s.Train.Len())*float64(b.N)/b.Elapsed().Seconds(), "pictures/s")
}
