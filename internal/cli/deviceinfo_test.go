package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/internal/cuda/cudatest"
)

func TestDeviceInfoTellsWhatIsThere(t *testing.T) {
	cudatest.Prepare(t)
	code, stdout, stderr := call("-device-info")
	assert.Equal(t, exitOK, code)
	assert.Empty(t, stderr)
	for _, want := range []string{"driver   CUDA 12.4", "cuBLAS   12.4.5", "cuDNN    9.13.1", "GPU 0    Fake GPU 0"} {
		assert.Contains(t, stdout, want)
	}
}

// On a machine with a driver this is the report of what is there, else of what is not.
func TestDeviceInfoNeedsNoDriver(t *testing.T) {
	before, err := os.ReadDir(".")
	require.NoError(t, err)
	code, stdout, stderr := call("-device-info", "-steps", "3")
	assert.Equal(t, exitOK, code)
	assert.Empty(t, stderr)
	assert.Regexp(t, `(?s)^driver   .*\ncuBLAS   .*\ncuDNN    |^CUDA     CUDA is supported on Linux`, stdout)
	after, err := os.ReadDir(".")
	require.NoError(t, err)
	assert.Equal(t, before, after, "no run was begun")

	code, _, stderr = call("-device-info", "-nonsense")
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, stderr, "-nonsense")

	config := filepath.Join(t.TempDir(), "run.yaml")
	require.NoError(t, os.WriteFile(config, []byte("device-info: true\n"), 0o600))
	code, _, stderr = call("-config", config)
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, stderr, `unknown key "device-info"`, "a question is no configuration")
}
