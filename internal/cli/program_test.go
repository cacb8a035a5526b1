package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/trainer"
)

// medusa is the program medusa, called as go run calls it.
func medusa(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = Medusa.Run(context.Background(), append(os.Args[:1:1], args...), Streams{Out: &out, Err: &errs})
	return code, out.String(), errs.String()
}

// asTrain is what medusa train says with the name of the other program.
func asTrain(text string) string {
	return strings.NewReplacer("go run ./cmd/medusa train", "go run ./cmd/train", "medusa train", "train").Replace(text)
}

// measured are figures that differ from run to run.
var measured = regexp.MustCompile(`(?m)[0-9.,]+( img/s| images/s| s\b|% of that|  ?MiB at the most)|left \d+m\d+s|^.* steps in .*$`)

// cmd/train and the command train are one: same output, but for the program's name, same exit code.
// waits is what a step says of a busy machine.
var waits = regexp.MustCompile(`\s+waiting \d+%`)

// steady is what a run prints without what was measured.
func steady(text string) string {
	return measured.ReplaceAllString(waits.ReplaceAllString(text, ""), "#")
}

func TestTrainIsMedusasTrain(t *testing.T) {
	data := folders(t, t.TempDir(), 6, 4)
	base := t.TempDir()
	run := filepath.Join(base, "run")
	for _, args := range [][]string{
		{"-h"}, {"--help"}, {"-list", "solvers"}, {"-loss", "help"}, {"-step", "3"}, {"--steps", "0"}, {"photos"}, {"-resume", "gone"}, {"-lr"}, {"-loss", "tripet"},
		{"-device", "cuda:99"}, {"-device-info"}, {"-evaluate", "gone", "-few-shot", "2x1"},
		small("-data", data, "-steps", "2", "-no-report", "-out", run), {"-resume", run}, {"-resume", run, "-lr", "1"}, {"-evaluate", run, "-one-shot", "gone"},
	} {
		trained := len(args) > 0 && strings.Contains(strings.Join(args, " "), "-out")
		code, stdout, stderr := call(args...)
		if trained {
			require.NoError(t, os.Rename(run, filepath.Join(base, "first")))
		}
		again, out, errs := medusa(append([]string{"train"}, args...)...)
		require.Equal(t, code, again, "%s: %s", args, errs)
		if args[len(args)-1] != "-h" && args[len(args)-1] != "--help" { // a longer name wraps and aligns otherwise
			assert.Equal(t, steady(stdout), steady(asTrain(out)))
		}
		assert.Equal(t, strings.Fields(steady(stdout)), strings.Fields(steady(asTrain(out))))
		assert.Equal(t, stderr, asTrain(errs))
		assert.NotContains(t, out+errs, "go run ./cmd/train", "hints name the program that was called")
	}
	a, err := os.ReadFile(filepath.Join(base, "first", "model.safetensors"))
	require.NoError(t, err)
	b, err := os.ReadFile(filepath.Join(run, "model.safetensors"))
	require.NoError(t, err)
	assert.True(t, bytes.Equal(a, b))
}

func TestCommandsAreFound(t *testing.T) {
	t.Setenv("COLUMNS", "80")
	code, stdout, stderr := medusa()
	assert.Equal(t, exitUsage, code)
	assert.Empty(t, stdout)
	for _, name := range []string{"train", "evaluate MODEL", "info FILE", "completion SHELL", "help COMMAND"} {
		assert.Contains(t, stderr, "\n  "+name+" ")
	}
	for _, args := range [][]string{{"help"}, {"-h"}, {"--help"}, {"help", "help"}, {"help", "-h"}, {"help", "--help"}} {
		code, stdout, errs := medusa(args...)
		assert.Equal(t, exitOK, code)
		assert.Equal(t, stderr, stdout, args)
		assert.Empty(t, errs)
	}
	for _, name := range []string{"train", "evaluate", "info", "completion"} {
		_, want, _ := medusa("help", name)
		assert.True(t, strings.HasPrefix(want, "medusa "+name+" "), want)
		for _, args := range [][]string{{name, "-h"}, {name, "--help"}, {name, "-help"}, {"-h", name}} {
			code, stdout, stderr := medusa(args...)
			assert.Equal(t, exitOK, code, args)
			assert.Equal(t, want, stdout, args)
			assert.Empty(t, stderr)
		}
	}
	for want, args := range map[string][]string{
		`there is no command "trian"; did you mean train?; this lists all:`: {"trian", "-data", "x"},
		`there is no command "xyzzy"; this lists all:`:                      {"xyzzy"},
		`there is no command "inof"; did you mean info?`:                    {"help", "inof"},
		"help takes one command: info and train are two":                    {"help", "info", "train"},
		"-data is a flag of the command train: type that before it":         {"-data", "x", "train"},
		"-one-shot is a flag of the command":                                {"-one-shot", "x"},
		"version is a command, and has no - before it: ":                    {"--version"},
		"version takes nothing, and x was given":                            {"version", "x"},
		"there is no flag -bogus before a command":                          {"-bogus"},
		"completion of which shell? bash, zsh, fish, pwsh":                  {"completion"},
		`there is no completion for "ksh", but for bash, zsh, fish, pwsh`:   {"completion", "ksh"},
		`there is no command ""`:                                            {""},
		"completion bash takes nothing more":                                {"completion", "bash", "zsh"},
		"completion zsh takes nothing more":                                 {"completion", "zsh", "-x"},
		`medusa train: -raw "": want true or false`:                         {"train", "-raw="},
		`medusa train: -tf32 "": want true or false`:                        {"train", "-steps", "3", "--tf32="},
	} {
		code, stdout, stderr := medusa(args...)
		assert.Equal(t, exitUsage, code, args)
		assert.Empty(t, stdout)
		assert.Contains(t, strings.Join(strings.Fields(stderr), " "), want)
	}
	_, _, stderr = medusa("trian")
	assert.Contains(t, stderr, "\n  go run ./cmd/medusa help\n")
}

