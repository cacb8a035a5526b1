package weights

import (
	"encoding/binary"
	"math/big"

	"github.com/pkg/errors"

	"medusa/internal/pickle"
)

// legacyMagic is the number that a file of torch.save before PyTorch 1.6 begins with, as a pickle.
var legacyMagic, _ = new(big.Int).SetString("1950a86a20f9469cfc6c", 16)

// legacy is the container that torch.save wrote before PyTorch 1.6, and still does with
// _use_new_zipfile_serialization=False: five pickles (magic number, version, sizes of types, the object, the
// keys of its storages), then for each key a count (8 bytes) and the numbers.
type legacy struct {
	source
	storages map[string]*laterStorage
}

// laterStorage is a storage whose place is known only when the pickles have been read.
type laterStorage struct {
	dtype Dtype
	count int64
	at    int64 // 0 until it is known
}

func (f *File) readLegacy(s source) error {
	l := &legacy{source: s, storages: map[string]*laterStorage{}}
	c := checkpoint{size: s.size, storage: l.storage}
	d := c.decoder(s, 0)
	magic, err := d.Decode()
	if n, ok := magic.(*big.Int); err != nil || !ok || n.Cmp(legacyMagic) != 0 {
		return errors.New("it is a pickle, but none of torch.save: in Python, torch.save(model.state_dict(), \"weights.pth\")")
	}
	var values [4]any
	for i := range values {
		if values[i], err = d.Decode(); err != nil {
			return err
		}
	}
	if sizes, ok := values[1].(*pickle.Dict); ok {
		if little, ok := sizes.Lookup("little_endian"); ok && little == false {
			return errors.New("its numbers are big endian: save it on a machine of the usual byte order, or as safetensors")
		}
	}
	if err := l.locate(values[3], d.Consumed()); err != nil {
		return err
	}
	return f.collect(values[2])
}

// storage notes that a storage is wanted. Its numbers come behind the pickles: till then their place is
// told by the key.
func (l *legacy) storage(key string, dtype Dtype, count int64) (span, error) {
	width := storedWidth(dtype)
	if width == 0 {
		return span{}, errors.Errorf("the storage %s is of type %s, whose size is not known here: save the file as safetensors", key, dtype)
	}
	if count > l.size/width {
		return span{}, errors.Errorf("the storage %s has %d numbers of type %s in a file of %d bytes: the file is truncated or damaged", key, count, dtype, l.size)
	}
	known := l.storages[key]
	if known == nil {
		known = &laterStorage{dtype: dtype, count: count}
		l.storages[key] = known
	}
	if known.dtype != dtype || known.count != count {
		return span{}, errors.Errorf("the storage %s is described in two ways: the file is damaged", key)
	}
	return span{file: later{l, known}, bytes: count * width, dtype: dtype}, nil
}

// later reads a storage at the place that it turns out to have.
type later struct {
	*legacy
	storage *laterStorage
}

// ReadAt reads from a byte of the storage on.
func (l later) ReadAt(b []byte, at int64) (int, error) { return l.legacy.ReadAt(b, l.storage.at+at) }

// locate finds the numbers of each storage, which lie in the order of keys from a byte of the file on.
func (l *legacy) locate(keys any, at int64) error {
	list, ok := keys.(*pickle.List)
	if !ok {
		return errors.New("the list of its storages is missing: the file is damaged")
	}
	for _, key := range list.Items {
		name, _ := key.(string)
		s := l.storages[name]
		if s == nil {
			return errors.Errorf("the storage %v belongs to no tensor: the file is damaged", key)
		}
		var count [8]byte
		if _, err := l.ReadAt(count[:], at); err != nil {
			return errors.New("it ends before its numbers do: it is truncated; download or save it again")
		}
		if n := binary.LittleEndian.Uint64(count[:]); n != uint64(s.count) {
			return errors.Errorf("the storage %s has %d numbers where %d are expected: the file is damaged", name, n, s.count)
		}
		s.at = at + 8
		if at = s.at + s.count*storedWidth(s.dtype); at > l.size {
			return errors.New("it ends before its numbers do: it is truncated; download or save it again")
		}
	}
	for key, s := range l.storages {
		if s.at == 0 {
			return errors.Errorf("the numbers of the storage %s are missing: the file is damaged", key)
		}
	}
	return nil
}
