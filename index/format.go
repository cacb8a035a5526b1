package index

import (
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"unsafe"

	"github.com/pkg/errors"
)

// A file begins with magic and the version, and ends with a table in JSON and a trailer that
// says where the table begins. Between them are sections, numbers in little-endian order, each
// at a multiple of sectionAlign, which are used where they stand in memory.
const (
	magic        = "medusa index\x00\x00\x00\x00"
	version      = 1
	headSize     = sectionAlign
	sectionAlign = 64
	trailerSize  = 8 + 8 + 4 + 4 // begin and size of the table, its checksum, the version
	sumBlock     = 1 << 22       // bytes that have a checksum of their own
)

// table says what is in a file.
type table struct {
	Dim      int       `json:"dim"`
	Distance string    `json:"distance"`
	Model    string    `json:"model,omitempty"`
	Where    []byte    `json:"model_path,omitempty"` // see keptPath; not each name of a file is UTF-8
	Storage  string    `json:"storage"`
	Floats   bool      `json:"floats,omitempty"` // besides another storage
	Rows     int       `json:"rows"`
	Names    int       `json:"names"`          // of labels
	Last     uint64    `json:"last,omitempty"` // largest ID that was ever there, if it is not that of a row
	Sections []section `json:"sections"`

	Graph *graphTable `json:"graph,omitempty"`
}

// section is a stretch of the file.
type section struct {
	Name   string   `json:"name"`
	Begin  int64    `json:"begin"`
	Size   int64    `json:"size"`
	Blocks []uint32 `json:"blocks"` // checksum of each block of sumBlock bytes, CRC-32C
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// bigEndian says that this machine keeps numbers the other way round than the file.
var bigEndian = func() bool { one := uint16(1); return *(*byte)(unsafe.Pointer(&one)) == 0 }()

var errBigEndian = errors.New("files of indexes can be used on little-endian processors only, and this is none")

func encodeHead() []byte {
	b := make([]byte, headSize)
	copy(b, magic)
	binary.LittleEndian.PutUint32(b[len(magic):], version)
	return b
}

// encodeTable is table and trailer, for a table that begins at begin.
func encodeTable(t *table, begin int64) ([]byte, error) {
	b, err := json.Marshal(t)
	if err != nil {
		return nil, errors.WithStack(err)
	}
	sum, size := crc32.Checksum(b, castagnoli), len(b)
	b = binary.LittleEndian.AppendUint64(b, uint64(begin))
	b = binary.LittleEndian.AppendUint64(b, uint64(size))
	b = binary.LittleEndian.AppendUint32(b, sum)
	return binary.LittleEndian.AppendUint32(b, version), nil
}

// decodeTable reads the table of a file, and says what is wrong with it.
func decodeTable(file []byte) (*table, error) {
	if len(file) < headSize || string(file[:len(magic)]) != magic {
		return nil, errors.New("this is no index of Medusa")
	}
	if v := binary.LittleEndian.Uint32(file[len(magic):]); v != version {
		return nil, errors.Errorf("the file is of format version %d, this program reads version %d", v, version)
	}
	cut := errors.New("the file was cut off or altered")
	if len(file) < headSize+trailerSize {
		return nil, cut
	}
	at := len(file) - trailerSize
	trailer := file[at:]
	begin, size := binary.LittleEndian.Uint64(trailer), binary.LittleEndian.Uint64(trailer[8:])
	if begin < headSize || begin > uint64(at) || size != uint64(at)-begin || binary.LittleEndian.Uint32(trailer[20:]) != version {
		return nil, cut
	}
	text := file[begin:at]
	if crc32.Checksum(text, castagnoli) != binary.LittleEndian.Uint32(trailer[16:]) {
		return nil, cut
	}
	t := new(table)
	if err := json.Unmarshal(text, t); err != nil {
		return nil, errors.Wrap(err, "the table at the end of the file")
	}
	for _, s := range t.Sections {
		if s.Begin < headSize || s.Begin%sectionAlign != 0 || s.Size < 0 || s.Begin > int64(begin) || s.Size > int64(begin)-s.Begin || int64(len(s.Blocks)) != (s.Size+sumBlock-1)/sumBlock {
			return nil, errors.Errorf("the part %q of the file lies outside it", s.Name)
		}
	}
	return t, nil
}

// part is a section as a slice, of count elements if count is not below 0.
func part[T any](file []byte, t *table, name string, count int64) ([]T, error) {
	var zero T
	size := int64(unsafe.Sizeof(zero))
	for _, s := range t.Sections {
		if s.Name != name {
			continue
		}
		if s.Size%size != 0 || count >= 0 && s.Size/size != count {
			return nil, errors.Errorf("the part %q of the file has %d bytes, which is not what %d rows take", name, s.Size, t.Rows)
		}
		if s.Size == 0 {
			return nil, nil
		}
		return unsafe.Slice((*T)(unsafe.Pointer(&file[s.Begin])), s.Size/size), nil
	}
	return nil, errors.Errorf("the file has no part %q", name)
}
