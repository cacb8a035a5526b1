package pickle

import (
	"math"

	"github.com/pkg/errors"
)

const opStop = '.'

// opcodes says what each opcode does, by its byte; pickletools.py has their names.
var opcodes = [256]func(*Decoder) error{
	0x80: (*Decoder).proto,
	0x95: func(d *Decoder) error { _, err := d.number(8); return err }, // FRAME: how long, which we need not know

	'(': func(d *Decoder) error { d.marks = append(d.marks, len(d.stack)); return nil },
	'0': (*Decoder).drop,
	'1': func(d *Decoder) error { _, err := d.popMark(); return err },
	'2': func(d *Decoder) error { return d.with(d.top, func(v any) any { return v }) },

	'N': constant(nil), 0x88: constant(true), 0x89: constant(false),
	'J':  func(d *Decoder) error { return d.integer(4, func(v uint64) any { return int64(int32(v)) }) },
	'K':  func(d *Decoder) error { return d.integer(1, func(v uint64) any { return int64(v) }) },
	'M':  func(d *Decoder) error { return d.integer(2, func(v uint64) any { return int64(v) }) },
	0x8a: sized(1, long), 0x8b: sized(4, long),
	'G': (*Decoder).float,

	'X': sized(4, text), 0x8c: sized(1, text), 0x8d: sized(8, text),
	'T': sized(4, text), 'U': sized(1, text), // of Python 2, where text was bytes
	'B': sized(4, raw), 'C': sized(1, raw), 0x8e: sized(8, raw), 0x96: sized(8, raw),

	')':  func(d *Decoder) error { return d.push(Tuple{}) },
	't':  func(d *Decoder) error { return d.gathered(d.popMark, func(v []any) any { return Tuple(v) }) },
	0x85: tuple(1), 0x86: tuple(2), 0x87: tuple(3),
	']':  func(d *Decoder) error { return d.push(&List{}) },
	0x8f: func(d *Decoder) error { return d.push(&List{}) },
	0x91: func(d *Decoder) error { return d.gathered(d.popMark, func(v []any) any { return &List{v} }) },
	'a':  func(d *Decoder) error { return d.extend(func() ([]any, error) { return d.popN(1) }) },
	'e':  func(d *Decoder) error { return d.extend(d.popMark) },
	0x90: func(d *Decoder) error { return d.extend(d.popMark) },
	'}':  func(d *Decoder) error { return d.push(&Dict{}) },
	's':  func(d *Decoder) error { return d.fill(func() ([]any, error) { return d.popN(2) }) },
	'u':  func(d *Decoder) error { return d.fill(d.popMark) },

	'q': func(d *Decoder) error { return d.put(1) }, 'r': func(d *Decoder) error { return d.put(4) },
	'h': func(d *Decoder) error { return d.get(1) }, 'j': func(d *Decoder) error { return d.get(4) },
	0x94: func(d *Decoder) error { return d.memoize(uint32(len(d.memo))) },

	'c': (*Decoder).global, 0x93: (*Decoder).stackGlobal,
	'Q': (*Decoder).persistent,
	'R': (*Decoder).reduce, 0x81: (*Decoder).reduce, // NEWOBJ: cls.__new__(cls, *args)
	0x92: (*Decoder).newWithKeywords,
	'o':  (*Decoder).instance,
	'b':  (*Decoder).drop, // BUILD: the state of what is no dictionary here is dropped
}

func (d *Decoder) proto() error {
	v, err := d.byte()
	if err == nil && v > 5 {
		return errors.Errorf("the pickle is of protocol %d, want 2 to 5: the file is damaged, or save it anew with pickle_protocol=2", v)
	}
	return err
}

func constant(v any) func(*Decoder) error { return func(d *Decoder) error { return d.push(v) } }

func text(b []byte) any { return string(b) }
func raw(b []byte) any  { return b }

// sized is an opcode of a length, in so many bytes, and the bytes of a value.
func sized(width int, value func([]byte) any) func(*Decoder) error {
	return func(d *Decoder) error {
		b, err := d.counted(width)
		if err != nil {
			return err
		}
		return d.push(value(b))
	}
}

func tuple(n int) func(*Decoder) error {
	return func(d *Decoder) error {
		return d.gathered(func() ([]any, error) { return d.popN(n) }, func(v []any) any { return Tuple(v) })
	}
}

