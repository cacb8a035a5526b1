package loops

import (
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// The system was asked for large pages, for all of the block.
func TestLastingMemoryHasLargePages(t *testing.T) {
	const pages = "/sys/kernel/mm/transparent_hugepage/enabled"
	if text, err := os.ReadFile(pages); err != nil || strings.Contains(string(text), "[never]") {
		t.Skip(pages, " says that there are none: ", string(text), err)
	}
	asked, err := syscall.Mmap(-1, 0, largePage, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	require.NoError(t, err)
	defer syscall.Munmap(asked)
	if err := syscall.Madvise(asked, syscall.MADV_HUGEPAGE); err != nil || !slices.Contains(flagsAt(t, uintptr(unsafe.Pointer(&asked[0]))), "hg") {
		t.Skip("this system does not tell of what it was asked for, as emulators do not: ", err)
	}
	s := lasting[float32](3 * largePage / 4)
	first := uintptr(unsafe.Pointer(&s[0]))
	last := first + uintptr(4*len(s)) - 1
	for _, at := range []uintptr{first, last} {
		require.Contains(t, flagsAt(t, at), "hg")
	}
	runtime.KeepAlive(s)
}

// flagsAt are those of the mapping that an address is in.
func flagsAt(t *testing.T, at uintptr) []string {
	t.Helper()
	text, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Skip(err)
	}
	inside := false
	for _, line := range strings.Split(string(text), "\n") {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		if from, to, ok := strings.Cut(fields[0], "-"); ok {
			lo, err := strconv.ParseUint(from, 16, 64)
			require.NoError(t, err)
			hi, err := strconv.ParseUint(to, 16, 64)
			require.NoError(t, err)
			inside = uintptr(lo) <= at && at < uintptr(hi)
		} else if inside && fields[0] == "VmFlags:" {
			return fields[1:]
		}
	}
	t.Fatalf("no mapping has %x", at)
	return nil
}
