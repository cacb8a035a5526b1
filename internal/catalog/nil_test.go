package catalog_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"medusa/internal/catalog"
)

func TestIsNil(t *testing.T) {
	for _, v := range []any{nil, (*int)(nil), (func())(nil)} {
		assert.True(t, catalog.IsNil(v), "%T", v)
	}
	for _, v := range []any{0, "", new(int), func() {}, struct{}{}, []int(nil)} {
		assert.False(t, catalog.IsNil(v), "%T", v)
	}
}
