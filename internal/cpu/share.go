package cpu

import (
	"math"

	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

func init() {
	register(shareBound[float32], shareBound[float64])
}

func shareBound[T loops.Float](s spec.ShareBound) func(out []T, in [][]T) {
	t := newShareTask[T](s)
	return func(out []T, in [][]T) {
		t.x = in[0]
		t.mask.begin(in[1:])
		bound := t.bound()
		for i := range out {
			out[i] = bound
		}
		t.x = nil
	}
}

// digitBits is how many bits a digit has. The bound is found digit by digit: of the entries that
// begin with the digits found so far, it is counted how many have which digit next.
const digitBits = 11

// shareParts is into how many parts the rows are cut, which are counted at once.
const shareParts = 16

type digitCounts [1 << digitBits]int64

type shareTask[T loops.Float] struct {
	s       spec.ShareBound
	x       []T
	mask    maskRows[T]
	counts  [shareParts]digitCounts
	scratch [shareParts][]T

	found        uint64 // the digits found
	shift, width uint   // where the next one is
}

func newShareTask[T loops.Float](s spec.ShareBound) *shareTask[T] {
	t := &shareTask[T]{s: s, mask: newMaskRows[T](s.Mask, s.Rows, s.Cols)}
	for i := range t.scratch {
		t.scratch[i] = make([]T, s.Cols)
	}
	return t
}

func (t *shareTask[T]) bound() T {
	t.found, t.shift = 0, keyBits[T]()
	left := int64(-1) // how many entries lie at and below the bound, of those that begin as it does
	for t.shift > 0 {
		t.width = min(digitBits, t.shift)
		t.shift -= t.width
		all, total := t.count()
		if left < 0 {
			left = int64(math.Ceil(t.s.Share * float64(total)))
		}
		if total == 0 {
			return 0
		}
		digit := 0
		for ; left > all[digit]; digit++ {
			left -= all[digit]
		}
		t.found = t.found<<t.width | uint64(digit)
	}
	if t.s.Largest {
		return justBelow(ofKey[T](^t.found))
	}
	return ofKey[T](t.found)
}

// count counts the entries that begin with the digits found by the next one.
func (t *shareTask[T]) count() (all digitCounts, total int64) {
	loops.Parallel(shareParts, 1, t.countParts)
	for i := range t.counts {
		for digit, n := range t.counts[i] {
			all[digit] += n
			total += n
		}
	}
	return all, total
}

func (t *shareTask[T]) countParts(lo, hi int) {
	for part := lo; part < hi; part++ {
		counts := &t.counts[part]
		*counts = digitCounts{}
		for r := part * t.s.Rows / shareParts; r < (part+1)*t.s.Rows/shareParts; r++ {
			row := t.x[r*t.s.Cols : (r+1)*t.s.Cols]
			for j, m := range t.mask.row(r, t.scratch[part]) {
				if m == 0 || row[j] != row[j] {
					continue
				}
				key := keyOf(row[j])
				if t.s.Largest {
					key = ^key & (1<<keyBits[T]() - 1)
				}
				if key>>(t.shift+t.width) == t.found {
					times := int64(1)
					if t.s.Counted {
						times = int64(m)
					}
					counts[key>>t.shift&(1<<t.width-1)] += times
				}
			}
		}
	}
}

func keyBits[T loops.Float]() uint {
	if _, single := any(T(0)).(float32); single {
		return 32
	}
	return 64
}

// keyOf is a whole number that is in the order of the numbers v.
func keyOf[T loops.Float](v T) uint64 {
	if w, single := any(v).(float32); single {
		b := math.Float32bits(w)
		if b>>31 != 0 {
			return uint64(^b)
		}
		return uint64(b | 1<<31)
	}
	b := math.Float64bits(float64(v))
	if b>>63 != 0 {
		return ^b
	}
	return b | 1<<63
}

// ofKey is the number of a key.
func ofKey[T loops.Float](key uint64) T {
	if keyBits[T]() == 32 {
		b := uint32(key)
		if b>>31 != 0 {
			return T(math.Float32frombits(b &^ (1 << 31)))
		}
		return T(math.Float32frombits(^b))
	}
	if key>>63 != 0 {
		return T(math.Float64frombits(key &^ (1 << 63)))
	}
	return T(math.Float64frombits(^key))
}

// justBelow is the greatest number below v.
func justBelow[T loops.Float](v T) T { return -justAbove(-v) }