func (d *Decoder) drop() error { _, err := d.pop(); return err }

// with pushes what is made of a value.
func (d *Decoder) with(take func() (any, error), value func(any) any) error {
	v, err := take()
	if err != nil {
		return err
	}
	return d.push(value(v))
}

// gathered pushes what is made of several values.
func (d *Decoder) gathered(take func() ([]any, error), value func([]any) any) error {
	v, err := take()
	if err != nil {
		return err
	}
	return d.push(value(v))
}

func (d *Decoder) integer(width int, value func(uint64) any) error {
	v, err := d.number(width)
	if err != nil {
		return err
	}
	return d.push(value(v))
}

// float reads eight bytes, big endian.
func (d *Decoder) float() error {
	b, err := d.bytes(8)
	if err != nil {
		return err
	}
	bits := uint64(0)
	for _, v := range b {
		bits = bits<<8 | uint64(v)
	}
	return d.push(math.Float64frombits(bits))
}

// extend appends what is taken to the list below it. What a class of lists would have got is dropped.
func (d *Decoder) extend(take func() ([]any, error)) error {
	values, err := take()
	if err != nil {
		return err
	}
	target, err := d.top()
	if list, ok := target.(*List); ok {
		list.Items = append(list.Items, values...)
	}
	return err
}

// fill enters what is taken, keys and values in turn, into the dictionary below it.
func (d *Decoder) fill(take func() ([]any, error)) error {
	values, err := take()
	if err != nil {
		return err
	}
	if len(values)%2 != 0 {
		return errors.New("a key has no value: the file is damaged")
	}
	target, err := d.top()
	if dict, ok := target.(*Dict); ok {
		for i := 0; i < len(values); i += 2 {
			dict.Items = append(dict.Items, Item{values[i], values[i+1]})
		}
	}
	return err
}

func (d *Decoder) put(width int) error {
	n, err := d.number(width)
	if err != nil {
		return err
	}
	return d.memoize(uint32(n))
}

func (d *Decoder) memoize(at uint32) error {
	v, err := d.top()
	d.memo[at] = v
	return err
}

func (d *Decoder) get(width int) error {
	n, err := d.number(width)
	if err != nil {
		return err
	}
	v, ok := d.memo[uint32(n)]
	if !ok {
		return errors.Errorf("the memo has no entry %d: the file is damaged", n)
	}
	return d.push(v)
}

func (d *Decoder) global() error {
	module, err := d.line()
	if err != nil {
		return err
	}
	name, err := d.line()
	if err != nil {
		return err
	}
	return d.push(Global{module, name})
}

func (d *Decoder) stackGlobal() error {
	names, err := d.popN(2)
	if err != nil {
		return err
	}
	module, ok := names[0].(string)
	name, both := names[1].(string)
	if !ok || !both {
		return errors.New("the name of a class is no text: the file is damaged")
	}
	return d.push(Global{module, name})
}

func (d *Decoder) persistent() error {
	id, err := d.pop()
	if err != nil {
		return err
	}
	if d.Persistent == nil {
		return errors.New("the pickle refers to something that stands outside of it")
	}
	v, err := d.Persistent(id)
	if err != nil {
		return err
	}
	return d.push(v)
}

// reduce is a call of what stands below its arguments.
func (d *Decoder) reduce() error {
	v, err := d.popN(2)
	if err != nil {
		return err
	}
	return d.call(v[0], v[1])
}

// newWithKeywords has arguments with names, with which nobody here makes anything.
func (d *Decoder) newWithKeywords() error {
	v, err := d.popN(3)
	if err != nil {
		return err
	}
	return d.push(&Object{v[0], v[1]})
}

// instance is a class and its arguments above a mark.
func (d *Decoder) instance() error {
	v, err := d.popMark()
	if err != nil {
		return err
	}
	if len(v) == 0 {
		return errStack
	}
	return d.call(v[0], Tuple(v[1:]))
}

func (d *Decoder) call(callable, args any) error {
	g, ok := callable.(Global)
	list, both := args.(Tuple)
	if ok && both && d.Call != nil {
		v, known, err := d.Call(g, list)
		if err != nil {
			return err
		}
		if known {
			return d.push(v)
		}
	}
	return d.push(&Object{callable, args})
}
