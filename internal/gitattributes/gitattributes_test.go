package gitattributes

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const root = "../.."

// git returns what a command of git prints in the root of the repository, which is in parts that
// end with a zero byte.
func git(t *testing.T, input string, args ...string) []string {
	t.Helper()
	c := exec.Command("git", args...)
	c.Dir, c.Stdin = root, strings.NewReader(input)
	out, err := c.Output()
	require.NoError(t, err, "git %s", strings.Join(args, " "))
	return slices.DeleteFunc(strings.Split(string(out), "\x00"), func(s string) bool { return s == "" })
}

// needGit skips a test where the sources are no checkout, as after go mod download: git alone says
// what its attributes mean.
func needGit(t *testing.T) {
	t.Helper()
	c := exec.Command("git", "ls-files", "--error-unmatch", ".gitattributes")
	c.Dir = root
	if err := c.Run(); err != nil {
		t.Skip("needs a checkout of git that knows .gitattributes:", err)
	}
}

// listed are the files that match a pattern of git's: those that git tracks and the new ones.
func listed(t *testing.T, patterns ...string) []string {
	t.Helper()
	args := append([]string{"ls-files", "-z", "--cached", "--others", "--exclude-standard", "--"}, patterns...)
	return slices.DeleteFunc(git(t, "", args...), func(name string) bool {
		_, err := os.Stat(filepath.Join(root, name))
		return err != nil // deleted, and git does not know yet
	})
}

// attributesOf returns the attributes of files, by name.
func attributesOf(t *testing.T, files []string) map[string]map[string]string {
	t.Helper()
	out := make(map[string]map[string]string, len(files))
	for _, f := range files {
		out[f] = make(map[string]string)
	}
	for triple := range slices.Chunk(git(t, strings.Join(files, "\x00"), "check-attr", "--stdin", "-z", "--all"), 3) {
		out[triple[0]][triple[1]] = triple[2]
	}
	return out
}

// generated is what the first line of a generated file says (go help generate).
var generated = regexp.MustCompile(`^// Code generated .* DO NOT EDIT\.\n`)

// lookedAt is how many bytes git looks at to know whether a file is text.
const lookedAt = 8000

func TestFilesAreWhatTheirAttributesSay(t *testing.T) {
	needGit(t)
	files := listed(t)
	attributes := attributesOf(t, files)
	made := 0
	for _, name := range files {
		text, err := os.ReadFile(filepath.Join(root, name))
		require.NoError(t, err)
		is, inTestdata := attributes[name], strings.Contains(name, "testdata/")
		if generated.Match(text) {
			made++
			assert.Equal(t, "set", is["linguist-generated"], "%s is generated: .gitattributes should say so", name)
		} else if !inTestdata {
			assert.Empty(t, is["linguist-generated"], "%s has no head of a generated file, and .gitattributes hides it from reviews", name)
		}
		if bytes.IndexByte(text[:min(lookedAt, len(text))], 0) >= 0 {
			assert.Equal(t, "set", is["binary"], "%s is no text: .gitattributes should call it binary", name)
		} else if is["text"] != "unset" {
			assert.False(t, bytes.Contains(text, []byte("\r\n")), "%s has lines that end with CRLF", name)
		}
		if inTestdata {
			assert.Equal(t, "unset", is["text"], "%s is read by tests, and a checkout may change the ends of its lines", name)
		}
	}
	require.Greater(t, made, 10, "generated files were found")
}

// A line that no file obeys is a slip, or of a file that is gone.
func TestEveryLineIsOfAFile(t *testing.T) {
	needGit(t)
	text, err := os.ReadFile(filepath.Join(root, ".gitattributes"))
	require.NoError(t, err)
	patterns := 0
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		patterns++
		assert.NotEmpty(t, listed(t, pathspec(words[0])), "%s: no file is called so", strings.TrimSpace(line))
	}
	require.Positive(t, patterns)
}

// pathspec is a pattern of .gitattributes as a pathspec of git's: without a slash it is of files in
// any folder.
func pathspec(pattern string) string {
	if !strings.Contains(pattern, "/") {
		return ":(glob)**/" + pattern
	}
	return ":(glob)" + strings.TrimPrefix(pattern, "/")
}
