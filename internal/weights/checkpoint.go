package weights

import (
	"fmt"
	"math/big"
	"strconv"

	"github.com/pkg/errors"

	"medusa/internal/pickle"
)

// stored is a tensor of a checkpoint of PyTorch.
type stored struct {
	view
	fault error // why its numbers cannot be read
}

// maxPickle is more than a checkpoint has beside its numbers, in bytes.
const maxPickle = 256 << 20

// checkpoint reads the pickle of a checkpoint.
type checkpoint struct {
	size int64 // of the file
	// storage is where the numbers of a key lie, count of them.
	storage func(key string, dtype Dtype, count int64) (span, error)
}

// torchDtypes are PyTorch's names of types; a storage's class is called after them.
var torchDtypes = map[string]Dtype{
	"float": F32, "double": F64, "half": F16, "bfloat16": BF16, "long": I64, "int": I32, "short": I16, "char": I8, "byte": U8, "bool": Bool,
	"float32": F32, "float64": F64, "float16": F16, "int64": I64, "int32": I32, "int16": I16, "int8": I8, "uint8": U8,
	"uint16": U16, "uint32": U32, "uint64": U64,
	"FloatStorage": F32, "DoubleStorage": F64, "HalfStorage": F16, "BFloat16Storage": BF16, "LongStorage": I64, "IntStorage": I32,
	"ShortStorage": I16, "CharStorage": I8, "ByteStorage": U8, "BoolStorage": Bool, "UntypedStorage": U8,
}

// persistent reads what a pickle says of a storage: ("storage", class, key, device, count, …).
func (c checkpoint) persistent(id any) (any, error) {
	t, ok := id.(pickle.Tuple)
	if !ok || len(t) < 5 || t[0] != "storage" {
		return nil, errors.New("it refers to something that is no storage of PyTorch's: the file is damaged")
	}
	class, _ := t[1].(pickle.Global)
	key, isText := t[2].(string)
	count, isNumber := t[4].(int64)
	if !isText || !isNumber || count < 0 {
		return nil, errors.New("it describes a storage in a way that PyTorch does not: the file is damaged")
	}
	dtype, known := torchDtypes[class.Name]
	if !known {
		dtype = Dtype(class.Name)
	}
	if len(t) > 5 && t[5] != nil {
		return nil, errors.New("one of its storages is a part of another one, as PyTorch before 0.4 wrote: load and save it with a newer one")
	}
	return c.storage(key, dtype, count)
}

// call applies the constructors that checkpoints are made of.
func (c checkpoint) call(g pickle.Global, args pickle.Tuple) (any, bool, error) {
	switch g.String() {
	case "collections.OrderedDict", "dict", "collections.defaultdict", "collections.Counter":
		return dictionary(args), true, nil
	case "set", "frozenset", "list":
		return first[*pickle.List](args), true, nil
	case "torch.Size", "tuple":
		if t := first[pickle.Tuple](args); t != nil {
			return t, true, nil
		}
		return pickle.Tuple{}, true, nil
	case "torch.device":
		return fmt.Sprint(args...), true, nil
	case "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2":
		t, err := c.tensor(args, "")
		return t, true, err
	case "torch._utils._rebuild_tensor_v3":
		t, err := c.tensorOfBytes(args)
		return t, true, err
	case "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state", "torch.nn.parameter.Parameter":
		if len(args) > 0 {
			return args[0], true, nil
		}
	}
	return nil, false, nil
}

// first is the first argument, if it is of a type; an empty one else.
func first[T any](args pickle.Tuple) (v T) {
	if len(args) > 0 {
		v, _ = args[0].(T)
	}
	return v
}

// dictionary is a new dictionary, filled with what the first argument lists.
func dictionary(args pickle.Tuple) *pickle.Dict {
	d := &pickle.Dict{}
	if from := first[*pickle.Dict](args); from != nil {
		d.Items = append(d.Items, from.Items...)
	}
	if pairs := first[*pickle.List](args); pairs != nil {
		for _, p := range pairs.Items {
			switch p := p.(type) {
			case pickle.Tuple:
				if len(p) == 2 {
					d.Items = append(d.Items, pickle.Item{Key: p[0], Value: p[1]})
				}
			case *pickle.List: // as Python 2 wrote them
				if len(p.Items) == 2 {
					d.Items = append(d.Items, pickle.Item{Key: p.Items[0], Value: p.Items[1]})
				}
			}
		}
	}
	return d
}

// tensorOfBytes is a tensor whose type is an argument by itself, since its storage has none.
func (c checkpoint) tensorOfBytes(args pickle.Tuple) (*stored, error) {
	if len(args) < 7 {
		return nil, errNoTensor
	}
	g, _ := args[6].(pickle.Global)
	dtype, known := torchDtypes[g.Name]
	if !known {
		dtype = Dtype(g.Name)
	}
	return c.tensor(args, dtype)
}

var errNoTensor = errors.New("it describes a tensor in a way that PyTorch does not: the file is damaged")

