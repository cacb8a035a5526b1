package spec

import (
	"crypto/sha256"
	bytes "encoding/binary"
	"fmt"
	"math"
)

// Values writes numbers that are part of the graph. Its input is not looked at.
type Values struct {
	numbers []float64
	sum     [sha256.Size]byte
}

// NewValues keeps a copy of the numbers.
func NewValues(numbers []float64) Values {
	s := Values{numbers: append([]float64(nil), numbers...)}
	raw := make([]byte, 0, 8*len(numbers))
	for _, v := range numbers {
		raw = bytes.LittleEndian.AppendUint64(raw, math.Float64bits(v))
	}
	s.sum = sha256.Sum256(raw)
	return s
}

// String tells numbers from others by their checksum.
func (s Values) String() string { return fmt.Sprintf("Values %d %x", len(s.numbers), s.sum[:16]) }

// Numbers are the numbers; they are not to be changed.
func (s Values) Numbers() []float64 { return s.numbers }
