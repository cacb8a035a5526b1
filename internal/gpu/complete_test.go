package gpu_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/cpu"
	"medusa/internal/gpu"
	"medusa/internal/gpu/gputest"
	"medusa/internal/gpu/kernels"
	"medusa/internal/spec"
)

// onHost are the specs that the host computes, and why.
var onHost = map[reflect.Type]string{
	reflect.TypeFor[spec.Chain]():      "a machine of the CPU makes it of several specs",
	reflect.TypeFor[spec.HostOp]():     "its functions are Go's",
	reflect.TypeFor[spec.PairPowers](): "as of Chain",
}

// Every spec that has a kernel on the CPU has one here: no op of a graph is left to the host. No kernel here is without
// one there, with which it is compared.
func TestEverySpecHasAKernel(t *testing.T) {
	here := map[reflect.Type]bool{}
	for _, s := range gpu.Specs() {
		here[s] = true
	}
	there := map[reflect.Type]bool{}
	for _, s := range cpu.Specs() {
		there[s] = true
		_, left := onHost[s]
		require.Equal(t, !left, here[s], s.String())
	}
	require.Greater(t, len(there), 90)
	for s := range here {
		require.True(t, there[s], s.String())
	}
}

// constants are the values of the string constants of package spec, by their type.
func constants(t *testing.T) map[string][]string {
	if os.Getenv(gputest.OnGPU) != "" {
		t.Skip("reads the sources, which a carried test has not")
	}
	paths, err := filepath.Glob(filepath.Join("..", "spec", "*.go"))
	require.NoError(t, err)
	out := map[string][]string{}
	for _, p := range paths {
		f, err := parser.ParseFile(token.NewFileSet(), p, nil, 0)
		require.NoError(t, err)
		ast.Inspect(f, func(n ast.Node) bool {
			c, ok := n.(*ast.ValueSpec)
			if !ok || len(c.Values) != 1 {
				return true
			}
			of, named := c.Type.(*ast.Ident)
			text, literal := c.Values[0].(*ast.BasicLit)
			if named && literal && text.Kind == token.STRING {
				v, err := strconv.Unquote(text.Value)
				require.NoError(t, err)
				out[of.Name] = append(out[of.Name], v)
			}
			return true
		})
	}
	return out
}

// Every function, operator, metric, reduction, filter and part that a spec may name has a kernel here, too.
func TestEveryNameOfASpecIsKnown(t *testing.T) {
	d := sim(t)
	mask := spec.Mask{Pairs: spec.Positive}
	triplets := spec.TripletsGrad{N: 3, M: 3, Pos: mask, Neg: mask}
	named := map[string]func(name string) []any{
		"Func": func(f string) []any {
			return []any{spec.Unary{F: spec.Func(f), N: 3}, spec.UnaryGrad{F: spec.Func(f), N: 3}}
		},
		"Operator": func(o string) []any { return []any{spec.Binary{Op: spec.Operator(o), A: []int{3}, B: []int{3}}} },
		"Metric": func(m string) []any {
			of := spec.Distance{Metric: spec.Metric(m), N: 3, M: 3, D: 4, P: 3}
			return []any{of, spec.PairGrad{Distance: of, Parts: []spec.Part{{Kind: spec.MatrixPart}}}}
		},
		"Pairs": func(p string) []any {
			return []any{spec.PairMask{Rows: 3, Cols: 3, Mask: spec.Mask{Pairs: spec.Pairs(p)}}}
		},
		"Reduction": func(r string) []any {
			of := spec.RowReduce{Op: spec.Reduction(r), Rows: 3, Cols: 3, K: 1, Mask: mask}
			return []any{of, spec.RowReduceGrad(of)}
		},
		"FilterKind": func(k string) []any {
			return []any{spec.PairMask{Rows: 3, Cols: 3, Mask: spec.Mask{Filters: []spec.Filter{{Kind: spec.FilterKind(k), K: 1}}}}}
		},
		"PartKind": func(k string) []any {
			part := spec.Part{Kind: spec.PartKind(k), Terms: spec.RowTermsGrad{Rows: 3, Cols: 3, Mask: mask},
				Reduce: spec.RowReduceGrad{Op: spec.RowMax, Rows: 3, Cols: 3, K: 1, Mask: mask}, Triplets: triplets}
			return []any{spec.PairGrad{Distance: spec.Distance{Metric: spec.Euclidean, N: 3, M: 3, D: 4, Self: true}, Parts: []spec.Part{part}}}
		},
	}
	all := constants(t)
	for kind, of := range named {
		require.NotEmpty(t, all[kind], kind)
		for _, name := range all[kind] {
			for _, s := range of(name) {
				k, err := d.Kernel(s)
				require.NoError(t, err, "%s %q", kind, name)
				require.NoError(t, k.(io.Closer).Close())
			}
		}
		if kind == "Reduction" { // of which those that are none are another
			continue
		}
		for _, s := range of("no name") {
			_, err := d.Kernel(s)
			require.Error(t, err, kind)
		}
	}
}

// Every kernel of the sources is launched: the sources of the package call its method.
func TestNoKernelIsDead(t *testing.T) {
	if os.Getenv(gputest.OnGPU) != "" {
		t.Skip("reads the sources, which a carried test has not")
	}
	paths, err := filepath.Glob("*.go")
	require.NoError(t, err)
	called := map[string]bool{}
	for _, p := range paths {
		if strings.HasSuffix(p, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), p, nil, 0)
		require.NoError(t, err)
		ast.Inspect(f, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				called[s.Sel.Name] = true
			}
			return true
		})
	}
	methods, err := kernels.Methods()
	require.NoError(t, err)
	require.Greater(t, len(methods), 90)
	for _, m := range methods {
		require.True(t, called[m], m)
	}
}
