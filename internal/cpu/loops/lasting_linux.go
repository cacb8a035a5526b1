package loops

import "syscall"

// adviseLargePages asks for large pages. A system that has none goes on with small ones.
func adviseLargePages(block []byte) { _ = syscall.Madvise(block, syscall.MADV_HUGEPAGE) }
