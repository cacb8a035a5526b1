package trainer

import (
	"bytes"
	"os"
	"strconv"
)

// peakRSS is the most memory, in bytes, that the process has held; 0 if unknown. It reads
// /proc, since getrusage counts what the process was before exec.
func peakRSS() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(status) {
		if rest, ok := bytes.CutPrefix(line, []byte("VmHWM:")); ok {
			kB, _ := strconv.ParseInt(string(bytes.TrimSpace(bytes.TrimSuffix(bytes.TrimSpace(rest), []byte("kB")))), 10, 64)
			return kB << 10
		}
	}
	return 0
}
