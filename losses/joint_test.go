package losses_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/losses"
	"medusa/losses/losstest"
	"medusa/miners"
	"medusa/pairs"
)

func ExampleJoint() {
	head := losses.Default[*losses.CrossEntropy]()
	head.Classes = 2
	joint := &losses.Joint{Parts: []losses.Part{
		{Loss: head, Weight: 1},
		{Loss: losses.Triplet{Margin: 0.3}, Weight: 0.5},
	}}
	v, err := losses.Evaluate(joint, points, labels, tensor.Float32)
	fmt.Println(err, v.Loss > 0, len(joint.Params().All()))
	// Output:
	// <nil> true 1
}

func TestJointProperties(t *testing.T) {
	contrastive, lifted := losses.Default[losses.Contrastive](), losses.Default[losses.LiftedStructure]()
	properties(t, map[string]*losses.Joint{
		"of contrastive, lifted": {Parts: []losses.Part{{Loss: contrastive, Weight: 1}, {Loss: lifted, Weight: 0.3}}},
	})
	linear := head()
	linear.Head = losses.LinearHead
	properties(t, map[string]*losses.Joint{
		"with a head":  {Parts: []losses.Part{{Loss: head(), Weight: 1}, {Loss: losses.Triplet{Margin: 0.2, Miner: miners.BatchHard{}}, Weight: 0.5}}},
		"of two heads": {Parts: []losses.Part{{Loss: head(), Weight: 1}, {Loss: linear, Weight: 1}}},
	}, losstest.ByClass("it has weights of classes"), losstest.NoReference("a head compares with its own weights"))
}

// of is a joint loss whose parts weigh 1.
func of(parts ...losses.Loss) *losses.Joint {
	j := &losses.Joint{}
	for _, l := range parts {
		j.Parts = append(j.Parts, losses.Part{Loss: l, Weight: 1})
	}
	return j
}

func headOf(classes int) *losses.CrossEntropy {
	l := head()
	l.Classes = classes
	return l
}

func TestJointIsTheWeightedSum(t *testing.T) {
	x, y := randomBatch(2, 12, 4, 3)
	a, b, c := losses.Default[losses.Contrastive](), losses.Default[losses.Triplet](), losses.Default[losses.LiftedStructure]()
	joint := &losses.Joint{Parts: []losses.Part{{Loss: a, Weight: 2}, {Loss: b, Weight: 1}, {Loss: c, Weight: 0.25}}}
	want := 2*value(t, a, x, y) + value(t, b, x, y) + 0.25*value(t, c, x, y)
	require.InDelta(t, want, value(t, joint, x, y), 1e-12)
	joint.Parts[1].Weight = 0
	require.InDelta(t, want-value(t, b, x, y), value(t, joint, x, y), 1e-12, "a weight of 0 is 0")
}

func TestJointParams(t *testing.T) {
	x, y := randomBatch(2, 12, 4, 3)
	names := func(l losses.Trainable) (out []string) {
		_, err := losses.Evaluate(l, x, y, tensor.Float32)
		require.NoError(t, err)
		for _, p := range l.Params().All() {
			out = append(out, p.Name)
			require.Same(t, p, l.Params().Lookup(p.Name))
		}
		return out
	}
	mined := losses.Mined{Miner: miners.BatchHard{}, Of: losses.Default[losses.Contrastive]()}
	one := of(losses.Triplet{Margin: 0.2}, headOf(3), mined)
	require.Equal(t, []string{"classifier.weight"}, names(one))
	require.Equal(t, 100.0, one.Params().Lookup("classifier.weight").LRScale)
	slow, linear := headOf(3), headOf(3)
	slow.LRScale, linear.Head = 2, losses.LinearHead
	two := of(slow, linear)
	require.Equal(t, []string{"0.classifier.weight", "1.classifier.weight", "1.classifier.bias"}, names(two))
	require.Equal(t, 2.0, two.Params().Lookup("0.classifier.weight").LRScale)
	same := headOf(3)
	require.Equal(t, []string{"classifier.weight"}, names(of(same, same)))
	require.Empty(t, names(of(losses.Triplet{Margin: 0.2})))
}

func TestJointHandsTheTrunkOn(t *testing.T) {
	x, y := randomBatch(3, 12, 4, 3)
	build := func(on losses.Source) losses.Loss {
		head := headOf(3)
		head.On = on
		joint := of(head, losses.Triplet{Margin: 0.2})
		return losses.Func(func(b pairs.Batch) graph.Expr {
			b.Trunk = graph.Concat(1, b.X, b.X) // (B, 8), as a trunk's
			l := joint.Loss(b)
			want := 4
			if on == losses.OnTrunk {
				want = 8
			}
			require.Equal(t, tensor.Shape{3, want}, joint.Params().Lookup("classifier.weight").Value.Shape())
			return l
		})
	}
	require.NotEqual(t, value(t, build(losses.OnEmbedding), x, y), value(t, build(losses.OnTrunk), x, y))
}

func TestJointRefuses(t *testing.T) {
	refuses(t, map[string]*losses.Joint{
		"at least one part":            {},
		"part 0":                       {Parts: []losses.Part{{}}},
		"weight -1":                    {Parts: []losses.Part{{Loss: losses.Triplet{}, Weight: -1}}},
		"part 0 of the joint loss: lo": of(losses.Triplet{Margin: -1}),
	})
}

// Only terms that can be idle are counted.
func TestJointActiveShare(t *testing.T) {
	x, y := []float64{0, 1, 3}, []int{0, 0, 1}
	triplet := losses.Triplet{Margin: 1.5, Metric: pairs.LP{Raw: true}}
	require.InDelta(t, 0.5, activeShare(t, of(headOf(2), triplet), x, y), 1e-12)
	value(t, losses.Func(func(b pairs.Batch) graph.Expr {
		_, ok := losses.ActiveShare(of(headOf(2)), b)
		require.False(t, ok, "a cross-entropy is never idle")
		return b.X.Mean()
	}), x, y)
}
