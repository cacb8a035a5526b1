package weights

import (
	"encoding/binary"
	"io"
	"math"

	"github.com/pkg/errors"

	"medusa/internal/onnx"
)

// Model is a model of ONNX that is read: a graph whose initializers are the tensors of File.
type Model struct {
	*File
	Opset     int64 // the version of ONNX's own operators; 0 where the file names none
	Functions int   // that the file defines besides
	Nodes     []onnx.Node
	Inputs    []onnx.Value
	Outputs   []onnx.Value
}

// Subgraph is the value of an attribute that is a graph, as those of If and Loop are. It is not read.
type Subgraph struct{}

// OpenModel opens a file of ONNX at path with its graph. Close it when the tensors have been read. Values of
// attributes are as of onnx.Attribute, but *Tensor for a tensor, and Subgraph.
func OpenModel(path string) (*Model, error) {
	m := &Model{File: &File{Metadata: map[string]string{}}}
	if err := m.open(path); err != nil {
		m.Close()
		return nil, errors.WithMessagef(err, "weights: %s", path)
	}
	return m, nil
}

func (m *Model) open(path string) error {
	if err := refuseFolder(path); err != nil {
		return err
	}
	r, size, err := m.add(path)
	if err != nil {
		return err
	}
	if format, _, err := formatOf(r, size); err != nil {
		return err
	} else if format != ONNX {
		return errors.Errorf("it is a file of weights (%s) and holds no graph, want a model of ONNX", format)
	}
	if err := m.readONNXInto(m, source{ReaderAt: r, size: size, path: path}); err != nil {
		return err
	}
	return m.unique()
}

// ReadModel is OpenModel of size bytes of r, which have no files beside them.
func ReadModel(r io.ReaderAt, size int64) (*Model, error) {
	m := &Model{File: &File{Metadata: map[string]string{}}}
	if err := m.readONNXInto(m, source{ReaderAt: r, size: size}); err != nil {
		return nil, errors.WithMessage(err, "weights")
	}
	return m, errors.WithMessage(m.unique(), "weights")
}

// opset reads an OperatorSetIdProto.
func (m *Model) opset(field wireField) error {
	domain, version := "", int64(0)
	err := field.message().each(func(field wireField) (err error) {
		switch {
		case field.isBytes(1):
			domain, err = field.text()
		case field.number == 2:
			version = int64(field.value)
		}
		return err
	})
	if domain == "" || domain == "ai.onnx" {
		m.Opset = version
	}
	return err
}

// node reads a NodeProto.
func (r *onnxReader) node(field wireField) error {
	var n onnx.Node
	err := field.message().each(func(field wireField) error {
		switch {
		case field.isBytes(1):
			return appendText(&n.In, field)
		case field.isBytes(2):
			return appendText(&n.Out, field)
		case field.isBytes(3):
			return setText(&n.Name, field)
		case field.isBytes(4):
			return setText(&n.Op, field)
		case field.isBytes(7):
			return setText(&n.Domain, field)
		case field.isBytes(5):
			a, err := r.attribute(field)
			n.Attributes = append(n.Attributes, a)
			return err
		}
		return nil
	})
	if err == nil {
		err = refuseQuantised(n.Op)
	}
	r.whole.Nodes = append(r.whole.Nodes, n)
	return err
}

func setText(to *string, field wireField) (err error) {
	*to, err = field.text()
	return err
}

func appendText(to *[]string, field wireField) error {
	s, err := field.text()
	*to = append(*to, s)
	return err
}

// attribute reads an AttributeProto. Its type decides which of the fields counts; files of before there was
// one have a single field.
func (r *onnxReader) attribute(field wireField) (a onnx.Attribute, err error) {
	values := map[uint64]any{} // by the numbers of the types
	kind := uint64(0)
	var ints []int64
	var floats []float32
	var texts []string
	err = field.message().each(func(field wireField) error {
		switch {
		case field.isBytes(1):
			return setText(&a.Name, field)
		case field.number == 20:
			kind = field.value
		case field.number == 2:
			return field.fixed(4, func(b []byte) error { values[1] = float32Of(b); return nil })
		case field.number == 3:
			values[2] = int64(field.value)
		case field.isBytes(4):
			s, err := field.text()
			values[3] = s
			return err
		case field.isBytes(5):
			t, err := r.tensor(field)
			values[4] = t
			return err
		case field.isBytes(6), field.isBytes(11):
			values[5], values[10] = Subgraph{}, Subgraph{}
		case field.number == 7:
			return field.fixed(4, func(b []byte) error { floats = append(floats, float32Of(b)); values[6] = floats; return nil })
		case field.number == 8:
			return field.varints(func(v uint64) error { ints = append(ints, int64(v)); values[7] = ints; return nil })
		case field.isBytes(9):
			err := appendText(&texts, field)
			values[8] = texts
			return err
		}
		return nil
	})
	if err != nil {
		return a, err
	}
	if a.Value = values[kind]; a.Value == nil {
		a.Value = soleValue(kind, values)
	}
	return a, nil
}

// soleValue is the value of an attribute that has the field of its type not, since it is 0 or empty, or has
// no type.
func soleValue(kind uint64, values map[uint64]any) any {
	empty := map[uint64]any{1: float32(0), 2: int64(0), 3: "", 6: []float32(nil), 7: []int64(nil), 8: []string(nil)}
	if kind == 0 && len(values) == 1 {
		for _, v := range values {
			return v
		}
	}
	return empty[kind]
}

func float32Of(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) }

// describeValue reads a ValueInfoProto. One that is no tensor has no Elem.
func describeValue(field wireField, to *[]onnx.Value) error {
	var v onnx.Value
	err := field.message().each(func(field wireField) error {
		switch {
		case field.isBytes(1):
			return setText(&v.Name, field)
		case field.isBytes(3):
			return setText(&v.Doc, field)
		case field.isBytes(2): // type
			return field.message().each(func(field wireField) error {
				if !field.isBytes(1) { // tensor_type
					return nil
				}
				return field.message().each(func(field wireField) error { return describeTensor(field, &v) })
			})
		}
		return nil
	})
	*to = append(*to, v)
	return err
}

// describeTensor reads a field of TypeProto.Tensor.
func describeTensor(field wireField, v *onnx.Value) error {
	switch {
	case field.number == 1:
		v.Elem = onnx.Elem(field.value)
	case field.isBytes(2): // shape
		v.Shape = []onnx.Dim{}
		return field.message().each(func(field wireField) error {
			if !field.isBytes(1) { // dim
				return nil
			}
			if len(v.Shape) >= maxAxes {
				return errors.New("a shape is no shape: the file is damaged")
			}
			var d onnx.Dim
			err := field.message().each(func(field wireField) error {
				switch {
				case field.number == 1:
					d.Size = int64(field.value)
				case field.isBytes(2):
					return setText(&d.Param, field)
				}
				return nil
			})
			v.Shape = append(v.Shape, d)
			return err
		})
	}
	return nil
}
