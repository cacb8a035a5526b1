package losses_test

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/graphtest"
	"medusa/losses"
	"medusa/machine"
	"medusa/pairs"
)

// gradientRows builds a loss of so many classes with its gradients to its own weights, and runs it. Those
// that are not kept by rows are nil.
func gradientRows(t *testing.T, text string, classes int, labels []float32, e int) (rows map[string]*graph.KeptRows, vm gorgonia.VM) {
	t.Helper()
	loss, err := losses.Parse(text, losses.Setting{Classes: classes, EmbeddingSize: e, TrunkSize: e, Seed: 1})
	require.NoError(t, err)
	b := len(labels)
	rng := rand.New(rand.NewPCG(7, 1))
	x := make([]float32, b*e)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	g := gorgonia.NewGraph()
	in := func(name string, backing []float32, shape ...int) *gorgonia.Node {
		return gorgonia.NewTensor(g, tensor.Float32, len(shape), gorgonia.WithName(name), gorgonia.WithShape(shape...),
			gorgonia.WithValue(tensor.New(tensor.WithShape(shape...), tensor.WithBacking(backing))))
	}
	batch := pairs.Of(in("x", x, b, e), in("y", slices.Clone(labels), b))
	batch.Raw = batch.X
	cost, err := losses.BuildOn(loss, batch)
	require.NoError(t, err)
	items, nodes := losses.ParamsOf(loss).Learned(g)
	require.NotEmpty(t, nodes)
	grads, err := gorgonia.Grad(cost, nodes...)
	require.NoError(t, err)
	rows = map[string]*graph.KeptRows{}
	for i, grad := range grads {
		rows[items[i].Name], err = graph.KeepRows(grad)
		require.NoError(t, err)
		if rows[items[i].Name] == nil {
			_, err = graph.Keep(grad)
			require.NoError(t, err)
		}
	}
	vm, err = machine.New(g)
	require.NoError(t, err)
	t.Cleanup(func() { vm.Close() })
	require.NoError(t, vm.RunAll())
	return rows, vm
}

// sampling is the names of the losses that sample classes.
func sampling(t *testing.T) (names []string) {
	for _, name := range losses.Names() {
		l, err := losses.Parse(name, losses.Setting{Classes: 40, EmbeddingSize: 8, TrunkSize: 8})
		if err != nil {
			continue // which needs parameters, such as labels of superclasses
		}
		if s := reflect.Indirect(reflect.ValueOf(l)); s.Kind() == reflect.Struct && s.FieldByName("Share").IsValid() {
			names = append(names, name)
		}
	}
	require.Contains(t, names, "arcface")
	require.Contains(t, names, "proxy-nca")
	require.Contains(t, names, "ce")
	return names
}

// Of every loss that samples classes the gradient to the weights is that of the classes that compete,
// and nothing of the shape of all weights is made; the classes of the batch are among the rows.
func TestSampledLossesKeepRows(t *testing.T) {
	const classes, e = 41, 11 // (41, 11) is the shape of nothing else
	labels := []float32{3, 40, 3, 17, 22, 3}
	for _, name := range sampling(t) {
		for _, how := range []string{"classes=batch", "share=0.2"} {
			t.Run(name+" "+how, func(t *testing.T) {
				rows, vm := gradientRows(t, name+"("+how+")", classes, labels, e)
				most := len(labels)
				if strings.HasPrefix(how, "share") {
					most += 9 // ⌈0.2·41⌉
				}
				for param, r := range rows {
					require.NotNil(t, r, param)
					indices := r.Indices().Float32s()
					perClass := r.Size() / r.Values().Shape()[1] / classes
					named := map[int]bool{}
					for _, v := range indices {
						if v >= 0 {
							named[int(v)/perClass] = true
						}
					}
					require.LessOrEqual(t, len(named), most, param)
					for _, y := range labels {
						require.True(t, named[int(y)], "%s: class %v of the batch is not among %v", param, y, indices)
					}
				}
				for _, shape := range [][2]int{{classes, e}, {10 * classes, e}} { // soft-triple has ten vectors a class
					require.Empty(t, graphtest.Held(t, vm, shape[0], shape[1]))
				}
			})
		}
	}
}

// A column that stands for no class touches no class that is not in the batch: of batches that have all
// of a group's classes.
func TestColumnsOfNoClassTouchNone(t *testing.T) {
	labels := []float32{6, 7, 8, 9, 5, 6} // of two groups of five the second
	rows, _ := gradientRows(t, "cosface(share=0.2)", 10, labels, 4)
	var named []float32
	for _, v := range rows["classifier.weight"].Indices().Float32s() {
		if v >= 0 {
			named = append(named, v)
		}
	}
	slices.Sort(named)
	require.Len(t, named, 6, "five classes of the batch, and one drawn of the other group")
	require.Less(t, named[0], float32(5))
	require.Equal(t, []float32{5, 6, 7, 8, 9}, named[1:])
}

// Where all classes compete, or a regularizer reads all weights, gradients are to all of them; centers and
// borders of classes are rows.
func TestWhichLossesKeepRows(t *testing.T) {
	labels := []float32{3, 1, 3, 0, 2, 2}
	for text, want := range map[string]bool{
		"ce": false, "arcface": false, "proxy-nca": false, "soft-triple": false, "p2sgrad": false, "large-margin": false,
		"arcface(share=0.5, regularizer=0.1*regular-face)": false, "ce(classes=batch, regularizer=center-invariant)": false,
		"cosface(share=0.5, regularizer=zero-mean)": false, "soft-triple(classes=batch, regularizer=0.2*sparse-centers)": false,
		"arcface(share=0.5)": true, "center": true, "center(regularizer=0.1*regular-face)": false,
		"margin(learn-beta=true, per-class=true)": true,
	} {
		rows, _ := gradientRows(t, text, 8, labels, 4)
		for param, r := range rows {
			require.Equal(t, want, r != nil, "%s: %s", text, param)
		}
	}
}
