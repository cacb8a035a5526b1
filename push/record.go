package push

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"hash"
	"math"
	"unicode/utf8"

	"github.com/pkg/errors"
)

// Record is an embedding and what is known of it.
type Record struct {
	ID     string // another one for each record; a number in decimal for an item of an index
	Vector []float32
	Label  string            // empty for none
	Path   string            // empty for none
	Meta   map[string]string // nil for nothing
}

// MetaJSON is the metadata as an object of JSON, its keys in order.
func (r *Record) MetaJSON() string {
	if len(r.Meta) == 0 {
		return "{}"
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(r.Meta); err != nil { // a map of texts is always an object
		panic(err)
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}

// size is about how many bytes the record takes on its way.
func (r *Record) size() int {
	n := 4*len(r.Vector) + len(r.ID) + len(r.Label) + len(r.Path)
	for key, value := range r.Meta {
		n += len(key) + len(value)
	}
	return n
}

// Digest is a checksum (SHA-256) of all that the record holds.
func (r *Record) Digest() []byte {
	h := sha256.New()
	r.hash(h)
	return h.Sum(nil)
}

// hash writes all that the record holds, each text behind its length.
func (r *Record) hash(h hash.Hash) {
	b := make([]byte, 0, r.size()+64)
	for _, text := range []string{r.ID, r.Label, r.Path, r.MetaJSON()} {
		b = binary.AppendUvarint(b, uint64(len(text)))
		b = append(b, text...)
	}
	h.Write(AppendVector(b, r.Vector))
}

// AppendVector appends the numbers of a vector as they stand in memory of a little-endian machine.
func AppendVector(b []byte, vector []float32) []byte {
	for _, v := range vector {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

// check refuses what no database takes.
func (r *Record) check(dim int) error {
	if len(r.Vector) != dim {
		return errors.Errorf("push: ID %.80q has a vector of %d numbers, want %d", r.ID, len(r.Vector), dim)
	}
	for _, v := range r.Vector {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return errors.Errorf("push: the vector of ID %.80q holds a number that is not finite", r.ID)
		}
	}
	texts := map[string]string{"ID": r.ID, "label": r.Label, "path": r.Path}
	for key, value := range r.Meta {
		texts["metadata"] += key + value
	}
	for _, what := range []string{"ID", "label", "path", "metadata"} {
		text := texts[what]
		if !utf8.ValidString(text) || bytes.IndexByte([]byte(text), 0) >= 0 {
			return errors.Errorf("push: the %s of ID %.80q, %.80q, is no text in UTF-8, which databases keep: rename it, and make the gallery anew", what, r.ID, text)
		}
	}
	return nil
}
