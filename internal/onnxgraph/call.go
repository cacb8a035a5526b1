package onnxgraph

import (
	"math"
	"slices"
	"strconv"

	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/internal/onnx"
)

// call is a node that is built.
type call struct {
	*builder
	node onnx.Node
	in   []value
}

// operator is what is known of an operator.
type operator struct {
	least  int                                // inputs that must be there
	build  func(c *call) ([]value, error)     // what it makes of expressions
	fold   func(c *call) ([]*constant, error) // what it makes of constants alone; nil if that is the same
	always bool                               // it makes constants of expressions too
}

// operators are those that are known, by their names.
var operators map[string]operator

func one(e graph.Expr) ([]value, error) { return []value{{e: e}}, nil }

// x is an input as an expression.
func (c *call) x(i int) graph.Expr {
	if !c.has(i) {
		return graph.Fail(errors.Errorf("its input %d is left out", i+1))
	}
	if v := c.in[i]; v.fixed == nil {
		return v.e
	}
	return c.constant(c.in[i].fixed, c.in[i].fixed.shape)
}

func (c *call) has(i int) bool { return i < len(c.in) && c.in[i].isThere() }

// fixed is an input that must be a constant, such as a shape; nil if it is left out.
func (c *call) fixed(i int) (*constant, error) {
	if !c.has(i) {
		return nil, nil
	}
	if c.in[i].fixed == nil {
		return nil, errors.Errorf("its input %q is computed from pictures, and must be known before them", c.node.In[i])
	}
	return c.in[i].fixed, nil
}

// number is an input of one number, or an absent value.
func (c *call) number(i int, absent float64) (float64, error) {
	k, err := c.fixed(i)
	if err != nil || k == nil {
		return absent, err
	}
	if k.size() != 1 {
		return 0, errors.Errorf("its input %q has %d numbers, want one", c.node.In[i], k.size())
	}
	return k.at(0), nil
}

func (c *call) float(name string, absent float64) float64 {
	if v, ok := attribute(c.node, name).(float32); ok {
		// The shortest decimal is what was meant: 0.1, and not the nearest float32.
		if d, err := strconv.ParseFloat(strconv.FormatFloat(float64(v), 'g', -1, 32), 64); err == nil {
			return d
		}
		return float64(v)
	}
	return absent
}

func (c *call) int(name string, absent int) int {
	if v, ok := attribute(c.node, name).(int64); ok {
		return int(min(max(v, math.MinInt32), math.MaxInt32))
	}
	return absent
}

func (c *call) text(name, absent string) string {
	if v, ok := attribute(c.node, name).(string); ok && v != "" {
		return v
	}
	return absent
}

// ints are the numbers of an attribute; nil if it is not there.
func (c *call) ints(name string) []int {
	v, ok := attribute(c.node, name).([]int64)
	if !ok {
		return nil
	}
	out := make([]int, len(v))
	for i, n := range v {
		out[i] = int(min(max(n, math.MinInt32), math.MaxInt32))
	}
	return out
}

// list are numbers that are an attribute in older versions, and an input in newer ones; nil if they are not there.
func (c *call) list(name string, input int) ([]int, error) {
	if v := c.ints(name); v != nil {
		return v, nil
	}
	k, err := c.fixed(input)
	if err != nil || k == nil {
		return nil, err
	}
	return k.sides()
}

// newer reports whether the operators are at least of a version.
func (c *call) newer(opset int64) bool { return c.net.opset == 0 || c.net.opset >= opset }

// axis counts an axis from the front.
func axis(at, rank int) (int, error) {
	if at < -rank || at >= rank {
		return 0, errors.Errorf("there is no axis %d of %d", at, rank)
	}
	if at < 0 {
		at += rank
	}
	return at, nil
}

// axes counts axes from the front, in ascending order; all of them if there are none.
func axes(at []int, rank int) ([]int, error) {
	var out []int
	for _, a := range at {
		a, err := axis(a, rank)
		if err != nil {
			return nil, err
		}
		if slices.Contains(out, a) {
			return nil, errors.Errorf("axis %d is named twice", a)
		}
		out = append(out, a)
	}
	slices.Sort(out)
	return out, nil
}

// sideText is a side of pictures in a message.
func sideText(n int) string {
	if n == 0 {
		return "any"
	}
	return strconv.Itoa(n)
}

// checkFinite refuses numbers that no network computes with.
func checkFinite(name string, values []float32) error {
	for i, v := range values {
		if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
			return errors.Errorf("the tensor %q holds %v at place %d: the weights are damaged, or training had failed", name, v, i)
		}
	}
	return nil
}

// layer tells of a layer, by the name of its weights.
func (c *call) layer(kind string, y graph.Expr, macs float64) graph.Expr {
	if c.options.Layer == nil || y.Err() != nil {
		return y
	}
	name := nodeName(c.node)
	if len(c.node.In) > 1 && c.net.params[c.node.In[1]] != nil {
		name = c.node.In[1]
	}
	c.options.Layer(name, kind, y, macs)
	return y
}
