package main

import (
	"bytes"
	"os"
	"strconv"
)

// peakMemory is the most memory, in bytes, that this process has held; 0 where there is
// no /proc. Unlike getrusage it does not count what the process was before exec.
func peakMemory() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	return highWater(status)
}

func highWater(status []byte) int64 {
	for line := range bytes.Lines(status) {
		if rest, ok := bytes.CutPrefix(line, []byte("VmHWM:")); ok {
			kB, _ := strconv.ParseInt(string(bytes.TrimSpace(bytes.TrimSuffix(bytes.TrimSpace(rest), []byte("kB")))), 10, 64)
			return kB << 10
		}
	}
	return 0
}
