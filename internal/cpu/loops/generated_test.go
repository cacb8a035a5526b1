package loops

import (
	"reflect"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/internal/avotest"
)

func TestAssemblyBelongsToGenerator(t *testing.T) { avotest.BelongsToGenerator(t) }

// The assembly reads microArgs at fixed offsets (avo/micro.go).
func TestMicroArgsLayout(t *testing.T) {
	var a microArgs[float32]
	for i, off := range []uintptr{
		unsafe.Offsetof(a.a), unsafe.Offsetof(a.aRow), unsafe.Offsetof(a.aStep), unsafe.Offsetof(a.b),
		unsafe.Offsetof(a.bStep), unsafe.Offsetof(a.c), unsafe.Offsetof(a.cRow), unsafe.Offsetof(a.k),
		unsafe.Offsetof(a.bias), unsafe.Offsetof(a.flags), unsafe.Offsetof(a.lanes), unsafe.Offsetof(a.mask),
		unsafe.Offsetof(a.alpha), unsafe.Offsetof(a.aRows), unsafe.Offsetof(a.segments), unsafe.Offsetof(a.segCount),
		unsafe.Offsetof(a.segLen), unsafe.Offsetof(a.counter), unsafe.Offsetof(a.segPos),
		unsafe.Offsetof(a.bRow),
	} {
		assert.EqualValues(t, 8*i, off, "field %d", i)
	}
	var b microArgs[float64]
	assert.Equal(t, unsafe.Sizeof(a), unsafe.Sizeof(b))
}

// Every instruction set can be asked for by name; one that is not there is an error, and
// the best one is used.
func TestChooseInstructionSet(t *testing.T) {
	for i := range instructionSets {
		s := &instructionSets[i]
		got, err := choose(s.name)
		if s.supported {
			require.NoError(t, err)
			assert.Same(t, s, got)
			continue
		}
		assert.ErrorContains(t, err, s.name)
	}
	got, err := choose("altivec")
	assert.ErrorContains(t, err, "MEDUSA_CPU=altivec")
	assert.ErrorContains(t, err, "generic")
	best, err := choose("")
	require.NoError(t, err)
	assert.Same(t, best, got)
}

// Products of float64 have few tiles, but not those of the Go loops.
func TestProductsOfFloat64AreAssembly(t *testing.T) {
	code := func(m micro[float64], rows int) uintptr { return reflect.ValueOf(m.table[rows-1][0]).Pointer() }
	for i := range instructionSets {
		if s := &instructionSets[i]; s.name != generic.name {
			for rows := 1; rows <= s.f64.rows; rows++ {
				assert.NotEqual(t, code(generic.f64, rows), code(s.f64, rows), "%s, %d rows", s.name, rows)
			}
		}
	}
}
