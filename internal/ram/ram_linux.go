package ram

import (
	"bytes"
	"os"
	"strconv"
)

// available is the least of what the machine and the control group, as of a container,
// have free; 0 if neither says.
func available() int64 {
	free := field("/proc/meminfo", "MemAvailable:") << 10
	for _, group := range []struct{ limit, used, stat, cache string }{
		{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory.stat", "inactive_file"},
		{"/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes", "/sys/fs/cgroup/memory/memory.stat", "total_inactive_file"},
	} {
		limit, used := number(group.limit), number(group.used)
		if limit <= 0 || used <= 0 {
			continue // none, or the word max
		}
		left := max(limit-used+field(group.stat, group.cache), 1)
		if free <= 0 || left < free {
			free = left
		}
	}
	return free
}

// number is the whole number that a file holds, 0 if it holds none.
func number(path string) int64 {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	n, _ := strconv.ParseInt(string(bytes.TrimSpace(text)), 10, 64)
	return n
}

// field is the number behind a name in a file of such lines, 0 if it is not there.
func field(path, name string) int64 {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(text) {
		if words := bytes.Fields(line); len(words) > 1 && string(words[0]) == name {
			n, _ := strconv.ParseInt(string(words[1]), 10, 64)
			return n
		}
	}
	return 0
}
