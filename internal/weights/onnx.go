package weights

import (
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/pkg/errors"
)

// onnxDtypes are the types of elements by their numbers in TensorProto.DataType.
var onnxDtypes = map[uint64]Dtype{
	1: F32, 2: U8, 3: I8, 4: U16, 5: I16, 6: I32, 7: I64, 9: Bool, 10: F16, 11: F64, 12: U32, 13: U64, 16: BF16,
	8: "STRING", 14: "C64", 15: "C128", 17: "F8_E4M3", 19: "F8_E5M2", 21: "U4", 22: "I4",
}

// onnxReader reads the initializers of a graph of ONNX.
type onnxReader struct {
	*File
	source
	beside map[string]source // files of numbers, by their names
	graphs int
	whole  *Model // where the graph goes; nil if weights alone are asked for
}

// readONNX reads a message ModelProto of onnx.proto, whose numbers of fields are below.
func (f *File) readONNX(s source) error {
	return f.readONNXInto(nil, s)
}

// readONNXInto is readONNX, of the graph too if there is a model that it goes to.
func (f *File) readONNXInto(whole *Model, s source) error {
	f.Format = ONNX
	r := &onnxReader{File: f, source: s, beside: map[string]source{}, whole: whole}
	fields := 0
	err := newMessage(s, 0, s.size).each(func(field wireField) error {
		fields++
		switch {
		case field.isBytes(7): // graph
			r.graphs++
			return field.message().each(r.graph)
		case field.isBytes(2): // producer_name
			return r.describe("producer", field)
		case field.isBytes(8) && whole != nil: // opset_import
			return whole.opset(field)
		case field.isBytes(25) && whole != nil: // functions
			whole.Functions++
		case field.isBytes(14): // metadata_props
			return r.property(field)
		}
		return nil
	})
	switch {
	case err != nil && r.graphs == 0 && fields < 2:
		return errors.New("its content is none of safetensors, a file of torch.save, and ONNX: it is damaged, or of another kind")
	case err != nil:
		return err
	case r.graphs == 0:
		return errors.New("it is made as ONNX is, but holds no graph: it is of another kind (a SavedModel of TensorFlow is converted by tf2onnx), or damaged")
	case len(f.Tensors) == 0 && whole == nil:
		return errors.New("it is ONNX and has no initializers, which weights are: export the model with its parameters")
	}
	return nil
}

func (r *onnxReader) describe(key string, field wireField) error {
	text, err := field.text()
	r.Metadata[key] = text
	return err
}

// property reads a StringStringEntryProto of the metadata.
func (r *onnxReader) property(field wireField) error {
	key, value, err := entryOf(field)
	if err == nil {
		r.Metadata[key] = value
	}
	return err
}

// entryOf reads a key and a value.
func entryOf(field wireField) (key, value string, err error) {
	err = field.message().each(func(field wireField) (err error) {
		switch {
		case field.isBytes(1):
			key, err = field.text()
		case field.isBytes(2):
			value, err = field.text()
		}
		return err
	})
	return key, value, err
}

// quantised are operators of graphs whose whole numbers are weights only with the scales beside them.
var quantised = []string{"QLinearConv", "QLinearMatMul", "DequantizeLinear", "ConvInteger", "MatMulInteger", "DynamicQuantizeLinear", "MatMulNBits"}

func refuseQuantised(op string) error {
	if !slices.Contains(quantised, op) {
		return nil
	}
	return errors.Errorf("it is a quantised model (%s), whose whole numbers are no weights by themselves: take the model before its quantisation", op)
}

// graph reads a field of GraphProto.
func (r *onnxReader) graph(field wireField) error {
	switch {
	case field.isBytes(1): // node
		if r.whole != nil {
			return r.node(field)
		}
		return field.message().each(func(field wireField) error {
			if !field.isBytes(4) { // op_type
				return nil
			}
			op, err := field.text()
			if err != nil {
				return err
			}
			return refuseQuantised(op)
		})
	case field.isBytes(5): // initializer
		t, err := r.tensor(field)
		if err != nil {
			return errors.WithMessagef(err, "initializer %d", len(r.Tensors))
		}
		r.Tensors = append(r.Tensors, t)
	case field.isBytes(11) && r.whole != nil: // input
		return describeValue(field, &r.whole.Inputs)
	case field.isBytes(12) && r.whole != nil: // output
		return describeValue(field, &r.whole.Outputs)
	case field.isBytes(15): // sparse_initializer
		r.LeftOut = append(r.LeftOut, "a sparse initializer")
	}
	return nil
}

// onnxTensor is a TensorProto.
type onnxTensor struct {
	name     string
	shape    []int
	dtype    Dtype
	raw      *span
	typed    []wireField       // of the fields float_data, int32_data, int64_data, double_data, uint64_data
	external map[string]string // location, offset, length
}

// tensor reads a TensorProto.
func (r *onnxReader) tensor(field wireField) (*Tensor, error) {
	t := onnxTensor{shape: []int{}, external: map[string]string{}}
	if err := field.message().each(t.field); err != nil {
		return nil, err
	}
	n, err := elements(t.shape, math.MaxInt64)
	if err != nil {
		return nil, err
	}
	out := &Tensor{Name: t.name, Dtype: t.dtype, Shape: t.shape}
	switch width := int64(t.dtype.Width()); {
	case width == 0:
		out.values = span{dtype: t.dtype}.float32s
		out.whole = func() ([]int64, error) { return nil, errors.Errorf("elements of type %s are not read", t.dtype) }
	case len(t.external) > 0:
		where, err := r.outside(t.external, n, width)
		if err != nil {
			return nil, errors.WithMessagef(err, "tensor %q", t.name)
		}
		where.dtype = t.dtype
		out.values, out.whole = where.float32s, where.int64s
	case t.raw != nil:
		t.raw.dtype = t.dtype
		if n > t.raw.bytes || n*width != t.raw.bytes {
			return nil, errors.Errorf("tensor %q of shape %v and type %s has %d bytes: the file is damaged", t.name, t.shape, t.dtype, t.raw.bytes)
		}
		out.values, out.whole = t.raw.float32s, t.raw.int64s
	default:
		if n > r.size {
			return nil, errors.Errorf("tensor %q has the shape %v in a file of %d bytes: the file is damaged", t.name, t.shape, r.size)
		}
		out.values = func() ([]float32, error) { return t.numbers(n) }
		out.whole = func() ([]int64, error) { return t.wholeNumbers(n) }
	}
	return out, nil
}

