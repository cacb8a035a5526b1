package jpeg

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// eachWay runs a test with the assembly, if this processor has it, and without.
func eachWay(t *testing.T, test func(t *testing.T)) {
	defer func(had bool) { hasAVX2 = had }(hasAVX2)
	if hasAVX2 {
		t.Run("AVX2", test)
	}
	hasAVX2 = false
	t.Run("Go", test)
}

// someBlock has coefficients of which about one in sparse is not 0, of up to so many bits.
func someBlock(r *rand.Rand, sparse, bits int) (b block) {
	for i := range b {
		if r.IntN(sparse) == 0 {
			b[i] = int32(r.Uint32()) >> (32 - bits)
		}
	}
	return b
}

// The assembly draws what the loop draws, also of numbers that no picture has and that overflow,
// and nothing beside it.
func TestInverseAsLoop(t *testing.T) {
	if !hasAVX2 {
		t.Skip("this processor has no AVX2")
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		b := someBlock(r, 1+r.IntN(20), 1+r.IntN(32))
		stride := 8 + r.IntN(9)
		got, want := make([]byte, 7*stride+8), make([]byte, 7*stride+8)
		for i := range got {
			got[i] = byte(i)
			want[i] = byte(i)
		}
		same := b
		inverse(&b, false, got, stride)
		inverseLoop(&same, want, stride)
		require.Equal(t, want, got)
	}
}

// A flat block is drawn as the loop draws it.
func TestInverseOfFlat(t *testing.T) {
	for mean := int32(-20000); mean < 20000; mean++ {
		var got, want [64]byte
		inverse(&block{mean}, true, got[:], 8)
		inverseLoop(&block{mean}, want[:], 8)
		require.Equal(t, want, got)
	}
}

// The loop changes the block that it draws, the assembly does not. So one sees which of them runs.
func TestInverseTakesAssembly(t *testing.T) {
	if !hasAVX2 {
		t.Skip("this processor has no AVX2")
	}
	from := someBlock(rand.New(rand.NewPCG(3, 4)), 1, 9)
	b := from
	inverse(&b, false, make([]byte, 64), 8)
	require.Equal(t, from, b)
	inverseLoop(&b, make([]byte, 64), 8)
	require.NotEqual(t, from, b)
}

func BenchmarkInverse(b *testing.B) {
	defer func(had bool) { hasAVX2 = had }(hasAVX2)
	from := someBlock(rand.New(rand.NewPCG(5, 6)), 4, 6)
	pix := make([]byte, 64)
	run := func(b *testing.B) {
		for b.Loop() {
			one := from
			inverse(&one, false, pix, 8)
		}
	}
	if hasAVX2 {
		b.Run("AVX2", run)
	}
	hasAVX2 = false
	b.Run("Go", run)
}
