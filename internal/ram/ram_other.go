//go:build !linux

package ram

// available is not known.
func available() int64 { return 0 }
