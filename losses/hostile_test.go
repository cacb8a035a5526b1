package losses_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/gpu/gputest"
	"medusa/losses"
	"medusa/machine"
	"medusa/miners"
	"medusa/pairs"
)

// hostileLosses are the losses over pairs and triplets with every metric, and with their
// options drawn at random.
func hostileLosses(rng *rand.Rand) []losses.Loss {
	var all []losses.Loss
	any := func(n int) int { return rng.IntN(n) }
	coin := func() bool { return any(2) == 0 }
	for _, metric := range []func(raw bool) pairs.Metric{
		func(raw bool) pairs.Metric { return pairs.LP{Raw: raw} },
		func(raw bool) pairs.Metric { return pairs.LP{Power: 2, Raw: raw} },
		func(raw bool) pairs.Metric { return pairs.LP{P: 1, Raw: raw} },
		func(bool) pairs.Metric { return pairs.Cosine{} },
		func(raw bool) pairs.Metric { return pairs.Dot{Raw: raw} },
		func(raw bool) pairs.Metric { return pairs.SNR{Raw: raw} },
	} {
		reducer := func() pairs.Reducer {
			r := []pairs.Reducer{pairs.Mean{}, pairs.NonZero{}, pairs.Sum{}, pairs.PerAnchor{}}[any(4)]
			if any(4) == 0 {
				return pairs.Threshold{Low: 0.1, High: 0.9, Of: r}
			}
			return r
		}
		drawn := func() pairs.Metric { return metric(coin()) }
		all = append(all, losses.Contrastive{Form: losses.Linear, PosMargin: 0.3, NegMargin: 0.7, Pooled: coin(), Metric: drawn(), Reducer: reducer()})
		if !drawn().Similarity() {
			all = append(all, losses.Contrastive{Form: losses.Squared, NegMargin: 1.2, Pooled: coin(), Metric: drawn(), Reducer: reducer()})
		}
		for _, miner := range []miners.Miner{miners.BatchHard{}, nil, miners.TripletMargin{Type: miners.Hard}, semiHard(0.15), miners.TripletMargin{Type: miners.Easy, Margin: 0.15}} {
			all = append(all, losses.Triplet{Margin: 0.25, Miner: miner, Soft: coin(), Swap: coin(), Metric: drawn(), Reducer: reducer()},
				losses.Triplet{Margin: 0.25, Miner: miner, Metric: drawn(), Reducer: reducer()})
		}
		for _, form := range []losses.Form{losses.Smooth, losses.MaxMargin, losses.Generalized} {
			all = append(all, losses.LiftedStructure{Form: form, Margin: 0.8, PosMargin: 0.1, Sharpness: 4, HardNegatives: any(3), Metric: drawn(), Reducer: reducer()})
		}
		all = append(all, losses.MultiSimilarity{Alpha: 2, Beta: 8, Base: 0.4, Metric: drawn(), Reducer: reducer()})
	}
	return all
}

// hostileRows are embeddings (b, e) of a kind; odd says that they are not all finite.
func hostileRows(rng *rand.Rand, kind string, b, e int) (x []float64, odd bool) {
	x = make([]float64, b*e)
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	scale := func(k float64) {
		for i := range x {
			x[i] *= k
		}
	}
	row := func(k int, v float64) {
		for i := range e {
			x[k*e+i] = v
		}
	}
	at := rng.IntN(len(x))
	switch kind {
	case "equal rows":
		for i := e; i < len(x); i++ {
			if (i/e)%3 != 0 {
				x[i] = x[i%e]
			}
		}
	case "one point":
		for i := e; i < len(x); i++ {
			x[i] = x[i%e]
		}
	case "zeros":
		row(rng.IntN(b), 0)
		row(0, 0)
	case "all zeros":
		clear(x)
	case "denormal":
		scale(1e-40)
	case "small":
		scale(1e-30)
	case "large":
		scale(1e8)
	case "huge":
		scale(1e30)
	case "both":
		for i := range x {
			x[i] *= []float64{1e30, 1, 1e-30}[rng.IntN(3)]
		}
	case "largest":
		for i := range x {
			x[i] = math.Copysign(3e38, x[i])
		}
	case "NaN", "+Inf", "-Inf":
		x[at] = map[string]float64{"NaN": math.NaN(), "+Inf": math.Inf(1), "-Inf": math.Inf(-1)}[kind]
	case "rows of Inf":
		row(0, math.Inf(1))
		row(b-1, math.Inf(1))
	case "all NaN":
		for i := range x {
			x[i] = math.NaN()
		}
	}
	for _, v := range x {
		odd = odd || v-v != 0
	}
	return x, odd
}

