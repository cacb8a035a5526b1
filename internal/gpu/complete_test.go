package gpu_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
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
	reflect.TypeFor[spec.Chain]():  "a machine of the CPU makes it of several specs",
	reflect.TypeFor[spec.HostOp](): "its functions are Go's",
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
