package floors

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "medusa/"

// floor is what the packages under a path of this module may import: of the module, and
// whether of Gorgonia. A package may always import what lies under its own path.
type floor struct {
	path     string
	may      []string
	gorgonia bool
	why      string
}

// house is cmd → internal/cli → trainer → {model, nets, optim, losses → miners → pairs} → machine → graph → internal/{spec, cpu} → gorgonia,
// with {samplers, datasets, metrics} beside. The longest path that fits counts.
var house = []floor{
	{"cmd", []string{"internal/cli"}, false, "a program is its call of the command line"},
	{"internal/cli", []string{"trainer", "serve", "model", "optim", "nets", "losses", "miners", "pairs", "samplers", "datasets", "metrics", "index", "embeddings", "internal/nearest", "internal/report/gallery", "internal/diskroom", "internal/safetensors", "internal/fileread", "internal/filewrite", "internal/wording", "internal/cuda", "internal/plain", "internal/terminal", "internal/field", "internal/catalog", "internal/settings"}, false,
		"a command puts packages together and leaves graphs to the trainer"},
	{"bench", []string{"trainer", "serve", "model", "optim", "nets", "losses", "miners", "pairs", "machine", "samplers", "datasets", "metrics", "index", "graph", "internal"}, true,
		"benchmarks lie above everything"},
	{"serve", []string{"model", "index", "datasets", "metrics", "internal/field", "internal/catalog", "internal/fileread", "internal/filewrite", "internal/wording", "internal/nearest"}, false,
		"a server puts a model and an index together, and knows nothing of training"},
	{"model", []string{"nets", "machine", "datasets", "metrics", "graph", "internal/flatnames", "internal/runfolder", "internal/safetensors", "internal/onnx", "internal/filewrite", "internal/ram", "internal/device", "internal/cpu/loops", "internal/fileread", "internal/wording", "internal/catalog", "internal/needs"}, true,
		"a trained network in use knows nothing of training"},
	{"trainer", []string{"model", "optim", "nets", "losses", "miners", "pairs", "machine", "samplers", "datasets", "metrics", "graph", "internal/report", "internal/wording", "internal/runfolder", "internal/flatnames", "internal/safetensors", "internal/tensorboard", "internal/device", "internal/gpu", "internal/cpu/loops", "internal/exclusive", "internal/ram", "internal/fileread", "internal/field", "internal/catalog", "internal/settings", "internal/needs"}, true,
		"the trainer joins nets and losses; devices it knows by their interface"},
	{"optim", []string{"graph", "machine", "internal/device", "internal/cpu/loops", "internal/safetensors", "internal/exclusive", "internal/field", "internal/catalog", "internal/settings"}, true, "solvers move weights by their gradients, of whatever network and loss"},
	{"nets", []string{"graph", "internal/field", "internal/catalog", "internal/settings", "internal/weights", "internal/onnxgraph"}, true, "nets and losses do not know each other: they meet in a node"},
	{"losses", []string{"graph", "pairs", "miners", "machine", "internal/exclusive", "internal/catalog"}, true, "nets and losses do not know each other: they meet in a node"},
	{"miners", []string{"graph", "pairs", "machine", "internal/catalog"}, true, "losses use miners, not the other way round"},
	{"pairs", []string{"graph", "internal/catalog"}, true, "what losses and miners have in common knows neither"},
	{"machine", []string{"graph", "internal/spec", "internal/device", "internal/cpu", "internal/gpu", "internal/exclusive", "internal/ram"}, true, "what runs graphs knows kernels, and neither nets nor losses"},
	{"graph", []string{"internal/spec", "internal/device", "internal/cpu", "internal/safetensors", "internal/ram"}, true,
		"the graph knows what ops compute, and the CPU for Gorgonia's own tape; no machine, neither nets nor losses"},
	{"graph/optest", []string{"graph", "internal/graphtest"}, true, "a helper of tests, for others"},
	{"internal/spec", nil, false, "what is computed knows nobody who computes"},
	{"internal/device", nil, false, "who computes is an interface"},
	{"internal/cpu", []string{"internal/spec", "internal/device"}, false, "the CPU's kernels know specs, and nothing of graphs"},
	{"internal/cpu/loops", []string{"internal/spec"}, false, "loops are functions over plain slices"},
	{"internal/gpu", []string{"internal/spec", "internal/device", "internal/cuda"}, false, "the GPU's kernels know specs and bindings, and nothing of graphs"},
	{"internal/gpu/kernels", nil, false, "kernels of a GPU are texts"},
	{"internal/cuda", nil, false, "bindings know NVIDIA's libraries and nothing of kernels or graphs"},
	{"samplers", []string{"internal/exclusive", "internal/field", "internal/catalog"}, false, "samplers are tested with slices alone"},
	{"datasets", []string{"internal/exclusive", "internal/npy", "internal/ram", "internal/diskroom", "internal/safetensors", "internal/filelock", "internal/fileread", "internal/field", "internal/plain", "internal/catalog", "internal/settings", "internal/needs", "internal/wording"}, false, "data sets are tested with fstest.MapFS alone"},
	{"metrics", []string{"internal/cpu/loops", "internal/nearest", "internal/needs"}, false, "metrics are plain functions over slices"},
	{"index", []string{"metrics", "internal/cpu/loops", "internal/nearest", "internal/needs", "internal/field", "internal/fileread", "internal/filewrite", "internal/filelock"}, false, "an index holds vectors and names, and knows no network"},
	{"internal/nearest", []string{"internal/cpu/loops"}, false, "rows and their distances"},
	{"embeddings", []string{"internal/npy", "internal/safetensors", "internal/fileread", "internal/filewrite", "internal/filelock"}, false, "files of embeddings are vectors and names"},
	{"internal/report", []string{"internal/cpu/loops", "internal/filewrite", "internal/plain", "internal/wording"}, false, "a report is made of numbers and pictures"},
	{"internal/filelock", nil, false, "files are locked"},
	{"internal/fileread", nil, false, "files are read of bytes"},
	{"internal/terminal", []string{"internal/plain", "internal/wording"}, false, "a terminal shows text"},
	{"internal/plain", nil, false, "text is made of characters"},
	{"internal/catalog", []string{"internal/field"}, false, "names, ranges and defaults are of no particular thing"},
	{"internal/settings", []string{"internal/catalog", "internal/field", "internal/plain"}, false, "an option is a field with tags, of whatever struct"},
	{"internal/field", nil, false, "an error about a field knows the field's name alone"},
	{"internal/needs", nil, false, "an argument is there or not"},
	{"internal/wording", nil, false, "words are made of numbers and names"},
	{"internal/exclusive", nil, false, "a guard"},
	{"internal/filewrite", nil, false, "files are written of bytes"},
	{"internal/flatnames", []string{"nets", "optim"}, false, "names are text"},
	{"internal/runfolder", []string{"internal/filelock", "internal/fileread", "internal/filewrite", "internal/safetensors", "internal/tensorboard"}, false, "a folder of files knows nothing of what is trained"},
	{"internal/ram", nil, false, "a question to the system"},
	{"internal/diskroom", []string{"internal/ram"}, false, "a question to the system"},
	{"internal/safetensors", []string{"internal/fileread"}, false, "a file format"},
	{"internal/tensorboard", nil, false, "a file format"},
	{"internal/onnx", nil, false, "a file format"},
	{"internal/onnxgraph", []string{"graph", "internal/onnx", "internal/weights", "internal/catalog"}, true, "models of others become expressions, of whatever network they are a part"},
	{"internal/pickle", nil, false, "a file format"},
	{"internal/weights", []string{"internal/safetensors", "internal/pickle", "internal/fileread", "internal/onnx"}, false, "files of weights are names and numbers, of whatever network"},
	{"internal/npy", nil, false, "a file format"},
	{"internal/samplesets", nil, false, "a helper of tests"},
	{"internal/golden", nil, false, "a file format"},
	{"internal/avotest", nil, false, "a helper of tests"},
	{"internal/floors", nil, false, "a test"},
	{"internal/gitattributes", nil, false, "a test"},
	{"internal/naming", nil, false, "a test"},
	{"internal/readme", nil, false, "a test"},
	{"internal/graphtest", []string{"graph", "machine"}, true, "a helper of tests"},
}

