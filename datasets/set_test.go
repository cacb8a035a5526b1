package datasets

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// spirals is a researcher's own data: points, and noise each time one is learned from.
type spirals struct{ noise float32 }

func (spirals) Len() int                             { return 8 }
func (spirals) Labels() []int                        { return []int{0, 1, 0, 1, 0, 1, 0, 1} }
func (spirals) Classes() []string                    { return []string{"left", "right"} }
func (spirals) Shape() (channels, height, width int) { return 2, 1, 1 }

func (spirals) Fill(dst []float32, items []int, norm Normalisation) error {
	for k, i := range items {
		dst[2*k], dst[2*k+1] = float32(i), float32(-i)
	}
	return nil
}

// noisySpirals is spirals with noise.
type noisySpirals struct{ spirals }

func (n noisySpirals) Sample(dst []float32, item int, norm Normalisation, rng *rand.Rand) error {
	if item == 6 {
		return fmt.Errorf("point %d is lost", item)
	}
	dst[0], dst[1] = float32(item)+n.noise*rng.Float32(), float32(-item)+n.noise*rng.Float32()
	return nil
}

// batches are the values of the first batches, each of the items 0, 0, 1, 1 … with places of
// the same item side by side.
func batches(t *testing.T, d Set, workers, start int) [][]float32 {
	t.Helper()
	l, err := NewLoader(d, LoaderConfig{Batch: 8, Workers: workers, Seed: 5}, func(dst []int) error {
		for i := range dst {
			dst[i] = i / 2
		}
		return nil
	}, start)
	require.NoError(t, err)
	defer l.Close()
	var out [][]float32
	for range 4 {
		b, err := l.Next(context.Background())
		require.NoError(t, err)
		out = append(out, append([]float32(nil), b.Pixels...))
		require.Equal(t, []float32{0, 0, 1, 1, 0, 0, 1, 1}, b.Labels)
		b.Release()
	}
	return out
}

func TestLoaderOfASetOfOnesOwn(t *testing.T) {
	plain := batches(t, spirals{}, 2, 1)
	require.Equal(t, []float32{0, 0, 0, 0, 1, -1, 1, -1, 2, -2, 2, -2, 3, -3, 3, -3}, plain[0])
	require.Equal(t, plain[0], plain[3])

	one := batches(t, noisySpirals{spirals{0.5}}, 1, 1)
	require.Equal(t, one, batches(t, noisySpirals{spirals{0.5}}, 3, 1), "the number of workers does not matter")
	require.Equal(t, one[2], batches(t, noisySpirals{spirals{0.5}}, 2, 3)[0], "nor where it begins")
	require.NotEqual(t, one[0], one[1])
	require.NotEqual(t, one[0][:2], one[0][2:4], "two views of one item")

	l, err := NewLoader(noisySpirals{}, LoaderConfig{Batch: 1}, func(dst []int) error { dst[0] = 6; return nil }, 3)
	require.NoError(t, err)
	defer l.Close()
	_, err = l.Next(context.Background())
	require.ErrorContains(t, err, "batch of step 3: point 6 is lost")

	for _, d := range []Set{nil, (*Dataset)(nil)} {
		_, err := NewLoader(d, LoaderConfig{Batch: 1}, func([]int) error { return nil }, 1)
		require.ErrorContains(t, err, "loader over an empty set")
	}
}

func TestInstances(t *testing.T) {
	d := toy(t, 3, 2, Options{})
	own := d.Instances()
	require.Equal(t, []int{0, 1, 2, 3, 4, 5}, own.Labels())
	require.Len(t, own.Classes(), 6)
	require.Equal(t, 3, d.NumClasses())
	require.Equal(t, 6, own.NumClasses())
}
