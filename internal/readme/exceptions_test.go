package readme

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ours are our names of the library's losses that have exceptions.
var ours = map[string]string{
	"CircleLoss": "circle", "HistogramLoss": "histogram", "LiftedStructureLoss": "lifted", "MultiSimilarityLoss": "multi-similarity",
	"NCALoss": "nca", "P2SGradLoss": "p2sgrad", "RankedListLoss": "ranked-list", "SupConLoss": "supcon", "TripletMarginLoss": "triplet",
	"TupletMarginLoss": "tuplet-margin",
}

var exceptionRow = regexp.MustCompile("(?m)^\\| ((?:`[a-z0-9-]+`(?:, )?)+) \\| [^|]+ \\| ([^|]+) \\|$")

// Each record that the tests of losses leave out stands in the table of the page, with the reason that the
// test gives, and each row of the table is left out by a test.
func TestExceptionsAreThoseOfTheTests(t *testing.T) {
	_, section, found := strings.Cut(lossesPage(t), "\n## Where ours does not follow the library\n")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n## ")
	var told []string
	for _, row := range exceptionRow.FindAllStringSubmatch(section, -1) {
		for _, name := range codeSpan.FindAllStringSubmatch(row[1], -1) {
			told = append(told, name[1]+": "+row[2])
		}
	}
	require.Equal(t, strings.Count(section, "\n| `"), len(exceptionRow.FindAllString(section, -1)), "rows of the table that were not read")
	var skipped []string
	for _, s := range skipsOfLosses(t) {
		name, known := ours[s.loss]
		require.True(t, known, "our name of %s", s.loss)
		skipped = append(skipped, name+": "+s.reason)
	}
	slices.Sort(told)
	slices.Sort(skipped)
	require.Greater(t, len(skipped), 10)
	assert.Equal(t, slices.Compact(skipped), told)
}

// skipped is a call of skip in a test.
type skipped struct{ loss, reason string }

// skipsOfLosses are those of the tests of package losses.
func skipsOfLosses(t *testing.T) (out []skipped) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "losses", "*_test.go"))
	require.NoError(t, err)
	for _, file := range files {
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		require.NoError(t, err)
		ast.Inspect(tree, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if name, ok := call.Fun.(*ast.Ident); !ok || name.Name != "skip" {
				return true
			}
			require.Len(t, call.Args, 3, file)
			out = append(out, skipped{loss: lossAmong(t, file, call.Args[2]), reason: constant(t, file, call.Args[1])})
			return true
		})
	}
	return out
}

// lossAmong is the value of the key loss in a map literal.
func lossAmong(t *testing.T, file string, e ast.Expr) string {
	t.Helper()
	literal, ok := e.(*ast.CompositeLit)
	require.True(t, ok, file)
	for _, element := range literal.Elts {
		if pair := element.(*ast.KeyValueExpr); constant(t, file, pair.Key) == "loss" {
			return constant(t, file, pair.Value)
		}
	}
	require.Fail(t, "a skip of no loss", file)
	return ""
}

// constant is the value of string literals with + between.
func constant(t *testing.T, file string, e ast.Expr) string {
	t.Helper()
	if sum, ok := e.(*ast.BinaryExpr); ok {
		return constant(t, file, sum.X) + constant(t, file, sum.Y)
	}
	literal, ok := e.(*ast.BasicLit)
	require.True(t, ok, "%s: want a string literal", file)
	text, err := strconv.Unquote(literal.Value)
	require.NoError(t, err)
	return text
}
