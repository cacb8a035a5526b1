// Package picturecache keeps decoded pictures in a file, found by what they were decoded
// from, so that the next opening of the same pictures decodes none.
//
// The file is a header and slots of one size. A slot holds a key, a checksum, a note and
// pixels; one that a killed process left half written fails its checksum and is used again.
package picturecache

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"os"
	"runtime"
	"sync"

	"github.com/pkg/errors"

	"medusa/internal/filelock"
)

// Key is what a picture is found by: a hash of everything that its pixels depend on.
type Key [32]byte

const (
	magic     = "MEDUSA pictures\x01"
	headBytes = 64  // of the file
	slotHead  = 512 // bytes before a slot's pixels: key, checksum, length of the note, note
	noteAt    = 32 + 4 + 2

	// MaxNote is the longest note that a slot takes.
	MaxNote = slotHead - noteAt
)

// ErrInUse is the cause of Open's error where another process has the file.
var ErrInUse = errors.New("another process uses the file")

// Cache is an open file. Its methods may be called by many goroutines at the same time.
type Cache struct {
	file   *os.File
	pixels int // bytes of a picture

	mu    sync.Mutex
	slots map[Key]slot
	notes map[string]string // one copy of each note: pictures of a set have few different ones
	free  []int64           // slots below next that hold nothing
	next  int64
}

// slot is where a picture is kept, and what was noted beside it.
type slot struct {
	at   int64
	note string
}

// Open opens the file at path, or makes it, for pictures of so many bytes. Whatever it holds
// is read once and checked; progress, which may be nil, is told how far that has come.
func Open(path string, pixels int, progress func(done, total int)) (*Cache, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	c := &Cache{file: file, pixels: pixels, slots: make(map[Key]slot), notes: make(map[string]string)}
	if err := c.start(progress); err != nil {
		file.Close()
		return nil, errors.WithMessage(err, path)
	}
	return c, nil
}

func (c *Cache) start(progress func(done, total int)) error {
	if filelock.Lock(c.file) != nil {
		return ErrInUse
	}
	info, err := c.file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errors.New("no ordinary file")
	}
	head := make([]byte, headBytes)
	copy(head, magic)
	binary.LittleEndian.PutUint64(head[32:], uint64(c.pixels))
	if info.Size() == 0 {
		_, err := c.file.WriteAt(head, 0)
		return err
	}
	there := make([]byte, headBytes)
	if _, err := c.file.ReadAt(there, 0); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if string(there) != string(head) {
		return errors.New("the file was not made by this program for pictures of this size: remove it, or name another folder")
	}
	c.next = (info.Size() - headBytes + c.slotBytes() - 1) / c.slotBytes()
	return c.scan(progress)
}

func (c *Cache) slotBytes() int64 { return slotHead + int64(c.pixels) }

func (c *Cache) offset(at int64) int64 { return headBytes + at*c.slotBytes() }

// scan reads every slot.
func (c *Cache) scan(progress func(done, total int)) error {
	var wg sync.WaitGroup
	var failed error
	workers := int64(min(runtime.GOMAXPROCS(0), int(c.next)))
	const block = 256 // slots, so that the file is read from front to back
	var at, done int64
	for range workers {
		wg.Go(func() {
			buffer := make([]byte, c.slotBytes())
			for {
				c.mu.Lock()
				from := at
				at += block
				stop := failed != nil || from >= c.next
				c.mu.Unlock()
				if stop {
					return
				}
				to := min(from+block, c.next)
				for i := from; i < to; i++ {
					err := c.check(i, buffer)
					c.mu.Lock()
					if err != nil {
						failed = err
					}
					c.mu.Unlock()
				}
				c.mu.Lock()
				if done += to - from; progress != nil {
					progress(int(done), int(c.next))
				}
				c.mu.Unlock()
			}
		})
	}
	wg.Wait()
	return failed
}

// check takes slot i into the index, or among the free ones.
func (c *Cache) check(i int64, buffer []byte) error {
	n, err := c.file.ReadAt(buffer, c.offset(i))
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	clear(buffer[n:])
	key, note, ok := parse(buffer)
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, twice := c.slots[key]; !ok || twice {
		c.free = append(c.free, i)
		return nil
	}
	c.enter(key, i, note)
	return nil
}

// parse reads a slot; ok is false if it holds nothing whole.
func parse(b []byte) (key Key, note []byte, ok bool) {
	n := int(binary.LittleEndian.Uint16(b[36:]))
	if n > MaxNote || binary.LittleEndian.Uint32(b[32:]) != sum(b) {
		return key, nil, false
	}
	copy(key[:], b)
	return key, b[noteAt : noteAt+n], true
}

var table = crc32.MakeTable(crc32.Castagnoli)

// sum is the checksum of a slot, of everything but itself. A slot of zeros has none.
func sum(b []byte) uint32 {
	s := crc32.Update(^uint32(0), table, b[:32])
	return crc32.Update(s, table, b[36:])
}

// Growth is by how many bytes the file grows at least if so many pictures, all different, are
// to be in it.
func (c *Cache) Growth(pictures int) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return int64(max(0, pictures-len(c.slots)-len(c.free))) * c.slotBytes()
}

// Lookup finds the slot of a picture and what was noted with it.
func (c *Cache) Lookup(key Key) (at int64, note string, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.slots[key]
	return s.at, s.note, ok
}

// Add keeps a picture and returns its slot. note has at most MaxNote bytes.
func (c *Cache) Add(key Key, note string, pixels []byte) (at int64, err error) {
	if len(note) > MaxNote || len(pixels) != c.pixels {
		return 0, errors.Errorf("a note of %d bytes and pixels of %d, want at most %d and %d", len(note), len(pixels), MaxNote, c.pixels)
	}
	b := make([]byte, c.slotBytes())
	copy(b, key[:])
	binary.LittleEndian.PutUint16(b[36:], uint16(len(note)))
	copy(b[noteAt:], note)
	copy(b[slotHead:], pixels)
	binary.LittleEndian.PutUint32(b[32:], sum(b))
	c.mu.Lock()
	if n := len(c.free); n > 0 {
		at, c.free = c.free[n-1], c.free[:n-1]
	} else {
		at = c.next
		c.next++
	}
	c.mu.Unlock()
	if _, err := c.file.WriteAt(b, c.offset(at)); err != nil {
		return 0, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, twice := c.slots[key]; !twice { // two copies of one picture, at the same time
		c.enter(key, at, []byte(note))
	}
	return at, nil
}

// enter takes a slot into the index. It is called with the lock held.
func (c *Cache) enter(key Key, at int64, note []byte) {
	shared, known := c.notes[string(note)]
	if !known {
		shared = string(note)
		c.notes[shared] = shared
	}
	c.slots[key] = slot{at, shared}
}

// ReadAt reads len(b) bytes of the pixels in a slot, from byte from on.
func (c *Cache) ReadAt(b []byte, at int64, from int) error {
	_, err := c.file.ReadAt(b, c.offset(at)+slotHead+int64(from))
	return err
}

// Len returns the number of pictures.
func (c *Cache) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.slots)
}

// Close gives the file back; closing twice is an error that wraps os.ErrClosed.
func (c *Cache) Close() error { return c.file.Close() }
