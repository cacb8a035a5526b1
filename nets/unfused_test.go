package nets_test

import (
	"slices"
	"testing"

	"github.com/pkg/errors"
	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/nets"
)

// fusingNets are networks in whose graphs ops are fused in many ways.
var fusingNets = map[string]nets.Config{
	"cnn":            {Channels: []int{4, 5}, InChannels: 1, Height: 8, Width: 8, Embedding: 3},
	"cnn of biases":  {Channels: []int{4, 5}, Norm: "none", Head: "flatten", InChannels: 1, Height: 8, Width: 8, Embedding: 3},
	"averages":       {Channels: []int{4, 5}, Pooling: "avg", Activation: "silu", InChannels: 1, Height: 8, Width: 8, Embedding: 3},
	"maxima":         {Channels: []int{4, 5}, Head: "max", Activation: "leaky-relu", InChannels: 1, Height: 8, Width: 8, Embedding: 3},
	"mlp":            {Backbone: "mlp", Hidden: []int{6, 5}, InChannels: 1, Height: 4, Width: 4, Embedding: 3},
	"mlp with norms": {Backbone: "mlp", Hidden: []int{6, 5}, Norm: "batch", Activation: "tanh", InChannels: 1, Height: 4, Width: 4, Embedding: 3, Raw: true},
	"resnet18":       {Backbone: "resnet18", Channels: []int{3, 4}, InChannels: 2, Height: 8, Width: 8, Embedding: 3},
	"with a stem":    {Backbone: "resnet18", Stem: "standard", Channels: []int{3, 4}, InChannels: 2, Height: 16, Width: 16, Embedding: 3},
	"without norms":  {Backbone: "resnet18", Norm: "none", Channels: []int{3, 4}, InChannels: 2, Height: 8, Width: 8, Embedding: 3},
}

// A network of fused ops computes what its layers one by one do, in training and in evaluation, with fewer steps.
func TestUnfused(t *testing.T) {
	for name, cfg := range allOf(fusingNets, deepNets) {
		t.Run(name, func(t *testing.T) {
			params := stirred(t, cfg)
			for _, mode := range []nets.Mode{nets.Train, nets.Eval} {
				fused := newMachine(t, cfg, params, mode, tensor.Float64, 6)
				plain := newMachineBy(t, nets.BuildUnfused, cfg, params, mode, tensor.Float64, 6)
				require.InDeltaSlice(t, plain.run(t), fused.run(t), 1e-12)
				require.Equal(t, plain.names, fused.names)
				for i := range plain.grads {
					want, err := graph.Numbers(plain.grads[i])
					require.NoError(t, err)
					got, err := graph.Numbers(fused.grads[i])
					require.NoError(t, err)
					require.InDeltaSlice(t, want, got, 1e-10, plain.names[i])
				}
				require.LessOrEqual(t, steps(t, fused), steps(t, plain))
				// What has batch norms fuses them in evaluation, and the first nets more.
				_, shallow := fusingNets[name]
				normed := !slices.Contains([]string{"transformer", "convnext"}, name)
				if cfg.Activation == "" && (shallow || mode == nets.Eval && normed) {
					require.Less(t, steps(t, fused), steps(t, plain))
				}
			}
		})
	}
}

func steps(t *testing.T, m *netMachine) int {
	s, err := graph.Steps(m.net.Embedding.Graph())
	require.NoError(t, err)
	return len(s)
}

// reader makes a network anew of what graph.OperationOf tells of another one.
type reader struct {
	g     *gorgonia.ExprGraph
	done  map[*gorgonia.Node]graph.Expr
	kinds []string
	names []string
}

func (r *reader) expr(n *gorgonia.Node) graph.Expr {
	if e, ok := r.done[n]; ok {
		return e
	}
	e := r.made(n)
	r.done[n] = e
	return e
}

