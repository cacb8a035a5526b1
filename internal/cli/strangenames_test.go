package cli

import (
	"encoding/json"
	"html"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/embeddings"
)

// An index has the names of files as they are, and only what a person sees is escaped.
func TestStrangeNamesOfFiles(t *testing.T) {
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		t.Skip("names of files are text here")
	}
	run := finishedRun(t)
	t.Chdir(t.TempDir())
	class := filepath.Join(folders(t, "photos", 1, 5), "class00")
	strange := []string{"a\nb.png", "a\\nb.png", "a\x1b[31mb.png", "a\xffb.png", "a\xfeb.png"}
	for i, name := range strange {
		require.NoError(t, os.Rename(filepath.Join(class, "0"+string(rune('0'+i))+".png"), filepath.Join(class, name)))
	}
	code, stdout, stderr := medusa("index", run, "photos", "-out", "all.index")
	require.Equal(t, exitOK, code, stderr)
	require.NotContains(t, stdout, "named more than once")
	var kept []string
	for _, it := range itemsOfIndex(t, "all.index") {
		require.FileExists(t, it.Path)
		kept = append(kept, filepath.Base(it.Path))
	}
	require.ElementsMatch(t, strange, kept)

	first := filepath.Join(class, strange[0])
	code, stdout, stderr = medusa("search", "all.index", first, "-html", "found.html", "-k", "4")
	require.Equal(t, exitOK, code, stderr)
	require.Contains(t, stdout, `a\nb.png`)
	require.Contains(t, stdout, `a\xffb.png`)
	require.NotContains(t, stdout, "\x1b")
	require.NotContains(t, stdout, "a\nb")
	page, err := os.ReadFile("found.html")
	require.NoError(t, err)
	require.NotContains(t, html.UnescapeString(string(page)), "is not there any more")
	require.Equal(t, 5, strings.Count(string(page), "data:image/"))

	code, stdout, stderr = medusa("search", "all.index", first, "-json", "-k", "4")
	require.Equal(t, exitOK, code, stderr)
	var answer searchAnswer
	require.NoError(t, json.Unmarshal([]byte(stdout), &answer))
	require.Equal(t, first, answer.Query)
	require.True(t, answer.SelfLeftOut)
	var said []string
	for _, f := range answer.Found {
		said = append(said, filepath.Base(f.Path))
	}
	require.ElementsMatch(t, []string{"a\\nb.png", "a\x1b[31mb.png", "a\ufffdb.png", "a\ufffdb.png"}, said)

	for _, out := range []string{"all.csv", "all.jsonl", "all.npy", "all.safetensors", "all.parquet"} {
		code, _, stderr = medusa("embed", run, "photos", "-out", out)
		require.Equal(t, exitOK, code, stderr)
		if out == "all.csv" {
			continue // which does not say its model
		}
		set, err := embeddings.Read(out)
		require.NoError(t, err)
		var names []string
		for _, it := range set.Items {
			names = append(names, filepath.Base(it.Path))
		}
		require.ElementsMatch(t, []string{strange[0], strange[1], strange[2], `a\xffb.png`, `a\xfeb.png`}, names, out)
	}
}
