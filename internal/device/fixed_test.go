package device

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A tensor is fixed until it is released, and no other is, also none that begins where it does.
func TestFix(t *testing.T) {
	a, b := make([]float32, 8), make([]float32, 8)
	var ofA, ofB, ofPart FixedLookup
	none := func() {
		t.Helper()
		require.Nil(t, ofA.Of(a))
		require.Nil(t, ofB.Of(b))
		require.Nil(t, ofPart.Of(a[:4]))
	}
	none()
	release := Fix(a, nil)
	found := ofA.Of(a)
	require.NotNil(t, found)
	require.Same(t, found, ofA.Of(a), "asked for again")
	require.Nil(t, ofA.Of(b), "another tensor by the same lookup")
	require.Same(t, found, ofA.Of(a))
	require.Nil(t, ofB.Of(b))
	require.Nil(t, ofPart.Of(a[:4]), "a part that begins at the same number")
	require.Nil(t, ofB.Of(nil))

	again := Fix(a, b)
	require.Same(t, found, ofA.Of(a), "what is fixed already stays what it is")
	require.NotNil(t, ofB.Of(b))
	again()
	require.Nil(t, ofB.Of(b))
	require.Same(t, found, ofA.Of(a), "whoever fixed it first releases it")
	release()
	none()
	release()
	none()
	second := Fix(a)
	require.NotNil(t, ofA.Of(a))
	require.NotSame(t, found, ofA.Of(a), "what was made of the numbers before is forgotten")
	release()
	require.NotNil(t, ofA.Of(a), "a release counts once")
	second()
	none()
}

// A form is made once for each key, whoever asks.
func TestFixedForm(t *testing.T) {
	var f Fixed
	made := 0
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for key := range 3 {
				assert.Equal(t, 10*key, f.Form(key, func() any { made++; return 10 * key }))
			}
		})
	}
	wg.Wait()
	require.Equal(t, 3, made)
}

func TestFixedLookupAllocatesNothing(t *testing.T) {
	a := make([]float32, 8)
	defer Fix(a)()
	var l FixedLookup
	require.Zero(t, testing.AllocsPerRun(10, func() { l.Of(a) }))
}
