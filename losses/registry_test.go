package losses

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"

	"medusa/graph"
)

var setting = Setting{Classes: 4, EmbeddingSize: 5, TrunkSize: 9, Seed: 1}

func parsed(t *testing.T, text string) Loss {
	t.Helper()
	l, err := Parse(text, setting)
	require.NoError(t, err)
	return l
}

// What text makes is what a Config makes. The settings of the comparison with PyTorch are
// among them.
func TestParse(t *testing.T) {
	x, y := randomBatch(4, 16, 5, 4)
	ce := func(l CrossEntropy) *CrossEntropy {
		l.Classes, l.Seed = 4, 1
		return &l
	}
	for text, want := range map[string]Loss{
		"contrastive": Contrastive{PosMargin: 0, NegMargin: 1},
		"contrastive:form=squared,neg-margin=0.8":           Contrastive{Form: Squared, NegMargin: 0.8},
		"contrastive:form=squared,pooled=true,pos-margin=0": Contrastive{Form: Squared, Pooled: true},
		"contrastive:metric=cosine":                         Contrastive{Metric: graph.Metric{Kind: graph.Cosine}},
		"contrastive:metric=cosine,neg-margin=0.5":          Contrastive{NegMargin: 0.5, Metric: graph.Metric{Kind: graph.Cosine}},
		"contrastive:reducer=per-anchor,normalize=false":    Contrastive{Reducer: Reducer{How: PerAnchor}, Metric: graph.Metric{Raw: true}},
		"triplet":                                          Triplet{},
		"triplet:margin=0.2,mining=batch-hard":             Triplet{Margin: 0.2, Mining: BatchHard},
		"triplet:margin=0.2,mining=semi-hard":              Triplet{Margin: 0.2, Mining: SemiHard},
		"triplet:margin=0.2,mining=all":                    Triplet{Margin: 0.2, Mining: All},
		"triplet:margin=0,soft=true":                       Triplet{Soft: true},
		"triplet:soft=true,margin=0.3,swap=true":           Triplet{Soft: true, Margin: 0.3, Swap: true},
		"triplet:mining=easy,margin=0.5,mining-margin=0.1": Triplet{Mining: Easy, Margin: 0.5, MiningMargin: 0.1},
		"triplet:metric=squared,low=0.1,high=2,mining=all": Triplet{Mining: All, Metric: graph.Metric{Kind: graph.SquaredEuclidean}, Reducer: Reducer{Low: 0.1, High: 2}},
		"lifted":                      LiftedStructure{},
		"lifted:margin=1,sharpness=1": LiftedStructure{Margin: 1, Sharpness: 1},
		"lifted:margin=1,sharpness=1,normalize=false": LiftedStructure{Margin: 1, Sharpness: 1, Metric: graph.Metric{Raw: true}},
		"lifted:form=max-margin,hard-negatives=2":     LiftedStructure{Form: MaxMargin, HardNegatives: 2},
		"lifted:form=generalized,pos-margin=0.1":      LiftedStructure{Form: Generalized, PosMargin: 0.1},
		"multi-similarity":                            MultiSimilarity{},
		"multi-similarity:beta=40,base=0":             MultiSimilarity{Beta: 40, Base: Exactly0},
		"multi-similarity:metric=euclidean,alpha=1":   MultiSimilarity{Alpha: 1, Metric: graph.Metric{Kind: graph.Euclidean}},
		"ce":                              ce(CrossEntropy{}),
		"ce:classifier=linear,lr-scale=1": ce(CrossEntropy{Linear: true}),
		"ce:scale=20,smoothing=0.1":       ce(CrossEntropy{Scale: 20, Smoothing: 0.1}),
		"ce+triplet":                      &Joint{Parts: []Part{{Loss: ce(CrossEntropy{})}, {Loss: Triplet{}}}},
		" ce:scale=1e+1 + triplet:weight=0.5,margin=0.1": &Joint{Parts: []Part{{Loss: ce(CrossEntropy{Scale: 10})}, {Loss: Triplet{Margin: 0.1}, Weight: 0.5}}},
		"triplet:weight=3": &Joint{Parts: []Part{{Loss: Triplet{}, Weight: 3}}},
	} {
		t.Run(text, func(t *testing.T) {
			got := parsed(t, text)
			require.IsType(t, want, got)
			require.Equal(t, value(t, want, x, y), value(t, got, x, y))
		})
	}
	head := parsed(t, "ce:on=trunk,lr-scale=3").(*CrossEntropy)
	require.Equal(t, OnTrunk, head.On)
	require.Equal(t, 3.0, head.LRScale)
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                                      "no name",
		"triplet+":                              "no name",
		"tripet":                                `(did you mean "triplet"?)`,
		"banana":                                `no loss is named "banana"; there are ce, contrastive, lifted, multi-similarity, triplet`,
		"triplet:margn=0.2":                     `triplet has no parameter "margn" (did you mean "margin"?)`,
		"triplet:margin":                        "is not parameter=value",
		"triplet:margin=":                       "is not parameter=value",
		"triplet:":                              "is not parameter=value",
		"triplet:margin=x":                      `triplet: margin: "x" is not a number`,
		"triplet:margin=nan":                    "is not a number",
		"triplet:margin=1,margin=2":             "given twice",
		"triplet:mining=batchhard":              `(did you mean "batch-hard"?)`,
		"triplet:soft=maybe":                    "neither true nor false",
		"triplet:weight=0":                      "above 0",
		"triplet:weight=much":                   "want a number",
		"lifted:hard-negatives=1.5":             "not a whole number",
		"lifted:hard-negatives=-1":              "out of range, want 0 to 1e+06",
		"lifted:sharpness=0":                    "out of range",
		"triplet:low=2,high=1":                  "want 0 ≤ low < high",
		"contrastive:form=squared,pos-margin=1": "no margin for positive pairs",
		"ce:smoothing=1":                        "out of range",
	} {
		t.Run(text, func(t *testing.T) {
			_, err := Parse(text, setting)
			require.ErrorContains(t, err, want)
			require.True(t, strings.HasPrefix(err.Error(), "losses: "), "%v", err)
		})
	}
	_, err := Parse("ce", Setting{})
	require.ErrorContains(t, err, "number of classes")
	_, err = Parse("ce:on=trunk", Setting{Classes: 3})
	require.ErrorContains(t, err, "on=embedding")
}

