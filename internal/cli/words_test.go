package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/trainer"
)

// fieldPaths are the paths of all fields of a struct that hold values.
func fieldPaths(prefix string, t reflect.Type) (out []string) {
	for i := range t.NumField() {
		f := t.Field(i)
		switch {
		case !f.IsExported(), f.Tag.Get("yaml") == "-": // made, and not set by anybody
		case f.Type.Kind() == reflect.Struct:
			out = append(out, fieldPaths(prefix+f.Name+".", f.Type)...)
		default:
			out = append(out, prefix+f.Name)
		}
	}
	return out
}

// Every field of the configuration can be set: by a flag, or in a file and as a parameter of
// its kind. Every flag stands in a group of the help page.
func TestEveryFieldIsAnOption(t *testing.T) {
	f := trainFlags()
	for _, path := range fieldPaths("", reflect.TypeFor[trainer.Config]()) {
		assert.NotNil(t, schema.Field(path), path)
	}
	for _, o := range schema.Options {
		assert.Equal(t, o.Flag != "", slices.Contains(f.names(), o.Flag), o.Field)
		if o.Flag != "" {
			assert.Contains(t, titles, o.Group, o.Field)
			assert.Equal(t, o.IsSwitch(), o.Arg == "", o.Field)
		}
	}
	assert.Equal(t, "-size", f.Called("Net.Height"))
	assert.Equal(t, "-normalise", f.Called("Data.Mean"))
	assert.Equal(t, "gamma of -schedule", f.Called("Schedule.Gamma"))
	assert.Equal(t, "Somewhere.Else", f.Called("Somewhere.Else"))
}

// typeOf is a value of the type that the flag takes: an int, a float64, a bool or a text.
func typeOf(name string) any {
	switch o := schema.Flagged(name); {
	case name == "cache":
		return 0
	case forms[name].Set != nil || o.Type.Kind() == reflect.String || o.Type.Kind() == reflect.Slice:
		return ""
	case o.IsSwitch():
		return false
	case o.Type.Kind() == reflect.Float64:
		return 0.0
	}
	return 0
}

// words of the library that mean nothing to who types flags.
func foreignWords() *regexp.Regexp {
	var words []string
	for _, path := range fieldPaths("", reflect.TypeFor[trainer.Config]()) {
		if strings.Contains(path, ".") {
			words = append(words, regexp.QuoteMeta(path))
		}
	}
	return regexp.MustCompile(`\b(` + strings.Join(words, "|") + `|MaxPixels|CacheBytes|CacheDir|MaxFileBytes|Options\.\w+|flip_h|data\.\w+|solver\.\w+)\b|` +
		`(^|: |\n *)(trainer|datasets|losses|nets|samplers|metrics|graph|gpu|cuda): `)
}

// Whatever flag is given a value that makes no sense, the message names that flag, and says
// nothing in the words of the library; given in a file, it names the key and its line.
func TestEveryBadValueIsBlamedOnItsFlag(t *testing.T) {
	data := folders(t, t.TempDir(), 6, 4)
	nonsense := "n\x1b[31mo such thing"
	free := map[string]string{ // what any text can be
		"out": "a folder", "cache-dir": "used for large data only", "data": "tried by itself", "val": "a path", "test": "a path",
		"no-report": "either", "invert": "either", "strict": "either", "drop-duplicates": "either", "raw": "either", "nesterov": "either",
		"repeat": "either", "tf32": "either", "any-order": "either", "recompute": "either", "device-info": "a question", "resume": "tried by itself", "config": "tried by itself",
	}
	foreign := foreignWords()
	_, f, err := parsed(t)
	require.NoError(t, err)
	for _, name := range f.names() {
		bad := []string{nonsense}
		switch typeOf(name).(type) {
		case int:
			bad = append(bad, "-7", "1e3")
		case float64:
			bad = append(bad, "-7", "NaN", "-Inf")
		case bool:
			bad = append(bad, "perhaps")
		}
		for _, value := range bad {
			if _, any := free[name]; any && value == nonsense && typeOf(name) == "" {
				continue
			}
			t.Run(name+" "+value, func(t *testing.T) {
				with := map[string][]string{
					"momentum": {"-solver", "sgd"}, "hidden": {"-backbone", "mlp"}, "stem": {"-backbone", "resnet18"}, "pool": {"-sampler", "pk-hard"},
					"batch": {"-sampler", "uniform"},
				}[name]
				out := filepath.Join(t.TempDir(), "run")
				args := append([]string{"-data", data, "-out", out, "-steps", "1", "-no-report"}, with...)
				code, _, stderr := call(append(args, "-"+name+"="+value)...)
				require.NotEqual(t, exitOK, code)
				assert.Regexp(t, `(^|[^\w-])-`+name+`\b`, stderr)
				assert.NotRegexp(t, foreign, stderr)
				assert.NotContains(t, stderr, "\x1b")
				assert.NoDirExists(t, out)

				if slices.Contains([]string{"out", "resume", "config", "device-info", "data", "steps", "no-report"}, name) || value == nonsense {
					return
				}
				file := configWith(t, "# a comment\n"+name+": "+value+"\n")
				code, _, stderr = call(append(args, "-config", file)...)
				require.NotEqual(t, exitOK, code)
				assert.Contains(t, stderr, "line 2")
				assert.Contains(t, stderr, name)
				assert.Contains(t, stderr, file)
				assert.NotRegexp(t, foreign, stderr)
			})
		}
	}
}