func under(pkg, path string) bool { return pkg == path || strings.HasPrefix(pkg, path+"/") }

// violation says what is wrong with pkg importing imported, or nothing.
func violation(pkg, imported string) string {
	pkg = strings.TrimPrefix(pkg, module)
	var f *floor
	for i := range house {
		if under(pkg, house[i].path) && (f == nil || len(house[i].path) > len(f.path)) {
			f = &house[i]
		}
	}
	if f == nil {
		return fmt.Sprintf("package %s stands on no floor: give it a line in internal/floors", pkg)
	}
	if strings.HasPrefix(imported, "gorgonia.org/") && !f.gorgonia {
		return fmt.Sprintf("%s imports %s, but %s imports no Gorgonia: %s", pkg, imported, f.path, f.why)
	}
	local, ok := strings.CutPrefix(imported, module)
	if !ok || under(local, f.path) || slices.ContainsFunc(f.may, func(p string) bool { return under(local, p) }) {
		return ""
	}
	return fmt.Sprintf("%s imports %s; %s may import %v of this module only: %s", pkg, imported, f.path, f.may, f.why)
}

func TestFloors(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, module+"...").Output()
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	require.Greater(t, len(lines), 5)
	for _, line := range lines {
		names := strings.Fields(line)
		for _, imported := range append(names[1:], "fmt") {
			if v := violation(names[0], imported); v != "" {
				t.Error(v)
			}
		}
	}
}

