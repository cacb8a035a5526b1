package embeddings

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"io"
	"os"

	"github.com/pkg/errors"

	"medusa/internal/filelock"
)

// Mark says how far the work had come when it was set. What is behind the last one is made again.
type Mark struct {
	Read    int    `json:"read"`    // items that were looked at, such as files
	LeftOut int    `json:"leftOut"` // of those that ought to have an embedding, and have none
	Names   uint64 `json:"names"`   // made of the names of those read, to tell whether they are the same
}

// partHeader is the first line of a part.
type partHeader struct {
	Kind    string `json:"medusa"`
	Version int    `json:"version"`
	Dim     int    `json:"dim"`
	Model   string `json:"model"`
	Of      string `json:"of"`
}

const (
	partKind    = "part of embeddings"
	partVersion = 1
	partEnding  = ".part"
	maxHeader   = 1 << 20
)

// part is a file that grows by records: rows of embeddings, and marks. A record is the length and the
// checksum of what follows, a letter that says what that is, and it.
type part struct {
	file   *os.File
	header partHeader
	start  int64 // of the first record
	end    int64 // of the last one that counts
	*content
	mark Mark
}

const (
	rowsRecord = 'r'
	markRecord = 'm'
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// openPart begins a part, or opens one that is there and cuts off what stands behind its last mark.
func openPart(path string, header partHeader) (p *part, err error) {
	header.Kind, header.Version = partKind, partVersion
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, errors.WithStack(err)
	}
	defer func() {
		if err != nil {
			file.Close()
		}
	}()
	if err := filelock.Lock(file); err != nil {
		return nil, errors.Wrapf(err, "%s is in use: another process writes it", path)
	}
	p = &part{file: file, header: header, content: &content{Info: Info{Dim: header.Dim, Model: header.Model}, allLabelled: true}}
	p.content.each = p.rows
	info, err := file.Stat()
	if err != nil {
		return nil, errors.WithStack(err)
	}
	first, whole := p.firstLine(info.Size())
	if !whole { // a process was killed before it had begun
		return p, p.begin()
	}
	var found partHeader
	if err := json.Unmarshal(first, &found); err != nil || found.Kind != partKind {
		return nil, errors.Errorf("%s is no part of embeddings: move it away", path)
	}
	if found != header {
		return nil, errors.WithStack(&OtherPartError{Path: path, Why: found.differs(header)})
	}
	p.start = int64(len(first)) + 1
	if err := p.scan(info.Size()); err != nil {
		return nil, err
	}
	return p, p.cut()
}

// OtherPartError says that the part which is there is of other work, and left as it is.
type OtherPartError struct{ Path, Why string }

func (e *OtherPartError) Error() string {
	return "embeddings: " + e.Path + " is there, of " + e.Why + ": remove it, or write to another file"
}

// differs says in what a header differs from that of other work.
func (h partHeader) differs(other partHeader) string {
	switch {
	case h.Version != other.Version:
		return "another version of this program"
	case h.Model != other.Model || h.Dim != other.Dim:
		return "another model"
	}
	return "other pictures"
}

// firstLine is the header, and reports whether it is whole.
func (p *part) firstLine(size int64) ([]byte, bool) {
	head := make([]byte, min(size, maxHeader))
	n, _ := p.file.ReadAt(head, 0)
	return cutLine(head[:n])
}

func cutLine(b []byte) (line []byte, whole bool) {
	line, _, whole = bytes.Cut(b, []byte("\n"))
	return line, whole
}

func (p *part) begin() error {
	text, err := json.Marshal(p.header)
	if err != nil {
		return errors.WithStack(err)
	}
	if len(text) >= maxHeader {
		return errors.New("the description of what is written is too long")
	}
	if err := p.file.Truncate(0); err != nil {
		return errors.WithStack(err)
	}
	p.start = int64(len(text)) + 1
	p.end = p.start
	_, err = p.file.WriteAt(append(text, '\n'), 0)
	return errors.WithStack(err)
}

