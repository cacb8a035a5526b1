package catalog

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/pkg/errors"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// A small house of families, as losses, miners, distances and reducers are.
type (
	distance interface{ isDistance() }
	miner    interface{ isMiner() }
	reducer  interface{ isReducer() }
	loss     interface{ isLoss() }
)

type lp struct {
	P   float64 `doc:"the power" min:"1" max:"inf"`
	Raw bool    `doc:"not normalised"`
}

func (lp) isDistance() {}

type angular struct {
	Angle float64 `doc:"at the negative, in degrees" min:"0" max:"90"`
}

func (angular) isMiner() {}

type strategy string

func (strategy) Choices() []string { return []string{"hard", "easy", "semi-hard"} }

type banded struct {
	Strategy strategy `doc:"which negatives"`
	K        int      `doc:"of each anchor" min:"1" old:"count"`
	Levels   []int    `doc:"of labels" min:"0"`
	Title    string   `doc:"said in logs"`
}

func (*banded) isMiner() {}

type mean struct{}

func (mean) isReducer() {}

type multiple struct {
	Of map[string]reducer `doc:"one for each sub-loss"`
}

func (multiple) isReducer() {}

type paired struct {
	Distance distance `doc:"between embeddings"`
	Reducer  reducer  `doc:"what makes one number"`
}

type triplet struct {
	Margin float64 `doc:"in units of distance" min:"0" max:"1000"`
	Miner  miner   `doc:"which triplets count" none:"all"`
	Soft   bool    `doc:"softplus in place of the hinge"`
	paired
}

func (triplet) isLoss() {}

type contrastive struct {
	Neg    float64   `name:"neg-margin" doc:"from which on a negative costs nothing" above:"-10" below:"1e3"`
	Pos    float64   `name:"pos-margin" doc:"up to which a positive costs nothing"`
	Powers []float64 `doc:"of terms"`
	paired
}

func (contrastive) isLoss() {}
func (c contrastive) Validate() error {
	if c.Pos > c.Neg {
		return errors.New("losses: the margin of positives is above that of negatives")
	}
	return nil
}

type proxies struct {
	Scale   float64 `doc:"of the cosine" above:"0" unset:"√2·log(classes − 1)"`
	Classes int     `name:"-"`
	W       uint16  `doc:"of each class" max:"100"`
}

func (*proxies) isLoss() {}

type around struct {
	Of loss `doc:"the loss"`
}

func (around) isLoss() {}

type joint struct{ terms []Term[loss] }

func (joint) isLoss() {}

type stranger struct{}

func (stranger) isLoss() {}

var (
	distances = New[distance]("pairs", "a distance", "")
	miners    = New[miner]("miners", "a miner", "")
	reducers  = New[reducer]("pairs", "a reducer", "")
	kinds     = New[loss]("losses", "a loss", "A loss is name(parameter=value, …), and several make a sum:\n  0.1*triplet + contrastive\n")
)

func init() {
	distances.Add("lp", "the p-th root of the sum of p-th powers", lp{P: 2})
	miners.Add("angular", "a large angle at the negative (Wang 2017)", angular{Angle: 20})
	miners.Add("banded", "within a band\nJ. Doe, \"Bands\", 2019", &banded{Strategy: "hard", K: 3, Levels: []int{1, 2}}, OldNames("band"))
	reducers.Add("mean", "the average", mean{})
	reducers.Add("multiple", "one for each", multiple{})
	common := paired{Distance: lp{P: 2}, Reducer: mean{}}
	kinds.Add("triplet", "an anchor is nearer to a positive than to a negative by a margin", triplet{Margin: 0.2, paired: common},
		Upgrade(func(args map[string]string) error {
			metric, ok := args["metric"]
			if !ok {
				return nil
			}
			p, known := map[string]string{"manhattan": "1", "euclidean": "2"}[metric]
			if !known {
				return errors.Errorf("losses: metric: %q is not a choice", metric)
			}
			delete(args, "metric")
			args["distance"] = "lp(p=" + p + ")"
			return nil
		}))
	kinds.Add("contrastive", "pulls and pushes", contrastive{Neg: 1, paired: common})
	kinds.Add("proxies", "a proxy for each class", &proxies{Scale: 16, W: 1})
	kinds.Add("around", "a loss around another", around{Of: triplet{Margin: 0.2, paired: common}})
	kinds.Sums(func(terms []Term[loss]) (loss, error) { return joint{terms}, nil },
		func(l loss) ([]Term[loss], bool) { j, ok := l.(joint); return j.terms, ok })
}