// tensor is a tensor of (storage, offset, size, stride, …); of elements of a type, or if that is empty of the
// storage's.
func (c checkpoint) tensor(args pickle.Tuple, dtype Dtype) (*stored, error) {
	if len(args) < 4 {
		return nil, errNoTensor
	}
	storage, ok := args[0].(span)
	offset, isNumber := args[1].(int64)
	size, err := wholes(args[2])
	if err != nil {
		return nil, err
	}
	strides, err := wholes(args[3])
	if err != nil {
		return nil, err
	}
	if !ok || !isNumber || len(size) != len(strides) || len(size) > maxAxes {
		return nil, errNoTensor
	}
	if dtype != "" {
		storage.dtype = dtype
	}
	t := &stored{view: view{storage: storage, offset: offset, strides: strides}}
	for _, n := range size {
		t.shape = append(t.shape, int(n))
	}
	if _, err := elements(t.shape, c.size); err != nil {
		return nil, err
	}
	if storage.dtype.Width() == 0 { // PyTorch has many types that no weights are of
		t.fault = errors.Errorf("elements of type %s are not read, want floating-point numbers of 16, 32 or 64 bits", storage.dtype)
		return t, nil
	}
	if len(args) > 6 {
		t.fault = negated(args[6])
	}
	return t, t.check()
}

// maxAxes is how many axes a tensor of PyTorch can have.
const maxAxes = 64

// negated says so of a tensor whose numbers are to be taken with the other sign, as PyTorch marks them.
func negated(metadata any) error {
	if d, ok := metadata.(*pickle.Dict); ok && len(d.Items) > 0 {
		return errors.New("it is a view that PyTorch evaluates lazily (conj, neg): save it after resolve_conj() and resolve_neg()")
	}
	return nil
}

// wholes are the numbers of a tuple.
func wholes(v any) ([]int64, error) {
	t, ok := v.(pickle.Tuple)
	if !ok {
		return nil, errNoTensor
	}
	out := make([]int64, 0, len(t))
	for _, n := range t {
		n, ok := n.(int64)
		if !ok || n < 0 || int64(int(n)) != n {
			return nil, errNoTensor
		}
		out = append(out, n)
	}
	return out, nil
}

// collector lists the tensors of a checkpoint.
type collector struct {
	*File
	left int // bytes that names may still have
}

// maxNames is more than the names in any checkpoint have in bytes, each with 16 more. A forged one may hold one
// list in many places, and so on.
const maxNames = 64 << 20

// collect takes what a checkpoint holds: tensors by the path to them through dictionaries and lists, joined
// by dots, as in state_dict.module.conv1.weight.
func (f *File) collect(root any) error {
	f.Format = PyTorch
	switch root := root.(type) {
	case *stored:
		return (&collector{f, maxNames}).take("tensor", root, 0)
	case *pickle.Dict, *pickle.List, pickle.Tuple:
		if err := (&collector{f, maxNames}).take("", root, 0); err != nil {
			return err
		}
	case *pickle.Object:
		return errors.Errorf("it is a whole object (%v) and not its weights, and making it would execute its program: in Python, torch.save(model.state_dict(), \"weights.pth\")", root)
	default:
		return errors.Errorf("it holds %s, want tensors by their names: in Python, torch.save(model.state_dict(), \"weights.pth\")", kindOf(root))
	}
	if len(f.Tensors) > 0 {
		return nil
	}
	if len(f.LeftOut) > 0 {
		return errors.Errorf("it holds no tensors, but %s: in Python, torch.save(model.state_dict(), \"weights.pth\")", f.LeftOut[0])
	}
	return errors.New("it holds no tensors: in Python, torch.save(model.state_dict(), \"weights.pth\")")
}

// take takes what stands at a path.
func (c *collector) take(path string, v any, depth int) error {
	if c.left -= len(path) + 16; c.left < 0 || depth > 64 {
		return errors.New("it holds more entries than any checkpoint, or lists in lists without end: the file is damaged or forged")
	}
	join := func(key string) string {
		if path == "" {
			return key
		}
		return path + "." + key
	}
	switch v := v.(type) {
	case *stored:
		c.Tensors = append(c.Tensors, v.tensor(path))
	case *pickle.Dict:
		for _, item := range v.Items {
			if err := c.take(join(fmt.Sprint(item.Key)), item.Value, depth+1); err != nil {
				return err
			}
		}
	case *pickle.List:
		return c.all(v.Items, join, depth)
	case pickle.Tuple:
		return c.all(v, join, depth)
	case string, int64, float64, bool, *big.Int:
		c.Metadata[path] = fmt.Sprint(v)
	case nil:
	default:
		c.LeftOut = append(c.LeftOut, path+": "+kindOf(v))
	}
	return nil
}

func (c *collector) all(values []any, join func(string) string, depth int) error {
	for i, v := range values {
		if err := c.take(join(strconv.Itoa(i)), v, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// kindOf is what a value is, for messages.
func kindOf(v any) string {
	switch v := v.(type) {
	case *pickle.Object:
		return fmt.Sprintf("an object of %v", v)
	case pickle.Global:
		return fmt.Sprintf("the name %v", v)
	case []byte:
		return "bytes"
	case span:
		return "a storage without a shape"
	case nil:
		return "nothing"
	}
	return fmt.Sprintf("a value (%v)", v)
}

// tensor is what others see.
func (s *stored) tensor(name string) *Tensor {
	t := &Tensor{Name: name, Dtype: s.storage.dtype, Shape: s.shape, values: s.view.float32s}
	if s.fault != nil {
		t.values = func() ([]float32, error) { return nil, s.fault }
	}
	if t.Shape == nil {
		t.Shape = []int{}
	}
	return t
}

// decoder reads pickles of a checkpoint.
func (c checkpoint) decoder(s source, at int64) *pickle.Decoder {
	d := pickle.NewDecoder(s.section(at), min(s.size-at, maxPickle))
	d.Call, d.Persistent = c.call, c.persistent
	return d
}
