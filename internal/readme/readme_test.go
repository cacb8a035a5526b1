package readme

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

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

func TestProgramsCompile(t *testing.T) {
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(readme(t), -1)
	require.GreaterOrEqual(t, len(blocks), 3)
	for i, b := range blocks {
		file := filepath.Join(t.TempDir(), "program"+strconv.Itoa(i)+".go")
		require.NoError(t, os.WriteFile(file, []byte(b[1]), 0o600))
		cmd := exec.Command("go", "vet", file)
		cmd.Dir = root
		out, err := cmd.CombinedOutput()
		assert.NoError(t, err, "%s\n%s", b[1], out)
	}
}

func TestLinksLeadSomewhere(t *testing.T) {
	for _, m := range regexp.MustCompile(`\]\(([^)]+)\)`).FindAllStringSubmatch(readme(t), -1) {
		if strings.HasPrefix(m[1], "http") {
			continue
		}
		assert.FileExists(t, orFolder(filepath.Join(root, m[1])), m[1])
	}
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

// TestFlagsExist keeps the flags in README's commands to those that the program has.
func TestFlagsExist(t *testing.T) {
	cmd := exec.Command("go", "run", "./cmd/train", "-h")
	cmd.Dir = root
	help, err := cmd.Output()
	require.NoError(t, err)
	for _, line := range regexp.MustCompile(`(?m)^go run ./cmd/train.*$`).FindAllString(readme(t), -1) {
		command, _, _ := strings.Cut(line, "#")
		for _, flag := range regexp.MustCompile(` (-[a-z-]+)`).FindAllStringSubmatch(command, -1) {
			if flag[1] == "-h" {
				continue
			}
			assert.Regexp(t, `(?m)^  `+flag[1]+`( |$)`, string(help), line)
		}
	}
}
