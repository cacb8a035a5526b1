package metrics

import (
	"os"
	"testing"
)

// series is how many seeds a test takes: few, or the whole with MEDUSA_LONG=1.
func series(t *testing.T, few, whole uint64) uint64 {
	if os.Getenv("MEDUSA_LONG") != "" {
		return whole
	}
	t.Logf("%d of %d seeds; MEDUSA_LONG=1 go test ./metrics -run %s takes all", few, whole, t.Name())
	return few
}
