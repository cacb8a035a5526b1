package cli

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// nasty are texts that YAML takes for something else, or that its writers are known to
// stumble over.
var nasty = []string{
	"null", "~", "Null", "NULL", "yes", "no", "on", "y", "true", "FALSE", "1e3", "0x1F", "0o17", "017", "1_000", ".inf", "-.INF", ".nan",
	"12:30:45", "2024-05-06", "2024-05-06T07:08:09Z", "<<", "=", "-", "--", "- a", "? a", ": a", "a: b", "a :b", "a: #b", "a #b", "#", "#a",
	"!!binary aGk=", "!!null", "!x y", "&a", "*a", "%TAG", "@a", "`a`", "[a", "{a", "]", "}", ",", "|", "|-", ">", "> a", "a|b",
	" a", "a ", "  ", "\t", "a\tb", "\n", "a\nb", "\na", " \n a", "a\n", "a\n\n", "a\r\nb", "\r", "a\n  b\n c", "\x00", "\x7f", "\x1b[31m",
	"\u0085", "a\u2028b", "\ufeff", "\ufeffa", "a\ufeff", "\u00a0a", "\U0001F600", "ü/名前", "\xff", "caf\xe9", "a\xc3", "\xed\xa0\x80",
	`"`, `'`, `"a"`, `'a'`, `it's`, `a"b`, `\`, `\n`, `C:\photos\new`, `"\x41"`, "...", "---", "--- a", "0.10", "1.", "+1", "1e400", "123456789012345678901234567890",
	strings.Repeat("long ", 5000), strings.Repeat("é", 3000), strings.Repeat("x", 20000), strings.Repeat("a\n", 500),
}

func randomText(rng *rand.Rand) string {
	pieces := append([]string{"a", "b", " ", "\n", ":", "#", "-", "'", `"`, "\\", "\xff", "\t", "é", "0", ".", "e", "!", "&", "*", "|", ">", "%", ",", "[", "]", "{", "}", "~"}, nasty[:60]...)
	var b strings.Builder
	for range 1 + rng.IntN(6) {
		b.WriteString(pieces[rng.IntN(len(pieces))])
	}
	return b.String()
}

// Whatever text a flag has on the command line, config.yaml gives it back, and is written
// from that with the same bytes.
func TestAnyTextSurvivesConfig(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	texts := append([]string{}, nasty...)
	for range 400 {
		texts = append(texts, randomText(rng))
	}
	names := textFlags()
	require.Contains(t, names, "data")
	for i, text := range texts {
		args := []string{}
		for n, name := range names {
			value := text
			if n%2 == 1 {
				value = texts[(i*7+n)%len(texts)]
			}
			args = append(args, "-"+name+"="+value)
		}
		s, f, err := parsed(t, args...)
		require.NoError(t, err)
		s.Out = "" // where to write is no part of a configuration
		yaml, err := f.writeConfig()
		require.NoError(t, err)
		g := trainFlags()
		require.NoError(t, g.YAML("run.yaml", yaml), "%q\n%s", text, yaml)
		require.Equal(t, s, g.options, "%q", text)
		again, err := g.writeConfig()
		require.NoError(t, err)
		require.Equal(t, string(yaml), string(again))
	}
}

// textFlags are the flags that take any text and belong into config.yaml.
func textFlags() (names []string) {
	f := trainFlags()
	for _, o := range schema.Options {
		if o.Flag != "" && o.Stored && f.assign(o.Flag, "no number: (") == nil {
			names = append(names, o.Flag)
		}
	}
	return names
}

func FuzzTextNode(f *testing.F) {
	for _, text := range nasty {
		if len(text) < 1000 {
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		g, back := trainFlags(), trainFlags()
		require.NoError(t, g.assign("data", text))
		yaml, err := g.writeConfig()
		require.NoError(t, err)
		require.NoError(t, back.YAML("run.yaml", yaml))
		require.Equal(t, text, back.options.Data.Path, "%s", yaml)
	})
}

