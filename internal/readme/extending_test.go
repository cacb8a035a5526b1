package readme

import (
	"bytes"
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// fileOf is the comment that a block of docs/extending.md begins with.
var fileOf = regexp.MustCompile(`^// (\w+\.go)\n`)

// extending are the files that docs/extending.md shows, by name.
func extending(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "docs", "extending.md"))
	require.NoError(t, err)
	out := map[string]string{}
	for _, b := range programs.FindAllStringSubmatch(string(text), -1) {
		name := fileOf.FindStringSubmatch(b[1])
		require.NotNil(t, name, "a block begins with its file's name: %.60s", b[1])
		require.NotContains(t, out, name[1])
		out[name[1]] = b[1]
	}
	return out
}

func TestExtendingIsFormatted(t *testing.T) {
	files := extending(t)
	require.Len(t, files, 7)
	for name, text := range files {
		tidy, err := format.Source([]byte(text))
		require.NoError(t, err, name)
		require.Equal(t, string(tidy), text, name)
	}
}

// TestExtending builds what docs/extending.md shows as a module of its own, runs its tests, and
// trains by it; the run goes on where it was broken off, and is refused with another loss.
func TestExtending(t *testing.T) {
	if os.Getenv("MEDUSA_LONG") == "" {
		t.Skip("builds a module and trains; MEDUSA_LONG=1 go test ./internal/readme does it")
	}
	here, err := filepath.Abs(root)
	require.NoError(t, err)
	app := t.TempDir()
	files := extending(t)
	files["main.go"] = strings.Replace(files["main.go"], "Steps: 200", "Steps: 12, CheckpointEvery: 4, Keep: trainer.Last", 1) // the rest takes its time
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(app, name), []byte(text), 0o600))
	}
	for name, text := range files {
		write(name, text)
	}
	for _, line := range []string{"go mod init example", "go mod edit -require medusa@v0.0.0 -replace medusa=" + here, "go mod tidy", "go vet .", "go test .", "go build -o circle ."} {
		text, err := offline(app, line)
		require.NoError(t, err, "%s\n%s", line, text)
	}
	circle := func() (string, error) {
		cmd := exec.Command("./circle")
		cmd.Dir = app
		text, err := cmd.CombinedOutput()
		return string(text), err
	}
	text, err := circle()
	require.NoError(t, err, text)
	const given = "main.circle{Gamma: 80, Margin: 0.4, Metric: main.tanimoto{}, Miner: main.nearest{K: 16}}"
	require.Contains(t, text, "done 12 "+given+" runs/circle/report.html")
	doc, err := os.ReadFile(filepath.Join(root, "docs", "extending.md"))
	require.NoError(t, err)
	require.Contains(t, string(doc), "Options.Loss = "+given)
	for _, name := range []string{"report.html", "embeddings.safetensors", "model.safetensors", "result.json"} {
		require.FileExists(t, filepath.Join(app, "runs", "circle", name))
	}
	model, err := os.ReadFile(filepath.Join(app, "runs", "circle", "model.safetensors"))
	require.NoError(t, err)

	// As if it had been killed after the checkpoint before the last.
	previous := filepath.Join(app, "runs", "circle", "checkpoints", "previous.safetensors")
	require.NoError(t, os.Rename(previous, filepath.Join(filepath.Dir(previous), "last.safetensors")))
	require.NoError(t, os.Remove(filepath.Join(app, "runs", "circle", "result.json")))
	again, err := circle()
	require.NoError(t, err, again)
	require.Equal(t, text[strings.LastIndex(text, "done"):], again[strings.LastIndex(again, "done"):])
	now, err := os.ReadFile(filepath.Join(app, "runs", "circle", "model.safetensors"))
	require.NoError(t, err)
	require.True(t, bytes.Equal(model, now), "the model is the same, bit for bit")

	write("main.go", strings.Replace(files["main.go"], "circle{80,", "circle{64,", 1))
	built, err := offline(app, "go build -o circle .")
	require.NoError(t, err, built)
	text, err = circle()
	require.Error(t, err)
	require.Contains(t, text, "it was begun with Options.Loss = "+given+", and is to go on with Options.Loss = main.circle{Gamma: 64, ")
}