func plainTriplet() triplet { return Default[triplet](kinds) }

func with[T any](v T, change func(*T)) T { change(&v); return v }

// The same loss as text of today, text of the first edition, and YAML.
func TestParse(t *testing.T) {
	angled := with(plainTriplet(), func(l *triplet) { l.Margin, l.Miner = 0.3, angular{Angle: 30} })
	lp1 := with(plainTriplet(), func(l *triplet) { l.Distance = lp{P: 1} })
	weighted := joint{[]Term[loss]{{0.5, angled}, {1, Default[contrastive](kinds)}, {0.1, &proxies{Scale: 16, W: 1}}}}
	for _, c := range []struct {
		want  loss
		texts []string
		yaml  []string
	}{
		{plainTriplet(), []string{"triplet", " triplet ", "triplet()", "triplet:margin=0.2", "triplet(soft=false,)", `"triplet"`, "triplet:weight=1", "triplet(weight=1)", "(triplet)", "triplet(miner=none)"},
			[]string{"triplet", "triplet:", "triplet: {}", "triplet: ~", "triplet: {margin: 0.2}", "'triplet:margin=0.2'", "[triplet]", "- triplet: {weight: 1}"}},
		{angled, []string{"triplet(margin=0.3, miner=angular(angle=30))", "triplet:miner=angular(angle=30),margin=0.3", "triplet:margin=3e-1 , miner=angular( angle=3e+1 )",
			`triplet(margin="0.3",miner="angular(angle=30)")`, "triplet(margin=0.3, miner={angular: {angle: 30}})", "{triplet: {margin: 0.3, miner: angular(angle=30)}}"},
			[]string{"triplet: {margin: 0.3, miner: {angular: {angle: 30}}}", "triplet:\n  margin: 0.3\n  miner: angular(angle=30)\n", "triplet(margin=0.3, miner=angular(angle=30))"}},
		{lp1, []string{"triplet(distance=lp(p=1))", "triplet:metric=manhattan", "triplet(metric=manhattan)"}, []string{"triplet: {metric: manhattan}", "triplet: {distance: {lp: {p: 1}}}"}},
		{with(plainTriplet(), func(l *triplet) { l.Margin = 0 }), []string{"triplet(margin=0)", "triplet:margin=0"}, []string{"triplet: {margin: 0}"}},
		{with(plainTriplet(), func(l *triplet) { l.Distance = lp{P: math.Inf(1), Raw: true} }), []string{"triplet(distance=lp(p=inf, raw=true))", "triplet(distance=lp(p=Inf,raw=1))"}, []string{"triplet: {distance: {lp: {p: .inf, raw: true}}}"}},
		{weighted, []string{"0.5*triplet(margin=0.3, miner=angular(angle=30)) + contrastive + 0.1*proxies",
			"triplet:margin=0.3,miner=angular(angle=30),weight=0.5+contrastive+proxies:weight=1e-1", "5e-1 * triplet(margin=0.3,miner=angular(angle=3e+1))+contrastive+proxies(weight=0.1)"},
			[]string{"- triplet: {margin: 0.3, miner: {angular: {angle: 30}}, weight: 0.5}\n- contrastive\n- proxies: {weight: 0.1}\n", "- 0.5*triplet(margin=0.3, miner=angular(angle=30))\n- contrastive:\n- proxies:\n  weight: 0.1\n"}},
		{joint{[]Term[loss]{{3, plainTriplet()}}}, []string{"3*triplet", "triplet:weight=3"}, []string{"triplet: {weight: 3}"}},
		{around{Of: joint{[]Term[loss]{{1, plainTriplet()}, {2, plainTriplet()}}}}, []string{"around(of=triplet + 2*triplet)", "around(of=[triplet, 2*triplet])"}, []string{"around: {of: [triplet, {triplet: {weight: 2}}]}", "around: {of: triplet + 2*triplet}"}},
		{joint{[]Term[loss]{{2, joint{[]Term[loss]{{1, plainTriplet()}, {3, plainTriplet()}}}}}}, []string{"2*(triplet + 3*triplet)"}, []string{"2*(triplet + 3*triplet)"}},
		{with(plainTriplet(), func(l *triplet) { l.Reducer = multiple{map[string]reducer{"pos": mean{}, "neg": multiple{}}} }),
			[]string{"triplet(reducer=multiple(of={pos: mean, neg: multiple}))"}, []string{"triplet: {reducer: {multiple: {of: {pos: mean, neg: multiple}}}}"}},
		{with(plainTriplet(), func(l *triplet) {
			l.Miner = &banded{Strategy: "semi-hard", K: 3, Levels: []int{4, 5}, Title: "a, b=(c) + \"d\"\xff"}
		}),
			[]string{`triplet(miner=banded(strategy=semi-hard, levels=[4, 5], title="a, b=(c) + \"d\"\xff"))`, `triplet(miner=band(strategy="semi-hard", count=3, levels=[4,5,], title="a, b=(c) + \"d\"\xff"))`},
			[]string{"triplet: {miner: {banded: {strategy: semi-hard, levels: [4, 5], title: !!binary YSwgYj0oYykgKyAiZCL/}}}"}},
		{&proxies{W: 1}, []string{"proxies(scale=0)"}, []string{"proxies: {scale: 0}"}},
	} {
		for _, text := range c.texts {
			got, err := kinds.Parse(text)
			require.NoError(t, err, text)
			require.Equal(t, c.want, got, text)
		}
		for _, text := range c.yaml {
			got, err := kinds.FromYAML(document(t, text))
			require.NoError(t, err, text)
			require.Equal(t, c.want, got, text)
		}
		comesBack(t, c.want)
	}
}

