package losses_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/golden"
	"medusa/losses"
	"medusa/losses/losstest"
	"medusa/pairs"
)

// regularizing is a regularizer of all rows of a batch, as a loss.
func regularizing(r losses.Regularizer, centers int) losses.Loss {
	return losses.Func(func(b pairs.Batch) graph.Expr { return r.Regularize(b.X, centers) })
}

func TestGoldenRegularizers(t *testing.T) {
	golden.Open(t, "regularizers.json").Each(t, nil, func(t *testing.T, r *golden.Record) bool {
		var name, on string
		for field, v := range map[string]*string{"regularizer": &name, "applied_to": &on} {
			_, err := r.Field(field, v)
			require.NoError(t, err)
		}
		number := func(key string, def float64) float64 {
			if v, ok := r.Params[key].(float64); ok {
				delete(r.Params, key)
				return v
			}
			return def
		}
		var of losses.Regularizer
		centers := 1
		switch name {
		case "LpRegularizer":
			of = losses.LpNorm{P: number("p", 2), Power: number("power", 1)}
		case "ZeroMeanRegularizer":
			of = losses.ZeroMean{}
		case "CenterInvariantRegularizer":
			of = losses.CenterInvariant{}
		case "RegularFaceRegularizer":
			of = losses.RegularFace{}
		case "SparseCentersRegularizer":
			of, centers = losses.SparseCenters{}, int(number("centers_per_class", 0))
			require.EqualValues(t, r.Input.NumClasses, number("num_classes", 0))
		default:
			return false
		}
		require.Empty(t, r.Params, "parameters that were not mapped")
		rows, e, labels := r.Input.Embeddings.Data, r.Input.Embeddings.Cols, r.Input.Labels
		loss := regularizing(of, centers)
		switch on {
		case "embeddings":
		case "weight_rows[:3C]":
			labels = make([]int, 3*r.Input.NumClasses)
			rows = r.Input.WeightRows.Data[:len(labels)*e]
		case "TripletMarginLoss(margin=0.2, embedding_regularizer=LpRegularizer(), embedding_reg_weight=0.3)":
			loss = &losses.Joint{Parts: []losses.Part{{Loss: losses.Triplet{Margin: 0.2}, Weight: 1}, {Loss: losses.LpNorm{}, Weight: 0.3}}}
		default:
			return false
		}
		for _, p := range precisions {
			v, err := losses.Evaluate(loss, rows, labels, p.dt)
			require.NoError(t, err)
			require.NoError(t, golden.Near(v.Loss, float64(r.Value), p.tol), "value in %v", p.dt)
			require.NoError(t, r.Grad.Check(v.Gradient, len(labels), e, p.tol), "in %v", p.dt)
		}
		return true
	})
}

func TestRegularizerProperties(t *testing.T) {
	properties(t, map[string]losses.Loss{
		"norm":             losses.LpNorm{},
		"cubed 3-norm":     losses.LpNorm{P: 3, Power: 3},
		"largest":          losses.LpNorm{P: math.Inf(1)},
		"zero mean":        losses.ZeroMean{},
		"center invariant": losses.CenterInvariant{},
		"regular face":     losses.RegularFace{},
		"sparse centers":   regularizing(losses.SparseCenters{}, 3),
		"sum":              regularizing(&losses.RegularizerSum{Parts: []losses.RegularizerPart{{losses.LpNorm{}, 0.1}, {losses.RegularFace{}, 2}}}, 1),
	}, losstest.NoReference("it compares with nothing"), losstest.Positional("the centers of a class follow each other"))
}

// Of vectors of lengths 3, 4 and 0, and directions at right angles.
func TestRegularizersByHand(t *testing.T) {
	x, y := []float64{3, 0, 0, 4, 0, 0}, []int{0, 1, 2}
	const m = 25. / 3 // mean of the squares
	for _, c := range []struct {
		want    float64
		r       losses.Regularizer
		centers int
	}{
		{7. / 3, losses.LpNorm{}, 1},
		{(27. + 64) / 3, losses.LpNorm{P: 1, Power: 3}, 1},
		{25. / 3, losses.LpNorm{Power: 2}, 1},
		{7. / 3, losses.ZeroMean{}, 1},
		{((9-m)*(9-m) + (16-m)*(16-m) + m*m) / 12, losses.CenterInvariant{}, 1},
		{0, losses.RegularFace{}, 1},
		{(math.Sqrt2 + 1 + 1) / 3 / 2, losses.SparseCenters{}, 3}, // √2 between the first two, 1 to the origin
	} {
		require.InDelta(t, c.want, value(t, regularizing(c.r, c.centers), x, y), 1e-9, "%T", c.r)
	}
}

