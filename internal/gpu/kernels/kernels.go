// Package kernels holds the GPU code of package gpu: CUDA C, and the PTX made of it, which the
// driver compiles for the GPU at hand. Both are committed; go generate makes the one of the
// other with clang (no CUDA toolkit is needed: the sources include nothing of it), and a test
// holds them together by a hash.
//
// The sources are also plain C++: a test compiles them for the host with host.h, which stands
// in for the GPU's threads, and compares every kernel with the CPU's.
package kernels

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"regexp"
	"strings"

	"github.com/pkg/errors"
)

//go:generate go run ./make

// Sources are the files that PTX is made of, and host.h.
//
//go:embed *.cu *.cuh host.h
var Sources embed.FS

// The parts of the code. The driver takes a second to compile each at first, so that those are
// kept apart that a program needs only without NVIDIA's libraries.
const (
	Base     = iota // all that is not a product
	Products        // products and convolutions
	Tensor          // the same by tensor cores
)

// PTX is the code of the parts.
var PTX = [...]string{Base: base, Products: products, Tensor: tensor}

// Files are where the parts stand.
var Files = [len(PTX)]string{Base: "base.ptx", Products: "products.ptx", Tensor: "tensor.ptx"}

var (
	//go:embed base.ptx
	base string
	//go:embed products.ptx
	products string
	//go:embed tensor.ptx
	tensor string

	product = regexp.MustCompile(`^(gemm|conv_forward|conv_to_input|conv_to_weight)_\d+$`)
)

// Part is where a kernel is.
func Part(kernel string) int {
	switch {
	case strings.HasSuffix(kernel, "_tf32"):
		return Tensor
	case product.MatchString(kernel):
		return Products
	}
	return Base
}

// Capability is the least compute capability that PTX runs on, 80 for 8.0.
const Capability = 80

// Command is how PTX is made of all.cu, without the names of files.
var Command = []string{"clang++", "-x", "cuda", "--cuda-device-only", "--cuda-gpu-arch=sm_80", "-nocudainc", "-nocudalib", "-fcuda-short-ptr", "-mllvm", "-nvptx-short-ptr",
	"-std=c++17", "-O3", "-ffp-contract=on", "-fno-exceptions", "-Xclang", "-target-feature", "-Xclang", "+ptx70", "-S"}

// Hash is over Command and the sources of PTX, which states it in its first line.
func Hash() (string, error) {
	h := sha256.New()
	h.Write([]byte(strings.Join(Command, " ")))
	err := fs.WalkDir(Sources, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || path == "host.h" {
			return err
		}
		raw, err := Sources.ReadFile(path)
		h.Write([]byte(path))
		h.Write(raw)
		return err
	})
	return hex.EncodeToString(h.Sum(nil)), errors.Wrap(err, "kernels: hash")
}

var (
	entry = regexp.MustCompile(`KERNEL\((\w+)\)`)
	tiled = regexp.MustCompile(`TILED\((\w+),`)
)

// Names are the kernels of the sources.
func Names() ([]string, error) {
	var names []string
	err := fs.WalkDir(Sources, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".cu") {
			return err
		}
		raw, err := Sources.ReadFile(path)
		for _, m := range entry.FindAllStringSubmatch(string(raw), -1) {
			names = append(names, m[1])
		}
		for _, m := range tiled.FindAllStringSubmatch(string(raw), -1) {
			for _, size := range []string{"_128", "_64", "_32"} {
				names = append(names, m[1]+size, m[1]+size+"_tf32")
			}
		}
		return err
	})
	return names, errors.Wrap(err, "kernels: names")
}
