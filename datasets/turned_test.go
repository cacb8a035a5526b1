package datasets

import (
	"context"
	"image/color"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// turnedByHand is src, of channels planes of n×n, turned by a quarter against the clock: what was
// in the last column is the first row.
func turnedByHand(src []float32, channels, n int) []float32 {
	out := make([]float32, len(src))
	for c := range channels {
		for y := range n {
			for x := range n {
				out[(c*n+y)*n+x] = src[(c*n+x)*n+n-1-y]
			}
		}
	}
	return out
}

func turnedOf(t *testing.T, d *Dataset) *Dataset {
	turned, err := d.Turned()
	require.NoError(t, err)
	return turned
}

func TestTurnedClasses(t *testing.T) {
	const n, channels, count = 5, 3, 6
	d := noisy(count, channels, n, n)
	turned := turnedOf(t, d)
	require.Equal(t, []string{"even", "odd", "even turned 90°", "odd turned 90°", "even turned 180°", "odd turned 180°", "even turned 270°", "odd turned 270°"}, turned.Classes())
	require.Equal(t, 4*count, turned.Len())
	require.Equal(t, []string{"even", "odd"}, d.Classes(), "the set itself is as it was")
	require.Equal(t, count, d.Len())

	norm := Normalisation{Mean: []float32{0.1, 0.2, 0.3}, Std: []float32{1, 2, 3}}
	read := func(d *Dataset, item int) []float32 {
		out := make([]float32, channels*n*n)
		require.NoError(t, d.Fill(out, []int{item}, norm))
		return out
	}
	for i := range count {
		want := read(d, i)
		for q := range 4 {
			item := i + q*count
			require.Equal(t, want, read(turned, item), "item %d, %d quarters", i, q)
			require.Equal(t, d.Labels()[i]+2*q, turned.Labels()[item])
			require.Equal(t, d.Path(i), turned.Path(item))
			want = turnedByHand(want, channels, n)
		}
		require.Equal(t, read(d, i), want, "four quarters are a whole")
	}
}

// People see the picture turned against the clock.
func TestImageOfTurned(t *testing.T) {
	d := pictureOf(2, 2, func(x, y int) byte { return byte(10 * (2*y + x + 1)) }) // 10 20 / 30 40
	turned := turnedOf(t, d)
	img, err := turned.Image(1)
	require.NoError(t, err)
	var got []uint8
	for y := range 2 {
		for x := range 2 {
			got = append(got, img.At(x, y).(color.Gray).Y)
		}
	}
	require.Equal(t, []uint8{20, 40, 10, 30}, got)
}

// Without augmentation a loader gives what Fill gives, with a larger copy at hand too; with it,
// the change of the picture that was turned before.
func TestLoaderOfTurned(t *testing.T) {
	const n = 8
	d := noisy(4, 1, n, n)
	d.store.detail = noisy(4, 1, 2*n, 2*n).store
	turned := turnedOf(t, d)
	items := []int{0, 5, 10, 15, 3, 7, 11, 1}
	batch := func(d *Dataset, items []int, a Augment) *Batch {
		l, err := NewLoader(d, LoaderConfig{Batch: len(items), Augment: a, Seed: 4}, func(dst []int) error { copy(dst, items); return nil }, 0)
		require.NoError(t, err)
		defer l.Close()
		b, err := l.Next(context.Background())
		require.NoError(t, err)
		return b
	}
	want := make([]float32, len(items)*n*n)
	require.NoError(t, turned.Fill(want, items, Normalisation{}))
	b := batch(turned, items, Augment{})
	require.Equal(t, want, b.Pixels)
	require.Equal(t, []int{0, 3, 4, 7, 1, 3, 5, 1}, b.Classes)

	// The same with pictures that were turned on the disk, as it were.
	stored := noisy(16, 1, n, n)
	stored.store.detail = noisy(16, 1, 2*n, 2*n).store
	for i := range 16 {
		for _, s := range []struct {
			from, to *store
		}{{d.store, stored.store}, {d.store.detail, stored.store.detail}} {
			pixels, err := s.from.get(i%4, nil)
			require.NoError(t, err)
			copy(s.to.memory[i*s.to.bytes():], turn(make([]byte, len(pixels)), pixels, size{s.from.height, s.from.width}, 1, i/4))
		}
	}
	for name, a := range map[string]Augment{
		"crop": {RandomCrop: 2}, "rotation": {Rotation: 20}, "flip": {FlipH: 0.5}, "all": {Rotation: 10, Scale: 0.2, Shear: 15, RandomCrop: 1, Brightness: 0.2, Erase: 0.5},
	} {
		t.Run(name, func(t *testing.T) {
			want, got := batch(stored, items, a), batch(turned, items, a)
			differ := 0
			for i := range want.Pixels {
				// Places are rounded to 2⁻⁸ of a pixel and values to whole numbers.
				if delta := got.Pixels[i] - want.Pixels[i]; delta > 2./255 || delta < -2./255 {
					differ++
				}
			}
			assert.LessOrEqual(t, differ, len(want.Pixels)/50)
		})
	}
}

func TestPartsOfTurned(t *testing.T) {
	d := noisy(6, 1, 4, 4)
	turned := turnedOf(t, d)
	part := turned.Subset(func(class int) bool { return class == 3 || class == 6 }) // odd by 90, even by 270
	require.Equal(t, []string{"odd turned 90°", "even turned 270°"}, part.Classes())
	require.Equal(t, []int{0, 0, 0, 1, 1, 1}, part.Labels())
	all, some := make([]float32, turned.Len()*16), make([]float32, part.Len()*16)
	fill(t, turned, all)
	fill(t, part, some)
	joined := join(turned.Subset(func(class int) bool { return class < 2 }), part)
	require.Equal(t, 12, joined.Len())
	upright := make([]float32, joined.Len()*16)
	fill(t, joined, upright)
	require.Equal(t, all[:6*16], upright[:6*16])
	require.Equal(t, some, upright[6*16:])
	require.Equal(t, 4, turned.Turns())
	require.Equal(t, 1, d.Turns())
	require.Equal(t, all[7*16:8*16], some[:16])
	require.Equal(t, all[18*16:19*16], some[3*16:4*16])
}

func fill(t *testing.T, d *Dataset, dst []float32) {
	items := make([]int, d.Len())
	for i := range items {
		items[i] = i
	}
	require.NoError(t, d.Fill(dst, items, Normalisation{}))
}

// No picture is stored twice.
func TestTurnedSharesItsPictures(t *testing.T) {
	d := noisy(6, 1, 4, 4)
	turned := turnedOf(t, d)
	require.Same(t, d.store, turned.store)
	items, of := turned.Distinct()
	require.Equal(t, []int{0, 1, 2, 3, 4, 5}, items)
	for i, n := range of {
		require.Equal(t, i%6, n)
		upright, err := turned.StoredPicture(i, false, nil)
		require.NoError(t, err)
		own, err := d.StoredPicture(i%6, false, nil)
		require.NoError(t, err)
		require.Equal(t, own, upright)
	}
	items, of = d.Subset(func(class int) bool { return class == 1 }).Distinct()
	require.Equal(t, []int{0, 1, 2}, items)
	require.Equal(t, []int{0, 1, 2}, of)
}

func TestWhatCannotBeTurned(t *testing.T) {
	d := noisy(4, 1, 6, 4)
	_, err := d.Turned()
	require.ErrorContains(t, err, "pictures of 6×4 (height × width) cannot be turned by 90 degrees: want square ones")
	_, err = turnedOf(t, noisy(4, 1, 4, 4)).Turned()
	require.ErrorContains(t, err, "turned already")
}

func BenchmarkFillTurned(b *testing.B) {
	d, err := noisy(64, 1, 28, 28).Turned()
	require.NoError(b, err)
	dst := make([]float32, d.Len()*28*28)
	items := make([]int, d.Len())
	for i := range items {
		items[i] = i
	}
	for b.Loop() {
		if err := d.Fill(dst, items, Normalisation{}); err != nil {
			b.Fatal(err)
		}
	}
}
