package losses

import (
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

func TestJointIsTheWeightedSum(t *testing.T) {
	x, y := randomBatch(2, 12, 4, 3)
	joint := &Joint{Parts: []Part{{Loss: Contrastive{}, Weight: 2}, {Loss: Triplet{}}, {Loss: LiftedStructure{}, Weight: 0.25}}}
	want := 2*value(t, Contrastive{}, x, y) + value(t, Triplet{}, x, y) + 0.25*value(t, LiftedStructure{}, x, y)
	require.InDelta(t, want, value(t, joint, x, y), 1e-12)
}

func TestJointParams(t *testing.T) {
	x, y := randomBatch(2, 12, 4, 3)
	names := func(l Trainable) (out []string) {
		_, err := Evaluate(l, x, y, tensor.Float32)
		require.NoError(t, err)
		for _, p := range l.Params().All() {
			out = append(out, p.Name)
			require.Same(t, p, l.Params().Lookup(p.Name))
		}
		return out
	}
	one := &Joint{Parts: []Part{{Loss: Triplet{}}, {Loss: &CrossEntropy{Classes: 3}}}}
	require.Equal(t, []string{"classifier.weight"}, names(one))
	require.Equal(t, 100.0, one.Params().Lookup("classifier.weight").LRScale)
	two := &Joint{Parts: []Part{{Loss: &CrossEntropy{Classes: 3, LRScale: 2}}, {Loss: &CrossEntropy{Classes: 3, Linear: true}}}}
	require.Equal(t, []string{"0.classifier.weight", "1.classifier.weight", "1.classifier.bias"}, names(two))
	require.Equal(t, 2.0, two.Params().Lookup("0.classifier.weight").LRScale)
	head := &CrossEntropy{Classes: 3}
	twice := &Joint{Parts: []Part{{Loss: head}, {Loss: head}}}
	require.Equal(t, []string{"classifier.weight"}, names(twice))
	require.Empty(t, names(&Joint{Parts: []Part{{Loss: Triplet{}}}}))
}

func TestJointHandsTheTrunkOn(t *testing.T) {
	x, y := randomBatch(3, 12, 4, 3)
	build := func(on Source) Loss {
		head := &CrossEntropy{Classes: 3, On: on, Seed: 1}
		joint := &Joint{Parts: []Part{{Loss: head}, {Loss: Triplet{}}}}
		return Func(func(embeddings, labels *gorgonia.Node) (*gorgonia.Node, error) {
			wide, err := gorgonia.Concat(1, embeddings, embeddings) // (B, 8), as a trunk's
			if err != nil {
				return nil, err
			}
			n, err := joint.LossOnFeatures(Features{Trunk: wide, Embedding: embeddings}, labels)
			want := 4
			if on == OnTrunk {
				want = 8
			}
			require.Equal(t, tensor.Shape{3, want}, joint.Params().Lookup("classifier.weight").Value.Shape())
			return n, err
		})
	}
	require.NotEqual(t, value(t, build(OnEmbedding), x, y), value(t, build(OnTrunk), x, y))
	_, err := Evaluate(&Joint{Parts: []Part{{Loss: &CrossEntropy{Classes: 3, On: OnTrunk}}}}, x, y, tensor.Float64)
	require.ErrorContains(t, err, "classifies the trunk, which is not given")
}

func TestJointRefuses(t *testing.T) {
	x, y := randomBatch(2, 6, 2, 3)
	for want, j := range map[string]*Joint{
		"at least one part":  {},
		"part 0":             {Parts: []Part{{}}},
		"weight -1":          {Parts: []Part{{Loss: Triplet{}, Weight: -1}}},
		`unknown mining "x"`: {Parts: []Part{{Loss: Triplet{Mining: "x"}}}},
	} {
		_, err := Evaluate(j, x, y, tensor.Float64)
		require.ErrorContains(t, err, want)
	}
}
