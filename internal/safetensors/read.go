package safetensors

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"io"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/pkg/errors"

	"medusa/internal/fileread"
)

// ErrChecksum is the cause of Read's error for a file whose bytes have changed.
var ErrChecksum = errors.New("the checksum does not match: the file was altered or damaged")

// Open reads the file at path.
func Open(path string) (*File, error) {
	f, err := fileread.Open(path)
	if err != nil {
		return nil, errors.Wrap(err, "safetensors")
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Wrap(err, "safetensors")
	}
	file, err := Read(f, info.Size())
	return file, errors.Wrap(err, path)
}

// Read reads a file of size bytes.
func Read(r io.Reader, size int64) (*File, error) {
	header, f, places, err := readHeader(r, size, Dtype.Size)
	if err != nil {
		return nil, err
	}
	data := make([]byte, size-int64(len(header)))
	if _, err := io.ReadFull(r, data); err != nil {
		return nil, errors.Wrap(err, "safetensors: tensors")
	}
	if err := verify(f, header, data); err != nil {
		return nil, err
	}
	for _, p := range places {
		f.Tensors = append(f.Tensors, decode(p, data[p.Offsets[0]:p.Offsets[1]]))
	}
	return f, nil
}

// readHeader reads what stands before the tensors of a file of size bytes, and checks that
// these, of elements of so many bytes a type, fill the rest.
func readHeader(r io.Reader, size int64, width func(Dtype) int) (header []byte, f *File, places []named, err error) {
	if size < 8 {
		return nil, nil, nil, errors.Errorf("safetensors: %d bytes are too few for a header: the file is truncated or of another kind", size)
	}
	if size > maxElements {
		return nil, nil, nil, errors.Errorf("safetensors: %d bytes are too many", size)
	}
	start := make([]byte, 8)
	if _, err := io.ReadFull(r, start); err != nil {
		return nil, nil, nil, errors.Wrap(err, "safetensors: header")
	}
	n := binary.LittleEndian.Uint64(start)
	if n > maxHeader || int64(n) > size-8 {
		return nil, nil, nil, errors.Errorf("safetensors: the header claims %d bytes in a file of %d: the file is truncated or of another kind", n, size)
	}
	header = append(start, make([]byte, n)...)
	if _, err := io.ReadFull(r, header[8:]); err != nil {
		return nil, nil, nil, errors.Wrap(err, "safetensors: header")
	}
	if f, places, err = parse(header[8:]); err != nil {
		return nil, nil, nil, err
	}
	return header, f, places, covers(places, size-int64(len(header)), width)
}

// named is a header entry with its name.
type named struct {
	place
	name string
}

// parse reads the JSON header: every name once, in order of the data.
func parse(header []byte) (*File, []named, error) {
	bad := func(err error) error { return errors.Wrap(err, "safetensors: header") }
	if len(header) == 0 || header[0] != '{' {
		return nil, nil, errors.New("safetensors: the header does not begin with {: the file is damaged or of another kind")
	}
	if !utf8.Valid(header) {
		return nil, nil, errors.New("safetensors: the header is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(header))
	d.DisallowUnknownFields()
	if _, err := d.Token(); err != nil {
		return nil, nil, bad(err)
	}
	f := &File{}
	var places []named
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, nil, bad(err)
		}
		name := token.(string)
		if seen[name] {
			return nil, nil, errors.Errorf("safetensors: header: %q is there twice", name)
		}
		seen[name] = true
		if name == metadataKey {
			if err := d.Decode(&f.Metadata); err != nil {
				return nil, nil, bad(err)
			}
			continue
		}
		p := named{name: name}
		if err := d.Decode(&p.place); err != nil {
			return nil, nil, errors.Wrapf(err, "safetensors: header: tensor %q", name)
		}
		places = append(places, p)
	}
	if _, err := d.Token(); err != nil {
		return nil, nil, bad(err)
	}
	if rest := bytes.Trim(header[d.InputOffset():], " "); len(rest) > 0 {
		return nil, nil, errors.New("safetensors: header: something stands behind the JSON object")
	}
	slices.SortStableFunc(places, func(a, b named) int {
		return cmp.Or(cmp.Compare(a.Offsets[0], b.Offsets[0]), cmp.Compare(a.Offsets[1], b.Offsets[1]))
	})
	return f, places, nil
}

