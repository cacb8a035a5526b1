package settings

import (
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pkg/errors"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"medusa/internal/catalog"
	"medusa/internal/field"
)

type pull struct {
	Name  string  `yaml:"name" flag:"pull" arg:"NAME" doc:"how" kind:"a pull"`
	Rate  float64 `yaml:"rate" flag:"rate" arg:"R" doc:"rate" above:"0" unset:"by kind"`
	Decay float64 `yaml:"decay" doc:"heavy: of the mean" min:"0" below:"1" for:"heavy"`
	Every int     `yaml:"every" doc:"steps" min:"1" unset:"3" for:"stepped"`
}

type inner struct {
	Wide []int   `yaml:"wide" flag:"wide" arg:"LIST" doc:"sizes" min:"1" unset:"8"`
	Deep float64 `yaml:"deep_down" doc:"no flag"`
}

type config struct {
	Own  string `yaml:"own" file:"never" flag:"own" arg:"X" doc:"of this run"`
	Data struct {
		Path  string    `yaml:"path" flag:"data" arg:"PATH" doc:"where"`
		Inner inner     `yaml:"inner"`
		Mean  []float32 `yaml:"mean" doc:"means" said:"data" unset:"measured"`
		Seed  uint64    `yaml:"seed" doc:"seed"`
	} `yaml:"data" group:"Pictures"`
	Loss string `yaml:"loss" flag:"loss" arg:"TEXT" doc:"kinds" nested:"" choices:"a,b"`
	Pull pull   `yaml:"pull" group:"Training"`
	On   bool   `yaml:"on_it" flag:"on-it" doc:"switch" old:"at_it"`
	Size int    `yaml:"height" flag:"size" arg:"N" doc:"in halves" min:"1"`
	Gone int    `yaml:"-"`
}

var kinds = map[string]func(string) any{"Pull": func(kind string) any {
	switch kind {
	case "heavy":
		return pull{Name: kind, Rate: 0.1, Decay: 0.9}
	case "stepped":
		return pull{Name: kind, Rate: 0.2, Every: 3}
	}
	return pull{Name: kind}
}}

var schema = Of(reflect.TypeFor[config](), kinds)

var forms = map[string]Form{"size": {
	Fields: []string{"Size"},
	Set:    func(c any, text string) error { return set(reflect.ValueOf(&c.(*config).Size).Elem(), text+"0") },
	Text:   func(c any) string { return text(reflect.ValueOf(c.(*config).Size / 10)) },
}}

func reader() (*config, *Reader) {
	c := &config{Pull: pull{Name: "heavy"}}
	return c, schema.Reader(c, forms)
}

// One option by each of its names.
func TestWaysToOneField(t *testing.T) {
	for _, c := range []struct {
		want  func(*config)
		flags []string
		files []string
	}{
		{func(c *config) { c.Data.Path = "photos" }, []string{"data", "photos"}, []string{"data: photos", "data: {path: photos}", "data:\n  path: photos\n"}},
		{func(c *config) { c.Data.Inner.Wide = []int{4, 5} }, []string{"wide", "4, 5"}, []string{"wide: [4, 5]", "wide: 4,5", "data: {inner: {wide: [4, 5]}}", "data: {inner: {wide: '[4,5]'}}", "data: {inner: {wide: [4, 0x5]}}"}},
		{func(c *config) { c.Data.Inner.Deep = 1e-3 }, nil, []string{"data: {inner: {deep_down: 1e-3}}", "data: {inner: {deep-down: 0.001}}"}},
		{func(c *config) { c.On = true }, []string{"on-it", "true"}, []string{"on_it: true", "on-it: true", "at_it: true"}},
		{func(c *config) { c.Size = 70 }, []string{"size", "7"}, []string{"size: 7", "height: 70"}},
		{func(c *config) { c.Loss = "a(margin=0.2) + a:x=1 + 0.1*b" }, []string{"loss", "a(margin=0.2) + a:x=1 + 0.1*b"}, []string{"loss: a(margin=0.2) + a:x=1 + 0.1*b"}},
		{func(c *config) { c.Loss = "a(margin=0.2, m={b: {angle: 20}}) + 0.1*b" }, nil, []string{"loss: [{a: {margin: 0.2, m: {b: {angle: 20}}}}, 0.1*b]", "loss:\n- 'a(margin=0.2, m={b: {angle: 20}})'\n- 0.1*b\n"}},
		{func(c *config) { c.Pull = pull{Name: "stepped", Every: 7} }, []string{"pull", "stepped(every=7)"},
			[]string{"pull: stepped(every=7)", "pull: stepped:every=7", "pull: {stepped: {every: 7}}", "pull: {name: stepped, every: 7}", "pull: {every: 7, name: stepped}", "pull: {name: stepped(every=7)}"}},
		{func(c *config) { c.Pull.Decay = 0 }, []string{"pull", "heavy(decay=0)"}, []string{"pull: {decay: 0}", "pull: {heavy: {decay: 0}}"}},
	} {
		want := &config{Pull: pull{Name: "heavy"}}
		c.want(want)
		if c.flags != nil {
			got, r := reader()
			require.NoError(t, r.Flag(c.flags[0], c.flags[1]))
			require.Equal(t, want, got, "%s", c.flags)
		}
		for _, file := range c.files {
			got, r := reader()
			require.NoError(t, r.YAML("run.yaml", []byte(file)), file)
			require.Equal(t, want, got, file)
			for _, all := range []bool{false, true} {
				written, err := schema.Write(got, all)
				require.NoError(t, err)
				back, r := reader()
				require.NoError(t, r.YAML("run.yaml", written), "%s", written)
				require.Equal(t, want, back, "%s", written)
			}
		}
	}
}

