//go:build unix

package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/trainer"
)

func pipe(t *testing.T, path string) string {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
	os.Remove(path)
	require.NoError(t, syscall.Mkfifo(path, 0o666))
	return path
}

// A pipe may be a configuration, as a shell's <(…) makes one: whoever waits for its writer
// can be stopped.
func TestConfigFromAPipe(t *testing.T) {
	path := pipe(t, filepath.Join(t.TempDir(), "config"))
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	var out, errs bytes.Buffer
	assert.Equal(t, exitInterrupted, run(ctx, []string{"-config", path}, &out, &errs, false))
	assert.Contains(t, errs.String(), "stopped while "+path+" was read")

	path = pipe(t, path+"2")
	go os.WriteFile(path, []byte("steps: many\n"), 0)
	code, _, stderr := call("-config", path)
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, stderr, "line 1: steps")
}

// A pipe in the place of any file that a run reads is refused; nobody waits for it: who did
// would wait until the tests' own time is up.
func TestPipeInTheRunFolder(t *testing.T) {
	data := folders(t, t.TempDir(), 6, 4)
	dir := filepath.Join(t.TempDir(), "run")
	code, _, stderr := call(small("-data", data, "-steps", "2", "-no-report", "-out", dir)...)
	require.Equal(t, exitOK, code, stderr)
	for _, name := range []string{trainer.LastFile, trainer.PreviousFile, trainer.StoredFile, trainer.ConfigFile, trainer.MetricsFile, trainer.ResultFile, trainer.ModelFile} {
		t.Run(name, func(t *testing.T) {
			copied := filepath.Join(t.TempDir(), "run")
			require.NoError(t, os.CopyFS(copied, os.DirFS(dir)))
			pipe(t, filepath.Join(copied, name))
			if name == trainer.PreviousFile {
				require.NoError(t, os.Truncate(filepath.Join(copied, trainer.LastFile), 9))
			}
			code, _, errs := call("-resume", copied, "-no-report") // who waits for the pipe waits for ever
			if code != exitOK && name != trainer.PreviousFile {    // repaired, or the last one told
				assert.Contains(t, errs, name)
			}
		})
	}
	for name, path := range map[string]string{
		"picture": pipe(t, filepath.Join(folders(t, t.TempDir(), 6, 4), "class00", "pipe.png")),
		"table":   pipe(t, filepath.Join(t.TempDir(), "table.csv")),
		"row":     tableOf(t, pipe(t, filepath.Join(t.TempDir(), "row.png"))),
	} {
		t.Run(name, func(t *testing.T) {
			data := path
			if name == "picture" {
				data = filepath.Dir(filepath.Dir(path))
			}
			_, out, errs := call(small("-data", data, "-steps", "1", "-no-report", "-out", filepath.Join(t.TempDir(), "run"))...)
			assert.Contains(t, out+errs, map[string]string{"picture": "not an ordinary file", "table": "an ordinary file", "row": "row.png"}[name])
		})
	}
}

// tableOf is a CSV manifest that names a picture.
func tableOf(t *testing.T, picture string) string {
	t.Helper()
	data := folders(t, t.TempDir(), 6, 4)
	rows := "path,label\n" + picture + ",pipe\n"
	for _, class := range []string{"class00", "class01", "class02", "class03"} {
		for _, name := range []string{"00.png", "01.png"} {
			rows += filepath.Join(data, class, name) + "," + class + "\n"
		}
	}
	path := filepath.Join(t.TempDir(), "rows.csv")
	require.NoError(t, os.WriteFile(path, []byte(rows), 0o644))
	return path
}