func document(t *testing.T, text string) *yaml.Node {
	t.Helper()
	var y yaml.Node
	require.NoError(t, yaml.Unmarshal([]byte(text), &y), text)
	return &y
}

// comesBack writes a loss in each way, and reads it back.
func comesBack(t *testing.T, l loss) {
	t.Helper()
	for _, write := range []func(loss) (string, error){kinds.Text, kinds.FullText} {
		text, err := write(l)
		require.NoError(t, err)
		back, err := kinds.Parse(text)
		require.NoError(t, err, text)
		require.Equal(t, l, back, text)
		again, err := write(back)
		require.NoError(t, err)
		require.Equal(t, text, again)
	}
	for _, full := range []bool{false, true} {
		y, err := kinds.YAML(l, full)
		require.NoError(t, err)
		file, err := yaml.Marshal(y)
		require.NoError(t, err)
		back, err := kinds.FromYAML(document(t, string(file)))
		require.NoError(t, err, string(file))
		require.Equal(t, l, back, string(file))
	}
}

// randomLoss is any loss that text can give.
func randomLoss(rng *rand.Rand, depth int) loss {
	texts := []string{"", "null", "~", "1e+3", "none", "a b", "a+b", "#", ": ", "\n", "\xff", "é", "'", `"`, "[", "{", "!!x", "-", "true", "\t "}
	number := func() float64 { return math.Abs(rng.NormFloat64()) }
	pairs := paired{Distance: lp{P: 1 + number(), Raw: rng.IntN(2) == 0}, Reducer: mean{}}
	if rng.IntN(3) == 0 {
		pairs.Reducer = multiple{map[string]reducer{texts[1+rng.IntN(len(texts)-1)]: mean{}, "b": multiple{}}}
	}
	switch n := rng.IntN(6); {
	case n == 0 && depth < 4:
		return around{Of: randomLoss(rng, depth+1)}
	case n == 1 && depth < 4:
		j := joint{}
		for range 1 + rng.IntN(3) {
			j.terms = append(j.terms, Term[loss]{[]float64{1, 0.5, number() + 1e-9}[rng.IntN(3)], randomLoss(rng, depth+1)})
		}
		return j
	case n == 2:
		return &proxies{Scale: number(), W: uint16(rng.IntN(101))}
	case n == 3:
		l := triplet{Margin: number(), Soft: true, paired: pairs, Miner: &banded{Strategy: "easy", K: 1 + rng.IntN(9), Title: texts[rng.IntN(len(texts))]}}
		for range rng.IntN(3) {
			l.Miner.(*banded).Levels = append(l.Miner.(*banded).Levels, rng.IntN(10))
		}
		return l
	case n == 4:
		return triplet{Margin: number(), paired: pairs, Miner: angular{Angle: 90 * rng.Float64()}}
	}
	neg := number()
	return contrastive{Neg: neg, Pos: neg - number(), paired: pairs}
}

