package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/samplesets"
)

func TestArgumentsAreChecked(t *testing.T) {
	for _, args := range [][]string{{}, {"-data", "x", "more"}, {"-data", "x", "-steps", "0"}, {"-data", "x", "-seeds", "0"}, {"-data", "x", "-threads", "0"}} {
		require.ErrorContains(t, run(context.Background(), args, new(bytes.Buffer)), "want -data")
	}
}

// A run of our side, from scratch, to its line in the table.
func TestOursIsMeasured(t *testing.T) {
	dir := t.TempDir()
	for _, part := range []string{"train", "test"} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, part), 0o777))
		require.NoError(t, samplesets.Photos(filepath.Join(dir, part)))
	}
	var out bytes.Buffer
	require.NoError(t, run(context.Background(), []string{"-data", dir, "-size", "32", "-steps", "1", "-p", "2", "-k", "2", "-seeds", "1"}, &out))
	require.Regexp(t, `\| Medusa +\| 0 +\| [01]\.\d+ +\| [01]\.\d+ +\|`, out.String())
}