// What is absent is the prototype's, and what is given is itself, 0 too.
func TestFinish(t *testing.T) {
	for file, want := range map[string]pull{
		"":                                  {Name: "heavy", Rate: 0.1, Decay: 0.9},
		"rate: 3":                           {Name: "heavy", Rate: 3, Decay: 0.9},
		"pull: heavy(decay=0)":              {Name: "heavy", Rate: 0.1},
		"pull: {decay: 0, rate: 2}":         {Name: "heavy", Rate: 2},
		"rate: 0":                           {Name: "heavy", Rate: 0.1, Decay: 0.9},
		"pull: stepped":                     {Name: "stepped", Rate: 0.2, Every: 3},
		"pull: {stepped: {every: 9}}":       {Name: "stepped", Rate: 0.2, Every: 9},
		"pull: {name: strange}\nrate: 0.25": {Name: "strange", Rate: 0.25},
	} {
		c, r := reader()
		require.NoError(t, r.YAML("run.yaml", []byte(file)), file)
		r.Finish(true)
		require.Equal(t, want, c.Pull, file)
	}
	c, r := reader()
	require.NoError(t, r.YAML("run.yaml", []byte("rate: 3")))
	r.Finish(false)
	require.Equal(t, pull{Name: "heavy", Rate: 3, Decay: 0.9}, c.Pull)
}

// A kind on the command line takes the place of that of a file, with its parameters.
func TestAKindIsReplaced(t *testing.T) {
	c, r := reader()
	require.NoError(t, r.YAML("run.yaml", []byte("pull: stepped(every=7)\nrate: 3")))
	require.NoError(t, r.Flag("pull", "heavy"))
	require.Equal(t, pull{Name: "heavy", Rate: 3}, c.Pull)
}

// What the command line takes the place of is told once, with what it had in brackets; that which
// stands beside stays.
func TestWhatAFlagReplacesIsTold(t *testing.T) {
	for file, want := range map[string]struct {
		left pull
		told []Replaced
	}{
		"a: 1":                                    {pull{Name: "heavy"}, nil},
		"pull: stepped":                           {pull{Name: "heavy"}, nil},
		"rate: 3\npull: stepped":                  {pull{Name: "heavy", Rate: 3}, nil},
		"\npull: stepped(rate=3, every=7)":        {pull{Name: "heavy"}, []Replaced{{"pull", "stepped", Source{File: "run.yaml", Line: 2, Key: "pull"}}}},
		"pull:\n  stepped:\n    rate: 3":          {pull{Name: "heavy"}, []Replaced{{"pull", "stepped", Source{File: "run.yaml", Line: 1, Key: "pull"}}}},
		"pull: {name: stepped, rate: 3}":          {pull{Name: "heavy", Rate: 3}, nil},
		"pull: {name: stepped(rate=3), every: 2}": {pull{Name: "heavy"}, []Replaced{{"pull", "stepped", Source{File: "run.yaml", Line: 1, Key: "pull.name"}}}},
	} {
		c, r := reader()
		require.NoError(t, r.YAML("run.yaml", []byte(strings.TrimPrefix(file, "a: 1"))))
		for range 2 {
			require.NoError(t, r.Flag("pull", "heavy"))
		}
		require.Equal(t, want.left, c.Pull, file)
		require.Equal(t, want.told, r.Replacements, file)
	}
}