func TestEveryValueComesBack(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for range 300 {
		comesBack(t, randomLoss(rng, 0))
	}
	for _, err := range []error{kinds.Check(), miners.Check(), distances.Check(), reducers.Check()} {
		require.NoError(t, err)
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                                    "losses: no name at the end, want name(parameter=value, …)",
		"  ":                                  "no name at the end",
		"triplet+":                            "no name at the end, want name(parameter=value, …) (column 9)",
		"+ triplet":                           `no name before "+"`,
		"triplet(":                            `the end where ")" is wanted (column 9)`,
		"triplet(margin=":                     `"margin" has no value, want parameter=value (column 9)`,
		"triplet(margin=, soft=true)":         `"margin" has no value, want parameter=value (column 9)`,
		"tripet":                              `losses: no loss is named "tripet" (did you mean "triplet"?); there are around, contrastive, proxies, triplet`,
		"banana":                              `losses: no loss is named "banana"; there are`,
		"triplet:margn=0.2":                   `losses: triplet has no parameter "margn" (did you mean "margin"?); it has margin, miner, soft, distance, reducer, weight (column 9)`,
		"triplet(miner=angular(x=1))":         `losses: triplet: miner: angular has no parameter "x"; it has angle (column 23)`,
		"triplet(reducer=mean(x=1))":          `mean has no parameter "x", and no other`,
		"triplet:margin":                      `"margin" is not parameter=value (column 9)`,
		"triplet:margin=":                     `"margin=" is not parameter=value`,
		"triplet:":                            "the end is not parameter=value",
		"triplet(margin)":                     `"margin" is not parameter=value (column 9)`,
		"triplet(0.2)":                        `"0.2" is not parameter=value`,
		"triplet(margin=x)":                   `losses: triplet: margin: "x" is not a number (column 16)`,
		"triplet:margin=nan":                  "is not a number",
		"triplet:margin=inf":                  "+Inf is out of range, want 0 to 1000",
		"triplet(distance=lp(p=-inf))":        "-Inf is out of range, want at least 1, or inf",
		"contrastive(neg-margin=1000)":        "1000 is out of range, want above -10, below 1000",
		"contrastive(pos-margin=inf)":         "+Inf is out of range, want a finite number",
		"proxies(scale=-1)":                   "-1 is out of range, want above 0",
		"proxies(w=-1)":                       "-1 is out of range, want at least 0",
		"proxies(w=70000)":                    `"70000" is too large`,
		"proxies(w=101)":                      "101 is out of range, want at most 100",
		"proxies(classes=3)":                  `proxies has no parameter "classes"`,
		"triplet:margin=1,margin=2":           "margin is given twice",
		"triplet(margin=1, margin=2)":         "margin is given twice (column 19)",
		"triplet(miner=banded(k=2, count=3))": "count is given twice, also as k",
		"triplet(miner=banded(strategy=semihard))": `triplet: miner: banded: strategy: "semihard" is not a choice (did you mean "semi-hard"?); want hard, easy, semi-hard`,
		"triplet(miner=banded(levels=4))":          `"4", want a list, such as [a, b]`,
		"triplet(miner=banded(levels=[a]))":        `banded: levels: "a" is not a whole number`,
		"triplet(miner=banded(k=1.5))":             `"1.5" is not a whole number`,
		"triplet(miner=banded(k=0))":               "0 is out of range, want at least 1",
		"triplet(miner=angular + banded)":          "a miner is one, not a sum or a list of several",
		"triplet(miner=[])":                        "a miner is one",
		"triplet(miner=angular:angle=20)":          `":" where ")" is wanted; inside of brackets write name(parameter=value, …) (column 22)`,
		"triplet(distance=none)":                   "none, but there must be a distance",
		"triplet(reducer=multiple(of=mean))":       `"mean", want a map, such as {name: value}`,
		"triplet(soft=maybe)":                      `"maybe" is neither true nor false`,
		"triplet(soft=[true])":                     `"[true]", want true or false`,
		"triplet:metric=cosin":                     `losses: triplet: metric: "cosin" is not a choice`,
		"triplet:weight=0":                         `losses: triplet: weight "0", want a number above 0`,
		"triplet:weight=much":                      `weight "much", want a number above 0, at most 1e+06`,
		"2*triplet(weight=3)":                      "weight is given twice",
		"much*triplet":                             `weight "much"`,
		"triplet*2":                                `weight "triplet", want a number`,
		"triplet(soft=true)*2":                     "only a number can stand before *",
		"triplet triplet":                          `"triplet" does not belong here; a comma or + is missing before it (column 9)`,
		"triplet(margin=1 soft=true)":              `"soft" where ")" is wanted; a comma or + is missing before it`,
		"triplet(margin=1":                         `the end where ")" is wanted`,
		"triplet)":                                 `")" does not belong here`,
		`triplet(margin="1`:                        "does not end",
		"contrastive(pos-margin=3)":                "losses: contrastive: the margin of positives is above that of negatives",
		"[]":                                       "an empty list, want a loss",
		"{}":                                       "no name, want a loss",
		"{triplet: {}, proxies: {}}":               `"triplet" and "proxies", want one name over a map of its parameters`,
		"{triplet: 3}":                             `triplet: "3", want a map of parameters`,
		strings.Repeat("(", 1e4):                   "brackets in brackets, more than 32 deep",
		strings.Repeat("around(of=", 100) + "triplet" + strings.Repeat(")", 100): "brackets in brackets, more than 32 deep",
		strings.Repeat("triplet+", 1e5):                                          "a text of 800000 bytes, want at most 65536",
		strings.Repeat("x", 1000):                                                "…",
	} {
		t.Run(text[:min(len(text), 40)], func(t *testing.T) {
			got, err := kinds.Parse(text)
			require.Nil(t, got)
			require.ErrorContains(t, err, want)
			require.True(t, strings.HasPrefix(err.Error(), "losses: "), "%v", err)
			require.Less(t, len(err.Error()), 400)
		})
	}
}

func TestYAMLRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"triplet: {margin: much}":          `losses: triplet: margin: "much" is not a number (line 1)`,
		"triplet:\n  margin: 1\n  sof: 1":  `losses: triplet has no parameter "sof" (did you mean "soft"?); it has margin, miner, soft, distance, reducer, weight (line 3)`,
		"triplet:\n  miner: angulr":        `triplet: miner: no miner is named "angulr" (did you mean "angular"?); there are angular, banded (line 2)`,
		"triplet: {margin: [1]}":           `"[1]", want a number`,
		"triplet: [1]":                     "want a map of parameters",
		"- triplet\n- {weight: 3}":         "no name, want a loss such as name(parameter=value) (line 2)",
		"triplet: {weight: 3}\nweight: 3":  "weight is given twice",
		"[]":                               "an empty list",
		"~":                                "no name",
		"{[a]: 1}":                         "a name is a list, want text",
		"a: &a\n  of: *a":                  "more than 32 deep",
		"triplet(\nmargin=)":               `"margin" has no value, want parameter=value`,
		"triplet: {title: !!binary '***'}": "is no !!binary",
	} {
		t.Run(text, func(t *testing.T) {
			_, err := kinds.FromYAML(document(t, text))
			require.ErrorContains(t, err, want)
		})
	}
	bomb := "a0: &a0 [x, x]\n"
	for i := 1; i < 30; i++ {
		bomb += fmt.Sprintf("a%d: &a%d [*a%d, *a%d]\n", i, i, i-1, i-1)
	}
	_, err := kinds.FromYAML(document(t, bomb))
	require.ErrorContains(t, err, "more than")
	_, err = kinds.FromYAML(&yaml.Node{})
	require.ErrorContains(t, err, "want a value")
}

