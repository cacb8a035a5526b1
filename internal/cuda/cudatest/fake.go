package cudatest

import (
	"encoding/hex"
	"fmt"
	"strings"

	"medusa/internal/cuda"
)

// Launch is a kernel's launch as the driver got it.
type Launch struct {
	Name        string
	Grid, Block cuda.Dim
	Shared      int
	Params      [][]byte // little-endian bytes, by the sizes in the PTX
}

// Calls is the lines of the log that are calls of a function: its name and its arguments.
func (f *Fake) Calls(function string) []string {
	var out []string
	for _, l := range f.Log() {
		if name, _, _ := strings.Cut(l, " "); name == function {
			out = append(out, l)
		}
	}
	return out
}

// Launches is every launch of the log; one that was captured counts when it was recorded.
func (f *Fake) Launches() ([]Launch, error) {
	var out []Launch
	for _, line := range f.Calls("cuLaunchKernel") {
		l, err := parseLaunch(line)
		if err != nil {
			return nil, err
		}
		out = append(out, l)
	}
	return out, nil
}

func parseLaunch(line string) (Launch, error) {
	var l Launch
	words := strings.Fields(line)
	if len(words) < 6 {
		return l, fmt.Errorf("cudatest: %q is no launch", line)
	}
	l.Name = words[1]
	for i, d := range []*cuda.Dim{&l.Grid, &l.Block} {
		if _, err := fmt.Sscanf(words[2+i], "%d,%d,%d", &d.X, &d.Y, &d.Z); err != nil {
			return l, fmt.Errorf("cudatest: %q: %w", line, err)
		}
	}
	if _, err := fmt.Sscan(words[4], &l.Shared); err != nil {
		return l, fmt.Errorf("cudatest: %q: %w", line, err)
	}
	for _, w := range words[6:] { // words[5] is the stream
		b, err := hex.DecodeString(w)
		if err != nil {
			return l, fmt.Errorf("cudatest: %q: %w", line, err)
		}
		l.Params = append(l.Params, b)
	}
	return l, nil
}
