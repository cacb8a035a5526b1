package graph

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Every method of a nil set, given nothing or something, gives an error or nothing, and does not
// panic; so do those that write to nothing.
func TestNilParams(t *testing.T) {
	item := &Param{Name: "w"}
	some := map[reflect.Type]reflect.Value{
		reflect.TypeFor[*gorgonia.ExprGraph](): reflect.ValueOf(gorgonia.NewGraph()),
		reflect.TypeFor[tensor.Dtype]():        reflect.ValueOf(tensor.Float32),
		reflect.TypeFor[Init]():                reflect.ValueOf(Fill(0)),
		reflect.TypeFor[string]():              reflect.ValueOf("w"),
		reflect.TypeFor[[]int]():               reflect.ValueOf([]int{2}),
		reflect.TypeFor[*Param]():              reflect.ValueOf(item),
		reflect.TypeFor[*Params]():             reflect.ValueOf(NewParams(1)),
		reflect.TypeFor[float64]():             reflect.ValueOf(0.5),
	}
	for i := range reflect.TypeFor[*Params]().NumMethod() {
		method := reflect.TypeFor[*Params]().Method(i)
		t.Run(method.Name, func(t *testing.T) {
			for _, given := range []map[reflect.Type]reflect.Value{nil, some} {
				args := []reflect.Value{reflect.ValueOf((*Params)(nil))}
				for a := 1; a < method.Type.NumIn(); a++ {
					arg, ok := given[method.Type.In(a)]
					if !ok {
						arg = reflect.Zero(method.Type.In(a))
					}
					args = append(args, arg)
				}
				call := method.Func.Call
				if method.Type.IsVariadic() {
					call = method.Func.CallSlice
				}
				for _, out := range call(args) {
					switch x := out.Interface().(type) {
					case Expr:
						require.Error(t, x.Err())
					case Queue:
						require.Error(t, x.Push(Expr{}).Err())
					case *Random:
						require.Error(t, x.Uniform(2).Err())
					}
				}
			}
		})
	}
	p := NewParams(1)
	require.ErrorContains(t, p.Save(nil, nil), "the writer is nil")
	_, err := p.Load(nil, 0, Loading{})
	require.ErrorContains(t, err, "the reader is nil")
	require.ErrorContains(t, (*Params)(nil).Save(&bytes.Buffer{}, nil), "nil, want one of NewParams")
	require.ErrorContains(t, (*Params)(nil).ScaleLR("w", 0), "nil")
	require.ErrorContains(t, (*Params)(nil).Join("a.", p), "nil")
}

// The zero value is a set as NewParams(0) makes it.
func TestZeroParams(t *testing.T) {
	build := func(p *Params) []float32 {
		g := gorgonia.NewGraph()
		p.Observe(g)
		require.NoError(t, p.ScaleLR("a.", 0.5))
		require.NoError(t, p.LearnAt("own", 0.25))
		require.NoError(t, p.Weight(g, "own", tensor.Float32, Fill(1), 2).Err())
		require.NoError(t, p.Sub("a.").Weight(g, "w", tensor.Float32, Fill(2), 2).Err())
		require.NoError(t, p.Random(g, "noise", tensor.Float32).Uniform(3).Err())
		require.NoError(t, p.Queue(g, "queue", tensor.Float32, Fill(0), 4).Push(p.Weight(g, "own", tensor.Float32, nil, 2)).Err())
		require.NoError(t, p.Join("b.", new(Params)))
		require.Equal(t, 0.25, p.Lookup("own").Rate())
		require.Equal(t, 0.5, p.Lookup("a.w").Rate())
		return p.Lookup("noise").Value.Float32s()
	}
	require.Equal(t, build(NewParams(0)), build(new(Params)))
	var stored bytes.Buffer
	require.NoError(t, new(Params).Save(&stored, nil))
	_, err := new(Params).Load(&stored, int64(stored.Len()), Loading{})
	require.NoError(t, err)
}