// Flags stand before arguments or behind them, with one dash or two.
func TestFlagsBeforeAndBehindArguments(t *testing.T) {
	dir := finishedRun(t)
	code, want, stderr := medusa("evaluate", dir, "-few-shot", "2x1")
	require.Equal(t, exitOK, code, stderr)
	require.Contains(t, want, "2-way 1-shot")
	for _, args := range [][]string{{"-few-shot", "2x1", dir}, {"--few-shot", "2x1", dir}, {dir, "--few-shot=2x1"}, {"-few-shot=2x1", "--", dir}} {
		code, stdout, stderr := medusa(append([]string{"evaluate"}, args...)...)
		require.Equal(t, exitOK, code, stderr)
		assert.Equal(t, want, stdout, args)
	}
	code, stdout, _ := call("-evaluate", dir, "-few-shot", "2x1")
	require.Equal(t, exitOK, code)
	assert.Equal(t, want, stdout, "the earlier way is the same")
}

// finishedRun is a run of a moment on four test classes.
func finishedRun(t *testing.T, more ...string) string {
	t.Helper()
	data, dir := t.TempDir(), filepath.Join(t.TempDir(), "run")
	folders(t, filepath.Join(data, "train"), 4, 4)
	folders(t, filepath.Join(data, "test"), 4, 4)
	code, _, stderr := call(append(small("-data", data, "-steps", "2", "-val", "none", "-no-report", "-out", dir, "-copies", "ignore"), more...)...)
	require.Equal(t, exitOK, code, stderr)
	return dir
}

func TestEvaluateCommandThatCannotBe(t *testing.T) {
	dir := finishedRun(t)
	file := filepath.Join(dir, "model.safetensors")
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{nil, exitUsage, "evaluate: want a MODEL: the run folder, or its model file; -h says more"},
		{[]string{dir, "", "-few-shot", "2x1"}, exitUsage, "a PATH is empty"},
		{[]string{"", "-few-shot", "2x1"}, exitUsage, "MODEL is empty"},
		{[]string{dir}, exitUsage, "evaluate wants to know what to measure: pictures of known classes as a PATH behind " + dir + ", -few-shot, -one-shot or both"},
		{[]string{dir, "-few-shot", "2"}, exitUsage, `-few-shot: "2" is no task: want WAYSxSHOTS`},
		{[]string{dir, "-few-shot", ""}, exitUsage, "-few-shot is empty: say what to measure, or leave it out"},
		{[]string{dir, "-one-shot="}, exitUsage, "-one-shot is empty"},
		{[]string{dir, "-few-shot"}, exitUsage, "-few-shot wants a value: -few-shot WAYSxSHOTS,…"},
		{[]string{dir, "-lr", "1"}, exitUsage, "there is no flag -lr; -h lists all"},
		{[]string{dir, "-few-shoot", "2x1"}, exitUsage, "did you mean -few-shot?"},
		{[]string{dir + "x", "-few-shot", "2x1"}, exitFailed, "evaluate: there is no run folder or model file " + dir + "x"},
		{[]string{t.TempDir(), "-few-shot", "2x1"}, exitFailed, "holds no run"},
		{[]string{file, "-few-shot", "2x1"}, exitFailed, "evaluate: -few-shot measures the embeddings that a run left: give the run folder in place of the file " + file},
		{[]string{dir, "-few-shot", "9x1"}, exitFailed, "evaluate: -few-shot: 9x1"},
		{[]string{dir, "-one-shot", "gone"}, exitFailed, "evaluate: -one-shot: one-shot runs: stat gone: no such file"},
		{[]string{file, "-one-shot", file}, exitFailed, "evaluate: -one-shot: one-shot runs: model.safetensors, want all_runs.zip"},
		{[]string{filepath.Join(dir, "config.yaml"), "-one-shot", dir}, exitFailed, "the model cannot be read"},
	} {
		code, stdout, stderr := medusa(append([]string{"evaluate"}, c.args...)...)
		assert.Equal(t, c.code, code, c.args)
		assert.Empty(t, stdout)
		assert.Contains(t, strings.Join(strings.Fields(stderr), " "), c.want)
		assert.NotRegexp(t, foreignWords(), stderr)
	}
	code, _, stderr := call("-evaluate", dir, "-one-shot", "gone")
	assert.Equal(t, exitFailed, code)
	assert.Contains(t, stderr, "train: -one-shot: one-shot runs: stat gone", "told under the flag that names it")
}