// A map or a list is looked at where it is read, and what is wrong is told with its line and key;
// it is written as it was given, until a flag takes its place.
func TestAMapIsCheckedAndWrittenAsItIs(t *testing.T) {
	checked := 0
	with := func() (*config, *Reader) {
		c, r := reader()
		r.Check("Loss", func(y *yaml.Node) error {
			checked++
			if y.Content[0].Value == "bad" {
				return errors.WithMessage(&catalog.Error{Package: "losses", Path: []string{"bad"}, Message: "is bad", Line: y.Content[0].Line}, "losses")
			}
			return nil
		})
		return c, r
	}
	_, r := with()
	require.EqualError(t, r.YAML("run.yaml", []byte("rate: 1\nloss:\n\n  bad: {}\n")), "line 4: loss: bad: is bad")
	_, r = with()
	require.NoError(t, r.YAML("run.yaml", []byte("loss: bad\n")), "a text is told in characters, by who reads it")
	for given, written := range map[string]string{
		"loss:\n  a:\n    margin: 0.2 # wide\n    m: {b: {angle: 20}}\n": "loss:\n  a:\n    margin: 0.2\n    m: {b: {angle: 20}}\n",
		"loss:\n- a: {x: 1}\n- 0.1*b\n":                                  "loss:\n  - a: {x: 1}\n  - 0.1*b\n",
		"loss: {a: &x {y: 1}, weight: 2}\n":                              "loss: {a: {y: 1}, weight: 2}\n",
		"loss: a(y=1)\n":                                                 "loss: a(y=1)\n",
	} {
		c, r := with()
		require.NoError(t, r.YAML("run.yaml", []byte(given)))
		out, err := r.Write(false)
		require.NoError(t, err)
		require.Contains(t, string(out), written)
		back, again := with()
		require.NoError(t, again.YAML("run.yaml", out))
		require.Equal(t, c, back)
		twice, err := again.Write(false)
		require.NoError(t, err)
		require.Equal(t, string(out), string(twice))

		require.NoError(t, r.Flag("loss", "b"))
		out, err = r.Write(false)
		require.NoError(t, err)
		require.Contains(t, string(out), "loss: b\n")
	}
	require.Positive(t, checked)
}

func TestList(t *testing.T) {
	defaults := config{Pull: pull{}}
	page := schema.List("Pull", []Kind{{"heavy", "pulls hard (Newton 1687)"}, {"stepped", "pulls now and then"}}, &defaults, 80)
	require.Equal(t, `heavy
  pulls hard (Newton 1687)
    rate=0.1               rate (above 0)
    decay=0.9              of the mean (at least 0, below 1)

stepped
  pulls now and then
    rate=0.2               rate (above 0)
    every=3                steps (at least 1)
`, page)
}

