package datasets

import (
	"encoding/binary"
	"io"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/pkg/errors"
)

// matrix is numbers in rows, read from where they lie: a file is not loaded. What the
// system keeps of it in memory it gives up when memory is needed, so that the rows of a
// file much larger than memory can be drawn at random. (Reading, unlike a mapping of the
// file, ends in an error and not in a fault when somebody cuts the file short.)
type matrix struct {
	from       io.ReaderAt
	offset     int64 // of the first number
	rows, cols int
	element    element
}

// element is how one number is written.
type element struct {
	size  int
	order binary.ByteOrder
	kind  elementKind
}

type elementKind uint8

const (
	floating elementKind = iota // of 2, 4 or 8 bytes
	brainFloat
	signed
	unsigned
)

// elementOf reads NumPy's and safetensors' names of types: <f4 and F32.
func elementOf(name string) (element, error) {
	if e, ok := safetensorsElements[name]; ok {
		return e, nil
	}
	e := element{order: binary.LittleEndian}
	letters := strings.TrimLeft(name, "<=|")
	if strings.HasPrefix(name, ">") {
		e.order, letters = binary.BigEndian, name[1:]
	}
	if len(letters) != 2 || !strings.Contains("1248", letters[1:]) {
		return e, errors.Errorf("elements of type %q, want numbers such as <f4 or <i8", name)
	}
	e.size = int(letters[1] - '0')
	switch letters[0] {
	case 'f':
		e.kind = floating
		if e.size == 1 {
			return e, errors.Errorf("elements of type %q, want numbers such as <f4 or <i8", name)
		}
	case 'i':
		e.kind = signed
	case 'u', 'b':
		e.kind = unsigned
	default:
		return e, errors.Errorf("elements of type %q, want numbers such as <f4 or <i8", name)
	}
	return e, nil
}

var safetensorsElements = func() map[string]element {
	le := binary.ByteOrder(binary.LittleEndian)
	return map[string]element{
		"F64": {8, le, floating}, "F32": {4, le, floating}, "F16": {2, le, floating}, "BF16": {2, le, brainFloat},
		"I64": {8, le, signed}, "I32": {4, le, signed}, "I16": {2, le, signed}, "I8": {1, le, signed},
		"U64": {8, le, unsigned}, "U32": {4, le, unsigned}, "U16": {2, le, unsigned}, "U8": {1, le, unsigned}, "BOOL": {1, le, unsigned},
	}
}()

// isWhole reports whether the numbers are integers.
func (e element) isWhole() bool { return e.kind == signed || e.kind == unsigned }

// bits reads the bytes of one number.
func (e element) bits(b []byte) uint64 {
	switch e.size {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(e.order.Uint16(b))
	case 4:
		return uint64(e.order.Uint32(b))
	}
	return e.order.Uint64(b)
}

// whole reads an integer.
func (e element) whole(b []byte) int64 {
	v := e.bits(b)
	if e.kind == signed {
		shift := 64 - 8*e.size
		return int64(v<<shift) >> shift
	}
	return int64(v)
}

// float reads any number.
func (e element) float(b []byte) float32 {
	switch v := e.bits(b); {
	case e.kind == signed:
		return float32(e.whole(b))
	case e.kind == unsigned:
		return float32(v)
	case e.kind == brainFloat:
		return math.Float32frombits(uint32(v) << 16)
	case e.size == 2:
		return halfToFloat(uint16(v))
	case e.size == 4:
		return math.Float32frombits(uint32(v))
	default:
		return float32(math.Float64frombits(v))
	}
}

// float64 is float without the loss of digits.
func (e element) float64(b []byte) float64 {
	if e.kind == floating && e.size == 8 {
		return math.Float64frombits(e.bits(b))
	}
	return float64(e.float(b))
}

// floats reads len(dst) numbers.
func (e element) floats(dst []float32, b []byte) {
	if e.kind == floating && e.size == 4 && e.order == binary.LittleEndian {
		for i := range dst {
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
		}
		return
	}
	if e.kind == floating && e.size == 2 && e.order == binary.LittleEndian {
		table := halves()
		for i := range dst {
			dst[i] = table[binary.LittleEndian.Uint16(b[2*i:])]
		}
		return
	}
	for i := range dst {
		dst[i] = e.float(b[i*e.size:])
	}
}

// halves holds the value of every number of 16 bits: 5 to 10 times as fast as to compute it.
var halves = sync.OnceValue(func() *[1 << 16]float32 {
	table := new([1 << 16]float32)
	for h := range table {
		table[h] = halfToFloat(uint16(h))
	}
	return table
})

// halfToFloat reads a number of IEEE 754's 16 bits.
func halfToFloat(h uint16) float32 {
	sign, exponent, fraction := uint32(h>>15)<<31, uint32(h>>10)&31, uint32(h)&1023
	switch exponent {
	case 0: // below the normal numbers
		v := float32(fraction) / (1 << 24)
		return math.Float32frombits(math.Float32bits(v) | sign)
	case 31: // infinite, or no number
		return math.Float32frombits(sign | 0x7f800000 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+112)<<23 | fraction<<13)
}

// rowBytes is the size of a row.
func (m *matrix) rowBytes() int { return m.cols * m.element.size }

// size is that of all rows in bytes.
func (m *matrix) size() int64 { return int64(m.rows) * int64(m.rowBytes()) }

// read puts rows first, first+1, … into dst, as many as it has room for. buffer is used
// again and again.
func (m *matrix) read(dst []float32, first int, buffer *[]byte) error {
	n := len(dst) * m.element.size
	*buffer = slices.Grow((*buffer)[:0], n)[:n]
	if _, err := m.from.ReadAt(*buffer, m.offset+int64(first)*int64(m.rowBytes())); err != nil {
		if errors.Is(err, io.EOF) {
			return errors.Errorf("row %d is cut off: the file is shorter than it was", first)
		}
		return errors.Wrapf(err, "row %d", first)
	}
	m.element.floats(dst, *buffer)
	return nil
}

// rowsAtOnce is how many rows a scan reads at a time: about a megabyte.
func (m *matrix) rowsAtOnce() int { return max(1, min(m.rows, 1<<18/max(1, m.cols))) }

// firstNotFinite looks for a number that is NaN or infinite; row is -1 if there is none.
func (m *matrix) firstNotFinite(progress func(done, total int)) (row int, value float32, err error) {
	if m.element.isWhole() {
		return -1, 0, nil
	}
	rows := make([]int, (m.rows+m.rowsAtOnce()-1)/m.rowsAtOnce()) // of each block
	values := make([]float32, len(rows))
	told := newTally(m.rows, progress)
	err = inParallel(len(rows), m.rowsAtOnce()*m.rowBytes(), func(from, to int) error {
		var buffer []byte
		numbers := make([]float32, m.rowsAtOnce()*m.cols)
		for block := from; block < to; block++ {
			first := block * m.rowsAtOnce()
			n := min(m.rowsAtOnce(), m.rows-first)
			rows[block] = -1
			if err := m.read(numbers[:n*m.cols], first, &buffer); err != nil {
				return err
			}
			for i, v := range numbers[:n*m.cols] {
				if v-v != 0 {
					rows[block], values[block] = first+i/m.cols, v
					break
				}
			}
			told.add(n)
		}
		return nil
	})
	if err != nil {
		return -1, 0, err
	}
	for block, row := range rows {
		if row >= 0 {
			return row, values[block], nil
		}
	}
	return -1, 0, nil
}