// A value that no text can give is refused, and nothing like it is written in its place.
func TestTextRefuses(t *testing.T) {
	for want, l := range map[string]loss{
		"losses: a value of type catalog.stranger has no name that text could give: register its type": stranger{},
		"value of type catalog.stranger has no name":                                                   joint{[]Term[loss]{{1, stranger{}}, {1, plainTriplet()}}},
		"losses: nil, want a loss":                                                                     nil,
		"losses: around: of: nil, want a loss":                                                         around{},
		"losses: triplet: margin: NaN is out of range":                                                 triplet{Margin: math.NaN(), paired: plainTriplet().paired},
		"-1 is out of range, want 0 to 1000":                                                           triplet{Margin: -1, paired: plainTriplet().paired},
		"distance: nil, want a distance":                                                               triplet{},
		`weight "-1", want a number above 0`:                                                           joint{[]Term[loss]{{-1, plainTriplet()}}},
		"strategy: \"odd\" is not a choice":                                                            with(plainTriplet(), func(l *triplet) { l.Miner = &banded{Strategy: "odd", K: 1} }),
	} {
		_, err := kinds.Text(l)
		require.ErrorContains(t, err, want)
		_, err = kinds.YAML(l, true)
		require.ErrorContains(t, err, want)
	}
	_, err := kinds.Text(stranger{})
	var unnamed *UnnamedError
	require.ErrorAs(t, err, &unnamed)
	require.Equal(t, reflect.TypeFor[stranger](), unnamed.Type)
}

// Who changes what they were given changes nobody else's default.
func TestPrototypesAreCopied(t *testing.T) {
	for range 2 {
		m, err := miners.New("banded")
		require.NoError(t, err)
		require.Equal(t, &banded{Strategy: "hard", K: 3, Levels: []int{1, 2}}, m)
		m.(*banded).Levels[0], m.(*banded).K = 7, 7
		m = Default[*banded](miners)
		m.(*banded).Levels[0] = 7
	}
	_, err := miners.New("bandit")
	require.ErrorContains(t, err, `did you mean "banded"?`)
	require.Panics(t, func() { Default[stranger](kinds) })
}

// Two kinds of one type are told apart by what is no parameter.
type sized struct {
	Width  int   `doc:"of a layer" min:"1"`
	Blocks []int `name:"-"`
}

func (sized) isNet() {}

type net interface{ isNet() }

var nets = New[net]("nets", "a net", "")

func init() {
	nets.Add("small", "few blocks", sized{Width: 3, Blocks: []int{2}})
	nets.Add("tall", "many blocks", sized{Width: 3, Blocks: []int{3, 4}})
}

func TestKindsOfOneType(t *testing.T) {
	for want, n := range map[string]net{"small(width=4)": sized{Width: 4, Blocks: []int{2}}, "tall": sized{Width: 3, Blocks: []int{3, 4}}} {
		text, err := nets.Text(n)
		require.NoError(t, err)
		require.Equal(t, want, text)
		back, err := nets.Parse(text)
		require.NoError(t, err)
		require.Equal(t, n, back)
	}
	_, err := nets.Text(sized{Width: 3, Blocks: []int{9}})
	require.ErrorContains(t, err, "no name that text could give")
	require.Panics(t, func() { New[net]("nets", "a net", "") }, "one registry for a type")
	require.Panics(t, func() { New[sized]("nets", "a net", "") })
}