func TestReadRefuses(t *testing.T) {
	for file, want := range map[string]string{
		"own: x":                                `line 1: unknown key "own"`,
		"los: x":                                `line 1: unknown key "los"; did you mean loss?`,
		"data: {inner: {depe_down: 3}}":         `line 1: unknown key "data.inner.depe_down"; did you mean deep_down?`,
		"data: {seed: -1}":                      `line 1: data.seed is "-1", want a whole number from 0`,
		"on-it: perhaps":                        `line 1: on-it is "perhaps", want true or false`,
		"\nrate: much":                          `line 2: rate is "much", want a number`,
		"wide: [a]":                             `wide is "a", want numbers from 1 with commas between, such as 32,64,128`,
		"wide: [[1]]":                           "line 1: wide: want a list of plain values",
		"wide: {a: 1}":                          "want a plain value or a list of them",
		"on_it: true\nat_it: true":              "line 2: at_it stands there twice, also as on_it in line 1",
		"data: a\ndata: b":                      "line 2: data stands there twice",
		"on_it: true\non-it: true":              "line 2: on-it stands there twice",
		"rate: 1\npull: {rate: 2}":              "line 2: pull.rate stands there twice, also as rate in line 1",
		"- a":                                   "line 1: want lines of the form `name: value`",
		"data: {inner: 3}":                      "line 1: data.inner: want lines of the form `name: value`",
		"pull: {heavy: {every: 3}}":             "Pull.Every means nothing to Pull.Name heavy",
		"pull: {heavy: {dcay: 3}}":              `line 1: unknown key "pull.heavy.dcay" (did you mean "decay"?); heavy has rate, decay`,
		"pull: {name: stepped, every: 0}":       "line 1: pull.every: 0 is out of range, want at least 1",
		"\npull:\n  stepped:\n\n    evry: 3":    `line 5: unknown key "pull.stepped.evry"`,
		"pull: {stepped: {every: 3, every: 4}}": "pull.stepped.every stands there twice",
		"pull: {stepped: {every: [a, b]}}":      `Pull.Every is "a,b"`,
		"data: {pull: heavy}":                   `unknown key "data.pull"; did you mean pull, at the top of the file?`,
		"data: {size: 7}":                       `unknown key "data.size"; did you mean size, at the top of the file?`,
		"deep_down: 3":                          `unknown key "deep_down"; did you mean data.inner.deep_down?`,
		"data: {inner: {own: 3}}":               `unknown key "data.inner.own"`,
		"data: {pth: 3}":                        `did you mean path?`,
		"pull: heavy(decay=1)":                  "Pull.Decay: 1 is out of range, want at least 0, below 1",
		"pull: stepped(every=0)":                "Pull.Every: 0 is out of range, want at least 1",
		"pull: heavy(rate=0)":                   "Pull.Rate: 0 is out of range, want above 0",
		"pull: heavy(decay=x)":                  `Pull.Decay is "x": want a number`,
		"pull: heavy(":                          "the end where \")\" is wanted",
		"pull: {[heavy]: {decay: 0.5}}":         "line 1: pull: want the name of a pull over a map of its parameters",
		`pull: {"": {decay: 0.5}}`:              "want the name of a pull",
		"pull: {heavy: 3}":                      `unknown key "pull.heavy"`,
		"pull: a + b":                           "want name(parameter=value, …)",
		"loss: {a: 3}":                          "want a map of parameters",
		"height: 99999999999999999999":          `height is "99999999999999999999": too large, want a smaller whole number`,
		"data: {mean: [0.5, !!binary '**']}":    "!!binary",
		"a: [":                                  "yaml",
		"a: &a [*a]":                            "unknown key",
		"loss: &a [*a]":                         "more than",
	} {
		_, r := reader()
		require.ErrorContains(t, r.YAML("run.yaml", []byte(file)), want, file)
	}
	_, r := reader()
	require.EqualError(t, r.Flag("rate", "much"), `-rate "much": want a number`)
	require.EqualError(t, r.Flag("size", "99999999999999999999"), `-size "999999999999999999990": too large, want a smaller whole number`)
	require.ErrorContains(t, r.Flag("nobody", ""), "no flag")
}

// A message calls a field as whoever set it does.
func TestCalled(t *testing.T) {
	_, r := reader()
	require.NoError(t, r.YAML("run.yaml", []byte("rate: 3\ndata: {inner: {deep_down: 3}}\npull: {stepped: {every: 4}}")))
	require.NoError(t, r.Flag("loss", "a"))
	for name, want := range map[string]string{
		"Pull.Rate": "rate (run.yaml, line 1)", "-rate": "rate (run.yaml, line 1)", "Data.Inner.Deep": "data.inner.deep_down (run.yaml, line 2)",
		"Pull.Every": "pull.stepped.every (run.yaml, line 3)", "Pull.Name": "pull (run.yaml, line 3)",
		"Loss": "-loss", "-wide": "-wide", "Data.Mean": "-data", "Data.Seed": "data.seed", "Pull.Decay": "decay of -pull", "-nothing": "-nothing", "Else": "Else",
	} {
		require.Equal(t, want, r.Called(name), name)
	}
	_, r = reader()
	err := r.Flag("pull", "stepped(decay=0.5)")
	require.Equal(t, "decay of -pull means nothing to -pull stepped", field.Told(err, func(f, _ string) string { return r.Called(f) }))
}