// A part that is made after its tensors has these, in graphs of before and later: one name is one
// tensor, node, source of random numbers and queue.
func TestSubTakesOverWhatIsThere(t *testing.T) {
	p := NewParams(3)
	g := gorgonia.NewGraph()
	made := p.Weight(g, "net.conv.w", tensor.Float32, Fill(1), 2)
	require.NoError(t, p.Weight(g, "net", tensor.Float32, Fill(7), 1).Err(), "the prefix itself without the point")
	require.NoError(t, p.Weight(g, "other", tensor.Float32, Fill(1), 1).Err())
	noise := p.Random(g, "net.noise", tensor.Float32)
	queue := p.Queue(g, "net.queue", tensor.Float32, Fill(0), 4)
	pushed := queue.Push(made)
	require.NoError(t, pushed.Err())
	require.NoError(t, p.LearnAt("net.later", 0.5))
	require.NoError(t, p.ScaleLR("net.", 0.5))
	deep := p.Sub("net.deep.")
	require.NoError(t, deep.Weight(g, "w", tensor.Float32, Fill(1), 1).Err())
	require.NoError(t, deep.ScaleLR("w", 0.125))
	before := len(p.All())

	sub := p.Sub("net.")
	require.Same(t, sub, p.Sub("net."))
	require.Same(t, p.Lookup("net.conv.w"), sub.Lookup("conv.w"))
	require.Equal(t, "net.conv.w", sub.Lookup("conv.w").Name)
	require.Same(t, made.n, sub.Weight(g, "conv.w", tensor.Float32, nil, 2).n)
	require.Same(t, made.n, p.Weight(g, "net.conv.w", tensor.Float32, nil, 2).n)
	require.Same(t, noise, sub.Random(g, "noise", tensor.Float32))
	require.Same(t, pushed.n, queue.Push(made).n, "by the queue of before")
	require.Same(t, pushed.n, sub.Queue(g, "queue", tensor.Float32, nil, 4).Push(made).n)
	require.Same(t, deep, sub.Sub("deep."))
	require.Len(t, p.All(), before)
	require.NoError(t, sub.Weight(g, "later", tensor.Float32, Fill(1), 1).Err())
	require.Equal(t, 0.25, p.Lookup("net.later").Rate())
	require.Equal(t, 0.5, p.Lookup("net.conv.w").Rate())
	require.Equal(t, 0.125, p.Lookup("net.deep.w").Rate(), "what the part was told last")
	items, _ := p.Learned(g)
	names := map[string]int{}
	for _, item := range append(items, p.All()...) {
		names[item.Name]++
	}
	for name, n := range names {
		require.LessOrEqual(t, n, 2, name)
	}
	require.NotNil(t, p.Lookup("net"))
	require.Nil(t, sub.Lookup(""))
}

// Parts are made and tensors asked for by many goroutines, and each tensor is one.
func TestSubInManyGoroutines(t *testing.T) {
	for range 50 {
		p := NewParams(1)
		done := make(chan *Param)
		for i := range 8 {
			go func() {
				q, name := p, "a.b.w"
				switch i % 3 {
				case 1:
					q, name = p.Sub("a."), "b.w"
				case 2:
					q, name = p.Sub("a.b."), "w"
				}
				q.Weight(gorgonia.NewGraph(), name, tensor.Float32, Fill(1), 2)
				done <- q.Lookup(name)
			}()
		}
		first := <-done
		for range 7 {
			require.Same(t, first, <-done)
		}
		require.Len(t, p.All(), 1)
	}
}

func TestIdleRates(t *testing.T) {
	p := NewParams(1)
	require.NoError(t, p.ScaleLR("backbone.", 0))
	require.NoError(t, p.Sub("backbone.").ScaleLR("convx", 0))
	require.NoError(t, p.Sub("backbone.").LearnAt("fc", 2))
	require.Equal(t, []string{"backbone.", "backbone.convx", "backbone.fc"}, p.Idle())
	g := gorgonia.NewGraph()
	require.NoError(t, p.Weight(g, "backbone.conv1", tensor.Float32, Fill(1), 1).Err())
	require.Equal(t, []string{"backbone.convx", "backbone.fc"}, p.Idle())
	require.NoError(t, p.Weight(g, "backbone.convx.w", tensor.Float32, Fill(1), 1).Err())
	require.NoError(t, p.Weight(g, "backbone.fc", tensor.Float32, Fill(1), 1).Err())
	require.Empty(t, p.Idle())
}
