//go:build !linux

package trainer

// peakRSS is the most memory, in bytes, that the process has held; 0 if unknown.
func peakRSS() int64 { return 0 }