var hostileKinds = []string{"normal", "equal rows", "one point", "zeros", "all zeros", "denormal", "small", "large", "huge", "both", "largest",
	"NaN", "+Inf", "-Inf", "rows of Inf", "all NaN"}

// hostileLabels are labels of b rows, of which some share no pair, some no triplet.
func hostileLabels(rng *rand.Rand, b int) []int {
	y := make([]int, b)
	kind := rng.IntN(6)
	for i := range y {
		switch kind {
		case 0: // one class
		case 1: // all different
			y[i] = i
		case 2:
			y[i] = i % 2
		case 3: // apart, but not in float32, in float64 neither
			y[i] = 1<<60 + i%3
		default:
			y[i] = rng.IntN(max(b/3, 2)) - 1
		}
	}
	return y
}

// takesPart reports whether each row is in a pair, or in a triplet, that the loss goes over.
func takesPart(loss losses.Loss, y []int) bool {
	pairs, others := false, false
	for i := range y {
		for j := range i {
			pairs = pairs || y[i] == y[j]
			others = others || y[i] != y[j]
		}
	}
	switch l := loss.(type) {
	case losses.Triplet:
		return pairs && others
	case losses.LiftedStructure:
		if l.Form != losses.Generalized {
			return pairs && others
		}
	}
	return len(y) > 1
}

func notFinite(xs ...float64) bool {
	for _, x := range xs {
		if x-x != 0 {
			return true
		}
	}
	return false
}

// hostileValue computes a loss with its gradient, however it does.
type hostileValue func(x []float64, y []int) (loss float64, grad []float64)

// checkHostile compares a loss with the plain one. What single holds no longer may overflow, but
// then it must show.
func checkHostile(t *testing.T, what string, loss losses.Loss, value hostileValue, x []float64, y []int, odd, single bool) (compared bool) {
	t.Helper()
	got, grad := value(x, y)
	if odd {
		if takesPart(loss, y) {
			require.True(t, notFinite(got), "%s: the loss is %g, of embeddings that are not finite", what, got)
			require.True(t, notFinite(grad...), "%s: the gradient is finite, of embeddings that are not", what)
		} else {
			require.Zero(t, got, what)
		}
		return true
	}
	sharp, rel, most := 1e-12, 1e-10, 1e150
	if single {
		sharp, rel, most = 3e-5, 3e-4, 1e17
		x = append([]float64(nil), x...)
		for i, v := range x {
			x[i] = float64(float32(v))
		}
	}
	p := newPlain(comparison(loss), x, y, sharp)
	want := p.of(loss)
	largest := math.Max(p.top*16, math.Abs(want))
	for _, v := range x {
		largest = math.Max(largest, math.Abs(v)) // whose square is no number either
	}
	if notFinite(got) {
		require.Greater(t, largest, most, "%s: the loss is %g, want %g", what, got, want)
		return true
	}
	if p.near {
		return false
	}
	// A distance is right but for some units in its last place, and so is a term of it.
	tol := rel * (math.Abs(want) + math.Min(p.top, most))
	if quadratic(loss) {
		tol = rel * (math.Abs(want) + math.Min(p.top*p.top, most*most))
	}
	require.InDelta(t, want, got, tol+1e-12, "%s: largest distance %g", what, p.top)
	if p.top < 1e6 && largest < most {
		require.False(t, notFinite(grad...), "%s: the gradient is not finite", what)
	}
	return true
}

func comparison(loss losses.Loss) pairs.Metric {
	switch l := loss.(type) {
	case losses.Contrastive:
		return l.Metric
	case losses.Triplet:
		return l.Metric
	case losses.LiftedStructure:
		return l.Metric
	case losses.MultiSimilarity:
		return l.Metric
	}
	panic("no loss over pairs")
}

// quadratic reports whether the terms grow with the square of a distance.
func quadratic(loss losses.Loss) bool {
	switch l := loss.(type) {
	case losses.Contrastive:
		return l.Form == losses.Squared
	case losses.LiftedStructure:
		return l.Form != losses.Generalized
	}
	return false
}

