package kernels_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/device/gpu/kernels"
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
	source := filepath.Join(dir, "medusa.ptx")
	require.NoError(t, os.WriteFile(source, []byte(kernels.PTX), 0o600))
	spills := regexp.MustCompile(`(\d+) bytes spill stores`)
	for _, arch := range []string{"sm_80", "sm_86", "sm_89", "sm_90"} {
		out, err := exec.Command(ptxas, "-v", "-arch="+arch, source, "-o", filepath.Join(dir, "cubin")).CombinedOutput()
		require.NoError(t, err, "%s: %s", arch, out)
		all := spills.FindAllSubmatch(out, -1)
		names, err := kernels.Names()
		require.NoError(t, err)
		require.GreaterOrEqual(t, len(all), len(names))
		for _, m := range all {
			bytes, err := strconv.Atoi(string(m[1]))
			require.NoError(t, err)
			require.LessOrEqual(t, bytes, 64, "%s: a kernel runs out of registers", arch)
		}
	}
}
