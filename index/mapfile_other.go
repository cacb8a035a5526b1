//go:build !unix

package index

import (
	"math"

	"medusa/internal/fileread"
)

// mapFile reads a file to memory.
func mapFile(path string) (*mapping, error) {
	data, err := fileread.Regular(path, math.MaxInt64-1)
	if err != nil {
		return nil, err
	}
	return &mapping{path: path, data: data}, nil
}
