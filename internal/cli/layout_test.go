package cli

import (
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/internal/samplesets"
)

func onLayout(t *testing.T, name string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	path, err := samplesets.Named(name).Write(t.TempDir())
	require.NoError(t, err)
	return call(append([]string{"-data", path, "-backbone", "mlp", "-hidden", "4", "-embedding", "4", "-p", "2", "-k", "2", "-steps", "1",
		"-out", filepath.Join(t.TempDir(), "run")}, args...)...)
}

func TestStartTellsLayoutQueriesAndGallery(t *testing.T) {
	code, stdout, stderr := onLayout(t, "market")
	require.Equal(t, exitOK, code, stderr)
	assert.Contains(t, stdout, "(Market-1501)\nbounding_box_train is learned; each picture of query is looked for in bounding_box_test\n")
	assert.Regexp(t, `classes +pictures +queries +gallery +cameras`, stdout)
	assert.Regexp(t, `test +3 +17 +3 +14 +3 `, stdout)
	assert.Contains(t, stdout, "3 queries among 14 pictures of the gallery, of 3 test classes, none of which was seen in training")
	assert.Contains(t, stdout, "junk by the protocol: 1")
}

func TestProtocolInPlaceOfAnother(t *testing.T) {
	_, stdout, _ := onLayout(t, "cub")
	assert.Contains(t, stdout, "the first 4 classes are learned, the other 4 measured on")
	code, stdout, stderr := onLayout(t, "cub", "-test-classes", "001*,002*")
	require.Equal(t, exitOK, code, stderr)
	assert.NotContains(t, stdout, "the first 4 classes are learned")
	assert.Contains(t, stdout, "in place of the usual protocol of CUB-200-2011")
}

func TestClosedSetIsTold(t *testing.T) {
	code, stdout, stderr := onLayout(t, "imagenet")
	require.Equal(t, exitOK, code, stderr)
	assert.Contains(t, stdout, "careful: the validation classes are all seen in training")
	assert.Contains(t, stdout, "8 pictures of 4 validation classes, all seen in training: not a figure for unseen classes")
}

// What a question tells people to type answers it.
func TestQuestionsNameFlags(t *testing.T) {
	for name, want := range map[string]string{
		"header-missing": "-columns path,label",
		"two-labels":     "-columns label=class",
		"nested-parts":   "-layout folders",
	} {
		code, _, stderr := onLayout(t, name)
		require.Equal(t, exitFailed, code, name)
		require.Contains(t, stderr, want, name)
		require.NotContains(t, stderr, "Options.", name)
		code, _, stderr = onLayout(t, name, strings.Fields(want)...)
		require.Equal(t, exitOK, code, "%s: %s", name, stderr)
	}
	_, _, stderr := onLayout(t, "seen-unseen")
	answer := regexp.MustCompile(`-data (\S+) -test (\S+);`).FindStringSubmatch(stderr)
	require.Len(t, answer, 3, stderr)
	require.Equal(t, []string{"seen", "unseen"}, []string{filepath.Base(answer[1]), filepath.Base(answer[2])})
	code, _, stderr := onLayout(t, "seen-unseen", "-data", answer[1], "-test", answer[2])
	require.Equal(t, exitOK, code, stderr)
}

func TestShellWord(t *testing.T) {
	for word, want := range map[string]string{"a/b-1.csv": "a/b-1.csv", "my table": "'my table'", "it's": `'it'\''s'`, "": "''", "label=class": "label=class", "*": "'*'"} {
		assert.Equal(t, want, shellWord(word))
	}
}

// A run on each layout begins with a table of the right numbers of classes, pictures,
// queries and gallery.
func TestStartTellsTheNumbersOfEveryLayout(t *testing.T) {
	t.Setenv("COLUMNS", "160")
	for _, set := range samplesets.All() {
		if set.Asks != "" {
			continue
		}
		t.Run(set.Name, func(t *testing.T) {
			args := []string{"-no-report", "-copies", "ignore"}
			if set.Columns != "" {
				args = append(args, "-columns", set.Columns)
			}
			code, stdout, stderr := onLayout(t, set.Name, args...)
			require.Equal(t, exitOK, code, stderr)
			head, lines, found := strings.Cut(stdout, "\n──")
			require.True(t, found, stdout)
			got := make(map[string]samplesets.Counts)
			for _, line := range strings.Split(lines, "\n")[1:] {
				if strings.TrimSpace(line) == "" {
					break
				}
				part, numbers := partOf(line, head[strings.LastIndex(head, "\n")+1:])
				got[part] = numbers
			}
			require.Equal(t, set.Parts, got, stdout)
		})
	}
}

// partOf reads a line of the table at the start: cells stand right under their heads.
func partOf(line, head string) (part string, c samplesets.Counts) {
	cells := []rune(line)
	cell := func(title string) (n int) {
		at := strings.Index(head, " "+title+" ")
		if at < 0 {
			return 0
		}
		end := min(at+1+len(title), len(cells))
		n, _ = strconv.Atoi(strings.TrimSpace(string(cells[at+1 : end]))) // no number here is wider than its head
		return n
	}
	c = samplesets.Counts{Classes: cell("classes"), Pictures: cell("pictures"), Queries: cell("queries"), Gallery: cell("gallery")}
	part = strings.Fields(line)[0]
	if part == "validation" {
		part = "val"
	}
	return part, c
}