// Runs on folders whose names are no words to YAML or no UTF-8 go on, and their record
// begins the same run again.
func TestRunsOnFoldersOfAnyName(t *testing.T) {
	names := []string{"null", "~", " blank", "a: b #c", "line\nbreak", "1e3", "!!str x"}
	if runtime.GOOS == "linux" {
		names = append(names, "caf\xe9")
	}
	for _, name := range names {
		t.Run(strings.ToValidUTF8(name, "?"), func(t *testing.T) {
			t.Chdir(t.TempDir())
			folders(t, name, 6, 4)
			run := "run " + name
			code, _, stderr := call(small("-data="+name, "-steps", "2", "-no-report", "-out", run)...)
			require.Equal(t, exitOK, code, stderr)
			require.NoError(t, os.Remove(filepath.Join(run, "result.json")))
			code, stdout, stderr := call("-resume", run)
			require.Equal(t, exitOK, code, stderr)
			assert.Contains(t, stdout, "(folder)", "the pictures of the run, not the embedded ones")
			code, _, stderr = call("-config", filepath.Join(run, "config.yaml"), "-out", "again")
			require.Equal(t, exitOK, code, stderr)
			a, err := os.ReadFile(filepath.Join(run, "model.safetensors"))
			require.NoError(t, err)
			b, err := os.ReadFile(filepath.Join("again", "model.safetensors"))
			require.NoError(t, err)
			assert.Equal(t, a, b)
		})
	}
}

// A record that an earlier version wrote names the folder of its run; a new run does not go
// there.
func TestRecordOfAnEarlierVersion(t *testing.T) {
	f := trainFlags()
	s := f.options
	path := filepath.Join("..", "..", "trainer", "testdata", "earlier", "finished", "config.yaml")
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(raw), "\nout: testdata/earlier/finished\n")
	require.NoError(t, f.readConfig(context.Background(), path))
	assert.Empty(t, s.Out)
	assert.Equal(t, "testdata/earlier/pictures", s.Data.Path)

	own := configWith(t, "out: mine\nsteps: 3\n") // a file of one's own may say where to write
	require.NoError(t, f.readConfig(context.Background(), own))
	assert.Equal(t, "mine", s.Out)
}

// What is no file, or too much of one, ends with a message at once.
func TestConfigThatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		return path
	}
	bomb := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'k'; c++ {
		p := string(c - 1)
		bomb += string(c) + ": &" + string(c) + " [*" + strings.Join(strings.Split(strings.Repeat(p, 10), ""), ",*") + "]\n"
	}
	big, err := os.Create(filepath.Join(dir, "big.yaml"))
	require.NoError(t, err)
	require.NoError(t, big.Truncate(5<<30)) // takes no room
	require.NoError(t, big.Close())
	cases := map[string]struct{ path, want string }{
		"folder":    {dir, "directory"},
		"gigabytes": {big.Name(), "more than 1048576 bytes"},
		"aliases":   {file("bomb.yaml", bomb), "unknown key"},
		"of a flag": {file("alias.yaml", "loss: &x [triplet, ce]\nchannels: [*x, *x]\n"), "want a list of plain values"},
		"depth":     {file("deep.yaml", "loss: "+strings.Repeat("[", 900000)), "config"},
		"terms":     {file("terms.yaml", "loss: "+strings.Repeat("ce+", 300000)+"ce\n"), "want at most 8192"},
		"long key":  {file("key.yaml", strings.Repeat("k", 100000)+": 1\n"), "config"},
	}
	if runtime.GOOS != "windows" {
		cases["device"] = struct{ path, want string }{"/dev/zero", "more than 1048576 bytes"}
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			code, _, stderr := call("-config", c.path, "-out", filepath.Join(t.TempDir(), "run"))
			assert.NotEqual(t, exitOK, code)
			assert.Contains(t, stderr, c.want)
			assert.Less(t, len(stderr), 5000, "what is quoted is cut")
			assert.Less(t, time.Since(began), time.Minute)
		})
	}
}

func TestLongFlagsAreCutInMessages(t *testing.T) {
	long := strings.Repeat("z", 1<<20)
	for _, args := range [][]string{{"-loss", long}, {"-steps", long}, {"-" + long}, {long}, {"-data", long}, {"-size", long}, {"-schedule", long}, {"-resume", long},
		{"-loss", strings.Repeat("triplet+", 1<<18) + "triplet"}, {"-channels", strings.Repeat("8,", 1<<18)}} {
		code, _, stderr := call(args...)
		assert.NotEqual(t, exitOK, code)
		assert.NotEmpty(t, stderr)
		assert.Less(t, len(stderr), 8000, args[0][:min(len(args[0]), 20)])
	}
}
