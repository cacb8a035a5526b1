package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/losses"
	"medusa/optim"
)

// suggested is what a shell is told to offer behind args.
func suggested(t *testing.T, args ...string) (words []string) {
	t.Helper()
	code, stdout, stderr := medusa(append(args, "--generate-shell-completion")...)
	require.Equal(t, exitOK, code, stderr)
	require.Empty(t, stderr)
	for line := range strings.Lines(stdout) {
		word, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		words = append(words, word)
	}
	return words
}

func TestCompletion(t *testing.T) {
	assert.Equal(t, []string{"train", "evaluate", "embed", "calibrate", "verify", "index", "search", "duplicates", "outliers", "cluster", "serve", "push", "export", "info", "version", "completion", "help"}, suggested(t))
	assert.Equal(t, []string{"train", "evaluate", "embed", "calibrate", "verify", "index", "search", "duplicates", "outliers", "cluster", "serve", "push", "export", "info", "version", "completion", "help"}, suggested(t, "help"))
	assert.Equal(t, []string{"-few-shot"}, suggested(t, "evaluate", "runs/a", "-few"))
	assert.Equal(t, []string{"--eval-every", "--eval-batch", "--eval-queries", "--eval-views"}, suggested(t, "train", "-data", "photos", "--eval-"))
	assert.Equal(t, append(slices.Clone(losses.Names()), "help"), suggested(t, "train", "-loss"))
	var solvers []string
	for _, k := range optim.Kinds() {
		solvers = append(solvers, k.Name)
	}
	assert.Equal(t, append(solvers, "help"), suggested(t, "train", "-solver"))
	assert.Equal(t, listNames(), suggested(t, "train", "--list"))
	assert.Contains(t, suggested(t, "train", "-norm"), "batch")
	assert.Contains(t, suggested(t, "train", "-repea"), "-repeat")
	for _, files := range [][]string{{"train", "-data"}, {"train"}, {"info"}, {"evaluate", "-few-shot", "2x1"}, {"train", "--", "-l"}} {
		assert.Empty(t, suggested(t, files...), "the shell offers files")
	}
	assert.Subset(t, suggested(t, "train", "-"), []string{"-data", "-loss", "-p", "-resume"})
}

// Bash itself completes with the script that the program prints, calling the program.
func TestBashCompletes(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil || runtime.GOOS == "windows" {
		t.Skip("there is no bash to ask")
	}
	code, script, stderr := medusa("completion", "bash")
	require.Equal(t, exitOK, code, stderr)
	dir := t.TempDir()
	// This test binary is the program where the environment says so.
	self, err := os.Executable()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "medusa"), []byte("#!/bin/sh\nMEDUSA_TEST_PROGRAM=1 exec "+shellWord(self)+" \"$@\"\n"), 0o755))
	script += `
_get_comp_words_by_ref() { cur=${COMP_WORDS[COMP_CWORD]}; prev=; words=("${COMP_WORDS[@]}"); cword=$COMP_CWORD; } # of package bash-completion
ask() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); __medusa_bash_autocomplete; echo "${COMPREPLY[*]}"; }
ask medusa tr
ask medusa train -data "'my photos'" -resized
ask medusa train -solver ad
ask medusa completion z
`
	cmd := exec.Command(bash, "-c", script)
	cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Equal(t, "train\n-resized-crop\nadam adamw\nzsh\n", string(out))
	for _, shell := range shells {
		code, script, _ := medusa("completion", shell)
		assert.Equal(t, exitOK, code)
		assert.Contains(t, script, "--generate-shell-completion", shell)
	}
}
