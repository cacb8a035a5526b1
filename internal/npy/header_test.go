package npy

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// file is an array file with this text in its header.
func file(version byte, text string) []byte {
	b := append([]byte(Magic), version, 0)
	if version == 1 {
		b = binary.LittleEndian.AppendUint16(b, uint16(len(text)))
	} else {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(text)))
	}
	return append(b, text...)
}

func TestRead(t *testing.T) {
	for text, want := range map[string]Header{
		// As numpy 1.26 and 2.3 write them.
		"{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }         \n": {Descr: "<f4", Shape: []int{3, 2}},
		"{'descr': '|S7', 'fortran_order': True, 'shape': (4,), }\n":             {Descr: "|S7", Fortran: true, Shape: []int{4}},
		"{'descr': '<U3', 'fortran_order': False, 'shape': (), }\n":              {Descr: "<U3", Shape: []int{}},
		"{'descr': '>f8', 'fortran_order': False, 'shape': (0, 5), }\n":          {Descr: ">f8", Shape: []int{0, 5}},
		// Python 2 and other writers.
		"{'descr': '<f8', 'fortran_order': False, 'shape': (10L, 3L)}": {Descr: "<f8", Shape: []int{10, 3}},
		`{"shape":(2,),"fortran_order":False,"descr":"<i8"}`:           {Descr: "<i8", Shape: []int{2}},
	} {
		for version := byte(1); version <= 3; version++ {
			b := file(version, text)
			h, err := Read(bytes.NewReader(append(b, "elements"...)))
			require.NoError(t, err, text)
			want.Offset = int64(len(b))
			require.Equal(t, want, h)
		}
	}
}

func TestReadErrors(t *testing.T) {
	for want, b := range map[string][]byte{
		"the header is cut off":                     file(1, "{'descr': '<f4', 'fort")[:20],
		"it is no array of NumPy":                   []byte("PK\x03\x04 and more"),
		"version 9.0 of the format is unknown":      file(9, ""),
		"a header of 70000 bytes is announced":      file(2, strings.Repeat(" ", 70000)),
		"records with named fields":                 file(1, "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3,), }"),
		"want descr, fortran_order and shape":       file(1, "{'descr': '<f4', 'shape': (3,), }"),
		`"shape" stands there twice`:                file(1, "{'descr': '<f4', 'shape': (3,), 'shape': (3,)}"),
		`key "colour" is unknown`:                   file(1, "{'colour': '<f4'}"),
		`the shape has a size of "-3,), }"`:         file(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (-3,), }"),
		`the shape has a size of "4294967296,), }"`: file(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296,), }"),
		`want "False" at "no, 'shape': (3,), }"`:    file(1, "{'descr': '<f4', 'fortran_order': no, 'shape': (3,), }"),
		`stands behind its end`:                     file(1, "{'descr': '<f4', 'fortran_order': True, 'shape': (3,), } import os"),
		`a text has no end`:                         file(1, "{'descr"),
	} {
		_, err := Read(bytes.NewReader(b))
		require.ErrorContains(t, err, want)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(file(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }"))
	f.Add(file(2, `{"shape":(2,),"fortran_order":False,"descr":"<i8"}`))
	f.Add(file(3, "{'descr': '|S7', 'fortran_order': True, 'shape': (4L,), }"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := Read(bytes.NewReader(b))
		if err != nil {
			return
		}
		elements := int64(1)
		for _, d := range h.Shape {
			elements *= int64(d)
		}
		if h.Offset > int64(len(b)) || elements < 0 || elements > maxElements {
			t.Errorf("%+v of %d bytes", h, len(b))
		}
	})
}
