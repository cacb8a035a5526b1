package npy

import (
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/pkg/errors"
)

// Write writes the header of an array, in version 1 of the format. Offset is not looked at.
func Write(w io.Writer, h Header) error {
	sizes := make([]string, len(h.Shape))
	for i, d := range h.Shape {
		sizes[i] = strconv.Itoa(d)
	}
	shape := strings.Join(sizes, ", ")
	if len(sizes) == 1 {
		shape += ","
	}
	order := "False"
	if h.Fortran {
		order = "True"
	}
	text := fmt.Sprintf("{'descr': '%s', 'fortran_order': %s, 'shape': (%s), }", h.Descr, order, shape)
	const start, align = 10, 64 // the array begins at a multiple of 64, and the text ends with a newline
	text += strings.Repeat(" ", align-1-(start+len(text))%align) + "\n"
	if len(text) > 1<<16-1 {
		return errors.Errorf("npy: a header of %d bytes, want at most %d", len(text), 1<<16-1)
	}
	head := binary.LittleEndian.AppendUint16([]byte(Magic+"\x01\x00"), uint16(len(text)))
	_, err := w.Write(append(head, text...))
	return errors.Wrap(err, "npy")
}
