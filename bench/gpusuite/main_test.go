package main

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// packed is a file with shell scripts in place of the tests, and its reader.
func packed(t *testing.T, scripts map[string]string) *zip.Reader {
	dir := t.TempDir()
	program := filepath.Join(dir, "program")
	require.NoError(t, os.WriteFile(program, []byte("a program, whose bytes come first"), 0o600))
	tests := filepath.Join(dir, "tests")
	for _, s := range suites {
		require.NoError(t, os.MkdirAll(filepath.Join(tests, s.name, "testdata"), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(tests, s.name, binaryName), []byte("#!/bin/sh\n"+scripts[s.name]), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(tests, s.name, "testdata", "x"), []byte("data of "+s.name+"\n"), 0o600))
	}
	out := filepath.Join(dir, "suite")
	require.NoError(t, pack(out, program, tests))
	raw, err := os.ReadFile(out)
	require.NoError(t, err)
	require.True(t, bytes.HasPrefix(raw, []byte("a program, whose")))
	r, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	require.NoError(t, err)
	return r
}

func TestSuite(t *testing.T) {
	echo := `echo "$MEDUSA_TEST_GPU $@"; cat testdata/x`
	r := packed(t, map[string]string{"cuda": echo, "gpu": "exit 3", "graph": echo, "trainer": echo})
	var out bytes.Buffer
	require.EqualError(t, run(r, nil, &out), "failed: gpu (exit status 3)")
	require.Contains(t, out.String(), "1 -test.run GPU -test.timeout 0\n")
	require.Contains(t, out.String(), "data of trainer\n")
	require.Contains(t, out.String(), "FAIL gpu ")
	require.Contains(t, out.String(), "ok   trainer ")

	out.Reset()
	require.NoError(t, run(r, []string{"-only", "graph", "-run", "Ops", "-v", "-short"}, &out))
	require.Contains(t, out.String(), "1 -test.run Ops -test.timeout 0 -test.v -test.short\n")
	require.NotContains(t, out.String(), "trainer")

	require.ErrorContains(t, run(r, []string{"-only", "nets"}, &out), `no tests of package "nets"`)
	require.ErrorContains(t, run(r, []string{"x"}, &out), `unexpected argument "x"`)
}

func TestSanitizer(t *testing.T) {
	r := packed(t, nil)
	t.Setenv("PATH", t.TempDir())
	var out bytes.Buffer
	err := run(r, []string{"-sanitize", "memcheck"}, &out)
	if err != nil { // there is none in /usr/local either
		require.ErrorContains(t, err, "install NVIDIA's package")
	}
	dir := t.TempDir()
	t.Setenv("PATH", dir+":/bin:/usr/bin")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "compute-sanitizer"), []byte("#!/bin/sh\necho under $1 $2 $3 $4 $(basename $(dirname $5))\n"), 0o700))
	out.Reset()
	require.NoError(t, run(r, []string{"-sanitize", "racecheck", "-only", "gpu"}, &out))
	require.Contains(t, out.String(), "under --tool racecheck --error-exitcode 86 gpu\n")
}
