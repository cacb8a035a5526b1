package loops

import (
	"sync"
	"unsafe"
	"weak"
)

// lasting returns memory for numbers that are read again and again, in the order in which it is asked for. Several share a block
// of large pages, of which there are so few that the processor knows where all of them stand; with small ones, reading weights from
// memory took a fourteenth longer. The numbers begin a cache line, and are any. A block goes with the last that is in it.
func lasting[T Float](n int) []T {
	bytes := ceil(n*int(unsafe.Sizeof(T(0))), cacheLine) * cacheLine
	b := &lastingBlock
	b.mu.Lock()
	defer b.mu.Unlock()
	first := b.first.Value()
	if first == nil || b.size-b.used < bytes {
		b.used, b.size = 0, max(lastingLeast, ceil(bytes, largePage)*largePage)
		first = newBlock(b.size)
		b.first = weak.Make(first)
	}
	from := unsafe.Add(unsafe.Pointer(first), b.used)
	b.used += bytes
	return unsafe.Slice((*T)(from), n)
}

const (
	cacheLine    = 64
	largePage    = 2 << 20
	lastingLeast = 2 * largePage // bytes of a block
)

// lastingBlock is the block that was begun last.
var lastingBlock struct {
	mu         sync.Mutex
	first      weak.Pointer[byte]
	used, size int // bytes
}

// newBlock begins on a large page.
func newBlock(bytes int) *byte {
	room := make([]byte, bytes+largePage)
	from := int(-uintptr(unsafe.Pointer(&room[0])) % largePage)
	block := room[from : from+bytes]
	adviseLargePages(block)
	return &block[0]
}
