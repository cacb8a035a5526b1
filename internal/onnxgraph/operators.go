package onnxgraph

import (
	"math"

	"github.com/pkg/errors"

	"medusa/graph"
)

func init() {
	operators = map[string]operator{
		// of convolutional networks
		"Conv": {least: 2, build: conv}, "BatchNormalization": {least: 5, build: batchNorm}, "MaxPool": {least: 1, build: maxPool}, "AveragePool": {least: 1, build: averagePool},
		"GlobalAveragePool": {least: 1, build: global(meanOver)}, "GlobalMaxPool": {least: 1, build: global(maxOver)},
		"Gemm": {least: 2, build: gemm}, "MatMul": {least: 2, build: matMul},
		"LayerNormalization": {least: 1, build: layerNorm}, "InstanceNormalization": {least: 3, build: groupNorm(func(_ *call, channels int) int { return channels })},
		"GroupNormalization": {least: 3, build: groupNorm(func(c *call, _ int) int { return c.int("num_groups", 0) })},
		"LpNormalization":    {least: 1, build: lpNorm},
		"Softmax":            {least: 1, build: softmax(graph.Expr.Softmax)}, "LogSoftmax": {least: 1, build: softmax(graph.Expr.LogSoftmax)},

		// of one input, element by element
		"Relu": plain(graph.Expr.Relu, func(v float64) float64 { return max(v, 0) }), "Sigmoid": plain(graph.Expr.Sigmoid, nil), "Tanh": plain(graph.Expr.Tanh, math.Tanh),
		"Exp": plain(graph.Expr.Exp, math.Exp), "Log": plain(graph.Expr.Log, math.Log), "Abs": plain(graph.Expr.Abs, math.Abs), "Neg": plain(graph.Expr.Neg, func(v float64) float64 { return -v }),
		"Sqrt": plain(graph.Expr.Sqrt, math.Sqrt), "Cos": plain(graph.Expr.Cos, math.Cos), "Softplus": plain(graph.Expr.Softplus, nil), "Erf": plain(func(x graph.Expr) graph.Expr { return graph.Apply(erf{}, x) }, math.Erf),
		"Reciprocal": plain(func(x graph.Expr) graph.Expr { return power(x, -1) }, func(v float64) float64 { return 1 / v }),
		"Softsign":   plain(func(x graph.Expr) graph.Expr { return x.Div(x.Abs().Plus(1)) }, nil),
		"Mish":       plain(func(x graph.Expr) graph.Expr { return x.Mul(x.Softplus().Tanh()) }, nil),
		"HardSwish":  plain(graph.Expr.HardSwish, nil), "HardSigmoid": function(hardSigmoid, nil), "LeakyRelu": function(leakyRelu, nil), "Gelu": function(gelu, nil),
		"Elu": function(elu(1, 1), nil), "Selu": function(elu(1.67326319217681884765625, 1.05070102214813232421875), nil), "Celu": function(celu, nil),
		"Swish": function(func(c *call, x graph.Expr) graph.Expr { return x.Swish(c.float("alpha", 1)) }, nil),
		"Floor": constantOnly("Floor", math.Floor), "Ceil": constantOnly("Ceil", math.Ceil), "Round": constantOnly("Round", math.RoundToEven),
		"Not": constantOnly("Not", func(v float64) float64 { return truth(v == 0) }), "Sign": constantOnly("Sign", sign), "Sin": constantOnly("Sin", math.Sin),
		"Clip": {least: 1, build: clip, fold: clipConstant}, "PRelu": {least: 2, build: prelu},

		// of several inputs, which stretch
		"Add": swapped(pairwise(graph.Expr.Add, graph.Expr.Plus, func(a, b float64) float64 { return a + b }), graph.Expr.Plus),
		"Sub": swapped(pairwise(graph.Expr.Sub, func(x graph.Expr, k float64) graph.Expr { return x.Plus(-k) }, func(a, b float64) float64 { return a - b }),
			func(x graph.Expr, k float64) graph.Expr { return x.Affine(-1, k) }),
		"Mul": swapped(pairwise(graph.Expr.Mul, graph.Expr.Scale, func(a, b float64) float64 { return a * b }), graph.Expr.Scale),
		"Div": quotient(),
		"Pow": pairwise(powers, power, math.Pow), "Mod": {least: 2, build: pairwise(noModulus, nil, math.Mod).build, fold: foldMod},
		"Max": several(graph.Expr.Max, math.Max, false), "Min": several(graph.Expr.Min, math.Min, false), "Sum": several(graph.Expr.Add, func(a, b float64) float64 { return a + b }, false),
		"Mean":    several(graph.Expr.Add, func(a, b float64) float64 { return a + b }, true),
		"Equal":   asTruth(pairwise(graph.Expr.Equal, nil, func(a, b float64) float64 { return truth(a == b) })),
		"Greater": asTruth(pairwise(graph.Expr.Greater, nil, func(a, b float64) float64 { return truth(a > b) })), "GreaterOrEqual": asTruth(pairwise(graph.Expr.AtLeast, nil, func(a, b float64) float64 { return truth(a >= b) })),
		"Less":        asTruth(pairwise(func(x, y graph.Expr) graph.Expr { return y.Greater(x) }, nil, func(a, b float64) float64 { return truth(a < b) })),
		"LessOrEqual": asTruth(pairwise(func(x, y graph.Expr) graph.Expr { return y.AtLeast(x) }, nil, func(a, b float64) float64 { return truth(a <= b) })),
		"And":         asTruth(pairwise(graph.Expr.Mul, nil, func(a, b float64) float64 { return truth(a != 0 && b != 0) })),
		"Or":          asTruth(pairwise(graph.Expr.Max, nil, func(a, b float64) float64 { return truth(a != 0 || b != 0) })),
		"Where":       {least: 3, build: where, fold: foldWhere},

		// over axes
		"ReduceMean": reduction(meanOver, mean), "ReduceSum": reduction(sumOver, sum), "ReduceL1": reduction(l1Over, total(math.Abs, same)),
		"ReduceL2": reduction(l2Over, total(square, math.Sqrt)), "ReduceSumSquare": reduction(squaresOver, total(square, same)),
		"ReduceMax": reduction(maxOver, func(all []float64) float64 { return extreme(all, math.Max) }), "ReduceMin": reduction(minOver, func(all []float64) float64 { return extreme(all, math.Min) }),
		"ReduceProd": reduction(noProduct, multiplied), "ReduceLogSum": reduction(logSumOver, total(same, math.Log)), "ReduceLogSumExp": reduction(logSumExpOver, total(math.Exp, math.Log)),

		// of shapes and places
		"Identity": moving(1, func(_ *call, v value) (value, error) { return v, nil }), "Dropout": moving(1, func(_ *call, v value) (value, error) { return v, nil }),
		"Reshape": moving(2, reshape), "Flatten": moving(1, flatten), "Transpose": moving(1, transpose), "Unsqueeze": moving(1, unsqueeze), "Squeeze": moving(1, squeeze),
		"Expand": moving(2, expand), "Tile": moving(2, tile), "Slice": moving(1, slice), "Gather": moving(2, gather), "Pad": moving(1, pad),
		"Split": {least: 1, build: splitUp}, "Concat": {least: 1, build: func(c *call) ([]value, error) {
			v, err := c.joined(c.in, c.int("axis", 1))
			return []value{v}, err
		}},
		"Cast": {least: 1, build: castNumbers, fold: foldCast}, "CastLike": {least: 2, build: func(c *call) ([]value, error) { return c.in[:1], nil }},
		"Shape": {least: 1, fold: foldShape, always: true, build: folds}, "Size": {least: 1, fold: foldSize, always: true, build: folds},
		"ConstantOfShape": {least: 1, fold: foldConstantOfShape, build: folds}, "Range": {least: 3, fold: foldRange, build: folds},
	}
}