// Every flag of every command: without a value, with its name misspelt, and twice.
func TestEveryFlagOfEveryCommand(t *testing.T) {
	foreign := foreignWords()
	for _, k := range commands() {
		for _, name := range k.begin(&invocation{}).flags().names() {
			o := k.begin(&invocation{}).flags().Flagged(name)
			if !o.IsSwitch() {
				code, _, stderr := medusa(k.name, "-"+name)
				assert.Equal(t, exitUsage, code)
				assert.Equal(t, fmt.Sprintf("medusa %s: -%s wants a value: -%s %s\n", k.name, name, name, o.Arg), stderr)
			}
			code, _, stderr := medusa(k.name, "--"+name+"qq", "1")
			assert.Equal(t, exitUsage, code)
			assert.Contains(t, stderr, "there is no flag -"+name+"qq")
			if len(name) > 4 {
				assert.Contains(t, stderr, "did you mean -")
			}
			assert.NotRegexp(t, foreign, stderr)
		}
	}
}

// Wrong together, each right by itself.
func TestContradictionsNameBothFlags(t *testing.T) {
	data := folders(t, t.TempDir(), 6, 4)
	foreign := foreignWords()
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"-steps", "3", "-epochs", "2"}, []string{"-steps is 3", "-epochs 2"}},
		{[]string{"-solver", "adam", "-momentum", "0.9"}, []string{"-momentum means nothing to -solver adam"}},
		{[]string{"-nesterov", "-solver", "sgd"}, []string{"-nesterov needs a -momentum"}},
		{[]string{"-patience", "3", "-eval-every", "-1"}, []string{"-patience is 3", "-eval-every"}},
		{[]string{"-patience", "3", "-val", "none"}, []string{"-patience is 3", "-val"}},
		{[]string{"-schedule", "plateau", "-val", "none"}, []string{"-schedule is plateau", "-val"}},
		{[]string{"-schedule", "cosine:gamma=0.5"}, []string{"gamma of -schedule means nothing to -schedule cosine"}},
		{[]string{"-backbone", "mlp", "-channels", "3"}, []string{"-channels means nothing to -backbone mlp"}},
		{[]string{"-p", "60", "-k", "2"}, []string{"-p 60"}},
		{[]string{"-p", "2", "-k", "60"}, []string{"-k 60", "-repeat"}},
		{[]string{"-sampler", "uniform", "-batch", "4000"}, []string{"-batch is 4000"}},
		{[]string{"-train-classes", "nobody"}, []string{"-train-classes", "nobody"}},
		{[]string{"-normalise", "0.5,0.5/0.2,0.2", "-colour", "grey"}, []string{"-normalise"}},
		{[]string{"-crop", "20", "-size", "12"}, []string{"-crop is 20"}},
		{[]string{"-val", filepath.Join(data, "absent")}, []string{"-val", "does not exist"}},
		{[]string{"-val", data}, []string{"validation pictures are also learned", "-val"}},
		{[]string{"-cache", "1", "-size", "900", "-detail", "4", "-cache-dir", filepath.Join(data, "absent")}, []string{"-cache-dir", "-cache"}},
		{[]string{"-strict", "-max-pixels", "20"}, []string{"above the limit", "-max-pixels"}},
		{[]string{"-max-pixels", "20"}, []string{"no readable pictures", "above the limit", "raise -max-pixels"}},
		{[]string{"-loss", "triplet:margin=many"}, []string{"-loss", "many"}},
		{[]string{"-device", "cuda:99"}, []string{"-device is cuda:99", "-device cpu", "-device-info"}},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "run")
			code, _, stderr := call(append([]string{"-data", data, "-out", out, "-no-report"}, c.args...)...)
			require.NotEqual(t, exitOK, code)
			for _, want := range c.want {
				assert.Contains(t, stderr, want)
			}
			assert.NotRegexp(t, foreign, stderr)
		})
	}
}

