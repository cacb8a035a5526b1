package trainer

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/nets"
	"medusa/samplers"
)

// sized is a configuration of a tiny run on classes of such sizes, where nothing is said of
// batches and parts; tested has a test part beside.
func sized(t testing.TB, sizes shape, tested bool) Config {
	dir := t.TempDir()
	writeIDX(t, dir, "train", sizes, 0, people)
	if tested {
		writeIDX(t, dir, "t10k", equalClasses(3, 3), len(sizes), people)
	}
	return Config{
		Data: DataConfig{Path: dir, Workers: 1}, Net: nets.Config{Backbone: "mlp", Hidden: []int{4}, Embedding: 2},
		Steps: 2, EvalEvery: -1, CheckpointEvery: -1, Seed: 1,
	}
}

func TestFittedSettingsAreToldAndStored(t *testing.T) {
	for name, c := range map[string]struct {
		sizes  shape
		tested bool
		change func(*Config)
		p, k   int
		val    string
		told   []string
	}{
		"plenty":      {equalClasses(30, 6), true, nil, 16, 4, "0.1", nil},
		"30 people":   {equalClasses(30, 10), false, nil, 16, 4, "0.1", nil},
		"11 to learn": {equalClasses(13, 10), false, nil, 11, 5, "0.1", []string{"Sampler.P 11: 11 classes to learn", "Sampler.K 5: for batches of about 64 pictures"}},
		"12 with a test part": {equalClasses(12, 10), true, nil, 12, 5, "none", []string{"Sampler.P 12: 12 classes to learn", "Sampler.K 5: for batches of about 64 pictures",
			"Data.Val none: 12 classes are better learned all than some set aside to choose weights by; the last weights become the model"}},
		"5 classes": {equalClasses(5, 20), false, nil, 5, 12, "none", []string{"Sampler.P 5: 5 classes to learn", "Sampler.K 12: for batches of about 64 pictures",
			"Data.Val none: 5 classes of two pictures or more are too few to set some aside; the last weights become the model"}},
		"2 × 2": {equalClasses(2, 2), false, nil, 2, 2, "none", []string{"Sampler.P 2: 2 classes to learn", "Sampler.K 2: 2 of 2 classes have fewer than 3 pictures",
			"Data.Val none: 2 classes of two pictures or more are too few to set some aside; the last weights become the model"}},
		"a small one": {[]int{2, 3, 3, 3}, false, func(c *Config) { c.Sampler.P = 2 }, 2, 2, "none", []string{"Sampler.K 2: 1 of 4 classes has fewer than 3 pictures",
			"Data.Val none: 4 classes of two pictures or more are too few to set some aside; the last weights become the model"}},
		"one of two": {[]int{2, 1, 1, 1}, false, func(c *Config) { c.Sampler.P, c.Sampler.K, c.Sampler.Repeat = 2, 2, true }, 2, 2, "none",
			[]string{"Data.Val none: 1 class of two pictures or more is too few to set some aside; the last weights become the model"}},
		"single ones": {equalClasses(4, 1), false, func(c *Config) { c.Sampler.P, c.Sampler.K, c.Sampler.Repeat = 2, 2, true }, 2, 2, "none",
			[]string{"Data.Val none: no class has the two pictures or more that can be measured on; the last weights become the model"}},
		"pairs": {equalClasses(50, 2), false, nil, 32, 2, "0.1", []string{"Sampler.P 32: for batches of about 64 pictures", "Sampler.K 2: 45 of 45 classes have fewer than 3 pictures"}},
		"single pictures": {append(equalClasses(25, 4), equalClasses(100, 1)...), false, nil, 16, 4, "0.02",
			[]string{"Data.Val 0.02: 0.1 of the 25 classes that have two pictures or more"}},
		"given":      {equalClasses(5, 20), false, func(c *Config) { c.Sampler.P, c.Sampler.K, c.Data.Val = 2, 3, "0.4" }, 2, 3, "0.4", nil},
		"P is given": {equalClasses(5, 3), false, func(c *Config) { c.Sampler.P, c.Data.Val = 2, "none" }, 2, 3, "none", []string{"Sampler.K 3: 5 of 5 classes have fewer than 4 pictures"}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := sized(t, c.sizes, c.tested)
			if c.change != nil {
				c.change(&cfg)
			}
			var told []string
			tr, _ := run(t, cfg, Options{Hooks: []Hook{{Start: func(_ context.Context, i StartInfo) error {
				for _, f := range i.Fitted {
					if f.Reason != "" {
						told = append(told, fmt.Sprintf("%s %s: %s", f.Field, f.Value, f.Reason))
					}
				}
				return nil
			}}}})
			assert.Equal(t, c.told, told)
			stored, err := Stored(string(tr.dir))
			require.NoError(t, err)
			assert.Equal(t, []int{c.p, c.k}, []int{stored.Sampler.P, stored.Sampler.K})
			assert.Equal(t, c.val, stored.Data.Val)
			assert.Empty(t, Differences(stored, cfg), "what is left to the data is no difference")
			again, err := Load(stored.Data, stored.Seed, LoadOptions{})
			require.NoError(t, err)
			defer again.Close()
			assert.Equal(t, tr.fingerprint.Labels, labelsSum(again.Train), "what is stored loads the same parts")
			_, more, err := stored.Fit(again, nil)
			require.NoError(t, err)
			assert.Empty(t, more, "what is stored is given")
		})
	}
}

