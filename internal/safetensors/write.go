package safetensors

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/pkg/errors"
)

// place is one entry of the header.
type place struct {
	Dtype   Dtype  `json:"dtype"`
	Shape   []int  `json:"shape"`
	Offsets [2]int `json:"data_offsets"`
}

var noSum = strings.Repeat("0", 2*sha256.Size)

// Write writes f with its checksum.
func Write(w io.Writer, f *File) error {
	header, err := f.header()
	if err != nil {
		return err
	}
	sum := sha256.New()
	sum.Write(header)
	for _, t := range f.Tensors {
		if err := encode(sum, t); err != nil {
			return errors.Wrapf(err, "safetensors: tensor %q", t.Name)
		}
	}
	putSum(header, sum.Sum(nil))
	if _, err := w.Write(header); err != nil {
		return errors.Wrap(err, "safetensors")
	}
	for _, t := range f.Tensors {
		if err := encode(w, t); err != nil {
			return errors.Wrapf(err, "safetensors: tensor %q", t.Name)
		}
	}
	return nil
}

// sumMark is what stands before the checksum in a header. Quotes inside of names and
// values are escaped, so it occurs nowhere else.
func sumMark() []byte { return []byte(`"` + Checksum + `":"`) }

// putSum puts the checksum in its place in a header.
func putSum(header, sum []byte) {
	mark := sumMark()
	hex.Encode(header[bytes.Index(header, mark)+len(mark):], sum)
}

// header is the length and the JSON header, with zeros for the checksum.
func (f *File) header() ([]byte, error) {
	places := make([]named, len(f.Tensors))
	at := 0
	for i, t := range f.Tensors {
		p, err := t.place(at)
		if err != nil {
			return nil, err
		}
		places[i] = named{name: t.Name, place: p}
		at = p.Offsets[1]
	}
	return headerOf(f.Metadata, places)
}

// headerOf is header of tensors at places.
func headerOf(metadata map[string]string, places []named) ([]byte, error) {
	meta := maps.Clone(metadata)
	if meta == nil {
		meta = map[string]string{}
	}
	meta[Checksum] = noSum
	var b bytes.Buffer
	b.Write(make([]byte, 8))
	b.WriteString(`{"` + metadataKey + `":`)
	if err := writeJSON(&b, meta); err != nil {
		return nil, err
	}
	seen := map[string]bool{metadataKey: true}
	for _, p := range places {
		if seen[p.name] {
			return nil, errors.Errorf("safetensors: tensor %q is there twice, or its name is reserved", p.name)
		}
		seen[p.name] = true
		b.WriteByte(',')
		if err := writeJSON(&b, p.name); err != nil {
			return nil, err
		}
		b.WriteByte(':')
		if err := writeJSON(&b, p.place); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	for b.Len()%8 != 0 { // tensors begin at a multiple of 8
		b.WriteByte(' ')
	}
	if b.Len()-8 > maxHeader {
		return nil, errors.Errorf("safetensors: the header has %d bytes, at most %d are allowed", b.Len()-8, maxHeader)
	}
	binary.LittleEndian.PutUint64(b.Bytes(), uint64(b.Len()-8))
	return b.Bytes(), nil
}

func (t Tensor) place(at int) (place, error) {
	p := place{Dtype: t.Dtype(), Shape: slices.Clone(t.Shape)}
	if p.Shape == nil {
		p.Shape = []int{}
	}
	n, err := elements(t.Shape)
	switch {
	case err != nil:
		return p, errors.Wrapf(err, "safetensors: tensor %q", t.Name)
	case p.Dtype == "":
		return p, errors.Errorf("safetensors: tensor %q has no elements set", t.Name)
	case t.len() != n:
		return p, errors.Errorf("safetensors: tensor %q has %d elements, its shape %v wants %d", t.Name, t.len(), t.Shape, n)
	}
	p.Offsets = [2]int{at, at + n*p.Dtype.Size()}
	return p, nil
}

// writeJSON is json.Marshal without the escapes for HTML.
func writeJSON(b *bytes.Buffer, v any) error {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return errors.Wrap(err, "safetensors: header")
	}
	b.Truncate(b.Len() - 1) // Encode's newline
	return nil
}

// encode writes t's elements, a block at a time.
func encode(w io.Writer, t Tensor) error {
	if t.U8 != nil {
		_, err := w.Write(t.U8)
		return err
	}
	const block = 1 << 13
	buf := make([]byte, 0, 8*block)
	for i := 0; i < t.len(); i += block {
		buf = buf[:0]
		for j := i; j < min(i+block, t.len()); j++ {
			buf = t.append(buf, j)
		}
		if _, err := w.Write(buf); err != nil {
			return err
		}
	}
	return nil
}