// The defaults that Help shows are those of the losses' fields: a loss is the same
// whether a parameter is left out or given at its default.
func TestDefaultsAreTheFields(t *testing.T) {
	x, y := randomBatch(5, 16, 5, 4)
	for _, e := range entries {
		for _, p := range e.Parameters {
			text := fmt.Sprintf("%s:%s=%v", e.Name, p.Name, p.Default)
			t.Run(text, func(t *testing.T) {
				require.Equal(t, value(t, parsed(t, e.Name), x, y), value(t, parsed(t, text), x, y))
			})
		}
	}
}

func TestHelp(t *testing.T) {
	help := Help()
	for _, name := range Names() {
		require.Contains(t, help, "\n"+name+"\n")
	}
	require.Regexp(t, `mining=batch-hard \s*which triplets`, help)
	require.Contains(t, help, "batch-all, all, hard, semi-hard, easy")
	require.Contains(t, help, "sharpness=16 ")
	require.Contains(t, help, "\ncontrastive, lifted, triplet\n", "what they have in common comes once")
	require.Equal(t, 1, strings.Count(help, "metric=euclidean"))
	for _, line := range strings.Split(help, "\n") {
		require.LessOrEqual(t, len([]rune(line)), 92, line)
	}
}

func TestRegister(t *testing.T) {
	before := entries
	t.Cleanup(func() { entries = before })
	entries = append([]Entry(nil), before...)
	mine := Entry{Name: "mine", Doc: "pulls", Parameters: []Parameter{{Name: "power", Default: 2, Min: 1, Max: 4}},
		New: func(v Values, _ Setting) (Loss, error) {
			return Func(func(embeddings, _ *gorgonia.Node) (*gorgonia.Node, error) {
				return graph.Distances(graph.Of(embeddings)).Power(float64(v.Int("power"))).Mean().Node()
			}), nil
		}}
	Register(mine)
	x, y := randomBatch(5, 8, 3, 2)
	require.Greater(t, value(t, parsed(t, "mine:power=3"), x, y), 0.0)
	require.Contains(t, Names(), "mine")
	for want, e := range map[string]Entry{
		"the name is taken":               mine,
		"want a name":                     {Name: "a b", New: mine.New},
		"and New":                         {Name: "x"},
		`the parameter "weight" is taken`: {Name: "x", New: mine.New, Parameters: []Parameter{{Name: "weight", Default: 1.0}}},
		"default of type":                 {Name: "x", New: mine.New, Parameters: []Parameter{{Name: "p", Default: []int{}}}},
		"out of range":                    {Name: "x", New: mine.New, Parameters: []Parameter{{Name: "p", Default: 3, Min: 1, Max: 2}}},
		"not a choice":                    {Name: "x", New: mine.New, Parameters: []Parameter{{Name: "p", Default: "c", Choices: []string{"a"}}}},
	} {
		require.Panics(t, func() { Register(e) }, want)
		require.ErrorContains(t, e.check(), want)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"triplet", "triplet:margin=0.2,mining=batch-hard", "ce:weight=1+triplet:weight=0.5", "a:b=c", "+", "lifted:sharpness=1e+3", "ce::", "contrastive:low=,high=1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		l, err := Parse(text, setting)
		if (l == nil) == (err == nil) {
			t.Fatalf("loss %v, error %v", l, err)
		}
		if err != nil && !strings.HasPrefix(err.Error(), "losses: ") {
			t.Fatalf("error without its package: %v", err)
		}
	})
}
