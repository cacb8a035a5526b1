package pickle

import (
	"bufio"
	"io"
	"math/big"

	"github.com/pkg/errors"
)

// Decoder reads pickles from a source of known size.
type Decoder struct {
	// Call applies a constructor that the reader knows, and is not ok for others, of which an *Object stands
	// in the result. Nil knows none.
	Call func(callable Global, args Tuple) (value any, ok bool, err error)
	// Persistent is the value that a persistent ID stands for. Nil refuses them.
	Persistent func(id any) (any, error)

	r     *bufio.Reader
	left  int64 // bytes that are still to come
	size  int64
	stack []any
	marks []int // lengths of the stack below each mark
	memo  map[uint32]any
}

// NewDecoder reads from r, which holds size bytes.
func NewDecoder(r io.Reader, size int64) *Decoder {
	return &Decoder{r: bufio.NewReader(r), left: size, size: size}
}

// Consumed is how many bytes the pickles so far had.
func (d *Decoder) Consumed() int64 { return d.size - d.left }

// Decode reads the next pickle.
func (d *Decoder) Decode() (any, error) {
	d.stack, d.marks, d.memo = d.stack[:0], d.marks[:0], map[uint32]any{}
	v, err := d.decode()
	return v, errors.Wrapf(err, "pickle: at byte %d", d.Consumed())
}

func (d *Decoder) decode() (any, error) {
	for {
		code, err := d.byte()
		if err != nil {
			return nil, err
		}
		if code == opStop {
			return d.pop()
		}
		o := opcodes[code]
		if o == nil {
			return nil, d.unknown(code)
		}
		if err := o(d); err != nil {
			return nil, err
		}
	}
}

// unknown says why an opcode is not read.
func (d *Decoder) unknown(code byte) error {
	switch code {
	case 'I', 'L', 'F', 'S', 'V', 'p', 'g', 'P', 'i', 'd', 'l':
		return errors.New("the pickle is of protocol 0 or 1, want 2 to 5: save it anew with pickle_protocol=2")
	case 0x82, 0x83, 0x84:
		return errors.New("the pickle names classes by numbers of copyreg's registry, which is not here")
	}
	return errors.Errorf("the opcode 0x%02x is unknown: the file is damaged or no pickle", code)
}

// need checks that n more bytes are there, before memory is made for them.
func (d *Decoder) need(n uint64) error {
	if n > uint64(max(d.left, 0)) {
		return errors.Errorf("%d bytes are announced and %d are left: the file is truncated or damaged", n, max(d.left, 0))
	}
	return nil
}

func (d *Decoder) byte() (byte, error) {
	if err := d.need(1); err != nil {
		return 0, err
	}
	b, err := d.r.ReadByte()
	d.left--
	return b, errors.WithStack(err)
}

// bytes reads n bytes.
func (d *Decoder) bytes(n uint64) ([]byte, error) {
	if err := d.need(n); err != nil {
		return nil, err
	}
	b := make([]byte, n)
	_, err := io.ReadFull(d.r, b)
	d.left -= int64(n)
	return b, errors.WithStack(err)
}

// number reads a number of n bytes, little endian, without a sign.
func (d *Decoder) number(n int) (v uint64, err error) {
	b, err := d.bytes(uint64(n))
	for i := len(b) - 1; i >= 0; i-- {
		v = v<<8 | uint64(b[i])
	}
	return v, err
}

// counted reads a number of width bytes and as many bytes as it says.
func (d *Decoder) counted(width int) ([]byte, error) {
	n, err := d.number(width)
	if err != nil {
		return nil, err
	}
	return d.bytes(n)
}

// line reads to the next newline.
func (d *Decoder) line() (string, error) {
	var line []byte
	for {
		b, err := d.byte()
		if err != nil {
			return "", err
		}
		if b == '\n' {
			return string(line), nil
		}
		line = append(line, b)
	}
}

func (d *Decoder) push(v any) error {
	d.stack = append(d.stack, v)
	return nil
}

var errStack = errors.New("the stack is empty where something is taken from it: the file is damaged or no pickle")

// floor is the length of the stack below the last mark.
func (d *Decoder) floor() int {
	if len(d.marks) == 0 {
		return 0
	}
	return d.marks[len(d.marks)-1]
}

func (d *Decoder) pop() (any, error) {
	v, err := d.top()
	if err == nil {
		d.stack = d.stack[:len(d.stack)-1]
	}
	return v, err
}

func (d *Decoder) top() (any, error) {
	if len(d.stack) <= d.floor() {
		return nil, errStack
	}
	return d.stack[len(d.stack)-1], nil
}

// popN takes the last n values.
func (d *Decoder) popN(n int) ([]any, error) {
	at := len(d.stack) - n
	if at < d.floor() {
		return nil, errStack
	}
	values := append([]any(nil), d.stack[at:]...)
	d.stack = d.stack[:at]
	return values, nil
}

// popMark takes what stands above the last mark.
func (d *Decoder) popMark() ([]any, error) {
	if len(d.marks) == 0 {
		return nil, errStack
	}
	values, err := d.popN(len(d.stack) - d.floor())
	d.marks = d.marks[:len(d.marks)-1]
	return values, err
}

// long is a whole number in two's complement, little endian.
func long(b []byte) any {
	reversed := make([]byte, len(b))
	for i, v := range b {
		reversed[len(b)-1-i] = v
	}
	n := new(big.Int).SetBytes(reversed)
	if len(b) > 0 && b[len(b)-1]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	if n.IsInt64() {
		return n.Int64()
	}
	return n
}
