// Package graph is the language in which Medusa's losses and networks are written:
// expressions over Gorgonia nodes that carry the first error ([Expr]), the operations
// that Gorgonia lacks or gets wrong, each with its symbolic gradient, and named
// parameters that several graphs share ([Params]).
//
// Ops that one kernel can do at once are fused as they are applied; see [Expr.Unfused] and [OperationOf].
//
// Gorgonia's TapeMachine runs such a graph. Package machine does so faster, on the CPU or a
// GPU: it uses memory again as soon as nobody reads it, and leaves out what others compute by
// themselves.
//
// Public functions return errors and never panic. Shapes are checked while the graph is
// built. Letters in shapes: B batch, C channels, H, W height and width, E embedding size.
package graph