func TestFaults(t *testing.T) {
	c, _ := reader()
	require.Empty(t, schema.Faults(c, ""))
	c.Loss, c.Pull.Rate, c.Pull.Decay, c.Size, c.Data.Inner.Wide = "c", -1, math.NaN(), -3, []int{2, 0}
	require.Equal(t, []Fault{{"Loss", `"c"`, "one of a, b"}, {"Size", "-3", "at least 1"}}, schema.Faults(c, ""))
	require.Equal(t, []Fault{{"Pull.Rate", "-1", "above 0, or nothing for the default"}, {"Pull.Decay", "NaN", "at least 0, below 1"}}, schema.Faults(c, "Pull"))
	require.Equal(t, []Fault{{"Data.Inner.Wide", "[2 0]", "each at least 1, or nothing for the default"}}, schema.Faults(c, "Data.Inner"))
	require.Empty(t, schema.Unused(c, "Pull"))
	c.Pull.Every = 2
	require.Equal(t, []string{"Pull.Every"}, schema.Unused(c, "Pull"))
}

// Whatever a struct holds, a file gives it back.
func TestAnyConfigComesBack(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	texts := []string{"", "null", "~", "a: b", " a ", "#", "\n", "a\tb\n c", "\xff", "\u2028", "'", `"`, "- x", "1e3", "yes", "é", "!!x", "&a", "{", "[1"}
	for range 300 {
		c := &config{Pull: pull{Name: []string{"heavy", "stepped", "strange"}[rng.IntN(3)], Rate: rng.NormFloat64(), Decay: float64(rng.IntN(2)), Every: rng.IntN(2)}}
		c.Data.Path, c.Loss = texts[rng.IntN(len(texts))], texts[rng.IntN(len(texts))]
		c.Data.Seed, c.On, c.Size = rng.Uint64(), rng.IntN(2) == 0, rng.IntN(3)-1
		for range rng.IntN(3) {
			c.Data.Inner.Wide, c.Data.Mean = append(c.Data.Inner.Wide, rng.IntN(9)), append(c.Data.Mean, 1e-30*rng.Float32())
		}
		for _, all := range []bool{false, true} {
			written, err := schema.Write(c, all)
			require.NoError(t, err)
			back := &config{}
			require.NoError(t, schema.Reader(back, nil).YAML("", written), "%s", written)
			require.Equal(t, c, back, "%s", written)
		}
	}
	empty, err := schema.Write(config{}, false)
	require.NoError(t, err)
	require.NoError(t, schema.Reader(&config{}, nil).YAML("", empty))
}

func TestOfRefuses(t *testing.T) {
	for _, bad := range []any{
		struct {
			A int `yaml:"a"`
		}{},
		struct {
			A int `doc:"a"`
		}{},
		struct {
			A int `yaml:"a" doc:"a" flag:"x"`
			B int `yaml:"b" doc:"b" flag:"x"`
		}{},
		struct {
			A chan int `yaml:"a" doc:"a"`
		}{},
	} {
		require.Panics(t, func() { Of(reflect.TypeOf(bad), nil) })
	}
}

func FuzzYAML(f *testing.F) {
	for _, seed := range []string{"pull: {heavy: {decay: 0}}", "data: {inner: {wide: [1]}}\nloss: [a, {b: {x: 1}}]", "a: &a [*a]", "rate: 1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, back := &config{}, &config{}
		if schema.Reader(c, forms).YAML("run.yaml", []byte(text)) != nil {
			return
		}
		written, err := schema.Write(c, false)
		require.NoError(t, err)
		require.NoError(t, schema.Reader(back, forms).YAML("run.yaml", written), "%s", written)
		require.Equal(t, c, back, "%s", written)
	})
}
