package ram

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCheck(t *testing.T) {
	require.NoError(t, Check(1000))
	require.NoError(t, CheckNumbers(1<<20, 4))
	for _, n := range []float64{1e15, math.MaxFloat64, math.Inf(1)} {
		err := Check(n)
		require.ErrorContains(t, err, "of memory, and ")
		require.ErrorContains(t, err, " are free")
	}
	require.Error(t, CheckNumbers(math.MaxInt, 8), "no overflow")
	require.Greater(t, Available(), int64(1<<20), "the test itself runs in it")
}

func TestSize(t *testing.T) {
	for n, want := range map[float64]string{0: "0 bytes", 1023: "1023 bytes", 1536: "1.5 KiB", 1 << 30: "1 GiB", 120 << 30: "120 GiB", 1 << 63: "8 EiB"} {
		require.Equal(t, want, Size(n))
	}
}