func TestNothingToFit(t *testing.T) {
	_, _, err := Config{}.Fit(Data{}, nil)
	require.EqualError(t, err, "trainer: there are no pictures to learn from")
}

// The uniform sampler's batch is at most all pictures.
func TestUniformBatchFits(t *testing.T) {
	cfg := sized(t, equalClasses(3, 5), false)
	cfg.Sampler.Name, cfg.Loss = "uniform", "ce:scale=8"
	tr, _ := run(t, cfg, Options{})
	require.Equal(t, 15, tr.Batch())
}

func TestGivenSizesThatCannotBeMet(t *testing.T) {
	flags := func(field, value string) string {
		return strings.TrimSpace("-" + strings.ToLower(strings.TrimPrefix(field, "Sampler.")) + " " + value)
	}
	for name, c := range map[string]struct {
		sizes shape
		given samplers.Config
		want  string
	}{
		"P": {equalClasses(6, 4), samplers.Config{P: 40},
			"trainer: -p 40: batches of 40 classes with 2 pictures each cannot be drawn, there are 6 classes to learn: want -p 6, or leave out -p, to have sizes that suit the classes"},
		"K": {equalClasses(6, 4), samplers.Config{K: 9},
			"trainer: -k 9: batches of 2 classes with 9 pictures each cannot be drawn, of the 6 classes to learn 0 have so many: want -k 4, or -repeat true, with which small classes repeat their pictures, or leave out -k, to have sizes that suit the classes"},
		"both": {shape{9, 9, 9, 4, 4}, samplers.Config{P: 4, K: 9},
			"trainer: -p 4 and -k 9: batches of 4 classes with 9 pictures each cannot be drawn, of the 5 classes to learn 3 have so many: want -p 3, or -k 4, or -repeat true, with which small classes repeat their pictures, or leave out -p and -k, to have sizes that suit the classes"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := sized(t, c.sizes, false)
			cfg.Sampler = c.given
			dir := filepath.Join(t.TempDir(), "run")
			_, err := New(cfg, load(t, cfg), Options{Dir: dir, Naming: flags})
			require.EqualError(t, err, c.want)
			require.NoDirExists(t, dir)
		})
	}
}

// A run of the first edition did not store what the data chose. It goes on as it was begun.
func TestRunOfTheFirstEditionGoesOn(t *testing.T) {
	cfg := sized(t, equalClasses(19, 5), true) // fewer than 30: today all would be learned
	cfg.Data.Val, cfg.Sampler = "0.1", samplers.Config{P: 16, K: 4}
	cfg.Steps = 8
	whole, _ := run(t, cfg, Options{})
	require.Equal(t, 17, whole.data.Train.NumClasses())

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	tr := start(t, cfg, Options{Hooks: []Hook{{Step: func(_ context.Context, i StepInfo) error {
		if i.Step == 3 {
			cancel()
		}
		return nil
	}}}})
	_, err := tr.Run(ctx)
	require.NoError(t, err)
	last, err := readCheckpoint(tr.dir.Path(LastFile))
	require.NoError(t, err)
	last.config.Data.Val, last.config.Sampler.P, last.config.Sampler.K = "", 0, 0
	require.NoError(t, last.write(tr.dir, LastFile))
	stored, err := os.ReadFile(tr.dir.Path(StoredFile))
	require.NoError(t, err)
	old := regexp.MustCompile(`(?m)^(?: +(?:val|p|k): .*|# sha256 .*)\n`).ReplaceAll(stored, nil)
	require.NotEqual(t, stored, old)
	require.NoError(t, os.WriteFile(tr.dir.Path(StoredFile), old, 0o644))

	cfg, err = Stored(string(tr.dir))
	require.NoError(t, err)
	require.Empty(t, cfg.Data.Val)
	on, err := Resume(load(t, cfg), Options{Dir: string(tr.dir)})
	require.NoError(t, err)
	defer on.Close()
	_, err = on.Run(context.Background())
	require.NoError(t, err)
	x, err := os.ReadFile(whole.dir.Path(ModelFile))
	require.NoError(t, err)
	y, err := os.ReadFile(tr.dir.Path(ModelFile))
	require.NoError(t, err)
	require.Equal(t, x, y)
}

