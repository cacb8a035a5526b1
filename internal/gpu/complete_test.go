package gpu_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/gpu/gputest"
	"medusa/internal/gpu/kernels"
)

// files are the parsed sources of a package, without tests.
func files(t *testing.T, dir string) []*ast.File {
	t.Helper()
	if os.Getenv(gputest.OnGPU) != "" {
		t.Skip("reads the sources, which a carried test has not")
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	var out []*ast.File
	for _, p := range paths {
		if strings.HasSuffix(p, "_test.go") {
			continue
		}
		src, err := os.ReadFile(p)
		require.NoError(t, err)
		f, err := parser.ParseFile(token.NewFileSet(), p, src, 0)
		require.NoError(t, err)
		out = append(out, f)
	}
	require.NotEmpty(t, out, "tests run in the package's folder")
	return out
}

// Every spec that has a kernel on the CPU has one here: no op of a graph is left to the host. Chains are what a
// machine of the CPU makes of several specs.
func TestEverySpecHasAKernel(t *testing.T) {
	var specs, built []string
	for _, f := range files(t, "..") {
		for _, d := range f.Decls {
			if m, ok := d.(*ast.FuncDecl); ok && m.Recv != nil && m.Name.Name == "cpu" {
				if name, ok := m.Recv.List[0].Type.(*ast.Ident); ok {
					specs = append(specs, name.Name)
				}
			}
		}
	}
	for _, f := range files(t, ".") {
		ast.Inspect(f, func(n ast.Node) bool {
			c, ok := n.(*ast.CaseClause)
			if !ok {
				return true
			}
			for _, e := range c.List {
				if s, ok := e.(*ast.SelectorExpr); ok {
					built = append(built, s.Sel.Name)
				}
			}
			return true
		})
	}
	require.Greater(t, len(specs), 40)
	for _, s := range specs {
		if s == "Chain" {
			continue
		}
		require.Contains(t, built, s)
	}
}

// Every function, operator, metric, filter and part that a spec may name is known here, too.
func TestEveryNameOfASpecIsKnown(t *testing.T) {
	known := map[string]bool{}
	for _, f := range files(t, ".") {
		ast.Inspect(f, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				if of, ok := s.X.(*ast.Ident); ok && of.Name == "device" {
					known[s.Sel.Name] = true
				}
			}
			return true
		})
	}
	names := 0
	for _, f := range files(t, "..") {
		ast.Inspect(f, func(n ast.Node) bool {
			c, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if of, ok := c.Type.(*ast.Ident); ok && slices.Contains([]string{"Func", "Operator", "Metric", "FilterKind", "PartKind", "Pairs"}, of.Name) && ast.IsExported(c.Names[0].Name) {
				names++
				require.True(t, known[c.Names[0].Name], "%s %s", of.Name, c.Names[0].Name)
			}
			return true
		})
	}
	require.Greater(t, names, 30)
}

// Every kernel of the sources is launched by some spec.
func TestNoKernelIsDead(t *testing.T) {
	var launched []string
	for _, f := range files(t, ".") {
		ast.Inspect(f, func(n ast.Node) bool {
			if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
				if s, err := strconv.Unquote(l.Value); err == nil {
					launched = append(launched, s)
				}
			}
			return true
		})
	}
	names, err := kernels.Names()
	require.NoError(t, err)
	tile := regexp.MustCompile(`_(128|64|32)(_tf32)?$`) // which product_test.go sees launched
	for _, name := range names {
		require.True(t, slices.Contains(launched, name) || slices.Contains(launched, tile.ReplaceAllString(name, "")), name)
	}
}
