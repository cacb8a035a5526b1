package losses_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/losses"
	"medusa/losses/losstest"
	"medusa/miners"
	"medusa/pairs"
)

// The loss is the weighted sum of those of each level's labels.
func TestHierarchicalIsTheSumOverLevels(t *testing.T) {
	x, y := randomBatch(4, 12, 6, 4)
	fine, coarse := losses.Contrastive{NegMargin: 1, Reducer: pairs.Mean{}}, losses.Triplet{Margin: 0.5}
	l := &losses.Hierarchical{Of: fine, Above: []losses.Loss{coarse}, Levels: [][]int{{0, 0, 1, 2}, {7, 7, 7, 3}}, Weights: []float64{1, 0.5, 2}}
	above := func(level int) (out []int) {
		for _, c := range y {
			out = append(out, l.Levels[level][c])
		}
		return out
	}
	want := value(t, fine, x, y) + 0.5*value(t, coarse, x, above(0)) + 2*value(t, fine, x, above(1))
	require.InDelta(t, want, value(t, l, x, y), 1e-12)
}

// Names of classes make levels; each level has a classifier of its own over as many classes.
func TestHierarchicalOfNames(t *testing.T) {
	names := []string{"bird/duck/mallard", "bird/duck/teal", "bird/owl", "fish", "bird/gull/herring"}
	setting := losses.Setting{Classes: len(names), EmbeddingSize: 4, ClassNames: names}
	l, err := losses.Parse("hierarchical(of=ce, above=[ce(scale=8), triplet])", setting)
	require.NoError(t, err)
	x, y := randomBatch(4, 10, 4, 5)
	got, err := losses.Evaluate(l, x, y, tensor.Float64)
	require.NoError(t, err)
	require.Len(t, got.Params["0.classifier.weight"], 5*4)
	require.Len(t, got.Params["1.classifier.weight"], 4*4) // bird, bird/duck, bird/gull, fish
	ce, wide := headOf(5), headOf(4)
	wide.Scale = 8
	ce.Seed, wide.Seed = 0, 0
	above := func(of ...int) (out []int) {
		for _, c := range y {
			out = append(out, of[c])
		}
		return out
	}
	want := value(t, ce, x, y) + value(t, wide, x, above(1, 1, 0, 3, 2)) + value(t, losses.Default[losses.Triplet](), x, above(0, 0, 0, 1, 0))
	require.InDelta(t, want, got.Loss, 1e-12)

	_, err = losses.Evaluate(parsed(t, "hierarchical(of=triplet)"), x, y, tensor.Float64)
	require.ErrorContains(t, err, `there are no levels above the classes: give levels, or a separator that stands in the classes' names, "/" does not`)
	l, err = losses.Parse("hierarchical(of=triplet, levels=[[0, 0]])", setting)
	require.NoError(t, err)
	_, err = losses.Evaluate(l, x, y, tensor.Float64)
	require.ErrorContains(t, err, "level 1 has the superclasses of 2 classes, want those of 5")
}

func TestHierarchicalProperties(t *testing.T) {
	levels := [][]int{{0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5}}
	properties(t, map[string]*losses.Hierarchical{
		"contrastive": {Of: losses.Default[losses.Contrastive](), Levels: levels},
		"mined":       {Of: losses.Triplet{Margin: 0.2, Miner: miners.BatchHard{}}, Levels: levels, Weights: []float64{1, 0.1}},
	}, losstest.ByClass("superclasses are those of class numbers"))
	properties(t, map[string]*losses.Hierarchical{"with heads": {Of: head(), Above: []losses.Loss{head()}, Levels: levels}},
		losstest.ByClass("it has weights of classes"), losstest.NoReference("a head compares with its own weights"))
}

// A memory around it remembers the classes, and each level has its own labels of them.
func TestHierarchicalInAMemory(t *testing.T) {
	x, y := randomBatch(4, 8, 3, 4)
	of := losses.Contrastive{NegMargin: 1, Reducer: pairs.Mean{}}
	first, second := losses.Rows{Embeddings: x[:12], Labels: y[:4]}, losses.Rows{Embeddings: x[12:], Labels: y[4:]}
	l := memoryOf(&losses.Hierarchical{Of: of, Levels: [][]int{{0, 0, 1, 1}}}, 4)
	l.Form = losses.Added
	value(t, l, first.Embeddings, first.Labels)
	want := 0.0
	for _, level := range [][]int{{0, 1, 2, 3}, {0, 0, 1, 1}} {
		of0 := func(r losses.Rows) losses.Rows {
			out := losses.Rows{Embeddings: r.Embeddings}
			for _, c := range r.Labels {
				out.Labels = append(out.Labels, level[c])
			}
			return out
		}
		e, err := losses.NewReferenceEvaluator(of, 4, 4, 3, tensor.Float64)
		require.NoError(t, err)
		v, err := e.ValueBetween(of0(second), of0(first))
		require.NoError(t, err)
		want += v.Loss + value(t, of, second.Embeddings, of0(second).Labels)
		require.NoError(t, e.Close())
	}
	require.InDelta(t, want, value(t, l, second.Embeddings, second.Labels), 1e-12)
}

func TestHierarchicalRefuses(t *testing.T) {
	of := losses.Default[losses.Contrastive]()
	levels := [][]int{{0, 0, 1}}
	refuses(t, map[string]losses.Loss{
		"there are no levels above":     &losses.Hierarchical{Of: of},
		"levels: -1 is out of range":    &losses.Hierarchical{Of: of, Levels: [][]int{{0, -1, 1}}},
		"1 weights, want 2":             &losses.Hierarchical{Of: of, Levels: levels, Weights: []float64{1}},
		"2 losses above for 1 levels":   &losses.Hierarchical{Of: of, Levels: levels, Above: []losses.Loss{of, of}},
		"as in hierarchical(of=ce, abo": &losses.Hierarchical{Of: headOf(3), Levels: levels},
		"of: nil, want a loss":          &losses.Hierarchical{Levels: levels},
		"above: nil, want a loss":       &losses.Hierarchical{Of: of, Above: []losses.Loss{nil}, Levels: levels},
		"give the losses in it the min": losses.Mined{Miner: miners.BatchHard{}, Of: &losses.Hierarchical{Of: of, Levels: levels}},
		"nil *losses.Hierarchical":      (*losses.Hierarchical)(nil),
	})
}

func ExampleHierarchical() {
	show(&losses.Hierarchical{Of: losses.Contrastive{NegMargin: 1}, Levels: [][]int{{0, 0}}}) // both classes are of one above
	// Output:
	// 2.879
}
