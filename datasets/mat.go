package datasets

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"io"
	"math"
	"strings"
	"unicode/utf16"

	"github.com/pkg/errors"
)

// matFile is what a MAT file of level 5 holds, as far as lists of pictures need it: numbers,
// texts, cells and structures, by name.
//
// "MAT-File Format", MathWorks, chapter 1: a file is a header of 128 bytes and data
// elements, each a type, a size and as many bytes; an array is an element of elements.
type matFile map[string]*matArray

// matArray is one array. Of its last three, the one that its class has is filled.
type matArray struct {
	fields  []string    // of a structure
	cells   []*matArray // of a cell array, or of a structure, field by field of each element
	numbers []float64
	text    string
	isText  bool
}

// Types of data elements and classes of arrays.
const (
	miInt8       = 1
	miUint8      = 2
	miInt16      = 3
	miUint16     = 4
	miInt32      = 5
	miUint32     = 6
	miSingle     = 7
	miDouble     = 9
	miInt64      = 12
	miUint64     = 13
	miMatrix     = 14
	miCompressed = 15
	miUTF8       = 16
	miUTF16      = 17

	mxCell   = 1
	mxStruct = 2
	mxChar   = 4
	mxDouble = 6
	mxUint64 = 15
)

const (
	matHeader  = 128
	matLargest = 64 << 20 // bytes unpacked: Cars196 takes 8 MiB
	matDeepest = 8        // cells in cells
	matMostDim = 1 << 24
)

// readMATFile reads a file of a source.
func readMATFile(src source, name string) (matFile, error) {
	f, err := openRegular(src, name)
	if err != nil {
		return nil, errors.WithMessage(err, printable(name))
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, matLargest+1))
	if err == nil && len(data) > matLargest {
		err = errors.Errorf("above %d MiB, which no list of pictures is", matLargest>>20)
	}
	if err != nil {
		return nil, errors.WithMessage(err, printable(name))
	}
	m, err := parseMAT(data)
	return m, errors.WithMessage(err, printable(name))
}

var errMATCut = errors.New("the MAT file is cut off or damaged; fetch it again")

// parseMAT reads the bytes of a file.
func parseMAT(data []byte) (matFile, error) {
	if bytes.HasPrefix(data, []byte("\x89HDF")) || len(data) > 520 && bytes.HasPrefix(data[512:], []byte("\x89HDF")) {
		return nil, errors.New("a MAT file of version 7.3 (HDF5): save it with -v7")
	}
	if len(data) < matHeader {
		return nil, errMATCut
	}
	p := matParser{order: binary.LittleEndian, budget: matLargest}
	switch string(data[126:128]) {
	case "IM":
	case "MI":
		p.order = binary.BigEndian
	default:
		return nil, errors.New("not a MAT file of level 5")
	}
	m := make(matFile)
	return m, p.elements(data[matHeader:], m, 0)
}

type matParser struct {
	order  binary.ByteOrder
	budget int // bytes that may still be unpacked
}

// elements reads the arrays of data into m, unpacking them.
func (p *matParser) elements(data []byte, m matFile, depth int) error {
	for len(data) > 0 {
		kind, body, rest, err := p.element(data)
		if err != nil {
			return err
		}
		data = rest
		switch {
		case kind == miCompressed && depth == 0:
			z, err := zlib.NewReader(bytes.NewReader(body))
			if err != nil {
				return errMATCut
			}
			unpacked, err := io.ReadAll(io.LimitReader(z, int64(p.budget)+1))
			if err != nil {
				return errMATCut
			}
			if p.budget -= len(unpacked); p.budget < 0 {
				return errors.Errorf("the MAT file unpacks to more than %d MiB", matLargest>>20)
			}
			if err := p.elements(unpacked, m, depth+1); err != nil {
				return err
			}
		case kind == miMatrix:
			name, a, err := p.array(body, 0)
			if err != nil {
				return err
			}
			m[name] = a
		}
	}
	return nil
}

// element takes one data element off data.
func (p *matParser) element(data []byte) (kind uint32, body, rest []byte, err error) {
	if len(data) < 8 {
		return 0, nil, nil, errMATCut
	}
	first := p.order.Uint32(data)
	if small := first >> 16; small != 0 { // at most four bytes stand in place of the size
		if small > 4 {
			return 0, nil, nil, errMATCut
		}
		return first & 0xffff, data[4 : 4+small], data[8:], nil
	}
	size := p.order.Uint32(data[4:])
	data = data[8:]
	if uint64(size) > uint64(len(data)) {
		return 0, nil, nil, errMATCut
	}
	end := int(size)
	if first != miCompressed {
		end = min((end+7)&^7, len(data))
	}
	return first, data[:size], data[end:], nil
}

// array reads the elements of an array.
func (p *matParser) array(data []byte, depth int) (name string, a *matArray, err error) {
	a = &matArray{}
	if len(data) == 0 {
		return "", a, nil // an empty one
	}
	if depth > matDeepest {
		return "", nil, errors.New("the MAT file nests arrays too deeply")
	}
	var parts [3][]byte // flags, dimensions, name
	for i := range parts {
		if _, parts[i], data, err = p.element(data); err != nil {
			return "", nil, err
		}
	}
	if len(parts[0]) < 8 || len(parts[1])%4 != 0 {
		return "", nil, errMATCut
	}
	class := p.order.Uint32(parts[0]) & 0xff
	count := 1
	for d := parts[1]; len(d) > 0; d = d[4:] {
		n := int(int32(p.order.Uint32(d)))
		if n < 0 || n > matMostDim {
			return "", nil, errMATCut
		}
		if count *= n; count > matMostDim {
			return "", nil, errMATCut
		}
	}
	name = string(parts[2])
	switch {
	case class == mxCell:
		_, err = p.cells(a, data, count, depth)
	case class == mxStruct:
		err = p.structure(a, data, count, depth)
	case class == mxChar:
		a.isText = true
		a.text, err = p.textOf(data)
	case class >= mxDouble && class <= mxUint64:
		a.numbers, err = p.numbersOf(data)
	} // what else there is, functions and objects, is not needed
	return name, a, err
}

