package datasets

import (
	"encoding/json"
	"image"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSubset(t *testing.T) {
	d := toy(t, 4, 3, Options{})
	s := d.Subset(func(c int) bool { return c%2 == 1 })
	require.Equal(t, []string{"c1", "c3"}, s.Classes())
	require.Equal(t, []int{0, 0, 0, 1, 1, 1}, s.Labels())
	require.Equal(t, "c3/2.png", s.Path(5))
	want, got := make([]float32, 20), make([]float32, 20)
	require.NoError(t, d.Fill(want, []int{11}, Normalisation{}))
	require.NoError(t, s.Fill(got, []int{5}, Normalisation{}))
	require.Equal(t, want, got)
	require.Equal(t, 4, d.NumClasses(), "the whole is as before")
	again := s.Subset(func(c int) bool { return c == 1 })
	require.Equal(t, []string{"c3"}, again.Classes())
	require.Equal(t, "c3/0.png", again.Path(0))
	require.Zero(t, d.Subset(func(int) bool { return false }).Len())
}

func TestSplitClasses(t *testing.T) {
	d := toy(t, 10, 2, Options{})
	for _, fraction := range []float64{0.01, 0.2, 0.5, 0.99} {
		train, val, err := d.SplitClasses(fraction, 7)
		require.NoError(t, err)
		require.Empty(t, SharedClasses(train, val))
		require.Equal(t, 10, train.NumClasses()+val.NumClasses())
		require.Equal(t, 20, train.Len()+val.Len())
		require.GreaterOrEqual(t, train.NumClasses(), 2)
		require.Equal(t, min(max(int(math.Round(10*fraction)), 2), 8), val.NumClasses())
		_, again, err := d.SplitClasses(fraction, 7)
		require.NoError(t, err)
		require.Equal(t, val.Classes(), again.Classes())
	}
	_, val, err := d.SplitClasses(0.5, 7)
	require.NoError(t, err)
	_, other, err := d.SplitClasses(0.5, 8)
	require.NoError(t, err)
	require.NotEqual(t, val.Classes(), other.Classes())
}

// A class of one picture is of no use to validation.
func TestSplitClassesKeepsSingletonsInTrain(t *testing.T) {
	s, err := OpenFS(files(t, "a/1.png", "a/2.png", "b/3.png", "b/4.png", "c/5.png", "d/6.png", "e/7.png"), Options{})
	require.NoError(t, err)
	for seed := range uint64(5) {
		_, val, err := s.Train.SplitClasses(0.6, seed)
		require.NoError(t, err)
		require.Equal(t, []string{"a", "b"}, val.Classes())
	}
}

func TestSplitClassesErrors(t *testing.T) {
	d := toy(t, 4, 2, Options{})
	for _, fraction := range []float64{0, 1, -1, math.NaN()} {
		_, _, err := d.SplitClasses(fraction, 1)
		require.ErrorContains(t, err, "want more than 0 and less than 1")
	}
	_, _, err := toy(t, 3, 2, Options{}).SplitClasses(0.5, 1)
	require.ErrorContains(t, err, "3 classes cannot be cut")
	_, _, err = toy(t, 5, 1, Options{}).SplitClasses(0.5, 1)
	require.ErrorContains(t, err, "0 of 5 classes have two pictures")
}

func TestImage(t *testing.T) {
	for _, invert := range []bool{false, true} {
		d := toy(t, 2, 2, Options{Invert: invert})
		img, err := d.Image(3)
		require.NoError(t, err)
		grey := img.(*image.Gray)
		require.Equal(t, image.Rect(0, 0, 5, 4), grey.Bounds())
		for y := range 4 {
			for x := range 5 {
				require.Equal(t, byte(50+7+x*11+y*3), grey.GrayAt(x, y).Y, "as in the file, inverted or not")
			}
		}
	}
	d := toy(t, 2, 2, Options{Channels: 3})
	img, err := d.Image(0)
	require.NoError(t, err)
	r, g, b, a := img.At(2, 1).RGBA()
	require.Equal(t, []uint32{25 * 257, 25 * 257, 25 * 257, 65535}, []uint32{r, g, b, a})
	_, err = d.Image(4)
	require.EqualError(t, err, "datasets: picture 4 asked for, the set has 4")
	_, err = d.Image(-1)
	require.Error(t, err)
}

func TestFillErrors(t *testing.T) {
	d := toy(t, 2, 2, Options{})
	require.ErrorContains(t, d.Fill(make([]float32, 20), []int{0, 1}, Normalisation{}), "20 values of room for 2 pictures of 20")
	require.ErrorContains(t, d.Fill(make([]float32, 20), []int{4}, Normalisation{}), "picture 4 asked for, the set has 4")
	require.ErrorContains(t, d.Fill(make([]float32, 20), []int{0}, Normalisation{Mean: []float32{1, 2, 3}, Std: []float32{1, 1, 1}}), "3 means")
	require.NoError(t, d.Fill(nil, nil, Normalisation{}))
}

func TestFillInPiecesAndWhole(t *testing.T) {
	d := noisy(400, 3, 20, 20) // enough to be cut for several goroutines
	all := make([]int, 400)
	for i := range all {
		all[i] = 399 - i
	}
	whole := make([]float32, 400*1200)
	require.NoError(t, d.Fill(whole, all, Normalisation{}))
	one := make([]float32, 1200)
	for i, item := range all {
		require.NoError(t, d.Fill(one, []int{item}, Normalisation{}))
		require.Equal(t, one, whole[i*1200:(i+1)*1200])
	}
}

func TestComputeNormalisation(t *testing.T) {
	d := noisy(300, 3, 20, 20)
	n, err := d.ComputeNormalisation()
	require.NoError(t, err)
	for c := range 3 {
		var sum, squares float64
		for i := range 300 {
			pixels, err := d.store.get(i, nil)
			require.NoError(t, err)
			for _, v := range pixels[c*400 : (c+1)*400] {
				x := float64(v) / 255
				sum, squares = sum+x, squares+x*x
			}
		}
		mean := sum / 120000
		require.InDelta(t, mean, float64(n.Mean[c]), 1e-7)
		require.InDelta(t, math.Sqrt(squares/120000-mean*mean), float64(n.Std[c]), 1e-7)
	}
	// Normalised by it, mean is 0 and deviation 1.
	all := make([]float32, 300*1200)
	indices := make([]int, 300)
	for i := range indices {
		indices[i] = i
	}
	require.NoError(t, d.Fill(all, indices, n))
	var sum, squares float64
	for _, v := range all {
		sum, squares = sum+float64(v), squares+float64(v)*float64(v)
	}
	require.InDelta(t, 0, sum/360000, 1e-5)
	require.InDelta(t, 1, squares/360000, 1e-5)

	flat := noisy(2, 1, 2, 2)
	copy(flat.store.memory, []byte{51, 51, 51, 51, 51, 51, 51, 51})
	n, err = flat.ComputeNormalisation()
	require.NoError(t, err)
	require.Equal(t, Normalisation{Mean: []float32{0.2}, Std: []float32{1}}, n)
	_, err = (&Dataset{}).ComputeNormalisation()
	require.ErrorContains(t, err, "empty set")
}

func TestNormalisationJSON(t *testing.T) {
	n := Normalisation{Mean: []float32{0.1}, Std: []float32{0.3}}
	text, err := json.Marshal(n)
	require.NoError(t, err)
	require.Equal(t, `{"mean":[0.1],"std":[0.3]}`, string(text))
	var back Normalisation
	require.NoError(t, json.Unmarshal(text, &back))
	require.Equal(t, n, back)
}
