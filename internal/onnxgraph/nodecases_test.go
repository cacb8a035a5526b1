package onnxgraph

import (
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pkg/errors"
	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"

	"medusa/graph"
	"medusa/internal/weights"
	"medusa/machine"
)

// nodeCases are the tests that onnx has of its operators.
type nodeCases struct {
	Version string
	Unknown int // that have operators that are not known here
	Cases   []nodeCase
}

type nodeCase struct {
	Name, File string
	RTol, ATol float64
	In, Out    []nodeTensor
}

type nodeTensor struct {
	Name, Type string
	Shape      []int
	Values     []looseFloat
}

// looseFloat is a number that may be infinite or none, as Python writes it.
type looseFloat float64

func (f *looseFloat) UnmarshalJSON(b []byte) error {
	v := map[string]float64{"NaN": math.NaN(), "Infinity": math.Inf(1), "-Infinity": math.Inf(-1)}
	if special, ok := v[strings.Trim(string(b), `"`)]; ok {
		*f = looseFloat(special)
		return nil
	}
	return json.Unmarshal(b, (*float64)(f))
}

// constant is a tensor of the case.
func (n nodeTensor) constant() *constant {
	c := &constant{shape: n.Shape, whole: !strings.HasPrefix(n.Type, "float")}
	for _, v := range n.Values {
		if c.whole {
			c.ints = append(c.ints, int64(v))
		} else {
			c.floats = append(c.floats, float64(v))
		}
	}
	return c
}

// unsupported are cases of known operators that fail, and why.
var unsupported = map[string]string{
	// What comes out is written with four digits there.
	"test_averagepool_2d_ceil_last_window_starts_on_pad": "differs: number 0 is 0.151055",

	// Pooling of volumes, and with gaps in the window.
	"test_averagepool_2d_dilations": "pooling with dilations [2 2] is not supported",
	"test_averagepool_3d_default":   "want pictures (B, C, H, W)",
	"test_averagepool_3d_dilations_large_count_include_pad_is_0_ceil_mode_is_False": "want pictures (B, C, H, W)",
	"test_averagepool_3d_dilations_large_count_include_pad_is_0_ceil_mode_is_True":  "want pictures (B, C, H, W)",
	"test_averagepool_3d_dilations_large_count_include_pad_is_1_ceil_mode_is_False": "want pictures (B, C, H, W)",
	"test_averagepool_3d_dilations_large_count_include_pad_is_1_ceil_mode_is_True":  "want pictures (B, C, H, W)",
	"test_averagepool_3d_dilations_small":                                           "want pictures (B, C, H, W)",
	"test_maxpool_2d_dilations":                                                     "pooling with dilations [2 2] is not supported",
	"test_maxpool_3d_default":                                                       "want pictures (B, C, H, W)",
	"test_maxpool_3d_dilations":                                                     "want pictures (B, C, H, W)",
	"test_maxpool_3d_dilations_use_ref_impl":                                        "want pictures (B, C, H, W)",
	"test_maxpool_3d_dilations_use_ref_impl_large":                                  "want pictures (B, C, H, W)",

	// Places of the maxima, masks of dropout, statistics of batches.
	"test_maxpool_with_argmax_2d_precomputed_pads":    "its output 2 is not supported",
	"test_maxpool_with_argmax_2d_precomputed_strides": "its output 2 is not supported",
	"test_dropout_default_mask":                       "its output 2 is not supported",
	"test_dropout_default_mask_ratio":                 "its output 2 is not supported",
	"test_batchnorm_epsilon_training_mode":            "its output 2 is not supported",
	"test_batchnorm_example_training_mode":            "its output 2 is not supported",

	// Dropout does nothing here, also in training, where the embedding's layer has its own.
	"test_training_dropout":                 "differs",
	"test_training_dropout_default":         "differs",
	"test_training_dropout_default_mask":    "its output 2 is not supported",
	"test_training_dropout_mask":            "its output 2 is not supported",
	"test_training_dropout_zero_ratio_mask": "its output 2 is not supported",

	// Truth values are whole numbers here.
	"test_reduce_max_empty_set_bool": "differs",
}

