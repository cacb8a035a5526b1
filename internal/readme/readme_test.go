package readme

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pkg/errors"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const root = "../.."

func readme(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root, "README.md"))
	require.NoError(t, err)
	return string(raw)
}

var programs = regexp.MustCompile("(?s)```go\n(.*?)```")

// TestLibraryAsREADMESays does what README says to somebody who writes a program: a module
// beside this one, and each of the programs in it.
func TestLibraryAsREADMESays(t *testing.T) {
	if os.Getenv("MEDUSA_LONG") == "" {
		t.Skip("links a program of each; MEDUSA_LONG=1 go test ./internal/readme does it")
	}
	here, err := filepath.Abs(root)
	require.NoError(t, err)
	dir := t.TempDir()
	require.NoError(t, os.Symlink(here, filepath.Join(dir, "medusa")))
	app := filepath.Join(dir, "example")
	require.NoError(t, os.Mkdir(app, 0o755))
	workplace(t, build(t), app)
	require.NoError(t, os.Rename(filepath.Join(app, "runs", "first"), filepath.Join(app, "runs", "photos")))

	blocks := programs.FindAllStringSubmatch(readme(t), -1)
	require.GreaterOrEqual(t, len(blocks), 4)
	for i, b := range blocks {
		program := strings.Replace(b[1], "cfg.Steps = 200", "cfg.Steps = 2", 1) // the rest takes its time
		require.NoError(t, os.WriteFile(filepath.Join(app, "main.go"), []byte(program), 0o600))
		for _, c := range inMarkdown("README.md", readme(t)) {
			if !strings.HasPrefix(c.line, "go mod ") && c.line != "go run ." || i > 0 && strings.HasPrefix(c.line, "go mod ") {
				continue
			}
			text, err := offline(app, c.line)
			require.NoError(t, err, "%s\n%s\n%s", c.line, text, b[1])
		}
	}
}

// offline runs a command of Go with the modules that are on this machine already, and if
// some are missing as the machine is set up.
func offline(dir, line string) (string, error) {
	for _, env := range [][]string{{"GOFLAGS=-mod=mod", "GOPROXY=off", "GOSUMDB=off"}, {"GOFLAGS=-mod=mod"}} {
		words := strings.Fields(line)
		cmd := exec.Command(words[0], words[1:]...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
		text, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(text), "GOPROXY=off") {
			return string(text), err
		}
	}
	return "", errors.Errorf("%s: modules are missing, and no proxy has them", line)
}

func TestLinksLeadSomewhere(t *testing.T) {
	docs, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	require.NoError(t, err)
	for _, path := range append(docs, filepath.Join(root, "README.md")) {
		raw, err := os.ReadFile(path)
		require.NoError(t, err)
		text := string(raw)
		prose := regexp.MustCompile("(?s)```.*?```").ReplaceAllString(text, "") // a generic function's parameters look like a link
		for _, m := range regexp.MustCompile(`\]\(([^)]+)\)`).FindAllStringSubmatch(prose, -1) {
			file, heading, _ := strings.Cut(m[1], "#")
			switch {
			case strings.HasPrefix(m[1], "http"):
			case file == "":
				assert.Contains(t, anchors(text), heading, path)
			default:
				assert.FileExists(t, orFolder(filepath.Join(filepath.Dir(path), file)), m[1])
			}
		}
	}
}

// anchors are what links to the headings of a text are called.
func anchors(text string) (out []string) {
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(text, -1) {
		name := regexp.MustCompile(`[^\pL\pN -]`).ReplaceAllString(strings.ToLower(m[1]), "")
		out = append(out, strings.ReplaceAll(name, " ", "-"))
	}
	return out
}

// orFolder names a file in path if path is a folder.
func orFolder(path string) string {
	if entries, err := os.ReadDir(path); err == nil && len(entries) > 0 {
		for _, e := range entries {
			if !e.IsDir() {
				return filepath.Join(path, e.Name())
			}
		}
	}
	return path
}
