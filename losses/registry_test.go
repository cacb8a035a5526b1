package losses_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/graph"
	"medusa/losses"
	"medusa/miners"
	"medusa/pairs"
)

var setting = losses.Setting{Classes: 4, EmbeddingSize: 5, TrunkSize: 9, Seed: 1}

func parsed(t *testing.T, text string) losses.Loss {
	t.Helper()
	l, err := losses.Parse(text, setting)
	require.NoError(t, err)
	return l
}

func ExampleParse() {
	setting := losses.Setting{Classes: 2, EmbeddingSize: 2}
	loss, err := losses.Parse("triplet(margin=0.2, miner=batch-hard)", setting)
	if err != nil {
		panic(err)
	}
	show(loss)
	_, err = losses.Parse("triplet(margn=0.2)", setting)
	fmt.Println(err)
	// Output:
	// 0.722
	// losses: triplet has no parameter "margn" (did you mean "margin"?); it has margin, soft, swap, distance, miner, reducer, weight (column 9)
}

// What text makes is what a literal makes. Texts of the first version mean what they meant: its
// settings of the comparison with PyTorch are among them.
func TestParse(t *testing.T) {
	x, y := randomBatch(4, 16, 5, 4)
	ce := func(set func(l *losses.CrossEntropy)) *losses.CrossEntropy {
		l := headOf(4)
		l.Seed = 1
		set(l)
		return l
	}
	plain := func(*losses.CrossEntropy) {}
	contrastive, triplet := losses.Default[losses.Contrastive](), losses.Default[losses.Triplet]()
	raw, hard := pairs.LP{Raw: true}, miners.BatchHard{}
	for text, want := range map[string]losses.Loss{
		"contrastive": losses.Contrastive{NegMargin: 1},
		"contrastive:form=squared,neg-margin=0.8":                       losses.Contrastive{Form: losses.Squared, NegMargin: 0.8},
		"contrastive:form=squared,pooled=true,pos-margin=0":             losses.Contrastive{Form: losses.Squared, NegMargin: 1, Pooled: true},
		"contrastive:metric=cosine":                                     losses.Contrastive{PosMargin: 1, Metric: pairs.Cosine{}},
		"contrastive:metric=cosine,neg-margin=0.5":                      losses.Contrastive{PosMargin: 1, NegMargin: 0.5, Metric: pairs.Cosine{}},
		"contrastive(distance=dot(raw=true), pos-margin=2)":             losses.Contrastive{PosMargin: 2, Metric: pairs.Dot{Raw: true}},
		"contrastive:reducer=per-anchor,normalize=false":                losses.Contrastive{NegMargin: 1, Reducer: pairs.PerAnchor{}, Metric: raw},
		"contrastive(miner=triplet-margin(type=semi-hard, margin=0.1))": losses.Contrastive{NegMargin: 1, Miner: semiHard(0.1)},
		"contrastive:low=0.2":                                           losses.Contrastive{NegMargin: 1, Reducer: pairs.Threshold{Low: 0.2}},
		"contrastive:high=0.2,reducer=mean":                             losses.Contrastive{NegMargin: 1, Reducer: pairs.Threshold{Low: -1, High: 0.2}},
		"contrastive:high=0.9,low=0.1,reducer=sum":                      losses.Contrastive{NegMargin: 1, Reducer: pairs.Threshold{Low: 0.1, High: 0.9, Of: pairs.Sum{}}},
		"contrastive(reducer=multiple(by={pos: sum, neg: non-zero}))":   losses.Contrastive{NegMargin: 1, Reducer: pairs.Multiple{By: map[string]pairs.Reducer{"pos": pairs.Sum{}, "neg": pairs.NonZero{}}}},
		"triplet":                                          losses.Triplet{Margin: 0.2, Miner: hard},
		"triplet:margin=0.2,mining=batch-hard":             losses.Triplet{Margin: 0.2, Miner: hard},
		"triplet:margin=0.2,mining=semi-hard":              losses.Triplet{Margin: 0.2, Miner: semiHard(0.2)},
		"triplet:mining=semi-hard":                         losses.Triplet{Margin: 0.2, Miner: semiHard(0.2)},
		"triplet:margin=0.2,mining=all":                    losses.Triplet{Margin: 0.2},
		"triplet:mining=batch-all":                         losses.Triplet{Margin: 0.2},
		"triplet:margin=0,soft=true":                       losses.Triplet{Soft: true, Miner: hard},
		"triplet:soft=true":                                losses.Triplet{Soft: true, Miner: hard},
		"triplet:margin=0":                                 losses.Triplet{Miner: hard},
		"triplet:soft=true,margin=0.3,swap=true":           losses.Triplet{Soft: true, Margin: 0.3, Swap: true, Miner: hard},
		"triplet:mining=easy,margin=0.5,mining-margin=0.1": losses.Triplet{Margin: 0.5, Miner: miners.TripletMargin{Type: miners.Easy, Margin: 0.1}},
		"triplet:metric=squared,low=0.1,high=2,mining=all": losses.Triplet{Margin: 0.2, Metric: pairs.LP{Power: 2}, Reducer: pairs.Threshold{Low: 0.1, High: 2}},
		"triplet:metric=manhattan,normalize=false":         losses.Triplet{Margin: 0.2, Metric: pairs.LP{P: 1, Raw: true}, Miner: miners.BatchHard{Metric: pairs.LP{P: 1, Raw: true}}},
		"triplet(margin=0.2, miner=batch-hard, distance=lp(p=1), reducer=threshold(low=0.1)) + 0.1*ce": &losses.Joint{Parts: []losses.Part{
			{Loss: losses.Triplet{Margin: 0.2, Miner: hard, Metric: pairs.LP{P: 1}, Reducer: pairs.Threshold{Low: 0.1}}, Weight: 1}, {Loss: ce(plain), Weight: 0.1}}},
		"lifted":                      losses.LiftedStructure{Margin: 0.5, Sharpness: 16},
		"lifted:margin=1,sharpness=1": losses.LiftedStructure{Margin: 1, Sharpness: 1},
		"lifted:margin=1,sharpness=1,normalize=false": losses.LiftedStructure{Margin: 1, Sharpness: 1, Metric: raw},
		"lifted:form=max-margin,hard-negatives=2":     losses.LiftedStructure{Form: losses.MaxMargin, Margin: 0.5, Sharpness: 16, HardNegatives: 2},
		"lifted:form=generalized,pos-margin=0.1":      losses.LiftedStructure{Form: losses.Generalized, Margin: 0.5, Sharpness: 16, PosMargin: 0.1},
		"multi-similarity":                            losses.MultiSimilarity{Alpha: 2, Beta: 50, Base: 0.5},
		"multi-similarity:beta=40,base=0":             losses.MultiSimilarity{Alpha: 2, Beta: 40},
		"multi-similarity:normalize=false":            losses.MultiSimilarity{Alpha: 2, Beta: 50, Base: 0.5},
		"multi-similarity:metric=euclidean,alpha=1":   losses.MultiSimilarity{Alpha: 1, Beta: 50, Base: 0.5, Metric: pairs.LP{}},
		"ce":                              ce(plain),
		"ce:classifier=linear,lr-scale=1": ce(func(l *losses.CrossEntropy) { l.Head, l.LRScale = losses.LinearHead, 1 }),
		"ce:scale=20,smoothing=0.1":       ce(func(l *losses.CrossEntropy) { l.Scale, l.Smoothing = 20, 0.1 }),
		"ce+triplet":                      of(ce(plain), triplet),
		"mined(miner=batch-hard, of=contrastive)": losses.Mined{Miner: hard, Of: contrastive},
		" ce:scale=1e+1 + triplet:weight=0.5,margin=0.1": &losses.Joint{Parts: []losses.Part{{Loss: ce(func(l *losses.CrossEntropy) { l.Scale = 10 }), Weight: 1},
			{Loss: losses.Triplet{Margin: 0.1, Miner: hard}, Weight: 0.5}}},
		"triplet:weight=3": &losses.Joint{Parts: []losses.Part{{Loss: triplet, Weight: 3}}},
	} {
		t.Run(text, func(t *testing.T) {
			got := parsed(t, text)
			require.IsType(t, want, got)
			require.Equal(t, value(t, want, x, y), value(t, got, x, y))
		})
	}
	trunk := parsed(t, "ce:on=trunk,lr-scale=3").(*losses.CrossEntropy)
	require.Equal(t, losses.OnTrunk, trunk.On)
	require.Equal(t, 3.0, trunk.LRScale)
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                                      "",
		"triplet+":                              "",
		"tripet":                                `(did you mean "triplet"?)`,
		"banana":                                `no loss is named "banana"; there are `,
		"triplet:margn=0.2":                     `triplet has no parameter "margn" (did you mean "margin"?)`,
		"triplet:margin":                        "",
		"triplet:margin=x":                      `triplet: margin: "x" is not a number`,
		"triplet:margin=nan":                    "is not a number",
		"triplet:margin=-1":                     "-1 is out of range, want 0 to 1000",
		"triplet:margin=1,margin=2":             "given twice",
		"triplet:mining=batchhard":              `(did you mean "batch-hard"?)`,
		"triplet:mining=all,miner=batch-hard":   "want one of the two",
		"triplet(miner=batchhard)":              `(did you mean "batch-hard"?)`,
		"triplet:soft=maybe":                    "neither true nor false",
		"triplet:normalize=maybe":               `no parameter "normalize"`,
		"triplet:weight=0":                      "above 0",
		"triplet:low=-1":                        `low: "-1", want a number of at least 0`,
		"lifted:hard-negatives=1.5":             "not a whole number",
		"lifted:hard-negatives=-1":              "out of range, want 0 to 1e+06",
		"lifted:sharpness=0":                    "out of range",
		"triplet:low=2,high=1":                  "want low < high",
		"contrastive:form=squared,pos-margin=1": "no margin for positive pairs",
		"contrastive:neg-margin=-1":             "want at least 0: the metric is a distance",
		"ce:smoothing=1":                        "out of range",
		"mined(miner=none)":                     "",
		"triplet(mining-margin=0.3, miner=triplet-margin)":               "mining-margin is given, and miner too",
		"contrastive(metric=cosine, distance=lp)":                        "metric is given, and distance too",
		"contrastive(normalize=false, distance=lp(p=1))":                 "write raw=true among these",
		"multi-similarity(normalize=true, distance=euclidean(raw=true))": "write raw=false among these",
	} {
		t.Run(text, func(t *testing.T) {
			_, err := losses.Parse(text, setting)
			require.ErrorContains(t, err, want)
			require.True(t, strings.HasPrefix(err.Error(), "losses: "), "%v", err)
		})
	}
	_, err := losses.Parse("ce", losses.Setting{})
	require.ErrorContains(t, err, "number of classes")
	_, err = losses.Parse("0.5*ce(on=trunk) + triplet", losses.Setting{Classes: 3})
	require.ErrorContains(t, err, "on=embedding")
}

