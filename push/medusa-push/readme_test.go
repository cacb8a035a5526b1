package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/embeddings"
	"medusa/internal/cli"
)

var ofThisProgram = regexp.MustCompile(`(?m)^\./medusa-push (.*?)(?: +#.*)?$`)

// What README, docs and help say to type works. Where the database is not to be had, with -schema, which takes the same
// options.
func TestEveryCommandOfTheDocs(t *testing.T) {
	var lines []string
	for _, name := range []string{"README.md", "docs/search.md"} {
		text, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(name)))
		require.NoError(t, err)
		assert.Contains(t, string(text), "go -C push build -o ../ ./medusa-push", "which TestMedusaCallsIt does")
		for _, m := range ofThisProgram.FindAllStringSubmatch(string(text), -1) {
			lines = append(lines, m[1])
		}
	}
	require.Len(t, lines, 6)
	_, help, _ := called(t, "-h")
	for line := range strings.Lines(help) {
		if _, args, ok := strings.Cut(line, "others.npy "); ok { // behind what go calls the program that it builds
			lines = append(lines, "others.npy "+strings.Split(strings.TrimSpace(args), "   ")[0])
		}
	}
	require.Len(t, lines, 9)
	t.Chdir(t.TempDir())
	w, err := embeddings.Create("others.npy", embeddings.Info{Dim: 2, Model: "m0del"}, embeddings.Options{})
	require.NoError(t, err)
	require.NoError(t, w.Add([]embeddings.Item{{Path: "1.jpg"}, {Path: "2.jpg"}}, []float32{1, 2, 3, 4}))
	require.NoError(t, w.Close())
	server := emptyDatabase(t, "photos")
	for _, line := range lines {
		args := strings.Fields(line)
		if server != "" && args[1] == "postgres://localhost/photos" {
			args[1] = server
		} else if !slices.Contains(args, "-schema") {
			args = append(args, "-schema")
		}
		code, stdout, stderr := called(t, args...)
		assert.Equal(t, 0, code, "%s: %s", line, stderr)
		assert.NotEmpty(t, stdout)
	}
}

// The help of medusa push tells the same flags.
func TestHelpIsThatOfMedusa(t *testing.T) {
	_, own, _ := called(t, "-h")
	var page strings.Builder
	require.Equal(t, 0, cli.Medusa.Run(t.Context(), []string{"medusa", "push", "-h"}, cli.Streams{Out: &page, Err: &page}))
	_, flags, found := strings.Cut(page.String(), "\nPlace\n")
	require.True(t, found)
	assert.Contains(t, strings.Join(strings.Fields(own), " "), strings.Join(strings.Fields(flags), " "))
}
