package losses_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/losses"
	"medusa/losses/losstest"
	"medusa/machine"
	"medusa/pairs"
)

// drawnClasses are the numbers of the classes that get a gradient from a step, by the step.
func drawnClasses(t *testing.T, l losses.Trainable, x []float64, y []int, steps int) (byStep [][]int) {
	t.Helper()
	e := len(x) / len(y)
	eval, err := losses.NewEvaluator(l, len(y), e, tensor.Float64)
	require.NoError(t, err)
	defer eval.Close()
	for range steps {
		v, err := eval.Value(x, y)
		require.NoError(t, err)
		var touched []int
		for c, g := range rowsOf(v.Params["classifier.weight"], e) {
			if slices.ContainsFunc(g, func(v float64) bool { return v != 0 }) {
				touched = append(touched, c)
			}
		}
		byStep = append(byStep, touched)
	}
	return byStep
}

// With a share, the classes of the batch compete, and of each group of others one that is drawn anew
// at every step; each comes up about as often as the others.
func TestShareOfClasses(t *testing.T) {
	const classes, steps = 40, 300
	x, _ := randomBatch(5, 6, 4, 3)
	y := []int{3, 3, 7, 12, 12, 39}
	with := func(share float64) *losses.CosFace {
		return over(losses.Default[*losses.CosFace](), func(l *losses.CosFace) { l.Classes, l.Share, l.Scale = classes, share, 4 })
	}
	times := make([]int, classes)
	byStep := drawnClasses(t, with(0.1), x, y, steps)
	for _, touched := range byStep {
		require.Len(t, touched, 4+4, "the batch's classes, and one of each of four groups") // of tens
		for _, c := range touched {
			times[c]++
		}
	}
	for c, n := range times {
		if slices.Contains(y, c) {
			require.Equal(t, steps, n)
			continue
		}
		// One of 8 to 10 free classes of its group: 30 to 38 times, with a deviation of 6.
		require.InDelta(t, 34, n, 25, "class %d", c)
	}
	require.NotEqual(t, byStep[0], byStep[1])
	require.Equal(t, byStep, drawnClasses(t, with(0.1), x, y, steps), "from one seed")
	// Of all it is the loss without drawing.
	require.Equal(t, value(t, with(1), x, y), value(t, with(0), x, y))
	require.InDelta(t, value(t, with(1), x, y), value(t, with(0.99), x, y), 1e-12) // 40 groups of one
}

// A group all of whose classes are in the batch gives none, and the others are as they are.
func TestShareOfNoOtherClass(t *testing.T) {
	x, y := randomBatch(5, 9, 4, 4)
	for _, l := range []losses.Trainable{
		over(losses.Default[*losses.CosFace](), func(l *losses.CosFace) { l.Classes, l.Share, l.Scale, l.Smoothing, l.SubCenters = 4, 0.5, 4, 0.1, 2 }),
		over(losses.Default[*losses.P2SGrad](), func(l *losses.P2SGrad) { l.Classes, l.Share = 4, 0.5 }),
		over(losses.Default[*losses.ProxyNCA](), func(l *losses.ProxyNCA) { l.Classes, l.Share = 4, 0.3 }),
		over(losses.Default[*losses.CrossEntropy](), func(l *losses.CrossEntropy) {
			l.Classes, l.Share, l.Head = 4, 0.3, losses.LinearHead
		}),
		over(losses.Default[*losses.LargeMarginSoftmax](), func(l *losses.LargeMarginSoftmax) { l.Classes, l.Share, l.Anneal = 4, 0.3, 0 }),
		over(losses.Default[*losses.SoftTriple](), func(l *losses.SoftTriple) { l.Classes, l.Share = 4, 0.3 }),
	} {
		t.Run(fmt.Sprintf("%T", l), func(t *testing.T) {
			got, err := losses.Evaluate(l, x, y, tensor.Float64)
			require.NoError(t, err)
			all := reflect.ValueOf(l).Elem().FieldByName("Share")
			all.SetFloat(1)
			want, err := losses.Evaluate(l, x, y, tensor.Float64)
			require.NoError(t, err)
			require.InDelta(t, want.Loss, got.Loss, 1e-12)
			require.InDeltaSlice(t, want.Gradient, got.Gradient, 1e-12)
			for name, g := range want.Params {
				require.InDeltaSlice(t, g, got.Params[name], 1e-12, name)
			}
		})
	}
}