// A text with every parameter is read back as the loss it was written of.
func TestTextIsReadBack(t *testing.T) {
	x, y := randomBatch(5, 16, 5, 4)
	needs := map[string]string{ // what has no default
		"graded":       "graded(vectors=[[1, 0, 1], [0, 1, 1], [0, 0, 2], [1, 1, 1]])",
		"hierarchical": "hierarchical(levels=[[0, 0, 1, 1]])",
	}
	for _, name := range losses.Names() {
		if text, ok := needs[name]; ok {
			name = text
		}
		l := parsed(t, name)
		text, err := losses.Text(l)
		require.NoError(t, err)
		require.Equal(t, name, text)
		require.Equal(t, value(t, l, x, y), value(t, parsed(t, text), x, y), name)
	}
	text, err := losses.Text(parsed(t, "triplet:mining=semi-hard+ce:weight=0.1"))
	require.NoError(t, err)
	require.Equal(t, "triplet(miner=triplet-margin(type=semi-hard)) + 0.1*ce", text)
}

// A parameter at its default is written where its absence would mean another loss: the margins
// of a soft loss, or of one of a similarity, are others.
func TestTextTellsWhatOthersSettle(t *testing.T) {
	soft := losses.Default[losses.Triplet]()
	soft.Soft = true
	similar := losses.Default[losses.Contrastive]()
	similar.Metric = pairs.Cosine{Power: 1}
	squared := similar
	squared.Form = losses.Squared
	for want, l := range map[string]losses.Loss{
		"triplet(margin=0.2, soft=true)":                                     soft,
		"contrastive(pos-margin=0, neg-margin=1, distance=cosine)":           similar,
		"mined(of=contrastive(pos-margin=0, neg-margin=1, distance=cosine))": losses.Mined{Miner: miners.BatchHard{}, Of: similar},
		"0.5*triplet(margin=0.2, soft=true) + triplet":                       &losses.Joint{Parts: []losses.Part{{Loss: soft, Weight: 0.5}, {Loss: losses.Default[losses.Triplet](), Weight: 1}}},
	} {
		text, err := losses.Text(l)
		require.NoError(t, err)
		require.Equal(t, want, text)
		require.Equal(t, l, parsed(t, text))
	}
}