// A classifier's regularizer is added to its loss, with its gradient to the weights of all classes,
// also where only those of the batch compete.
func TestCrossEntropyRegularizer(t *testing.T) {
	x, y := randomBatch(6, 8, 4, 2)
	for _, compete := range []losses.Competitors{losses.AllClasses, losses.BatchClasses} {
		plain, with := headOf(4), headOf(4)
		plain.Compete, with.Compete = compete, compete
		with.Regularizer = &losses.RegularizerSum{Parts: []losses.RegularizerPart{{losses.LpNorm{Power: 2}, 0.5}}}
		a, err := losses.Evaluate(plain, x, y, tensor.Float64)
		require.NoError(t, err)
		b, err := losses.Evaluate(with, x, y, tensor.Float64)
		require.NoError(t, err)
		w := with.Params().Lookup("classifier.weight").Value.Float64s()
		sum := 0.0
		for i, v := range w {
			sum += v * v
			require.InDelta(t, a.Params["classifier.weight"][i]+v/4, b.Params["classifier.weight"][i], 1e-12)
		}
		require.InDelta(t, a.Loss+0.5*sum/4, b.Loss, 1e-12)
		require.InDeltaSlice(t, a.Gradient, b.Gradient, 1e-15)
	}
	properties(t, map[string]*losses.CrossEntropy{"regular face": func() *losses.CrossEntropy {
		l := head()
		l.Regularizer = losses.RegularFace{}
		return l
	}()}, losstest.ByClass("it has weights of classes"), losstest.NoReference("it compares with its own weights"))
}

// As a loss a regularizer is of the embeddings before they are normalised.
func TestRegularizerOfRawEmbeddings(t *testing.T) {
	x, y := randomBatch(6, 8, 4, 2)
	longer := losses.Func(func(b pairs.Batch) graph.Expr {
		b.Raw = b.X.Scale(3)
		b.X = graph.Normalize(b.X)
		return losses.LpNorm{}.Loss(b)
	})
	require.InDelta(t, 3*value(t, losses.LpNorm{}, x, y), value(t, longer, x, y), 1e-12)
}

func TestRegularizerTexts(t *testing.T) {
	x, y := randomBatch(6, 8, 4, 2)
	joint := parsed(t, "triplet(miner=none) + 0.01*norm(p=1)")
	want := value(t, losses.Triplet{Margin: 0.2}, x, y) + 0.01*value(t, losses.LpNorm{P: 1}, x, y)
	require.InDelta(t, want, value(t, joint, x, y), 1e-12)
	ce := parsed(t, "ce(regularizer=0.5*regular-face(distance=dot(raw=true)) + sparse-centers)").(*losses.CrossEntropy)
	require.Equal(t, &losses.RegularizerSum{Parts: []losses.RegularizerPart{
		{losses.RegularFace{Metric: pairs.Dot{P: 2, Power: 1, Raw: true}}, 0.5}, {losses.SparseCenters{}, 1}}}, ce.Regularizer)
	text, err := losses.Text(ce)
	require.NoError(t, err)
	require.Equal(t, "ce(regularizer=0.5*regular-face(distance=dot(raw=true)) + sparse-centers)", text)
	one, err := losses.ParseRegularizer("norm(power=2)")
	require.NoError(t, err)
	require.Equal(t, losses.LpNorm{P: 2, Power: 2}, one)
	for text, want := range map[string]string{
		"norm(p=0.5)":                       "0.5 is out of range",
		"regular-face(distance=lp)":         "want a similarity, such as cosine",
		"norma":                             `did you mean "norm"?`,
		"triplet + 0.1*sparse-centers":      "no loss is named",
		"ce(regularizer=-1*norm)":           "",
		"ce(regularizer=norm, classes=all,": "",
	} {
		_, err := losses.ParseRegularizer(text)
		if text[0] == 't' || text[0] == 'c' {
			_, err = losses.Parse(text, setting)
		}
		require.ErrorContains(t, err, want, text)
	}
}

func TestRegularizersRefuse(t *testing.T) {
	refuses(t, map[string]losses.Loss{
		"p: 0.5 is out of range":         losses.LpNorm{P: 0.5},
		"power: -1 is out of range":      losses.LpNorm{Power: -1},
		"want a similarity":              losses.RegularFace{Metric: pairs.LP{}},
		"each class has one vector":      regularizing(losses.SparseCenters{}, 1),
		"needs at least one part":        regularizing(&losses.RegularizerSum{}, 1),
		"part 0 of the regularizers has": regularizing(&losses.RegularizerSum{Parts: []losses.RegularizerPart{{losses.LpNorm{}, math.NaN()}}}, 1),
		"the regularizer is nil":         regularizing(&losses.RegularizerSum{Parts: []losses.RegularizerPart{{nil, 1}}}, 1),
		"with 4 vectors a class":         regularizing(&losses.RegularizerSum{Parts: []losses.RegularizerPart{{losses.ZeroMean{}, 1}}}, 4),
	})
}

func ExampleRegularizer() {
	head := losses.Default[*losses.CrossEntropy]()
	head.Classes, head.Regularizer = 2, losses.RegularFace{}
	v, err := losses.Evaluate(head, points, labels, tensor.Float64)
	fmt.Println(err, len(v.Params["classifier.weight"]))
	// Output:
	// <nil> 4
}

func ExampleLpNorm() {
	show(losses.LpNorm{})
	show(losses.LpNorm{P: 1})
	// Output:
	// 1.000
	// 1.100
}
