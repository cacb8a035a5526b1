package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/losses"
	"medusa/miners"
	"medusa/nets"
	"medusa/pairs"
	"medusa/samplers"
)

// starts are the words that begin lines of a page, as a script has them.
func starts(page string) (words []string) {
	for line := range strings.Lines(page) {
		if line = strings.TrimSuffix(line, "\n"); line != "" && line[0] != ' ' {
			words = append(words, line)
		}
	}
	return words
}

// Each list has the names that its flag takes, each at the start of a line, each with what it is.
func TestListsAreForScriptsAndPeople(t *testing.T) {
	t.Setenv("COLUMNS", "80")
	for name, want := range map[string][]string{
		"losses": losses.Names(), "miners": miners.Names(), "distances": pairs.MetricNames(), "reducers": pairs.ReducerNames(),
		"regularizers": losses.RegularizerNames(),
		"samplers":     samplers.Names(), "backbones": nets.Names(),
		"solvers": {"adam", "adamw", "lamb", "lion", "rmsprop", "sgd"}, "schedules": {"constant", "cosine", "plateau", "step"},
	} {
		code, stdout, stderr := call("-list", name)
		require.Equal(t, exitOK, code, stderr)
		require.Empty(t, stderr)
		require.Equal(t, want, starts(stdout), name)
		lines := strings.Split(stdout, "\n")
		for i, line := range lines {
			assert.LessOrEqual(t, len([]rune(line)), 80, line)
			if line != "" && line[0] != ' ' {
				assert.Regexp(t, `^  \S`, lines[i+1], "%s of %s has a line about it", line, name)
			}
		}
	}
	_, stdout, _ := call("-list", "solvers")
	assert.Contains(t, stdout, "    momentum=0 ")
	assert.Contains(t, stdout, "lr=0.05 ")
	assert.Contains(t, stdout, "Kingma")
	_, stdout, _ = call("-list", "losses")
	assert.Contains(t, stdout, "    margin=0.2 ")
	_, stdout, _ = call("-list", "samplers")
	assert.Contains(t, stdout, "pictures of each class in a batch; 4, or what suits")
}

// Every solver and schedule of the list can be trained with.
func TestListedKindsAreTaken(t *testing.T) {
	for _, name := range []string{"solvers", "schedules", "samplers", "backbones"} {
		_, stdout, _ := call("-list", name)
		flag := strings.TrimSuffix(name, "s")
		for _, kind := range starts(stdout) {
			_, f, err := parsed(t, "-"+flag, kind)
			require.NoError(t, err)
			cfg, err := f.trainerConfig()
			require.NoError(t, err)
			require.NoError(t, cfg.Validate(), kind)
		}
	}
}

func TestHelpInPlaceOfANameIsTheList(t *testing.T) {
	for flag, name := range map[string]string{"loss": "losses", "solver": "solvers", "schedule": "schedules", "sampler": "samplers", "backbone": "backbones"} {
		code, stdout, stderr := call("-"+flag, "help")
		require.Equal(t, exitOK, code, stderr)
		_, want, _ := call("-list", name)
		require.Equal(t, want, stdout)
	}
}