// A field that is zero is written as what it stands for.
func TestTextOfFieldsLeftOut(t *testing.T) {
	text, err := losses.Text(losses.Triplet{Margin: 0.2, Metric: pairs.Cosine{}, Miner: miners.BatchHard{Metric: pairs.LP{Raw: true}}, Reducer: pairs.Threshold{Low: 0.1}})
	require.NoError(t, err)
	require.Equal(t, "triplet(distance=cosine, miner=batch-hard(distance=euclidean(raw=true)), reducer=threshold(low=0.1))", text)
	require.NotContains(t, losses.List(80), "power=0")
}

func TestNilPointersAreTold(t *testing.T) {
	for want, l := range map[string]losses.Loss{
		"triplet: distance: a nil *pairs.LP":         losses.Triplet{Metric: (*pairs.LP)(nil)},
		"triplet: miner: a nil *miners.BatchHard":    losses.Triplet{Miner: (*miners.BatchHard)(nil)},
		"pairs: the reducer is a nil *pairs.Mean":    losses.Triplet{Reducer: (*pairs.Mean)(nil)},
		"pairs: the reducer is a nil *pairs.NonZero": losses.Triplet{Reducer: pairs.PerAnchor{Of: (*pairs.NonZero)(nil)}},
	} {
		require.ErrorContains(t, l.Loss(pairs.Batch{}).Err(), want)
	}
}

