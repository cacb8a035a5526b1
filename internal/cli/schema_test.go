package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/metrics"
	"medusa/nets"
	"medusa/optim"
	"medusa/samplers"
	"medusa/trainer"
)

// configured is the run that a command line asks for.
func configured(t *testing.T, args ...string) trainer.Config {
	t.Helper()
	_, f, err := parsed(t, args...)
	require.NoError(t, err)
	cfg, err := f.trainerConfig()
	require.NoError(t, err)
	require.NoError(t, cfg.Validate())
	return cfg.Defaults()
}

// Files of earlier versions, of people (the names of flags as keys) and of the library (nested),
// mean what they meant: testdata/earlier holds both of one run, and nothing is taken away from it.
// What a run writes today has one schema in both places.
func TestFilesOfEveryVersionAreRead(t *testing.T) {
	for _, n := range []string{"1", "2"} {
		flat := configured(t, "-config", filepath.Join("testdata", "earlier", "flat"+n+".yaml"))
		nested := configured(t, "-config", filepath.Join("testdata", "earlier", "nested"+n+".yaml"))
		assert.Empty(t, trainer.Differences(flat, nested))
	}
	flat := configured(t, "-config", filepath.Join("testdata", "earlier", "flat1.yaml"))
	assert.Equal(t, optim.Config{Name: "sgd", LR: 0.01, LossLR: 1, Momentum: 0.9, Nesterov: true}, flat.Solver)
	assert.Equal(t, optim.ScheduleConfig{Name: "step", Every: 1, Gamma: 0.5, Warmup: 1}, flat.Schedule)
	assert.Equal(t, samplers.Config{Name: "pk-hard", P: 4, K: 3, Pool: 64, Seed: 7}, flat.Sampler)
	assert.Equal(t, []float32{0.5}, flat.Data.Mean)
	assert.Equal(t, int64(64<<20), flat.Data.CacheBytes)

	runs, err := filepath.Glob(filepath.Join("..", "..", "trainer", "testdata", "earlier", "*", trainer.ConfigFile))
	require.NoError(t, err)
	require.NotEmpty(t, runs)
	for _, path := range runs {
		stored, err := trainer.Stored(filepath.Dir(path))
		require.NoError(t, err)
		people := configured(t, "-config", path)
		people.Data.Range = stored.Data.Range // was not written then
		assert.Empty(t, trainer.Differences(stored, people), path)
		again := configured(t, "-config", filepath.Join(filepath.Dir(path), filepath.FromSlash(trainer.StoredFile)))
		again.Data.Range = stored.Data.Range
		assert.Empty(t, trainer.Differences(stored, again), path)
	}

	data := folders(t, t.TempDir(), 6, 4)
	out := filepath.Join(t.TempDir(), "run")
	code, _, stderr := call(small("-data", data, "-steps", "2", "-no-report", "-out", out, "-solver", "adam(beta1=0)")...)
	require.Equal(t, exitOK, code, stderr)
	stored, err := trainer.Stored(out)
	require.NoError(t, err)
	assert.Zero(t, stored.Solver.Beta1, "0 is 0")
	for _, name := range []string{trainer.ConfigFile, trainer.StoredFile} {
		again := configured(t, "-config", filepath.Join(out, filepath.FromSlash(name)))
		assert.Empty(t, trainer.Differences(stored, again), name)
	}
	text, err := os.ReadFile(filepath.Join(out, trainer.ConfigFile))
	require.NoError(t, err)
	for _, want := range []string{"# Pictures\ndata:\n  path: ", "# Training\nsteps: 2\nsolver:\n  name: adam\n", "beta1: 0\n", "no_report: true\n", "    flip_h: 0\n"} {
		assert.Contains(t, string(text), want, "config.yaml shows what can be set")
	}
}