// An unknown name or parameter gets the nearest, and the command that lists what there is.
func TestUnknownNamesLeadToTheList(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
		list string
	}{
		{[]string{"-list", "loses"}, `-list is "loses" (did you mean "losses"?), want one of losses, miners,`, ""},
		{[]string{"-list"}, "-list wants a value: -list losses|solvers|…", ""},
		{[]string{"-loss"}, "-loss wants a value: -loss NAME", ""},
		{[]string{"-loss", "tripet"}, `(did you mean "triplet"?)`, "losses"},
		{[]string{"-loss", "triplet(margn=1)"}, `triplet has no parameter "margn" (did you mean "margin"?)`, "losses"},
		{[]string{"-loss", "triplet(miner=batchhard)"}, `no miner is named "batchhard" (did you mean "batch-hard"?)`, "miners"},
		{[]string{"-loss", "triplet(distance=euclid)"}, `(did you mean "euclidean"?)`, "distances"},
		{[]string{"-loss", "triplet(reducer=men)"}, `(did you mean "mean"?)`, "reducers"},
		{[]string{"-loss", "ce(regularizer=nrm)"}, `(did you mean "norm"?)`, "regularizers"},
		{[]string{"-solver", "adm"}, `-solver is "adm" (did you mean "adam"?), want one of adam, adamw, lamb, lion, rmsprop, sgd`, "solvers"},
		{[]string{"-solver", "sgd(momentun=0.9)"}, `-solver: sgd has no parameter "momentun" (did you mean "momentum"?)`, "solvers"},
		{[]string{"-schedule", "cosin"}, `-schedule is "cosin" (did you mean "cosine"?)`, "schedules"},
		{[]string{"-schedule", "step(evry=3)"}, `step has no parameter "evry" (did you mean "every"?)`, "schedules"},
		{[]string{"-sampler", "pk-hrd"}, `-sampler is "pk-hrd" (did you mean "pk-hard"?)`, "samplers"},
		{[]string{"-backbone", "resnet-18"}, `-backbone is "resnet-18" (did you mean "resnet18"?)`, "backbones"},
		{[]string{"-backbone", "mlp(hiden=[64])"}, `mlp has no parameter "hiden" (did you mean "hidden"?)`, "backbones"},
		{[]string{"-backbone", "mlp(hidden=64,32)"}, "a list stands in brackets, as in hidden=[64, 32]", "backbones"},
		{[]string{"-norm", "bach"}, `-norm is "bach" (did you mean "batch"?)`, ""},
		{[]string{"-metric", "recal_at_K"}, `did you mean "recall_at_K"`, ""},
		{[]string{"-loss", "triplet(margin=-1)"}, "out of range", ""},
	} {
		code, _, stderr := call(c.args...)
		require.NotEqual(t, exitOK, code, c.args)
		assert.Contains(t, strings.Join(strings.Fields(stderr), " "), c.want)
		if c.list == "" {
			assert.NotContains(t, stderr, "this lists what there is")
			continue
		}
		lines := strings.Split(strings.TrimSpace(stderr), "\n")
		words := strings.Fields(lines[len(lines)-1])
		require.Equal(t, []string{"-list", c.list}, words[len(words)-2:], stderr)
		code, _, _ = call(words[len(words)-2:]...)
		require.Equal(t, exitOK, code)
	}
}

// A loss that a file has as a map: what is wrong is told by file, line and key; the record of the
// run has the map.
func TestALossThatIsAMap(t *testing.T) {
	for text, want := range map[string]string{
		"loss:\n  triplet:\n    margin: 0.2\n    miner:\n      batch-hrd: {}\n": `line 5: loss: triplet: miner: no miner is named "batch-hrd" (did you mean "batch-hard"?)`,
		"loss:\n  triplet:\n    margn: 0.2\n":                                   `line 3: loss: triplet has no parameter "margn" (did you mean "margin"?)`,
		"steps: 3\nloss:\n- ce\n- triplet:\n    distance: {lp: {p: 0}}\n":       "line 5: loss: triplet: distance: lp: p: 0 is out of range",
		"loss:\n  triplet:\n    margin: 0.2\n  ce: {}\n":                        `line 4: loss: "triplet" and "ce", want one name over a map of its parameters`,
		"solver:\n  sgd:\n    lr: 0.1\n    momentun: 0.9\n":                     `line 4: unknown key "solver.sgd.momentun" (did you mean "momentum"?)`,
		"solver:\n  sgd:\n    momentum: 2\n":                                    "solver.sgd.momentum (FILE, line 3)",
		"data: {colour: rgb}\n":                                                 `line 1: unknown key "data.colour"; did you mean colour, at the top of the file?`,
		"backbone: mlp(hidden=64,32)\n":                                         "a list stands in brackets, as in hidden=[64, 32]",
		"sampler: {name: pk-weighted, power: 0}\n":                              "line 1: sampler.power: 0 would mean the default, which is 1",
		"sampler: pk-weighted(power=0)\n":                                       "0 would mean the default, which is 1",
		"data: {augment: {erase_area: 0}}\n":                                    "erase_area: 0 would mean the default, which is 1/3",
		"loss:\n  multi-similarity:\n    alpha: -1\n":                           "line 3: loss: multi-similarity: alpha: -1 is out of range",
	} {
		file := configWith(t, text)
		code, _, stderr := call("-config", file, "-out", filepath.Join(t.TempDir(), "run"))
		require.NotEqual(t, exitOK, code)
		stderr = strings.Join(strings.Fields(stderr), " ")
		assert.Contains(t, stderr, strings.ReplaceAll(want, "FILE", file))
		assert.Contains(t, stderr, file)
		if !strings.Contains(text, "(hidden=64,32)") { // a text that somebody wrote has columns
			assert.NotContains(t, stderr, "column")
		}
	}

	data := folders(t, t.TempDir(), 6, 4)
	file := configWith(t, "loss:\n  triplet:\n    margin: 0.3\n    miner: {triplet-margin: {type: semi-hard}} # as in FaceNet\n")
	out := filepath.Join(t.TempDir(), "run")
	code, _, stderr := call(small("-data", data, "-config", file, "-steps", "2", "-no-report", "-out", out)...)
	require.Equal(t, exitOK, code, stderr)
	record, err := os.ReadFile(filepath.Join(out, "config.yaml"))
	require.NoError(t, err)
	assert.Contains(t, string(record), "loss:\n  triplet:\n    margin: 0.3\n    miner: {triplet-margin: {type: semi-hard}}\n")
	code, _, stderr = call("-resume", out)
	require.Equal(t, exitOK, code, stderr)
	code, _, stderr = call("-config", filepath.Join(out, "config.yaml"), "-out", out+"2")
	require.Equal(t, exitOK, code, stderr)
}