func TestViolation(t *testing.T) {
	for _, c := range []struct {
		pkg, imported string
		bad           bool
	}{
		{"medusa/nets", "medusa/losses", true},
		{"medusa/losses", "medusa/nets", true},
		{"medusa/losses", "medusa/miners", false},
		{"medusa/miners", "medusa/losses", true},
		{"medusa/graph", "medusa/nets", true},
		{"medusa/graph", "medusa/machine", true},
		{"medusa/machine", "medusa/internal/gpu", false},
		{"medusa/graph", "medusa/internal/cpu", false},
		{"medusa/graph", "medusa/internal/gpu", true},
		{"medusa/internal/device", "medusa/graph", true},
		{"medusa/internal/spec", "medusa/internal/device", true},
		{"medusa/internal/spec", "medusa/internal/cpu", true},
		{"medusa/internal/cpu", "medusa/internal/gpu", true},
		{"medusa/internal/gpu", "medusa/internal/cpu", true},
		{"medusa/internal/cpu/loops", "gorgonia.org/tensor", true},
		{"medusa/metrics", "gorgonia.org/gorgonia", true},
		{"medusa/metrics", "medusa/internal/cpu/loops", false},
		{"medusa/metrics", "medusa/internal/device", true},
		{"medusa/samplers", "medusa/datasets", true},
		{"medusa/trainer", "medusa/model", false},
		{"medusa/model", "medusa/trainer", true},
		{"medusa/internal/runfolder", "medusa/graph", true},
		{"medusa/trainer", "medusa/internal/cli", true},
		{"medusa/cmd/medusa", "medusa/internal/cli", false},
		{"medusa/cmd/train", "medusa/trainer", true},
		{"medusa/losses/losstest", "medusa/losses", false},
		{"medusa/networks", "fmt", true},
	} {
		require.Equal(t, c.bad, violation(c.pkg, c.imported) != "", "%s → %s", c.pkg, c.imported)
	}
	require.Contains(t, violation("medusa/nets", "medusa/losses"),
		"nets imports medusa/losses; nets may import [graph internal/field internal/catalog internal/settings internal/weights internal/onnxgraph] of this module only")
}