type odd struct {
	Ch chan int `doc:"nothing"`
}
type silent struct{ A int }
type twice struct {
	A int `doc:"a"`
	B int `doc:"b" name:"a"`
}
type unnumbered struct {
	A int `doc:"a" min:"x"`
}
type outside struct {
	A int `doc:"a" min:"1"`
}
type heavy struct {
	Weight float64 `doc:"w"`
}
type spaced struct {
	A int `doc:"a" name:"a b"`
}
type unknownFamily struct {
	S fmt.Stringer `doc:"s"`
}
type bareNil struct {
	D distance `doc:"d"`
}
type badMap struct {
	M map[int]string `doc:"m"`
}

func (odd) isLoss()           {}
func (silent) isLoss()        {}
func (twice) isLoss()         {}
func (unnumbered) isLoss()    {}
func (outside) isLoss()       {}
func (heavy) isLoss()         {}
func (spaced) isLoss()        {}
func (unknownFamily) isLoss() {}
func (bareNil) isLoss()       {}
func (badMap) isLoss()        {}

type function func()

func (function) isLoss() {}

func TestAddRefuses(t *testing.T) {
	for want, p := range map[string]loss{
		"chan int, want a number":              odd{},
		`field A: want a tag doc`:              silent{},
		`the name "a" is that of field A`:      twice{},
		`tag min:"x" is not a number`:          unnumbered{},
		"default of a: 0 is out of range":      outside{},
		`the parameter "weight" is taken`:      heavy{},
		`the name "a b"`:                       spaced{},
		"fmt.Stringer has no registry":         unknownFamily{},
		"default of d: nil":                    bareNil{},
		"map[int]string, want a number":        badMap{},
		"want a struct":                        function(nil),
		"a prototype of type <nil>":            nil,
		"a prototype of type *catalog.proxies": (*proxies)(nil),
	} {
		err := kinds.add("new", "words", p, nil)
		require.ErrorContains(t, err, want)
		require.Nil(t, kinds.lookup("new"))
	}
	for name, want := range map[string]string{"triplet": "is taken", "a b": "the name", "": "the name", "1a": "the name", "none": "not none"} {
		require.ErrorContains(t, kinds.add(name, "words", plainTriplet(), nil), want)
	}
	require.ErrorContains(t, kinds.add("new", " ", plainTriplet(), nil), "no words")
	require.Panics(t, func() { kinds.Add("triplet", "words", plainTriplet()) })
}

func TestHyphens(t *testing.T) {
	for in, want := range map[string]string{"Margin": "margin", "NegMargin": "neg-margin", "LossLR": "loss-lr", "LRScale": "lr-scale", "P": "p", "SNR": "snr", "FlipH": "flip-h", "Beta1": "beta1", "TF32": "tf32"} {
		require.Equal(t, want, Hyphens(in))
	}
}

