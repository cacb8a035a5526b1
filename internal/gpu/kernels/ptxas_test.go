package kernels_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/gpu/kernels"
)

// NVIDIA's assembler takes PTX for every generation, and what a kernel needs fits: shared memory
// within the 48 KiB that every launch may have, registers within those of a thread.
// MEDUSA_PTXAS is where the assembler is, if not on PATH; it needs no GPU (Debian:
// nvidia-cuda-toolkit of non-free).
func TestPTXAssembles(t *testing.T) {
	ptxas := os.Getenv("MEDUSA_PTXAS")
	if ptxas == "" {
		var err error
		if ptxas, err = exec.LookPath("ptxas"); err != nil {
			t.Skip("no ptxas on this machine")
		}
	}
	dir := t.TempDir()
	spills := regexp.MustCompile(`(\d+) bytes spill stores`)
	kernelsSeen := 0
	for part, ptx := range kernels.PTX {
		source := filepath.Join(dir, kernels.Files[part])
		require.NoError(t, os.WriteFile(source, []byte(ptx), 0o600))
		for _, arch := range []string{"sm_80", "sm_86", "sm_89", "sm_90"} {
			out, err := exec.Command(ptxas, "-v", "-arch="+arch, source, "-o", filepath.Join(dir, "cubin")).CombinedOutput()
			require.NoError(t, err, "%s: %s", arch, out)
			for _, m := range spills.FindAllSubmatch(out, -1) {
				kernelsSeen++
				bytes, err := strconv.Atoi(string(m[1]))
				require.NoError(t, err)
				require.LessOrEqual(t, bytes, 128, "%s: a kernel runs out of registers: more than some addresses in memory", arch)
			}
		}
	}
	names, err := kernels.Names()
	require.NoError(t, err)
	require.GreaterOrEqual(t, kernelsSeen, 4*len(names))
}