// All tests of onnx's own of operators that are known here pass, in float32, but for those that are listed.
func TestNodeCases(t *testing.T) {
	cases := readNodeCases(t)
	failed, passed, other := map[string]string{}, 0, 0
	for _, c := range cases.Cases {
		if !c.isSingle() {
			other++
			continue
		}
		if err := c.try(t, cases); err != nil {
			failed[c.Name] = err.Error()
		} else {
			passed++
		}
	}
	t.Logf("onnx %s: %d cases pass, %d of them with expressions, %d are not supported, %d are of other types than float32, %d have other operators", cases.Version, passed, built, len(failed), other, cases.Unknown)
	for _, name := range sortedKeys(failed) {
		reason, listed := unsupported[name]
		if !listed || !strings.Contains(failed[name], reason) {
			t.Errorf("%q: %q,", name, failed[name])
		}
	}
	for name := range unsupported {
		if failed[name] == "" {
			t.Errorf("%s passes, or is there no more: take it off the list", name)
		}
	}
}

// built counts the cases that are not folded into constants.
var built int

// caseFolder is where the cases lie.
var caseFolder string

func readNodeCases(t *testing.T) nodeCases {
	t.Helper()
	if os.Getenv("MEDUSA_LONG") == "" {
		t.Skip("hundreds of graphs; MEDUSA_LONG=1 go test ./internal/onnxgraph -run NodeCases runs them")
	}
	python := pythonWith(t, "onnx")
	caseFolder = t.TempDir()
	names := sortedKeys(operators)
	out, err := exec.Command(python, append([]string{"testdata/nodecases.py", caseFolder, "Constant"}, names...)...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	raw, err := os.ReadFile(filepath.Join(caseFolder, "index.json"))
	require.NoError(t, err)
	raw = []byte(strings.NewReplacer("NaN", `"NaN"`, "-Infinity", `"-Infinity"`, "Infinity", `"Infinity"`).Replace(string(raw)))
	var cases nodeCases
	require.NoError(t, json.Unmarshal(raw, &cases))
	require.NotEmpty(t, cases.Cases)
	return cases
}

// isSingle reports whether all floats of a case are float32.
func (c nodeCase) isSingle() bool {
	return !slices.ContainsFunc(slices.Concat(c.In, c.Out), func(n nodeTensor) bool {
		return strings.HasPrefix(n.Type, "float") && n.Type != "float32"
	})
}

// try runs a case with all floats as expressions, with the first alone, and with constants alone: what must be known
// while a graph is built, such as bounds, is so in models.
func (c nodeCase) try(t *testing.T, cases nodeCases) error {
	t.Helper()
	m, err := weights.OpenModel(filepath.Join(caseFolder, c.File))
	if err != nil {
		return err
	}
	defer m.Close()
	var first error
	for _, expressions := range []int{len(c.In), 1, 0} {
		err := c.run(t, m, expressions)
		if err == nil {
			if expressions > 0 && slices.ContainsFunc(c.In, func(n nodeTensor) bool { return n.Type == "float32" }) {
				built++
			}
			return nil
		}
		if first == nil {
			first = err
		}
		if expressions == len(c.In) && strings.HasPrefix(err.Error(), "differs") {
			return err
		}
	}
	return first
}

// run builds and runs a case whose first inputs, so many, are expressions.
func (c nodeCase) run(t *testing.T, m *weights.Model, expressions int) (err error) {
	t.Helper()
	defer func() {
		if r := recover(); r != nil {
			err = errors.Errorf("panic: %v", r)
		}
	}()
	n := &Net{opset: m.Opset, nodes: m.Nodes, params: map[string]*param{}, output: c.Out[0].Name}
	if err := n.takeConstantsOf(m, c.In); err != nil {
		return err
	}
	n.recognise()
	g := gorgonia.NewGraph()
	like, _ := graph.Input(g, "like", 1)
	b := &builder{net: n, params: graph.NewParams(0), like: graph.Data(like), values: map[string]value{}}
	for name, k := range n.constants {
		b.values[name] = value{fixed: k}
	}
	for i, in := range c.In {
		if k := in.constant(); i < expressions && !k.whole && len(k.shape) > 0 && k.size() > 0 {
			x, data := graph.Input(g, "in"+in.Name, k.shape...)
			for i, v := range k.floats {
				data[i] = float32(v)
			}
			b.values[in.Name] = value{e: graph.Data(x)}
		} else {
			b.values[in.Name] = value{fixed: k}
		}
	}
	if err := b.nodes(); err != nil {
		return err
	}
	return c.compare(b, g)
}

// compare runs the graph, and compares what comes out.
func (c nodeCase) compare(b *builder, g *gorgonia.ExprGraph) error {
	kept := make([]*graph.Kept, len(c.Out))
	any := false
	for i, out := range c.Out {
		v, ok := b.values[out.Name]
		if !ok {
			return errors.Errorf("its output %d is not supported", i+1)
		}
		if v.fixed != nil {
			continue
		}
		node, err := v.e.Node()
		if err != nil {
			return err
		}
		if kept[i], err = graph.Keep(node); err != nil {
			return err
		}
		any = true
	}
	if any {
		m, err := machine.New(g)
		if err != nil {
			return err
		}
		defer m.Close()
		if err := m.RunAll(); err != nil {
			return err
		}
	}
	for i, out := range c.Out {
		v := b.values[out.Name]
		var got []float64
		if v.fixed != nil {
			got = v.fixed.float64s()
		} else {
			for _, x := range kept[i].Float32s() {
				got = append(got, float64(x))
			}
		}
		scalar := len(out.Shape) == 0 && sizeOf(v.shape()) == 1
		if !scalar && !slices.Equal([]int(v.shape()), out.Shape) {
			return errors.Errorf("differs: shape %v, want %v", v.shape(), out.Shape)
		}
		for k, want := range out.Values {
			w := float64(want)
			if d := math.Abs(got[k] - w); got[k] != w && !(d <= 1e-5+1e-4*math.Abs(w)) && !(math.IsNaN(w) && math.IsNaN(got[k])) {
				return errors.Errorf("differs: number %d is %v, want %v", k, got[k], w)
			}
		}
	}
	return nil
}

// takeConstantsOf is takeConstants of a graph some of whose initializers are inputs.
func (n *Net) takeConstantsOf(m *weights.Model, in []nodeTensor) error {
	n.input.Name = in0(in)
	n.constants = map[string]*constant{}
	if err := n.refuseUnknown(0); err != nil {
		return err
	}
	for _, v := range in {
		n.params[v.Name] = &param{name: v.Name, buffer: true}
	}
	return n.takeConstants(m)
}

func in0(in []nodeTensor) string {
	if len(in) == 0 {
		return ""
	}
	return in[0].Name
}

// pythonWith is a Python that has the modules: that of MEDUSA_ONNX_PYTHON, or the system's.
func pythonWith(t *testing.T, modules ...string) string {
	t.Helper()
	const variable = "MEDUSA_ONNX_PYTHON"
	candidates := []string{"python3", "/usr/bin/python3"}
	if named := os.Getenv(variable); named != "" {
		candidates = []string{named}
	}
	for _, python := range candidates {
		if exec.Command(python, "-c", "import "+strings.Join(modules, ", ")).Run() == nil {
			return python
		}
	}
	require.Empty(t, os.Getenv(variable), "the Python of %s lacks one of %v", variable, modules)
	t.Skipf("no Python with %s: install them, or name one that has them in %s", strings.Join(modules, " and "), variable)
	return ""
}