func TestShareProperties(t *testing.T) {
	for name, fresh := range map[string]func() losses.Loss{
		"cosface": func() losses.Loss {
			return over(losses.Default[*losses.CosFace](), func(l *losses.CosFace) { l.Share, l.Scale, l.Smoothing = 0.3, 4, 0.1 })
		},
		"sub-centers": func() losses.Loss {
			return over(losses.Default[*losses.ArcFace](), func(l *losses.ArcFace) { l.Share, l.Scale, l.SubCenters = 0.2, 4, 2 })
		},
		"one group": func() losses.Loss {
			return over(losses.Default[*losses.P2SGrad](), func(l *losses.P2SGrad) { l.Share = 0.01 })
		},
	} {
		properties(t, map[string]losses.Loss{name: fresh()}, append(byClass, losstest.Random("classes are drawn", fresh))...)
	}
}

// The terms of a loss that draws, asked for twice in one graph, are one; and a loss that also carries
// a number on leaves it once.
func TestShareIsDrawnOnce(t *testing.T) {
	x, y := randomBatch(5, 6, 4, 3)
	with := func() *losses.AdaCos {
		return over(losses.Default[*losses.AdaCos](), func(l *losses.AdaCos) { l.Classes, l.Share = 20, 0.3 })
	}
	l := with()
	twice := losses.Func(func(b pairs.Batch) graph.Expr { return l.Loss(b).Add(l.Loss(b)) })
	require.Equal(t, 2*value(t, with(), x, y), value(t, twice, x, y))
}

// Many classes: a step takes memory of a few vectors of all classes, and of the samples' cosines with
// the classes that compete; and one of a share of the classes of all vectors nothing but these.
func TestManyClasses(t *testing.T) {
	if os.Getenv("MEDUSA_LONG") == "" {
		t.Skip("takes a gigabyte; MEDUSA_LONG=1 go test ./losses -run ManyClasses")
	}
	const b, e, classes = 64, 128, 100_000
	rng := rand.New(rand.NewPCG(1, 1))
	for _, c := range []struct {
		text     string
		vectors  float64 // matrices (C, E)
		products float64 // matrices (B, C)
	}{
		{"ce", 6, 4}, {"arcface", 6, 8}, {"cosface(classes=batch)", 1, 0}, {"arcface(share=0.1)", 2, 1},
		{"curricularface(share=0.1)", 2, 2}, {"proxy-nca", 12, 8}, {"proxy-anchor", 6, 8}, {"p2sgrad(share=0.05)", 2, 1}, {"center", 1, 0},
	} {
		t.Run(c.text, func(t *testing.T) {
			before := heap()
			l, err := losses.Parse(c.text, losses.Setting{Classes: classes, EmbeddingSize: e, Seed: 1})
			require.NoError(t, err)
			g := gorgonia.NewGraph()
			input := func(name string, shape ...int) (*gorgonia.Node, []float32) {
				v := tensor.New(tensor.Of(tensor.Float32), tensor.WithShape(shape...))
				return gorgonia.NewTensor(g, tensor.Float32, len(shape), gorgonia.WithName(name), gorgonia.WithShape(shape...), gorgonia.WithValue(v)), v.Data().([]float32)
			}
			x, rows := input("x", b, e)
			y, labels := input("y", b)
			cost, err := losses.Build(l, x, y)
			require.NoError(t, err)
			_, nodes := losses.ParamsOf(l).Learned(g)
			grads, err := gorgonia.Grad(cost, append(nodes, x)...)
			require.NoError(t, err)
			named, err := graph.KeepRows(grads[0])
			require.NoError(t, err)
			var kept *graph.Kept
			if named != nil {
				kept = named.Values()
			} else {
				kept, err = graph.Keep(grads[0])
			}
			require.NoError(t, err)
			vm, err := machine.New(g)
			require.NoError(t, err)
			defer vm.Close()
			for step := range 2 {
				for i := range rows {
					rows[i] = float32(rng.NormFloat64())
				}
				for i := range labels {
					labels[i] = float32((i*997 + step) % classes)
				}
				start := time.Now()
				require.NoError(t, vm.RunAll())
				t.Logf("step %d takes %v", step, time.Since(start))
				vm.Reset()
			}
			took := heap() - before
			t.Logf("%d MB", took>>20)
			require.Less(t, float64(took), 4*(c.vectors*classes*e+c.products*classes*b)+32<<20)
			moved := false
			for _, v := range kept.Float32s() {
				require.False(t, math.IsNaN(float64(v)))
				moved = moved || v != 0
			}
			require.True(t, moved)
		})
	}
}

// heap is how many bytes are in use.
func heap() int64 {
	var m runtime.MemStats
	for range 3 { // what pools and finalizers keep goes at a later one
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