// field reads a field of TensorProto.
func (t *onnxTensor) field(field wireField) (err error) {
	switch field.number {
	case 1: // dims
		return field.varints(func(v uint64) error {
			if v > math.MaxInt32 || len(t.shape) >= maxAxes {
				return errors.New("a shape is no shape: the file is damaged")
			}
			t.shape = append(t.shape, int(v))
			return nil
		})
	case 2: // data_type
		known := false
		if t.dtype, known = onnxDtypes[field.value]; !known {
			t.dtype = Dtype(strconv.FormatUint(field.value, 10))
		}
	case 3: // segment
		return errors.New("a tensor is stored in segments, which nothing is known to write: export the model anew")
	case 4, 5, 7, 10, 11:
		t.typed = append(t.typed, field)
	case 8:
		t.name, err = field.text()
	case 9: // raw_data
		if field.isBytes(9) {
			t.raw = &span{file: field.file, at: field.at, bytes: field.size}
		}
	case 13: // external_data
		key, value, err := entryOf(field)
		t.external[key] = value
		return err
	}
	return err
}

// numbers reads n numbers of the typed fields.
func (t *onnxTensor) numbers(n int64) ([]float32, error) {
	out := make([]float32, 0, n)
	for _, field := range t.typed {
		err := field.numbers(t.dtype, func(v float32) error {
			if int64(len(out)) == n {
				return errors.Errorf("it has more numbers than its shape %v: the file is damaged", t.shape)
			}
			out = append(out, v)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if int64(len(out)) != n {
		return nil, errors.Errorf("it has %d numbers, its shape %v wants %d: the file is damaged", len(out), t.shape, n)
	}
	return out, nil
}

// wholeNumbers reads n numbers of the fields int32_data, int64_data and uint64_data.
func (t *onnxTensor) wholeNumbers(n int64) ([]int64, error) {
	out := make([]int64, 0, n)
	for _, field := range t.typed {
		if field.number != 5 && field.number != 7 && field.number != 11 {
			return nil, errors.Errorf("it holds no whole numbers, and its type is %s: the file is damaged", t.dtype)
		}
		err := field.varints(func(v uint64) error {
			if int64(len(out)) == n {
				return errors.Errorf("it has more numbers than its shape %v: the file is damaged", t.shape)
			}
			out = append(out, int64(v))
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if int64(len(out)) != n {
		return nil, errors.Errorf("it has %d numbers, its shape %v wants %d: the file is damaged", len(out), t.shape, n)
	}
	return out, nil
}

// outside is where n numbers lie in a file beside the model's.
func (r *onnxReader) outside(external map[string]string, n, width int64) (span, error) {
	file := external["location"]
	s, err := r.fileBeside(file)
	if err != nil {
		return span{}, err
	}
	offset, size := int64(0), s.size
	for key, v := range map[string]*int64{"offset": &offset, "length": &size} {
		if text, given := external[key]; given {
			if *v, err = strconv.ParseInt(text, 10, 64); err != nil || *v < 0 {
				return span{}, errors.Errorf("its numbers in %s have the %s %q: the file is damaged", file, key, text)
			}
		} else if key == "length" && n <= s.size {
			size = n * width
		}
	}
	if n > size || n*width != size || offset > s.size || size > s.size-offset {
		return span{}, errors.Errorf("its numbers, %d of %d bytes from %d on, do not lie in %s, which has %d: the files are not of one model, or truncated", n, width, offset, file, s.size)
	}
	return span{file: s, at: offset, bytes: size}, nil
}

// fileBeside opens a file that lies in the model's folder, or below it.
func (r *onnxReader) fileBeside(name string) (source, error) {
	if s, ok := r.beside[name]; ok {
		return s, nil
	}
	local := filepath.FromSlash(name)
	if !filepath.IsLocal(local) || strings.Contains(name, `\`) {
		return source{}, errors.Errorf("its numbers lie in %q, which is not in the model's folder: only files there are read", name)
	}
	folder := filepath.Dir(r.path)
	root, err := os.OpenRoot(folder) // which links do not lead out of
	if err != nil {
		return source{}, errors.WithStack(err)
	}
	defer root.Close()
	info, err := root.Stat(local)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return source{}, errors.Errorf("its numbers lie in the file %s, which is not beside the model: download both into one folder", name)
	case err != nil:
		return source{}, errors.Wrapf(err, "its numbers lie in the file %s", name)
	case !info.Mode().IsRegular():
		return source{}, errors.Errorf("its numbers lie in %s, which is no file", name)
	}
	f, err := root.Open(local)
	if err != nil {
		return source{}, errors.WithStack(err)
	}
	r.close, r.paths = append(r.close, io.Closer(f)), append(r.paths, filepath.Join(folder, local))
	s := source{ReaderAt: f, size: info.Size(), path: filepath.Join(folder, local)}
	r.beside[name] = s
	return s, nil
}
