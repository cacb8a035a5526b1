package kernels_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/gpu/kernels"
)

// PTX belongs to the sources beside it.
func TestPTXIsOfTheseSources(t *testing.T) {
	hash, err := kernels.Hash()
	require.NoError(t, err)
	for _, ptx := range kernels.PTX {
		first, rest, _ := strings.Cut(ptx, "\n")
		require.Equal(t, kernels.PTXHead(hash), first+"\n", "the sources were changed: run go generate ./internal/gpu/kernels")
		require.False(t, strings.Contains(rest, "//"), "comments name the machine that it was made on")
		require.True(t, strings.Contains(rest, "\n.version 7.0\n"), "drivers of CUDA 11.0 and newer read it")
		require.True(t, strings.Contains(rest, "\n.target sm_80\n"))
	}
}

// The Go that launches kernels belongs to the sources beside it.
func TestLaunchesAreOfTheseSources(t *testing.T) {
	want, err := kernels.Launches()
	require.NoError(t, err)
	got, err := os.ReadFile(filepath.Join("..", kernels.LaunchesFile))
	require.NoError(t, err)
	require.Equal(t, want, string(got), "the sources were changed: run go generate ./internal/gpu/kernels")
}

// Every kernel of the sources is in its part, and nothing that PTX calls is missing from it.
func TestPTXHoldsEveryKernel(t *testing.T) {
	names, err := kernels.Names()
	require.NoError(t, err)
	var entries []string
	for part, ptx := range kernels.PTX {
		for _, m := range regexp.MustCompile(`\.visible \.entry (\w+)\(`).FindAllStringSubmatch(ptx, -1) {
			entries = append(entries, m[1])
			require.Equal(t, part, kernels.Part(m[1]), m[1])
		}
		for word, why := range map[string]string{
			".extern": "a function of a library that is not there", ".approx": "a result that is not rounded to the nearest",
			".ftz": "denormals are kept",
		} {
			require.False(t, strings.Contains(ptx, word), "%s: %s", word, why)
		}
		for _, kernel := range strings.Split(ptx, ".visible .entry ")[1:] {
			for _, line := range regexp.MustCompile(`(?m)^.*\b(?:atom|red)\..*$`).FindAllString(kernel, -1) {
				if !strings.HasPrefix(kernel, "scatter_add(") {
					require.Regexp(t, `\.u(32|64)`, line, "the order of a sum is fixed")
				}
			}
		}
	}
	slices.Sort(names)
	slices.Sort(entries)
	require.Equal(t, names, entries)
	require.Equal(t, slices.Compact(slices.Clone(names)), names)
}