// Whatever the classes, a run where nothing is said of batches and parts trains, or says what
// helps, and that helps. So do sizes that are given.
func TestEveryShapeTrainsOrSaysTheWayOut(t *testing.T) {
	runs := 40
	if os.Getenv("MEDUSA_LONG") == "1" {
		runs = 300
	} else if testing.Short() {
		runs = 10
	}
	const seed = 11
	rng := rand.New(rand.NewPCG(seed, 1))
	trained, refused := 0, 0
	for n := range runs {
		sizes := make(shape, 1+rng.IntN(40))
		most := 1 + rng.IntN(30)
		if n%4 == 0 {
			most = 1 + n%3
		}
		for i := range sizes {
			sizes[i] = 1 + rng.IntN(most)
		}
		cfg := sized(t, sizes, rng.IntN(2) == 0)
		if n%2 == 1 {
			cfg.Sampler.P, cfg.Sampler.K = rng.IntN(4)*rng.IntN(9), rng.IntN(4)*rng.IntN(9)
			cfg.Sampler.Repeat = rng.IntN(3) == 0
		}
		if err := attempt(t, cfg); err != nil {
			refused++
			follow(t, cfg, sizes, err)
			continue
		}
		trained++
	}
	t.Logf("seed %d: %d trained, %d refused", seed, trained, refused)
	require.Positive(t, trained)
	require.Positive(t, refused)
}

// attempt runs cfg.
func attempt(t *testing.T, cfg Config) error {
	t.Helper()
	data, err := Load(cfg.Data, cfg.Seed, LoadOptions{})
	if err != nil {
		return err
	}
	defer data.Close()
	tr, err := New(cfg, data, Options{Dir: filepath.Join(t.TempDir(), "run")})
	if err != nil {
		return err
	}
	defer tr.Close()
	r, err := tr.Run(context.Background())
	require.NoError(t, err, "%+v", cfg)
	require.Equal(t, cfg.Steps, r.Steps)
	require.Equal(t, cfg.Steps, tr.state.Step)
	if r.On == "" {
		require.Contains(t, kinds(r.Warnings), KindUnmeasured)
	}
	if r.ModelStep == 0 {
		require.Contains(t, kinds(r.Warnings), KindUntrained)
	}
	return nil
}

// follow tries every way out that an error names. Classes that cannot be compared are refused
// before the sizes that are given; these may be refused then.
func follow(t *testing.T, cfg Config, sizes shape, err error) {
	t.Helper()
	tried := 0
	incomparable := strings.Contains(err.Error(), "are compared") || strings.Contains(err.Error(), "at least two are needed")
	try := func(words string, change func(*Config, *shape)) {
		if !strings.Contains(err.Error(), words) {
			return
		}
		tried++
		cfg, sizes := cfg, slices.Clone(sizes)
		change(&cfg, &sizes)
		again := attempt(t, cfg)
		if again != nil && incomparable && cfg.Sampler.P+cfg.Sampler.K > 0 {
			require.NotEqual(t, err.Error(), again.Error())
			follow(t, cfg, sizes, again)
			return
		}
		require.NoError(t, again, "%v\n%v, %s", sizes, err, words)
	}
	_, ways, _ := strings.Cut(err.Error(), "want ")
	for _, way := range regexp.MustCompile(`Sampler\.([PK]): (\d+)`).FindAllStringSubmatch(ways, -1) {
		size, e := strconv.Atoi(way[2])
		require.NoError(t, e)
		try(way[0], func(c *Config, _ *shape) {
			if way[1] == "P" {
				c.Sampler.P = size
			} else {
				c.Sampler.K = size
			}
		})
	}
	try("Sampler.Repeat: true", func(c *Config, _ *shape) { c.Sampler.Repeat = true })
	try("leave out Sampler", func(c *Config, _ *shape) { c.Sampler.P, c.Sampler.K = 0, 0 })
	for _, words := range []string{"add classes of two pictures or more", "at least two are needed"} {
		try(words, func(c *Config, sizes *shape) {
			*sizes = append(*sizes, 2, 2)
			c.Data.Path = sized(t, *sizes, false).Data.Path
		})
	}
	require.Positive(t, tried, "%v\n%v", sizes, err)
}
