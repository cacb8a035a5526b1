package cli

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Without the program that does it, push says how to build it, and repeats no password.
func TestPushWithoutItsProgram(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	code, stdout, stderr := medusa("push", "others.npy", "postgres://me:s3cret@localhost/photos")
	assert.Equal(t, exitFailed, code)
	assert.Empty(t, stdout)
	assert.Contains(t, stderr, "\n  "+buildPush+"\n")
	assert.Contains(t, stderr, "\n  ./medusa-push GALLERY URL\n")
	assert.NotContains(t, stderr, "s3cret")
}

// What cannot be meant is refused before any other program is called.
func TestPushArguments(t *testing.T) {
	for _, c := range []struct {
		want string
		args []string
	}{
		{"want GALLERY and URL", nil},
		{"one of two is missing", []string{"others.npy"}},
		{"the URL stands first", []string{"postgres://me:s3cret@localhost/photos", "others.npy"}},
		{"these are 3 arguments", []string{"others.npy", "postgres://me:s3cret@localhost/photos", "more"}},
		{"-table is empty", []string{"others.npy", "postgres://me:s3cret@localhost/photos", "-table", ""}},
		{"-batch", []string{"others.npy", "postgres://me:s3cret@localhost/photos", "-batch", "0"}},
	} {
		code, _, stderr := medusa(append([]string{"push"}, c.args...)...)
		assert.Equal(t, exitUsage, code, c.args)
		assert.Contains(t, stderr, c.want)
		assert.NotContains(t, stderr, "s3cret")
	}
}

// The program in PATH has the same arguments, and its exit code is that of medusa.
func TestPushCallsItsProgram(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the program of this test is a shell script")
	}
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "medusa-push"), []byte("#!/bin/sh\necho \"$@\"\necho told >&2\nexit 5\n"), 0o755))
	t.Setenv("PATH", dir+string(filepath.ListSeparator)+os.Getenv("PATH"))
	code, stdout, stderr := medusa("push", "others.npy", "postgres://localhost/photos", "-table", "push")
	assert.Equal(t, 5, code)
	assert.Equal(t, "others.npy postgres://localhost/photos -table push\n", stdout)
	assert.Equal(t, "told\n", stderr)
}