// Every loss, metric and option on embeddings that nobody means: what is not finite shows, and
// what is finite is what plain loops make of it.
func TestHostileEmbeddings(t *testing.T) {
	rounds := 1
	if os.Getenv("MEDUSA_LONG") != "" {
		rounds = 30
	} else {
		t.Log("one round of many; MEDUSA_LONG=1 go test ./losses -run Hostile makes all")
	}
	compared, skipped := 0, 0
	for round := range rounds {
		rng := rand.New(rand.NewPCG(uint64(round), 77))
		for _, loss := range hostileLosses(rng) {
			b, e := []int{1, 2, 3, 5, 8, 13, 17, 33}[rng.IntN(8)], []int{2, 3, 8, 16, 19}[rng.IntN(5)]
			dt := []tensor.Dtype{tensor.Float32, tensor.Float64}[rng.IntN(2)]
			v, err := losses.NewEvaluator(loss, b, e, dt)
			require.NoError(t, err)
			value := func(x []float64, y []int) (float64, []float64) {
				out, err := v.Value(x, y)
				require.NoError(t, err)
				return out.Loss, out.Gradient
			}
			for _, kind := range hostileKinds {
				x, odd := hostileRows(rng, kind, b, e)
				y := hostileLabels(rng, b)
				what := fmt.Sprintf("round %d, %s, %v, %T%+v, labels %v, %d×%d", round, kind, dt, loss, loss, y, b, e)
				if checkHostile(t, what, loss, value, x, y, odd, dt == tensor.Float32) {
					compared++
				} else {
					skipped++
				}
			}
			require.NoError(t, v.Close())
		}
	}
	t.Logf("%d compared, %d on an edge", compared, skipped)
	require.Greater(t, compared, skipped)
}

// The same on the device.
func TestHostileEmbeddingsOnDevice(t *testing.T) {
	gputest.Prepare(t)
	dev, err := machine.Open("cuda", machine.Options{Log: func(message string) { t.Error(message) }})
	require.NoError(t, err)
	defer func() { require.NoError(t, dev.Close()) }()
	rng := rand.New(rand.NewPCG(3, 78))
	every, kinds := 19, []string{"normal", "equal rows", "both", "largest", "NaN", "-Inf", "rows of Inf"}
	if os.Getenv("MEDUSA_LONG") != "" {
		every, kinds = 4, hostileKinds
	}
	for i, loss := range hostileLosses(rng) {
		if i%every != 0 {
			continue
		}
		b, e := []int{2, 3, 5, 8, 13}[rng.IntN(5)], []int{2, 3, 8, 17}[rng.IntN(4)]
		value, closeMachine := onDevice(t, dev, loss, b, e)
		for _, kind := range kinds {
			x, odd := hostileRows(rng, kind, b, e)
			if kind == "denormal" || kind == "small" {
				continue // their squares, in float32, are 0
			}
			y := hostileLabels(rng, b)
			for i, l := range y {
				y[i] = l % (1 << 20)
			}
			checkHostile(t, fmt.Sprintf("%s, %T%+v, labels %v, %d×%d", kind, loss, loss, y, b, e), loss, value, x, y, odd, true)
		}
		closeMachine()
	}
}

// onDevice is a loss of embeddings (b, e) in float32 on a device.
func onDevice(t *testing.T, dev *machine.Device, loss losses.Loss, b, e int) (value hostileValue, closeMachine func()) {
	t.Helper()
	g := gorgonia.NewGraph()
	input := func(name string, data []float32, shape ...int) *gorgonia.Node {
		return gorgonia.NewTensor(g, tensor.Float32, len(shape), gorgonia.WithName(name), gorgonia.WithShape(shape...),
			gorgonia.WithValue(tensor.New(tensor.WithShape(shape...), tensor.WithBacking(data))))
	}
	rows, labels := make([]float32, b*e), make([]float32, b)
	x := input("embeddings", rows, b, e)
	cost, err := losses.BuildOn(loss, pairs.Batch{X: graph.Of(x), Labels: graph.Data(input("labels", labels, b)), Raw: graph.Of(x)})
	require.NoError(t, err)
	grads, err := gorgonia.Grad(cost, x)
	require.NoError(t, err)
	keptCost, err := graph.Keep(cost)
	require.NoError(t, err)
	keptGrad, err := graph.Keep(grads[0])
	require.NoError(t, err)
	vm, err := machine.On(g, dev, losses.ParamsOf(loss))
	require.NoError(t, err)
	return func(x []float64, y []int) (float64, []float64) {
		for i, v := range x {
			rows[i] = float32(v)
		}
		for i, v := range y {
			labels[i] = float32(v)
		}
		vm.Reset()
		require.NoError(t, vm.RunAll())
		out := make([]float64, 0, len(x))
		for _, v := range keptGrad.Float32s() {
			out = append(out, float64(v))
		}
		require.NoError(t, keptGrad.Err())
		return keptCost.Scalar(), out
	}, func() { require.NoError(t, vm.Close()) }
}
