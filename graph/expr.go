package graph

import (
	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Expr is a node of an expression graph, or the first error met on the way to it, so
// that a formula reads whole and its error is checked once, at Node. The zero Expr is
// an error.
type Expr struct {
	n    *gorgonia.Node
	err  error
	data bool // no gradient flows through

	unfused bool // see Unfused
}

// Of makes an expression of a node, such as one that other Gorgonia code made.
func Of(n *gorgonia.Node) Expr {
	if n == nil {
		return Expr{err: errors.New("graph: the node is nil")}
	}
	if d := n.Dtype(); d != tensor.Float32 && d != tensor.Float64 {
		return Expr{err: errors.Errorf("graph: node %s has elements of type %v, want float32 or float64", n.Name(), d)}
	}
	if err := checkShape(n.Shape()); err != nil {
		return Expr{err: errors.Wrapf(err, "graph: node %s", n.Name())}
	}
	return Expr{n: n}
}

// Data is Of for a node through which no gradient flows: labels, pictures. What is made
// of data alone is data too.
func Data(n *gorgonia.Node) Expr {
	e := Of(n)
	e.data = true
	return e
}

// Node hands out the node, or the first error on the way to it.
func (e Expr) Node() (*gorgonia.Node, error) {
	n, err := e.made()
	if err == nil {
		if o, ok := n.Op().(*op); ok {
			o.given = true
		}
	}
	return n, err
}

// made is Node for this package.
func (e Expr) made() (*gorgonia.Node, error) {
	if e.err != nil {
		return nil, e.err
	}
	if e.n == nil {
		return nil, errors.New("graph: empty expression")
	}
	return e.n, nil
}

// Err is the first error on the way to the expression, or nil.
func (e Expr) Err() error {
	_, err := e.made()
	return err
}

// Fail is an expression that carries err.
func Fail(err error) Expr { return Expr{err: err} }

// Shape is the expression's shape: nil for a scalar or if the expression carries an error.
func (e Expr) Shape() tensor.Shape {
	if e.Err() != nil {
		return nil
	}
	return e.n.Shape()
}

// IsData tells whether no gradient flows through the expression.
func (e Expr) IsData() bool { return e.data }

// Dtype is the element type, float32 or float64.
func (e Expr) Dtype() tensor.Dtype {
	if e.Err() != nil {
		return tensor.Dtype{}
	}
	return e.n.Dtype()
}

// Graph is the graph of the expression's node, nil if it carries an error.
func (e Expr) Graph() *gorgonia.ExprGraph {
	if e.Err() != nil {
		return nil
	}
	return e.n.Graph()
}

// Detach is the expression's value, through which no gradient flows.
func (e Expr) Detach() Expr {
	e.data = true
	return e
}

// firstError is the first error among the expressions.
func firstError(es ...Expr) error {
	for _, e := range es {
		if err := e.Err(); err != nil {
			return err
		}
	}
	return nil
}

// Guard turns a panic of Gorgonia's into an error that says what was being done:
//
//	defer graph.Guard("building the loss", &err)
func Guard(doing string, err *error) {
	if r := recover(); r != nil {
		*err = errors.Errorf("graph: %s: %v", doing, r)
	}
}
