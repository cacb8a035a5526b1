package loops

import (
	"os"
	"strings"

	"github.com/pkg/errors"
)

// Variable is the environment variable that names the instruction set to use: avx512,
// avx2, neon or generic. Unset, the best one that processor and system support is taken.
const Variable = "MEDUSA_CPU"

// instructionSet is a choice of kernels.
type instructionSet struct {
	name      string
	supported bool
	f32       micro[float32]
	f64       micro[float64]
	simd      simd
}

var generic = instructionSet{name: "generic", supported: true, f32: portable[float32](), f64: portable[float64]()}

// portable is the family of micro-kernels in Go.
func portable[T Float]() micro[T] {
	type kernels = [][]func(*microArgs[T])
	return micro[T]{
		rows: 4, lanes: 4,
		table: kernels{{microLoop[T, rows1]}, {microLoop[T, rows2]}, {microLoop[T, rows3]}, {microTile4[T]}},
		indirect: kernels{
			{microIndirect[T, rows1]}, {microIndirect[T, rows2]}, {microIndirect[T, rows3]}, {microIndirect[T, rows4]},
		},
	}
}

// active is the instruction set in use; tests switch it.
var active, activeErr = choose(os.Getenv(Variable))

func choose(name string) (*instructionSet, error) {
	var known []string
	for i := range instructionSets {
		s := &instructionSets[i]
		if s.supported && (name == "" || strings.EqualFold(name, s.name)) {
			return s, nil
		}
		if s.supported {
			known = append(known, s.name)
		}
	}
	s, _ := choose("")
	return s, errors.Errorf("loops: %s=%s is not to be had on this machine, want one of %s", Variable, name, strings.Join(known, ", "))
}

// Instructions is the name of the instruction set in use. The error says that the
// environment asks for one that this machine has not; the best one is used then.
func Instructions() (string, error) { return active.name, activeErr }