// covers checks that the tensors lie side by side and fill size bytes.
func covers(places []named, size int64, widthOf func(Dtype) int) error {
	at := 0
	for _, p := range places {
		n, err := elements(p.Shape)
		if err != nil {
			return errors.Wrapf(err, "safetensors: tensor %q", p.name)
		}
		width := widthOf(p.Dtype)
		switch {
		case width == 0:
			return errors.Errorf("safetensors: tensor %q has elements of type %q, want F32, F64, I64 or U8", p.name, p.Dtype)
		case p.Offsets[0] != at:
			return errors.Errorf("safetensors: tensor %q begins at byte %d, want %d: tensors overlap or leave a gap", p.name, p.Offsets[0], at)
		case p.Offsets[1]-p.Offsets[0] != n*width:
			return errors.Errorf("safetensors: tensor %q has %d bytes, its shape %v wants %d", p.name, p.Offsets[1]-p.Offsets[0], p.Shape, n*width)
		case int64(p.Offsets[1]) > size:
			return errors.Errorf("safetensors: tensor %q ends at byte %d of %d: the file is truncated", p.name, p.Offsets[1], size)
		}
		at = p.Offsets[1]
	}
	if int64(at) != size {
		return errors.Errorf("safetensors: the tensors have %d bytes, the file %d: it was cut or added to", at, size)
	}
	return nil
}

// verify compares the checksum, if the file has one.
func verify(f *File, header, data []byte) error {
	want, ok := f.Metadata[Checksum]
	if !ok {
		return nil
	}
	delete(f.Metadata, Checksum)
	mark := sumMark()
	at := bytes.Index(header, mark)
	if at < 0 || len(want) != len(noSum) || at+len(mark)+len(want) > len(header) {
		return errors.Wrap(ErrChecksum, "safetensors")
	}
	header = slices.Clone(header)
	copy(header[at+len(mark):], noSum)
	sum := sha256.New()
	sum.Write(header)
	sum.Write(data)
	if hex.EncodeToString(sum.Sum(nil)) != want {
		return errors.Wrap(ErrChecksum, "safetensors")
	}
	f.Checked = true
	return nil
}

func decode(p named, data []byte) Tensor {
	t := Tensor{Name: p.name, Shape: p.Shape}
	n := len(data) / p.Dtype.Size()
	switch p.Dtype {
	case F32:
		t.F32 = make([]float32, n)
		for i := range t.F32 {
			t.F32[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
		}
	case F64:
		t.F64 = make([]float64, n)
		for i := range t.F64 {
			t.F64[i] = math.Float64frombits(binary.LittleEndian.Uint64(data[8*i:]))
		}
	case I64:
		t.I64 = make([]int64, n)
		for i := range t.I64 {
			t.I64[i] = int64(binary.LittleEndian.Uint64(data[8*i:]))
		}
	case U8:
		t.U8 = append([]byte{}, data...)
	}
	return t
}

// append adds element i's bytes to buf.
func (t Tensor) append(buf []byte, i int) []byte {
	switch {
	case t.F32 != nil:
		return binary.LittleEndian.AppendUint32(buf, math.Float32bits(t.F32[i]))
	case t.F64 != nil:
		return binary.LittleEndian.AppendUint64(buf, math.Float64bits(t.F64[i]))
	case t.I64 != nil:
		return binary.LittleEndian.AppendUint64(buf, uint64(t.I64[i]))
	}
	return append(buf, t.U8[i])
}
