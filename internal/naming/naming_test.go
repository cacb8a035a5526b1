package naming

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const root = "../.."

// freed are private names that say nothing without their doc, or that stood for several things at
// once, with what to say instead.
var freed = map[string]string{
	"flight": "pending", "flights": "pending", "flying": "pending", "land": "await", "landed": "await", "landing": "await", "lag": "depth",
	"hold": "retain, pin or lock, whichever it is", "found": "createRun of a run, the thing found of a search",
	"sound": "validate, or valid of a bool", "told": "message, or the fact that is told", "saying": "wrap", "shown": "excerpt",
	"engine": "what it runs", "watch": "health, or what is watched", "monitor": "what is measured", "journal": "metrics log", "board": "TensorBoard",
	"inlet": "writer", "besides": "the things that lie there", "calmly": "guarded", "slip": "isTypo", "look": "what is looked up",
}

// vagueFiles are names of files that hold anything.
var vagueFiles = []string{"common", "helper", "helpers", "misc", "types", "util", "utils"}

// kind is where a file stands.
type kind int

const (
	public  kind = iota // other modules can import it
	private             // below internal, or of a program
	test
)

// faultsOf lists what is wrong with the names and docs of a file of Go.
func faultsOf(fset *token.FileSet, f *ast.File, of kind) (faults []string) {
	report := func(at token.Pos, format string, args ...any) {
		faults = append(faults, fmt.Sprintf("%s: %s", fset.Position(at), fmt.Sprintf(format, args...)))
	}
	check := func(id *ast.Ident, doc string, wantsName bool) {
		if instead, ok := freed[id.Name]; ok {
			report(id.Pos(), "%s says nothing by itself: say %s", id.Name, instead)
		}
		switch {
		case doc == "" && of == public && id.IsExported():
			report(id.Pos(), "%s has no doc", id.Name)
		case doc != "" && wantsName && of != test && id.Name != "init" && !namedIn(doc, id.Name):
			report(id.Pos(), "the doc of %s does not begin with it: %.40q", id.Name, doc)
		}
	}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil || receiver(d).IsExported() && !ofErrors[d.Name.Name] || !d.Name.IsExported() {
				check(d.Name, d.Doc.Text(), true)
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					check(s.Name, either(s.Doc, d.Doc, s.Comment), len(d.Specs) == 1)
				case *ast.ValueSpec:
					for _, id := range s.Names {
						check(id, either(s.Doc, d.Doc, s.Comment), false)
					}
				}
			}
		}
	}
	return faults
}

// ofErrors are methods that every error has, with the meaning that package errors gives them.
var ofErrors = map[string]bool{"Error": true, "Unwrap": true, "Is": true}

// receiver is the type that a method is of.
func receiver(d *ast.FuncDecl) *ast.Ident {
	t := d.Recv.List[0].Type
	for {
		switch of := t.(type) {
		case *ast.StarExpr:
			t = of.X
		case *ast.IndexExpr:
			t = of.X
		case *ast.IndexListExpr:
			t = of.X
		case *ast.Ident:
			return of
		default:
			return ast.NewIdent("_")
		}
	}
}

// either is the text of the first comment that there is.
func either(comments ...*ast.CommentGroup) string {
	for _, c := range comments {
		if text := c.Text(); text != "" {
			return text
		}
	}
	return ""
}

// namedIn reports whether a paragraph of a doc begins with a name, alone or in a list of names.
func namedIn(doc, name string) bool {
	for paragraph := range strings.SplitSeq(doc, "\n\n") {
		words := strings.FieldsFunc(paragraph, func(r rune) bool { return strings.ContainsRune(" \n,.:", r) })
		if slices.Contains(words[:min(4, len(words))], name) {
			return true
		}
	}
	return false
}

func TestNames(t *testing.T) {
	files := 0
	require.NoError(t, filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && (e.Name() == "testdata" || e.Name() == "runs" || strings.HasPrefix(e.Name(), ".") && path != root):
			return fs.SkipDir
		case e.IsDir() || !strings.HasSuffix(path, ".go"):
			return nil
		}
		name := strings.TrimSuffix(strings.TrimSuffix(e.Name(), ".go"), "_test")
		assert.NotContains(t, vagueFiles, name, "%s: name the file after what is in it", path)
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		files++
		of := public
		switch {
		case strings.HasSuffix(path, "_test.go"):
			of = test
		case strings.Contains(filepath.ToSlash(path), "internal/") || f.Name.Name == "main":
			of = private
		}
		for _, fault := range faultsOf(fset, f, of) {
			t.Error(fault)
		}
		return nil
	}))
	require.Greater(t, files, 1000, "the sources were found")
}

func TestFaultsOf(t *testing.T) {
	const header = "package p\n\n"
	for source, want := range map[string]string{
		"func landed() {}":                                              "say await",
		"type flight struct{}":                                          "say pending",
		"func (s state) look() {}":                                      "say what is looked up",
		"func Open() {}":                                                "Open has no doc",
		"const Limit = 1":                                               "Limit has no doc",
		"type T struct{}\n\n// T is.\nfunc (T) Go() {}":                 "T has no doc",
		"// Says whether.\nfunc Open() {}":                              "does not begin with it",
		"// Open opens.\nfunc Open() {}":                                "",
		"// Limits of things.\nconst (\n\tA = 1\n\tB = 2\n)":            "",
		"// T is.\ntype T struct{}\n\n// Do does.\nfunc (t *T) Do() {}": "",
		"type t struct{}\n\nfunc (t) Do() {}":                           "",
		"// Says whether.\nfunc await() {}":                             "does not begin with it",
		"func await() {}":                                               "",
	} {
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, "p.go", header+source, parser.ParseComments)
		require.NoError(t, err)
		got := strings.Join(faultsOf(fset, f, public), "\n")
		if want == "" {
			assert.Empty(t, got, source)
			continue
		}
		assert.Contains(t, got, want, source)
	}
}