// A model file is enough for other pictures.
func TestEvaluateAModelFile(t *testing.T) {
	dir := finishedRun(t)
	runs := oneShotFolder(t, folders(t, t.TempDir(), 4, 4))
	code, want, stderr := medusa("evaluate", dir, "-one-shot", runs)
	require.Equal(t, exitOK, code, stderr)
	code, stdout, stderr := medusa("evaluate", filepath.Join(dir, "model.safetensors"), "-one-shot", runs)
	require.Equal(t, exitOK, code, stderr)
	assert.Equal(t, want, stdout)
}

// Whatever a command writes, its help included, fits terminals of any width. Paths and commands
// stay whole, to be copied.
func TestEveryPageFitsEveryWidth(t *testing.T) {
	dir := finishedRun(t)
	for _, columns := range []int{40, 80, 200} {
		for _, locale := range []string{"C.UTF-8", "C"} {
			t.Setenv("COLUMNS", fmt.Sprint(columns))
			t.Setenv("LC_ALL", locale)
			pages := [][]string{{"help"}, {"help", "completion"}, {"trian"}, {"-bogus"}, {"info", "a", "b"}, {"info", dir}, {"info", filepath.Join(dir, "model.safetensors")},
				{"info", filepath.Join(dir, "checkpoints", "last.safetensors")}, {"info", filepath.Join(dir, "embeddings.safetensors")}, {"evaluate", dir, "-few-shot", "2x1"}}
			for _, k := range commands() {
				pages = append(pages, []string{k.name, "-h"}, []string{k.name, "-bogus"})
			}
			for _, l := range lists {
				pages = append(pages, []string{"train", "-list", l.name})
			}
			for _, args := range pages {
				var out, errs bytes.Buffer
				Medusa.Run(context.Background(), append([]string{"medusa"}, args...), Streams{Out: &out, Err: &errs})
				for line := range strings.Lines(out.String() + errs.String()) {
					line = strings.TrimSuffix(line, "\n")
					if strings.HasPrefix(line, "  medusa ") || strings.Contains(line, t.Name()) {
						continue
					}
					if utf8.RuneCountInString(line) > columns && !isOneWord(line, columns) {
						t.Errorf("%s at %d columns, %s: %q", args, columns, locale, line)
					}
					if locale == "C" {
						assert.False(t, strings.ContainsFunc(line, func(r rune) bool { return r >= utf8.RuneSelf }), line)
					}
				}
			}
		}
	}
}

// isOneWord reports whether no blank of a line stands where it could be broken: a word that is
// longer than any line stays whole.
func isOneWord(line string, columns int) bool {
	for _, w := range strings.Fields(line) {
		if utf8.RuneCountInString(w) > columns/2 {
			return true
		}
	}
	return false
}

// A line that calls the program by its name alone stays whole, as one that calls it by its path.
func TestCommandsByNameStayWhole(t *testing.T) {
	t.Setenv("COLUMNS", "40")
	dir := finishedRun(t)
	for _, c := range []struct {
		p    Program
		args []string
		want string
	}{
		{Medusa, []string{"medusa", "train", "-resume", dir, "-lr", "1"}, "\n  medusa train -config " + filepath.Join(dir, "config.yaml") + " -lr 1\n"},
		{Train, []string{"train", "-resume", dir, "-lr", "1"}, "\n  train -config " + filepath.Join(dir, "config.yaml") + " -lr 1\n"},
		{Medusa, []string{"./my medusa", "trian"}, "\n  './my medusa' help\n"},
	} {
		var out, errs bytes.Buffer
		c.p.Run(context.Background(), c.args, Streams{Out: &out, Err: &errs})
		assert.Contains(t, errs.String(), c.want)
	}
}

func TestVersion(t *testing.T) {
	code, stdout, stderr := medusa("version")
	require.Equal(t, 0, code, stderr)
	assert.Regexp(t, `^medusa .*, go1\.`, stdout)
	assert.Contains(t, stdout, runtime.GOOS+"/"+runtime.GOARCH+", "+trainer.CPU()+"\n")
	assert.Regexp(t, "(no GPU: .+|a GPU is there: -device cuda)\n$", stdout)
}