// scan finds the last mark among the records that are whole.
func (p *part) scan(size int64) error {
	p.end = p.start
	since := content{Info: p.Info, allLabelled: true} // what is behind the last mark
	_, err := p.records(size, func(kind byte, payload []byte, end int64) error {
		if kind == markRecord {
			var m Mark
			if err := json.Unmarshal(payload, &m); err != nil {
				return errStop
			}
			p.mark, p.end = m, end
			p.content.join(since)
			since = content{Info: p.Info, allLabelled: true}
			return nil
		}
		items, vectors, err := p.parseRows(payload)
		if err != nil {
			return errStop
		}
		since.saw(items, len(vectors)/4/p.Dim)
		return nil
	})
	return err
}

// errStop ends the reading of records where one makes no sense.
var errStop = errors.New("no record")

// records hands on the records of the first size bytes up to the first that is not whole, whose place it returns.
func (p *part) records(size int64, each func(kind byte, payload []byte, end int64) error) (at int64, err error) {
	at = p.start
	r := bufio.NewReaderSize(io.NewSectionReader(p.file, at, size-at), 1<<20)
	var head [8]byte
	var payload []byte
	for {
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return at, notEnd(err)
		}
		n, sum := int64(binary.LittleEndian.Uint32(head[:])), binary.LittleEndian.Uint32(head[4:])
		if n < 1 || n > size-at-8 {
			return at, nil
		}
		if int64(cap(payload)) < n {
			payload = make([]byte, n)
		}
		payload = payload[:n]
		if _, err := io.ReadFull(r, payload); err != nil {
			return at, notEnd(err)
		}
		if crc32.Checksum(payload, castagnoli) != sum {
			return at, nil
		}
		if err := each(payload[0], payload[1:], at+8+n); err != nil {
			if errors.Is(err, errStop) {
				err = nil
			}
			return at, err
		}
		at += 8 + n
	}
}

func notEnd(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return errors.WithStack(err)
}

// cut takes away what is behind the last mark.
func (p *part) cut() error { return errors.WithStack(p.file.Truncate(p.end)) }

// append adds a record.
func (p *part) append(kind byte, payload ...[]byte) error {
	b := append(make([]byte, 8, 9), kind)
	for _, piece := range payload {
		b = append(b, piece...)
	}
	if int64(len(b)) > 1<<31 {
		return errors.New("too much at once: add fewer embeddings at a time")
	}
	binary.LittleEndian.PutUint32(b, uint32(len(b)-8))
	binary.LittleEndian.PutUint32(b[4:], crc32.Checksum(b[8:], castagnoli))
	if _, err := p.file.WriteAt(b, p.end); err != nil {
		return errors.WithStack(err)
	}
	p.end += int64(len(b))
	return nil
}

// rowsPayload is items and vectors as a record has them.
func rowsPayload(items []Item, vectors []byte) ([][]byte, error) {
	text, err := json.Marshal(items)
	return [][]byte{binary.LittleEndian.AppendUint32(nil, uint32(len(text))), text, vectors}, errors.WithStack(err)
}

func (p *part) parseRows(payload []byte) (items []Item, vectors []byte, err error) {
	if len(payload) < 4 {
		return nil, nil, errStop
	}
	n := int64(binary.LittleEndian.Uint32(payload))
	if n > int64(len(payload)-4) {
		return nil, nil, errStop
	}
	vectors = payload[4+n:]
	if err := json.Unmarshal(payload[4:4+n], &items); err != nil || len(vectors) != 4*p.Dim*len(items) {
		return nil, nil, errStop
	}
	return items, vectors, nil
}

// rows hands on all embeddings, in the bytes of a little-endian machine.
func (p *part) rows(each func(items []Item, vectors []byte) error) error {
	end, err := p.records(p.end, func(kind byte, payload []byte, _ int64) error {
		if kind == markRecord {
			return nil
		}
		items, vectors, err := p.parseRows(payload)
		if err != nil {
			return err
		}
		return each(items, vectors)
	})
	if err == nil && end != p.end {
		err = errors.Errorf("%s was changed by somebody else, or the disk fails", p.file.Name())
	}
	return err
}