// A kind with its parameters, short flags, and keys of a file are ways to the same fields.
func TestKindsHaveOneMeaning(t *testing.T) {
	for _, ways := range [][][]string{
		{{"-solver", "adamw(lr=0.01, weight_decay=0.1, beta2=0.99)"}, {"-solver", "adamw:beta2=0.99", "-lr", "0.01", "-weight-decay", "0.1"},
			{"-config", configWith(t, "solver: {adamw: {lr: 0.01, beta2: 0.99, weight-decay: 0.1}}\n")},
			{"-config", configWith(t, "solver: {name: adamw, lr: 0.01, beta2: 0.99, weight_decay: 0.1}\n")}, {"-config", configWith(t, "solver: adamw(beta2=0.99, weight-decay=0.1)\nlr: 0.01\n")}},
		{{"-schedule", "cosine(floor=0.01)"}, {"-schedule", "cosine:floor=0.01"}, {"-config", configWith(t, "schedule: {cosine: {floor: 0.01}}\n")}, {"-config", configWith(t, "schedule: {name: cosine, floor: 0.01}\n")}},
		{{"-sampler", "pk-hard(p=8, k=3, pool=100)"}, {"-sampler", "pk-hard", "-p", "8", "-k", "3", "-pool", "100"}, {"-config", configWith(t, "sampler: {pk-hard: {p: 8, k: 3, pool: 100}}\n")}},
		{{"-backbone", "cnn(channels=[32,64], head=max)"}, {"-backbone", "cnn", "-channels", "32,64", "-head", "max"}, {"-config", configWith(t, "net: cnn(channels=[32,64], head=max)\n")},
			{"-config", configWith(t, "net: {cnn: {channels: [32, 64], head: max}}\n")}},
	} {
		for _, way := range ways[1:] {
			assert.Equal(t, configured(t, ways[0]...), configured(t, way...), "%s", way)
		}
	}
	assert.Equal(t, "triplet(margin=0.2, miner={triplet-margin: {margin: 0.1}})", loss(t, "loss: {triplet: {margin: 0.2, miner: {triplet-margin: {margin: 0.1}}}}\n"))
	assert.Equal(t, "0.1*ce + triplet", loss(t, "loss:\n- 0.1*ce\n- triplet\n"))
	for want, args := range map[string][]string{
		`-solver: adamw has no parameter "beta3" (did you mean "beta1"?)`: {"-solver", "adamw(beta3=1)"},
		"alpha of -solver means nothing to -solver adamw":                 {"-solver", "adamw(alpha=0.5)"},
		"beta2 of -solver: 1 is out of range, want above 0, below 1":      {"-solver", "adam(beta2=1)"},
		"batch of -sampler means nothing to -sampler pk":                  {"-sampler", "pk(batch=8)"},
		"-schedule is \"step(\": ":                                        {"-schedule", "step("},
		`unknown key "solver.sgd.x"; sgd has lr,`:                         {"-config", configWith(t, "solver: {sgd: {x: 1}}\n")},
	} {
		code, _, stderr := call(args...)
		require.NotEqual(t, exitOK, code)
		assert.Contains(t, strings.Join(strings.Fields(stderr), " "), want)
	}
}

// loss is the text of the loss that a file asks for.
func loss(t *testing.T, file string) string {
	o, _, err := parsed(t, "-config", configWith(t, file))
	require.NoError(t, err)
	return o.Loss
}

// What help says there is, is what there is.
func TestHelpNamesEveryKind(t *testing.T) {
	for flag, names := range map[string][]string{"backbone": nets.Names(), "sampler": samplers.Names()} {
		doc, _, _ := strings.Cut(schema.Flagged(flag).Doc, ", or onnx:FILE")
		assert.Equal(t, strings.Join(names, ", "), doc, "-%s", flag)
	}
	assert.Contains(t, schema.Flagged("metric").Doc, strings.Join(metrics.Names(), ", "))
}

// A run that an earlier version left goes on, also one of the library.
func TestRunsOfEarlierVersionsGoOn(t *testing.T) {
	earlier := filepath.Join("..", "..", "trainer", "testdata", "earlier")
	for _, name := range []string{"broken-off", "library-pk"} {
		dir := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.CopyFS(dir, os.DirFS(filepath.Join(earlier, name))))
		code, stdout, stderr := call("-resume", dir, "-data", filepath.Join(earlier, "pictures"), "-no-report")
		require.Equal(t, exitOK, code, stderr)
		assert.Contains(t, stdout, "going on after step")
	}
}

// Every flag that README and docs speak of is there, under that name.
func TestFlagsOfTheDocsExist(t *testing.T) {
	elsewhere := []string{"h", "tags", "only", "seconds"} // of package flag, go, and bench/compare
	pages, err := filepath.Glob(filepath.Join("..", "..", "docs", "*.md"))
	require.NoError(t, err)
	spoken := regexp.MustCompile("`-([a-z][a-z0-9-]*)|(?m)^ *go run ./cmd/(?:train|medusa).*$")
	single := regexp.MustCompile(` -([a-z][a-z0-9-]*)`)
	seen := 0
	for _, page := range append(pages, filepath.Join("..", "..", "README.md")) {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, m := range spoken.FindAllStringSubmatch(string(text), -1) {
			names := [][]string{{"", m[1]}}
			if m[1] == "" {
				line, _, _ := strings.Cut(m[0], "#")
				names = single.FindAllStringSubmatch(line, -1)
			}
			for _, n := range names {
				seen++
				known := slices.ContainsFunc(commands(), func(k *command) bool { return k.begin(&invocation{}).flags().Flagged(n[1]) != nil })
				assert.True(t, known || slices.Contains(elsewhere, n[1]), "%s: -%s", page, n[1])
			}
		}
	}
	assert.Greater(t, seen, 60)
}
