package loops

import (
	"runtime"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Whoever asks one after the other gets memory side by side, from the beginning of a line on, and nobody else's.
func TestLastingMemoryIsOnesOwn(t *testing.T) {
	var all [][]float32
	for _, n := range []int{1, 16, 17, 1000, 3 << 20, 5, 1 << 20} {
		s := lasting[float32](n)
		require.Len(t, s, n)
		require.Equal(t, n, cap(s))
		require.Zero(t, uintptr(unsafe.Pointer(&s[0]))%cacheLine)
		all = append(all, s)
	}
	for i, s := range all {
		for j := range s {
			s[j] = float32(i)
		}
	}
	for i, s := range all {
		assert.Equal(t, [2]float32{float32(i), float32(i)}, [2]float32{s[0], s[len(s)-1]})
	}
	assert.Equal(t, unsafe.Add(unsafe.Pointer(&all[1][0]), cacheLine), unsafe.Pointer(&all[2][0]))
	assert.Zero(t, uintptr(unsafe.Pointer(&all[4][0]))%largePage, "one that fits into no block begins a block")
	runtime.KeepAlive(all)
}

// A block is kept by those who have a part of it alone.
func TestLastingMemoryGoes(t *testing.T) {
	s := lasting[float64](1 << 20)
	require.NotNil(t, lastingBlock.first.Value())
	runtime.KeepAlive(s)
	s = nil
	runtime.GC()
	runtime.GC()
	assert.Nil(t, lastingBlock.first.Value())
	assert.Len(t, lasting[float32](3), 3, "the next begins a new one")
}