// A text of any length and content in a flag gives a message that a terminal can show.
func TestQuotedInputFloodsNoTerminal(t *testing.T) {
	t.Setenv("COLUMNS", "")
	data := folders(t, t.TempDir(), 6, 4)
	huge := strings.Repeat("triplet ", 100_000)
	for _, args := range [][]string{
		{"-loss", "triplet:margin=" + huge}, {"-steps", huge}, {"-schedule", huge}, {"-normalise", huge}, {"-device", huge}, {"-" + huge, "1"}, {huge},
		{"-data", data, "-train-classes", huge}, {"-config", huge}, {"-resume", huge}, {"-data", huge}, {"-metric", huge},
		{"-data", "\x1b[2J\x1b[H\a"}, {"-resume", "\x1b]0;title\a"},
	} {
		code, _, stderr := call(args...)
		require.NotEqual(t, exitOK, code)
		assert.Less(t, len(stderr), 2000, args[0][:min(len(args[0]), 20)])
		assert.True(t, utf8.ValidString(stderr))
		assert.NotRegexp(t, `[\x00-\x09\x0b-\x1f]`, stderr)
	}
}

// Everything that a run writes fits, however narrow the terminal is.
func TestWhatIsWrittenFitsTheWidth(t *testing.T) {
	data := t.TempDir()
	folders(t, filepath.Join(data, "train"), 6, 4)
	folders(t, filepath.Join(data, "test", "a class with a long name that goes on and on and on for more columns than there are"), 6, 4)
	require.NoError(t, os.WriteFile(filepath.Join(data, "train", "class00", "a \x1b[31mlong name of a file that is no picture at all, which goes on.png"), []byte("no picture"), 0o644))
	for _, columns := range []int{40, 60, 80, 200} {
		t.Setenv("COLUMNS", fmt.Sprint(columns))
		out := filepath.Join(t.TempDir(), "run")
		code, stdout, stderr := call(small("-data", data, "-steps", "3", "-out", out, "-no-report")...)
		require.Equal(t, exitOK, code, stderr)
		_, help, _ := call("-h")
		code, _, stderr = call("-data", data, "-patience", "3", "-eval-every", "-1", "-lr", "-1", "-weight-decay", "-1")
		require.NotEqual(t, exitOK, code)
		for line := range strings.Lines(stdout + help + stderr) {
			line = strings.TrimRight(line, "\n")
			if strings.Contains(line, t.Name()) || strings.Contains(line, "go run") { // paths and commands stay whole, to be copied
				continue
			}
			assert.True(t, utf8.RuneCountInString(line) <= columns || isOneWord(line, columns), line)
		}
		assert.NotContains(t, stdout, "\x1b")
	}
}