func (r *reader) made(n *gorgonia.Node) graph.Expr {
	if n.Op() == nil {
		r.names = append(r.names, n.Name())
		v := n.Value().(*tensor.Dense)
		return graph.Data(gorgonia.NewTensor(r.g, v.Dtype(), v.Dims(), gorgonia.WithShape(v.Shape()...), gorgonia.WithName(n.Name()), gorgonia.WithValue(v)))
	}
	o, ok := graph.OperationOf(n)
	if !ok {
		return graph.Fail(errors.Errorf("no operation of %v", n.Op()))
	}
	var in []graph.Expr
	for _, n := range o.In {
		in = append(in, r.expr(n))
	}
	r.kinds = append(r.kinds, o.Kind)
	in = append(in, graph.Expr{}) // no bias
	switch o.Kind {
	case "Conv":
		return graph.Conv2D(in[0], in[1], in[2], o.Config.(graph.Conv))
	case "Linear":
		return graph.Linear(in[0], in[1], in[2])
	case "BatchNorm":
		return o.Config.(graph.BatchNorm).Norm(in[0], in[1], in[2], in[3], in[4])
	case "MaxPool":
		return graph.MaxPool(in[0], o.Config.(graph.Pool))
	case "AvgPool":
		return graph.AvgPool(in[0], o.Config.(graph.Pool))
	case "GlobalAvgPool":
		return graph.GlobalAvgPool(in[0])
	case "Normalize":
		return graph.NormalizeLp(in[0], o.Config.(graph.RowNorm).P)
	case "Reshape":
		return in[0].Reshape(n.Shape()...)
	case "Add":
		return in[0].Add(in[1])
	case "Mul":
		return in[0].Mul(in[1])
	case "Max":
		return in[0].Max(in[1])
	case "Affine":
		c := o.Config.(graph.Constants)
		return in[0].Affine(c[0], c[1])
	case "Relu":
		return in[0].Relu()
	case "Sigmoid":
		return in[0].Sigmoid()
	case "Tanh":
		return in[0].Tanh()
	}
	return graph.Fail(errors.Errorf("the operation %s", o.Kind))
}

// A network made anew of what OperationOf tells of its graph, in which ops are fused, computes the same: it
// tells everything.
func TestOperationsOfNets(t *testing.T) {
	kinds := map[string][]string{
		"cnn":           {"Conv", "BatchNorm", "Relu", "MaxPool", "Conv", "BatchNorm", "Relu", "GlobalAvgPool", "Linear", "Normalize"},
		"cnn of biases": {"Conv", "Relu", "MaxPool", "Conv", "Relu", "Reshape", "Linear", "Normalize"},
		"mlp":           {"Reshape", "Linear", "Relu", "Linear", "Relu", "Linear", "Normalize"},
	}
	for name, cfg := range fusingNets {
		t.Run(name, func(t *testing.T) {
			params := stirred(t, cfg)
			for _, batch := range []int{1, 5} {
				m := newMachine(t, cfg, params, nets.Eval, tensor.Float64, batch)
				r := &reader{g: gorgonia.NewGraph(), done: map[*gorgonia.Node]graph.Expr{}}
				out, err := r.expr(m.net.Embedding).Node()
				require.NoError(t, err)
				if want := kinds[name]; want != nil {
					require.Equal(t, want, r.kinds)
				}
				want := []string{"pictures"}
				for _, item := range params.All() {
					want = append(want, item.Name)
				}
				require.ElementsMatch(t, want, r.names)
				again := &netMachine{params: params}
				gorgonia.Read(out, &again.embedding)
				again.vm = gorgonia.NewTapeMachine(r.g)
				require.InDeltaSlice(t, m.run(t), again.run(t), 1e-12)
				require.NoError(t, again.vm.Close())
			}
		})
	}
	_, ok := graph.OperationOf(nil)
	require.False(t, ok)
}

// No gradient flows to the weights of an evaluation.
func TestEvalHasNoGradients(t *testing.T) {
	for name, cfg := range fusingNets {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t, cfg, graph.NewParams(1), nets.Eval, tensor.Float32, 2)
			require.True(t, slices.ContainsFunc(m.params.All(), func(p *graph.Param) bool { return !p.Buffer }))
			cost, err := graph.Of(m.net.Embedding).Sum().Node()
			require.NoError(t, err)
			_, nodes := m.params.Learned(cost.Graph())
			_, err = gorgonia.Grad(cost, nodes...)
			require.Error(t, err)
		})
	}
}