func TestHelp(t *testing.T) {
	help := losses.Help(92)
	list := losses.List(92)
	for _, name := range losses.Names() {
		require.Contains(t, help, "\n"+name+" ")
		require.Contains(t, "\n"+list, "\n"+name+"\n")
	}
	require.Contains(t, list, "sharpness=16 ")
	require.Contains(t, list, "miner=batch-hard ")
	for _, line := range strings.Split(help+list, "\n") {
		require.LessOrEqual(t, len([]rune(line)), 92, line)
	}
}

// power is a loss of another module.
type power struct {
	Power float64 `doc:"of the distances" min:"1" max:"4"`
}

func (l power) Loss(b pairs.Batch) graph.Expr { return b.Compare(pairs.LP{Power: l.Power}).D.Mean() }

func init() { losses.Register("power-of-a-test", "the mean of powers of distances", power{Power: 2}) }

func TestRegister(t *testing.T) {
	x, y := randomBatch(5, 8, 3, 2)
	require.Equal(t, value(t, power{Power: 3}, x, y), value(t, parsed(t, "power-of-a-test:power=3"), x, y))
	require.Equal(t, power{Power: 2}, losses.Default[power]())
	require.Contains(t, losses.Names(), "power-of-a-test")
	require.Panics(t, func() { losses.Register("power-of-a-test", "again", power{Power: 2}) })
	require.Panics(t, func() { losses.Register("out-of-range", "too small", power{}) })
	require.Panics(t, func() { losses.Default[losses.Func]() })
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"triplet", "triplet:margin=0.2,mining=batch-hard", "ce:weight=1+triplet:weight=0.5", "a:b=c", "+", "lifted:sharpness=1e+3", "ce::",
		"contrastive:low=,high=1", "triplet(miner=triplet-margin(type=hard), reducer=per-anchor(of=sum)) + 2*ce", "mined(of=mined(of=ce))", "triplet:mining=easy,mining-margin=1,normalize=false"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		l, err := losses.Parse(text, setting)
		if (l == nil) == (err == nil) {
			t.Fatalf("loss %v, error %v", l, err)
		}
		if err != nil && !strings.HasPrefix(err.Error(), "losses: ") {
			t.Fatalf("error without its package: %v", err)
		}
	})
}