// Why files were left out is told where they are left out, with what to do; a folder of
// nothing else says so in its error.
func TestWhyFilesAreLeftOutIsTold(t *testing.T) {
	pointers := t.TempDir()
	for i := range 3 {
		class := filepath.Join(pointers, fmt.Sprintf("class%d", i))
		require.NoError(t, os.MkdirAll(class, 0o755))
		for k := range 3 {
			require.NoError(t, os.WriteFile(filepath.Join(class, fmt.Sprintf("%d.png", k)),
				[]byte("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"), 0o644))
		}
	}
	code, _, stderr := call("-data", pointers, "-out", filepath.Join(t.TempDir(), "run"))
	require.NotEqual(t, exitOK, code)
	assert.Contains(t, stderr, "not a picture: 9 (")
	assert.Contains(t, stderr, "fetch the files with git lfs pull")

	folders(t, pointers, 6, 4)
	out := filepath.Join(t.TempDir(), "run")
	code, stdout, stderr := call(small("-data", pointers, "-out", out, "-steps", "2")...)
	require.Equal(t, exitOK, code, stderr)
	assert.Contains(t, stdout, "fetch the files with git lfs pull")
	list := filepath.Join(out, "left-out.csv")
	assert.Contains(t, stdout, "left out, with reasons: "+list)
	assert.FileExists(t, list)
	page, err := os.ReadFile(filepath.Join(out, "report.html"))
	require.NoError(t, err)
	assert.Contains(t, string(page), "fetch the files with git lfs pull")
	assert.Contains(t, string(page), "left-out.csv")
}

// The configuration of a run begins another one, in a folder of its own; also that of
// earlier versions, which held the run's own folder.
func TestConfigurationOfARunBeginsAnother(t *testing.T) {
	t.Chdir(t.TempDir())
	data := folders(t, t.TempDir(), 6, 4)
	out := filepath.Join("runs", "photos")
	code, _, stderr := call(small("-data", data, "-out", out, "-steps", "2", "-no-report")...)
	require.Equal(t, exitOK, code, stderr)
	config := filepath.Join(out, "config.yaml")
	code, _, stderr = call("-config", config, "-lr", "0.0003")
	require.Equal(t, exitOK, code, stderr)
	text, err := os.ReadFile(config)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(config, append(text, "out: "+out+"\n"...), 0o644))
	code, _, stderr = call("-config", config, "-lr", "0.0003")
	require.Equal(t, exitOK, code, stderr)
	runs, err := os.ReadDir("runs")
	require.NoError(t, err)
	assert.Len(t, runs, 3)
}

// Every command that a message prints does what the message says.
func TestCommandsOfMessagesWork(t *testing.T) {
	data := folders(t, t.TempDir(), 12, 4)
	dir := filepath.Join(t.TempDir(), "a run's folder")
	ctx, cancel := context.WithCancel(context.Background())
	var out, errs bytes.Buffer
	watch := writerFunc(func(p []byte) (int, error) {
		if strings.Contains(string(p), "step 1/") {
			cancel()
		}
		return out.Write(p)
	})
	args := small("-data", data, "-steps", "30", "-no-report", "-test", "none", "-out", dir)
	require.Equal(t, exitInterrupted, run(ctx, args, watch, &errs, false), errs.String())
	obey := func(text string) (code int, stdout, stderr string) {
		t.Helper()
		m := regexp.MustCompile(`(?m)^  go run ./cmd/train (.*)$`).FindStringSubmatch(text)
		require.NotNil(t, m, text)
		words, err := exec.Command("bash", "-c", `for w in `+m[1]+`; do printf '%s\0' "$w"; done`).Output()
		require.NoError(t, err)
		return call(strings.Split(strings.TrimSuffix(string(words), "\x00"), "\x00")...)
	}
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("there is no bash to read commands as people give them")
	}
	code, stdout, stderr := obey(out.String())
	require.Equal(t, exitOK, code, stderr)
	assert.Contains(t, stdout, "going on after step")

	t.Chdir(t.TempDir())
	code, _, stderr = call("-resume", dir, "-lr", "0.5")
	require.Equal(t, exitFailed, code)
	code, _, stderr = obey(stderr)
	require.Equal(t, exitOK, code, stderr)

	_, _, stderr = call("-device", "cuda:99")
	code, stdout, _ = obey(stderr)
	require.Equal(t, exitOK, code)
	assert.Contains(t, stdout, "This machine trains on")
}
