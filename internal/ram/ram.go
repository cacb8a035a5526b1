// Package ram tells, before memory is asked for, whether it is there: Go ends a process
// that asks for too much, and the system ends one that uses too much.
package ram

import (
	"fmt"
	"math"
	"math/bits"

	"github.com/pkg/errors"
)

// Unknown is what Available says where the system does not tell: more than any machine of
// its kind has, so that only what nobody means is refused.
const Unknown = 1 << 42

// worthwhile is the size, in bytes, from which on Check looks.
const worthwhile = 1 << 20

// Check returns an error if n bytes are more than there are free. It says how many are
// needed, and how many there are.
func Check(n float64) error {
	if n < worthwhile {
		return nil
	}
	if free := Available(); n > float64(free) || n > math.MaxInt {
		return errors.Errorf("needs %s of memory, and %s are free", Size(n), Size(float64(free)))
	}
	return nil
}

// CheckNumbers is Check of that many numbers of so many bytes each.
func CheckNumbers(n, bytes int) error { return Check(float64(n) * float64(bytes)) }

// Size writes bytes for people, as 1.5 GiB.
func Size(n float64) string {
	units := []string{"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	i := 0
	for ; n >= 1024 && i < len(units)-1; i++ {
		n /= 1024
	}
	if i == 0 || n >= 100 {
		return fmt.Sprintf("%.0f %s", n, units[i])
	}
	return fmt.Sprintf("%.2g %s", n, units[i])
}

// Available is how many bytes the process can still take.
func Available() int64 {
	free := int64(Unknown)
	if bits.UintSize == 32 {
		free = math.MaxInt32
	}
	if system := available(); system > 0 {
		free = min(free, system)
	}
	return free
}
