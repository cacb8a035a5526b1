package losses_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/losses"
	"medusa/losses/losstest"
	"medusa/miners"
	"medusa/pairs"
)

func init() {
	mappers["AngularLoss"] = func(r *goldenRecord) losses.Loss {
		r.only(pairs.LP{P: 2, Power: 1})
		return losses.Angular{Rows: losses.RawNegatives, Alpha: r.number("alpha", 40), Reducer: r.reducer()}
	}
}

func ExampleAngular() {
	show(losses.Default[losses.Angular]())
	// Output:
	// 0.919
}

func TestAngularProperties(t *testing.T) {
	properties(t, map[string]losses.Angular{
		"default":       losses.Default[losses.Angular](),
		"raw":           {Alpha: 20, Rows: losses.RawRows},
		"raw negatives": {Alpha: 30, Rows: losses.RawNegatives},
		"per anchor":    {Alpha: 45, Reducer: pairs.PerAnchor{}},
		"batch-hard":    {Alpha: 40, Miner: miners.BatchHard{}},
		"semi-hard":     {Alpha: 40, Miner: semiHard(0.3)},
	})
	properties(t, map[string]losses.Angular{"class weights": {Alpha: 30, Reducer: classWeights}}, losstest.ByClass("it has weights of classes"))
}

// The formula, triplet by triplet, also where one factor of each power is too small or too large
// for a number: at 89° the exponents go to ±5·10⁴.
func TestAngularByFormula(t *testing.T) {
	for _, alpha := range []float64{1, 40, 80, 89} {
		x, y := randomBatch(5, 12, 3, 4)
		p := newPlain(pairs.Cosine{}, x, y, 0)
		square := math.Pow(math.Tan(alpha*math.Pi/180), 2)
		want, count := 0.0, 0.0
		for a := range y {
			for i := range y {
				if !p.pos(a, i) {
					continue
				}
				f := []float64{0}
				for n := range y {
					if p.neg(a, n) {
						f = append(f, 4*square*(-p.d[a][n]-p.d[i][n])+2*(1+square)*p.d[a][i])
					}
				}
				want += logSumExp(f)
				count++
			}
		}
		for _, c := range []struct {
			dt  tensor.Dtype
			tol float64
		}{{tensor.Float64, 1e-12}, {tensor.Float32, 1e-5}} {
			v, err := losses.Evaluate(losses.Angular{Alpha: alpha}, x, y, c.dt)
			require.NoError(t, err)
			require.InEpsilon(t, want/count, v.Loss, c.tol, "α = %g in %v", alpha, c.dt)
			require.False(t, notFinite(v.Gradient...))
		}
	}
}

func TestAngularRefuses(t *testing.T) {
	refuses(t, map[string]losses.Angular{
		"losses: angular: alpha: 0 is out of range":     {},
		"losses: angular: alpha: 90 is out of range":    {Alpha: 90},
		`losses: angular: rows: "long" is not a choice`: {Alpha: 40, Rows: "long"},
	})
}