// A solver on the command line over that of a file.
func TestASolverOverAFiles(t *testing.T) {
	data := folders(t, t.TempDir(), 6, 4)
	out := func() string { return filepath.Join(t.TempDir(), "run") }
	file := configWith(t, "solver: sgd(momentum=0.9, lr=0.5)\n")
	code, stdout, stderr := call(small("-data", data, "-config", file, "-solver", "adam", "-steps", "1", "-no-report", "-out", out())...)
	require.Equal(t, exitOK, code, stderr)
	assert.Contains(t, strings.Join(strings.Fields(stdout), " "), "note: -solver takes the place of sgd ("+file+", line 1) and of the parameters that it has there")

	file = configWith(t, "solver:\n  name: sgd\n  nesterov: true\n  momentum: 0.9\n")
	args := small("-data", data, "-config", file, "-solver", "adam", "-steps", "1", "-no-report", "-out", out())
	code, _, stderr = call(args...)
	require.Equal(t, exitUsage, code)
	assert.Contains(t, strings.Join(strings.Fields(stderr), " "), "solver.momentum ("+file+", line 4) is 0.9, which means nothing to -solver adam: take it out of the file, or add -momentum 0")
	code, _, stderr = call(append(args, "-momentum", "0")...)
	require.Equal(t, exitUsage, code)
	assert.Contains(t, strings.Join(strings.Fields(stderr), " "), "line 3) is true, which means nothing to -solver adam: take it out of the file, or add -nesterov=false")
	code, _, stderr = call(append(args, "-momentum", "0", "-nesterov=false")...)
	require.Equal(t, exitOK, code, stderr)
}

// A 0 on the command line never is a default that says something else.
func TestAZeroIsNoDefault(t *testing.T) {
	for flag, want := range map[string]string{
		"lr": "-lr is 0, want above 0; leave it out for 0.001, for sgd 0.05", "loss-lr": "-loss-lr is 0, want above 0",
		"p": "-p is 0, want at least 1; leave it out for 16", "k": "-k is 0, want at least 1", "pool": "-pool is 0, want at least 1", "batch": "-batch is 0",
		"steps": "-steps is 0, want at least 1",
	} {
		code, _, stderr := call("-"+flag, "0", "-out", filepath.Join(t.TempDir(), "run"))
		require.Equal(t, exitUsage, code)
		assert.Contains(t, strings.Join(strings.Fields(stderr), " "), want)
	}
}