func TestHelp(t *testing.T) {
	help := kinds.Help(80)
	list := kinds.List(80)
	for _, name := range kinds.Names() {
		require.Contains(t, help, "\n"+name+"  ")
		require.Contains(t, "\n"+list, "\n"+name+"\n")
	}
	require.True(t, strings.HasPrefix(help, "A loss is name("))
	require.NotContains(t, help, "margin=0.2 ", "parameters stand in the list")
	require.Regexp(t, `margin=0.2 +in units of distance \(0 to 1000\)`, list)
	require.Regexp(t, `miner=none +which triplets count; none: all`, list)
	require.Regexp(t, `of=triplet +the loss`, list)
	for _, page := range []string{help, list, miners.Help(60), miners.List(60), kinds.Help(0)} {
		for line := range strings.Lines(page) {
			require.LessOrEqual(t, utf8.RuneCountInString(line), 81, line)
		}
	}
	one, err := miners.HelpOf("banded", 80)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(one, "banded\n  within a band\n  J. Doe, \"Bands\", 2019\n"), one)
	require.Regexp(t, `strategy=hard +which negatives\n +or easy, semi-hard\n`, one)
	_, err = miners.HelpOf("x", 80)
	require.ErrorContains(t, err, "no miner is named")

	page := kinds.Markdown()
	require.Contains(t, page, "### `triplet`\n\nan anchor is nearer")
	require.Contains(t, page, "| `margin` | `0.2` | in units of distance (0 to 1000) |\n")
	require.Contains(t, miners.Markdown(), "which negatives; or easy, semi-hard |")
	require.Equal(t, "within a band", miners.Doc("band"))
	require.Equal(t, "K", miners.Parameters("banded")[1].Field)
	require.True(t, slices.IsSorted(kinds.Names()))
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"triplet", "triplet(margin=0.2, miner=angular(angle=20), distance=lp(p=1)) + 0.1*contrastive", "triplet:margin=0.2,weight=1+proxies:weight=0.5", "a:b=c", "+", "triplet:margin=1e+3",
		"around(of=[triplet, 2*(triplet+triplet)])", "{triplet: {miner: {banded: {levels: [1], title: \"\\xff\"}}}}", "triplet(reducer=multiple(of={\"+\": mean}))", "proxies::", "((("} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		l, err := kinds.Parse(text)
		if (l == nil) == (err == nil) {
			t.Fatalf("loss %v, error %v", l, err)
		}
		if err == nil {
			comesBack(t, l)
		} else if !strings.HasPrefix(err.Error(), "losses: ") || len(err.Error()) > 2000 {
			t.Fatalf("error %v", err)
		}
	})
}

func FuzzYAML(f *testing.F) {
	for _, seed := range []string{"triplet: {margin: 0.2, miner: {angular: {angle: 20}}}", "- triplet\n- proxies: {weight: 0.1}\n", "a: &a [*a]", "2*triplet"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var y yaml.Node
		if yaml.Unmarshal([]byte(text), &y) != nil {
			return
		}
		if l, err := kinds.FromYAML(&y); err == nil {
			comesBack(t, l)
		}
	})
}

// Who looks names up themselves reads one name with its arguments, or the names of a sum.
func TestCall(t *testing.T) {
	for text, want := range map[string][]Argument{
		"step":                                nil,
		"step:every=3,gamma=1e+1":             {{"every", "3"}, {"gamma", "1e+1"}},
		`step(list=[1, 2], title="a, b")`:     {{"list", "[1, 2]"}, {"title", "a, b"}},
		"step(miner=angular(angle=3), x=a+b)": {{"miner", "angular(angle=3)"}, {"x", "a + b"}},
	} {
		name, args, err := Call(text)
		require.NoError(t, err)
		require.Equal(t, "step", name)
		require.Equal(t, want, args, text)
	}
	for _, text := range []string{"", "a + b", "[a]", "a(", "2*a"} {
		_, _, err := Call(text)
		require.Error(t, err, text)
	}
	require.Equal(t, []string{"ce", "triplet", "ce"}, NamesIn("0.1*ce + triplet:margin=0.2 + 2*(ce(scale=3))"))
	require.Empty(t, NamesIn("ce("))
	for text, want := range map[string]string{
		"triplet": "triplet", "triplet: {margin: 0.2, weight: 2}": "triplet(margin=0.2, weight=2)", "[a, 0.5*b, {c: {x: [1, 2]}}]": "a + 0.5*b + c(x=[1, 2])",
		"{a: {of: {b: {x: 1}}}}": "a(of={b: {x: 1}})", "a:": "a", "a:x=1": "a(x=1)", "[[a, b], c]": "(a + b) + c", "[[0.1*a]]": "0.1*a",
	} {
		got, err := TextOfYAML(document(t, text))
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
}
