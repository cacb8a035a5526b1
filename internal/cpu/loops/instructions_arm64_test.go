package loops

import (
	"os"
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
)

// NEON is what is used, and no kernel is left to the loops but those that would gain nothing.
func TestNEONIsTaken(t *testing.T) {
	if os.Getenv(Variable) == "" {
		name, err := Instructions()
		assert.NoError(t, err)
		assert.Equal(t, "neon", name)
	}
	without := map[string]bool{
		"shortTile": true, "shorten": true, // as slow as products of float32
		"turnHalf": true, // of vectors of sixteen
	}
	kernels := reflect.ValueOf(instructionSets[0].simd)
	for i := range kernels.NumField() {
		if field := kernels.Field(i); field.Kind() == reflect.Func {
			name := kernels.Type().Field(i).Name
			assert.Equal(t, without[name], field.IsNil(), name)
		}
	}
	assert.True(t, instructionSets[0].simd.sums)
}