// folds refuses what is computed from pictures, of an operator of constants.
func folds(c *call) ([]value, error) {
	for i := range c.in {
		if _, err := c.fixed(i); err != nil {
			return nil, err
		}
	}
	return nil, errors.New("it makes no constant")
}

// constantOnly is a function of constants.
func constantOnly(name string, f func(float64) float64) operator {
	return plain(func(graph.Expr) graph.Expr {
		return graph.Fail(errors.Errorf("%s of what is computed from pictures is not supported", name))
	}, f)
}

func sign(v float64) float64 { return truth(v > 0) - truth(v < 0) }

// extreme is the largest or the smallest number, as f says of two; of none it is infinite.
func extreme(all []float64, f func(a, b float64) float64) float64 {
	m := -f(math.Inf(-1), math.Inf(1))
	for _, v := range all {
		m = f(m, v)
	}
	return m
}

func noModulus(_, _ graph.Expr) graph.Expr {
	return graph.Fail(errors.New("a remainder of what is computed from pictures is not supported"))
}

// quotient divides; whole numbers lose their fraction.
func quotient() operator {
	op := pairwise(graph.Expr.Div, func(x graph.Expr, k float64) graph.Expr { return x.Scale(1 / k) }, func(a, b float64) float64 { return a / b })
	return swapped(op, func(x graph.Expr, k float64) graph.Expr { return x.Constant(k, x.Shape()...).Div(x) })
}

// castNumbers lets floats be floats.
func castNumbers(c *call) ([]value, error) {
	switch c.int("to", 0) {
	case 1, 10, 11, 16:
		return c.in[:1], nil
	}
	return nil, errors.New("numbers that are computed from pictures are cast to whole ones, through which no gradient flows: cut it before that")
}

// where chooses by a mask of 0 and 1.
func where(c *call) ([]value, error) {
	rank := 0
	for i := range 3 {
		rank = max(rank, len(c.in[i].shape()))
	}
	var in [3]graph.Expr
	for i := range in {
		x := c.x(i)
		if err := x.Err(); err != nil {
			return nil, err
		}
		in[i] = ranked(x, rank)
	}
	return one(graph.WhereElse(in[0], in[1], in[2]))
}
