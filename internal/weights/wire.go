package weights

import (
	"bufio"
	"encoding/binary"
	"io"
	"math"

	"github.com/pkg/errors"
	"google.golang.org/protobuf/encoding/protowire"
)

// message is a message of protocol buffers that lies in a file, and is read without being held in memory.
type message struct {
	file    io.ReaderAt
	at, end int64
}

func newMessage(file io.ReaderAt, at, size int64) message { return message{file, at, at + size} }

// wireField is a field of a message: a number, or bytes that lie in the file.
type wireField struct {
	number protowire.Number
	kind   protowire.Type
	value  uint64 // of a number
	file   io.ReaderAt
	at     int64 // where the bytes begin
	size   int64
}

// maxText is more than any text that is read has in bytes.
const maxText = 16 << 20

var errWire = errors.New("a message of protocol buffers ends in the middle: the file is truncated or damaged")

// each calls f for the fields of m in turn.
func (m message) each(f func(wireField) error) error {
	r := bufio.NewReaderSize(io.NewSectionReader(m.file, m.at, m.end-m.at), 4096)
	at := m.at
	varint := func() (uint64, error) {
		head, _ := r.Peek(binary.MaxVarintLen64)
		v, n := protowire.ConsumeVarint(head)
		if n < 0 {
			return 0, errWire
		}
		at += int64(n)
		_, err := r.Discard(n)
		return v, errors.WithStack(err)
	}
	for at < m.end {
		tag, err := varint()
		if err != nil {
			return err
		}
		field := wireField{file: m.file}
		if field.number, field.kind = protowire.DecodeTag(tag); field.number < 1 {
			return errWire
		}
		switch field.kind {
		case protowire.VarintType:
			field.value, err = varint()
		case protowire.BytesType:
			var n uint64
			if n, err = varint(); err == nil && n > uint64(m.end-at) {
				err = errWire
			}
			field.size = int64(n)
		case protowire.Fixed32Type:
			field.size = 4
		case protowire.Fixed64Type:
			field.size = 8
		default:
			err = errWire
		}
		if err != nil {
			return err
		}
		field.at = at
		if field.size > m.end-at {
			return errWire
		}
		if at += field.size; field.size > 0 {
			if err := skip(r, m, at, field.size); err != nil {
				return err
			}
		}
		if err := f(field); err != nil {
			return err
		}
	}
	return nil
}

// skip moves r, which reads m, to byte at of the file, n bytes on: without reading them if they are many.
func skip(r *bufio.Reader, m message, at, n int64) error {
	if n <= int64(r.Buffered()) {
		_, err := r.Discard(int(n))
		return errors.WithStack(err)
	}
	r.Reset(io.NewSectionReader(m.file, at, m.end-at))
	return nil
}

// isBytes reports whether f is the field of a number, and bytes.
func (f wireField) isBytes(number protowire.Number) bool {
	return f.number == number && f.kind == protowire.BytesType
}

func (f wireField) message() message { return newMessage(f.file, f.at, f.size) }

func (f wireField) text() (string, error) {
	if f.size > maxText {
		return "", errors.Errorf("a text has %d bytes: the file is damaged", f.size)
	}
	b := make([]byte, f.size)
	_, err := f.file.ReadAt(b, f.at)
	return string(b), errors.WithStack(err)
}

// varints calls f for the numbers of a repeated field, which are packed or stand by themselves.
func (f wireField) varints(each func(uint64) error) error {
	if f.kind == protowire.VarintType {
		return each(f.value)
	}
	r := bufio.NewReader(io.NewSectionReader(f.file, f.at, f.size))
	for {
		v, err := binary.ReadUvarint(r)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return errWire
		}
		if err := each(v); err != nil {
			return err
		}
	}
}

// fixed calls f for the numbers of a repeated field of so many bytes each.
func (f wireField) fixed(width int, each func([]byte) error) error {
	if f.size%int64(width) != 0 {
		return errWire
	}
	r := bufio.NewReader(io.NewSectionReader(f.file, f.at, f.size))
	b := make([]byte, width)
	for range f.size / int64(width) {
		if _, err := io.ReadFull(r, b); err != nil {
			return errors.WithStack(err)
		}
		if err := each(b); err != nil {
			return err
		}
	}
	return nil
}

// numbers calls f for the numbers of one of the typed fields of a tensor of elements of a type: float_data (4),
// int32_data (5), int64_data (7), double_data (10), uint64_data (11).
func (f wireField) numbers(dtype Dtype, each func(float32) error) error {
	switch f.number {
	case 4:
		return f.fixed(4, func(b []byte) error { return each(encodings[F32].decode(b)) })
	case 10:
		return f.fixed(8, func(b []byte) error { return each(encodings[F64].decode(b)) })
	}
	return f.varints(func(v uint64) error { return each(narrow(dtype, v)) })
}

// narrow is an element that stands in a wider field: the bits of halves, or a whole number.
func narrow(dtype Dtype, v uint64) float32 {
	switch dtype {
	case F16:
		return half(uint16(v))
	case BF16:
		return math.Float32frombits(uint32(v) << 16)
	case U64, U32:
		return float32(v)
	}
	return float32(int64(v))
}
