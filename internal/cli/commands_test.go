package cli

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/trainer"
)

// words are the arguments that a shell makes of a line.
func words(t *testing.T, line string) []string {
	t.Helper()
	if runtime.GOOS == "windows" {
		return split(line)
	}
	out, err := exec.Command("sh", "-c", `for a in "$@"; do printf '%s\0' "$a"; done`, "sh").Output()
	require.NoError(t, err)
	require.Empty(t, out)
	out, err = exec.Command("sh", "-c", `set -- `+line+`; for a in "$@"; do printf '%s\0' "$a"; done`).Output()
	require.NoError(t, err, line)
	return strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
}

// split cuts a line at the blanks outside of quotes, which it takes off.
func split(line string) (out []string) {
	for _, w := range regexp.MustCompile(`(?:'[^']*'|"[^"]*"|[^\s'"])+`).FindAllString(line, -1) {
		out = append(out, strings.NewReplacer("'", "", `"`, "").Replace(w))
	}
	return out
}

// advised finds the arguments of a command in what was printed.
func advised(t *testing.T, pattern, said string) []string {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(said)
	require.NotNil(t, m, "no %s in %s", pattern, said)
	return words(t, m[1])
}

// quick makes a run short without another meaning.
var quick = []string{"-steps", "2", "-epochs", "0", "-size", "12", "-channels", "4,8", "-p", "3", "-k", "2", "-no-report", "-detail", "0"}

// What a message advises works as it is printed, also where a name must be quoted.
func TestAdvisedCommands(t *testing.T) {
	t.Chdir(t.TempDir())
	folders(t, "photos", 12, 4)
	begin := func(dir string, more ...string) {
		t.Helper()
		code, _, stderr := call(append(small("-data", "photos", "-steps", "20", "-eval-every", "5", "-no-report", "-out", dir), more...)...)
		require.Equal(t, exitOK, code, stderr)
	}
	works := func(args []string, more ...string) string {
		t.Helper()
		code, stdout, stderr := call(append(args, more...)...)
		require.Equal(t, exitOK, code, "%q: %s", args, stderr)
		return stdout
	}
	fails := func(args ...string) string {
		t.Helper()
		code, stdout, stderr := call(args...)
		require.NotEqual(t, exitOK, code, stdout)
		return stderr
	}

	t.Run("stopped", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		var out, errs bytes.Buffer
		stop := writerFunc(func(p []byte) (int, error) {
			if strings.HasPrefix(string(p), "step 1/") {
				cancel()
			}
			return out.Write(p)
		})
		require.Equal(t, exitInterrupted, run(ctx, small("-data", "photos", "-steps", "20", "-no-report", "-out", "it's mine"), stop, &errs, false))
		works(advised(t, `go run \./cmd/train (.*)`, out.String()))
	})
	t.Run("another learning rate", func(t *testing.T) {
		begin("one run")
		works(advised(t, `go run ./cmd/train (-config .*)`, fails("-resume", "one run", "-lr", "0.5")), "-lr", "0.5")
	})
	t.Run("changed", func(t *testing.T) {
		begin("changed run")
		path := filepath.Join("changed run", "config.yaml")
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, bytes.Replace(text, []byte("steps: 20"), []byte("steps: 21"), 1), 0o644))
		said := works(advised(t, `go run ./cmd/train (-config .*)`, fails("-resume", "changed run")))
		assert.Contains(t, said, "step 21/21")
	})
	t.Run("no checkpoint", func(t *testing.T) {
		begin("lost")
		for _, name := range []string{trainer.LastFile, trainer.PreviousFile, trainer.BestFile} {
			require.NoError(t, os.Truncate(filepath.Join("lost", name), 50))
		}
		works(append([]string{"-config"}, advised(t, `the configuration in ([^,]*), in another folder`, fails("-resume", "lost"))...))
	})
	t.Run("best lost", func(t *testing.T) {
		begin("best lost", "-lr", "3", "-norm", "none", "-solver", "sgd", "-weight-decay", "0.3")
		stored := filepath.Join("best lost", trainer.BestFile)
		require.NoError(t, os.Remove(stored))
		for _, name := range []string{trainer.ResultFile, trainer.ModelFile, trainer.PreviousFile} {
			require.NoError(t, os.Remove(filepath.Join("best lost", name)))
		}
		args := advised(t, `go run ./cmd/train (-resume .* -keep last)`, fails("-resume", "best lost"))
		assert.Contains(t, works(args), "(of step 20)")
		assert.Contains(t, works(args), "is finished")
	})
	t.Run("other pictures", func(t *testing.T) {
		begin("of photos")
		require.NoError(t, os.Remove(filepath.Join("of photos", trainer.ResultFile)))
		folders(t, "others", 12, 4)
		b, err := os.ReadFile(filepath.Join("others", "class00", "00.png"))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join("others", "class00", "01.png"), b, 0o644))
		said := fails("-resume", "of photos", "-data", "others")
		assert.Regexp(t, "pictures are others|pictures of", said)
		folders(t, "elsewhere", 12, 4)
		works(strings.Split(strings.ReplaceAll(strings.Join(advised(t, `go run ./cmd/train (-resume .* -data PATH)`, said), "\x00"), "PATH", "elsewhere"), "\x00"))
	})
	t.Run("argument", func(t *testing.T) {
		works(advised(t, `did you mean (-data .*)\?`, fails("photos")), quick...)
	})
}