// cells reads so many arrays.
func (p *matParser) cells(a *matArray, data []byte, count, depth int) (rest []byte, err error) {
	if count > len(data)/8 {
		return nil, errMATCut // an array takes eight bytes at the least
	}
	for range count {
		kind, body, rest, err := p.element(data)
		if err != nil {
			return nil, err
		}
		if kind != miMatrix {
			return nil, errMATCut
		}
		_, cell, err := p.array(body, depth+1)
		if err != nil {
			return nil, err
		}
		a.cells, data = append(a.cells, cell), rest
	}
	return data, nil
}

// structure reads the names of the fields and the arrays.
func (p *matParser) structure(a *matArray, data []byte, count, depth int) error {
	_, length, data, err := p.element(data)
	if err != nil {
		return err
	}
	if len(length) != 4 {
		return errMATCut
	}
	_, names, data, err := p.element(data)
	if err != nil {
		return err
	}
	n := int(p.order.Uint32(length))
	if n < 1 || n > len(names) || len(names)%n != 0 || count > matMostDim/(len(names)/n) {
		return errMATCut
	}
	for ; len(names) > 0; names = names[n:] {
		field, _, _ := bytes.Cut(names[:n], []byte{0})
		a.fields = append(a.fields, string(field))
	}
	_, err = p.cells(a, data, count*len(a.fields), depth)
	return err
}

// numbersOf reads the values of an array, of whatever type they are stored as.
func (p *matParser) numbersOf(data []byte) ([]float64, error) {
	kind, body, _, err := p.element(data)
	if err != nil {
		return nil, err
	}
	size := map[uint32]int{miInt8: 1, miUint8: 1, miInt16: 2, miUint16: 2, miInt32: 4, miUint32: 4, miSingle: 4, miDouble: 8, miInt64: 8, miUint64: 8}[kind]
	if size == 0 || len(body)%size != 0 {
		return nil, errMATCut
	}
	var values []float64
	for ; len(body) > 0; body = body[size:] {
		values = append(values, p.number(kind, body))
	}
	return values, nil
}

func (p *matParser) number(kind uint32, b []byte) float64 {
	switch kind {
	case miInt8:
		return float64(int8(b[0]))
	case miUint8:
		return float64(b[0])
	case miInt16:
		return float64(int16(p.order.Uint16(b)))
	case miUint16:
		return float64(p.order.Uint16(b))
	case miInt32:
		return float64(int32(p.order.Uint32(b)))
	case miUint32:
		return float64(p.order.Uint32(b))
	case miSingle:
		return float64(math.Float32frombits(p.order.Uint32(b)))
	case miDouble:
		return math.Float64frombits(p.order.Uint64(b))
	case miInt64:
		return float64(int64(p.order.Uint64(b)))
	}
	return float64(p.order.Uint64(b))
}

// textOf reads the characters of an array of one row.
func (p *matParser) textOf(data []byte) (string, error) {
	kind, body, _, err := p.element(data)
	if err != nil {
		return "", err
	}
	switch kind {
	case miUTF8, miInt8:
		return string(body), nil
	case miUint8: // the first 256 characters of Unicode
		var b strings.Builder
		for _, c := range body {
			b.WriteRune(rune(c))
		}
		return b.String(), nil
	case miUint16, miUTF16:
		if len(body)%2 != 0 {
			return "", errMATCut
		}
		var units []uint16
		for ; len(body) > 0; body = body[2:] {
			units = append(units, p.order.Uint16(body))
		}
		return string(utf16.Decode(units)), nil
	}
	return "", errMATCut
}

// texts returns the texts of a cell array.
func (m matFile) texts(name string) ([]string, error) {
	a := m[name]
	if a == nil {
		return nil, errors.Errorf("no variable %q", name)
	}
	var list []string
	for i, c := range a.cells {
		if !c.isText {
			return nil, errors.Errorf("%s{%d} is no text", name, i+1)
		}
		list = append(list, c.text)
	}
	return list, nil
}

// field returns an array of each element of a structure.
func (m matFile) field(name, field string) ([]*matArray, error) {
	a := m[name]
	if a == nil || a.fields == nil {
		return nil, errors.Errorf("no structure %q", name)
	}
	for f, n := range a.fields {
		if n != field {
			continue
		}
		var list []*matArray
		for i := f; i < len(a.cells); i += len(a.fields) {
			list = append(list, a.cells[i])
		}
		return list, nil
	}
	return nil, errors.Errorf("%s has no field %q, only %s", name, field, strings.Join(a.fields, ", "))
}

func (m matFile) textField(name, field string) ([]string, error) {
	cells, err := m.field(name, field)
	if err != nil {
		return nil, err
	}
	var list []string
	for i, c := range cells {
		if !c.isText || c.text == "" {
			return nil, errors.Errorf("%s(%d).%s is no text", name, i+1, field)
		}
		list = append(list, c.text)
	}
	return list, nil
}

func (m matFile) numberField(name, field string) ([]float64, error) {
	cells, err := m.field(name, field)
	if err != nil {
		return nil, err
	}
	var list []float64
	for i, c := range cells {
		if len(c.numbers) != 1 {
			return nil, errors.Errorf("%s(%d).%s is no number", name, i+1, field)
		}
		list = append(list, c.numbers[0])
	}
	return list, nil
}
