package cpu

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/spec"
)

// noSpec are exported structs of package spec that are neither specs nor parts of them, and what they are.
var noSpec = map[string]string{
	"Span": "what Triplets.Spans returns", "Cut": "an end of a Span", "Output": "what OutputsOf returns",
	"Further": "a node of a graph, with which a machine has no work",
}

// Every exported struct of package spec has a kernel, or is part of one that has.
func TestEverySpecHasAKernel(t *testing.T) {
	computed := map[string]bool{}
	var note func(s reflect.Type)
	note = func(s reflect.Type) {
		for s.Kind() == reflect.Pointer || s.Kind() == reflect.Slice {
			s = s.Elem()
		}
		if s.Kind() != reflect.Struct || computed[s.Name()] {
			return
		}
		computed[s.Name()] = true
		for i := range s.NumField() {
			note(s.Field(i).Type)
		}
	}
	for _, s := range Specs() {
		require.Equal(t, reflect.TypeFor[spec.Conv]().PkgPath(), s.PkgPath(), s.String())
		note(s)
	}
	names := 0
	for _, name := range structs(t, filepath.Join("..", "spec")) {
		names++
		_, other := noSpec[name]
		require.Equal(t, !other, computed[name], name)
	}
	require.Greater(t, names, 90)
}

// notPlain are the fields of specs that are no plain values, and why.
var notPlain = map[string]string{
	"HostOp.F32":     "a function of an op that comes from outside of the module",
	"HostOp.F64":     "as F32",
	"ChainStep.Spec": "a spec, which is plain itself",
}

// A spec is numbers, words, and lists and structs of them: it says what is computed, wholly, and no two ops share
// anything by it.
func TestSpecsArePlain(t *testing.T) {
	used := map[string]bool{}
	var check func(path string, s reflect.Type)
	check = func(path string, s reflect.Type) {
		switch s.Kind() {
		case reflect.Struct:
			for i := range s.NumField() {
				check(s.Name()+"."+s.Field(i).Name, s.Field(i).Type)
			}
		case reflect.Slice, reflect.Array:
			check(path, s.Elem())
		case reflect.Pointer, reflect.Map, reflect.Chan, reflect.Func, reflect.Interface, reflect.UnsafePointer, reflect.Uintptr:
			require.Contains(t, notPlain, path, "%s is a %s", path, s.Kind())
			used[path] = true
		}
	}
	for _, s := range append(Specs(), reflect.TypeFor[spec.Further]()) {
		check(s.Name(), s)
	}
	require.Len(t, used, len(notPlain))
}

// structs are the names of the exported types of a package that are structs, or one of another name.
func structs(t *testing.T, folder string) []string {
	paths, err := filepath.Glob(filepath.Join(folder, "*.go"))
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	var names []string
	for _, p := range paths {
		if strings.HasSuffix(p, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), p, nil, 0)
		require.NoError(t, err)
		ast.Inspect(f, func(n ast.Node) bool {
			s, ok := n.(*ast.TypeSpec)
			if !ok || !s.Name.IsExported() {
				return true
			}
			of, named := s.Type.(*ast.Ident)
			_, is := s.Type.(*ast.StructType)
			if is || named && of.IsExported() {
				names = append(names, s.Name.Name)
			}
			return true
		})
	}
	return names
}
