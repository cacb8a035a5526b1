package jpeg

import (
	"testing"

	"medusa/internal/avotest"
)

func TestAssemblyBelongsToGenerator(t *testing.T) { avotest.BelongsToGenerator(t) }
