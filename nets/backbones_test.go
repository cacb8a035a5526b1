package nets_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/nets"
)

// goldenBackbone is a small backbone that testdata/backbones_torch.py recorded.
type goldenBackbone struct {
	Config    nets.Config
	Shape     []int // of the pictures
	Features  int
	Train     []float64
	Gradients map[string][2]float64 // their length, and a product with drawn numbers
	Buffers   map[string][2]float64
	Eval      []float64
}

// wholeBackbone is what the script says of a backbone as torchvision or timm has it.
type wholeBackbone struct {
	Config     nets.Config
	Parameters int
	Tensors    int
	Sum        string // of names and shapes
}

func backbones(t *testing.T) (small map[string]goldenBackbone, whole map[string]wholeBackbone) {
	raw, err := os.ReadFile("testdata/backbones.json")
	require.NoError(t, err)
	var file struct {
		Small map[string]goldenBackbone
		Whole map[string]wholeBackbone
	}
	require.NoError(t, json.Unmarshal(raw, &file))
	return file.Small, file.Whole
}

// smallBackbones are those of the records that no Config tells.
var smallBackbones = map[string]nets.Builder{
	"resnet34": nets.ResNet{Blocks: []int{2, 1, 2, 1}}.Build,
	"resnet50": nets.ResNet{Blocks: []int{2, 1, 2, 1}, Bottleneck: true}.Build,

	"efficientnet-b0":    nets.EfficientNet{Width: 0.25, Depth: 0.5}.Build,
	"efficientnet-lite0": nets.EfficientNet{Width: 0.25, Depth: 0.5, Lite: true}.Build,
	"tf-efficientnet-b0": nets.EfficientNet{Width: 0.25, Depth: 0.5}.Build,
	"mobilenet-v3-large": nets.MobileNetV3{Width: 0.35}.Build,
	"mobilenet-v3-small": nets.MobileNetV3{Width: 0.5, Small: true}.Build,

	"vit-small-16":           nets.ViT{Patch: 8, Width: 12, Depth: 2, Heads: 3}.Build,
	"vit-mean":               nets.ViT{Patch: 8, Width: 12, Depth: 2, Heads: 3, Pool: "mean"}.Build,
	"dinov2-small":           nets.ViT{Patch: 8, Width: 12, Depth: 2, Heads: 3, LayerScale: 1e-5}.Build,
	"dinov2-small-registers": nets.ViT{Patch: 8, Width: 12, Depth: 2, Heads: 3, LayerScale: 1e-5, Registers: 4, PatchPositions: true}.Build,
	"clip-base-32":           nets.ViT{Patch: 8, Width: 12, Depth: 2, Heads: 3, PreNorm: true, Activation: "quick-gelu", Eps: 1e-5}.Build,
	"siglip-base-16":         nets.ViT{Patch: 8, Width: 12, Depth: 2, Heads: 3, Pool: "attention", Activation: "gelu-tanh"}.Build,

	"convnext-tiny": nets.ConvNeXt{Depths: []int{1, 2, 1, 1}, Channels: []int{4, 6, 8, 8}}.Build,

	"iresnet50":     nets.IResNet{Blocks: []int{1, 2, 1, 1}, Channels: []int{4, 6, 8, 8}, Features: 10}.Build,
	"mobilefacenet": nets.MobileFaceNet{Blocks: []int{1, 1, 2, 1}, Features: 8}.Build,
}

// drawnUniform is the script's uniform: n numbers from [−1, 1), by SplitMix64 from the hash of a name.
func drawnUniform(name string, n int) []float64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	out := make([]float64, n)
	for i := range out {
		z := h.Sum64() + uint64(i+1)*0x9E3779B97F4A7C15
		z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
		z = (z ^ z>>27) * 0x94D049BB133111EB
		out[i] = float64((z^z>>31)>>11)/(1<<52) - 1
	}
	return out
}

// drawnParameter is the script's drawn: the numbers of a parameter or buffer.
func drawnParameter(name string, shape []int) []float64 {
	out := drawnUniform(name, tensor.Shape(shape).TotalSize())
	last := name[strings.LastIndex(name, ".")+1:]
	offset, scale := 0.0, 0.1
	switch {
	case strings.Contains(name, "prelu"):
		offset = 0.25
	case slices.Contains([]string{"gamma", "gamma_1", "gamma_2"}, last):
		offset, scale = 0.5, 0.3
	case strings.HasSuffix(last, "_token"), strings.HasSuffix(last, "_embed"):
		scale = 0.5
	case last == "running_var", len(shape) == 1 && last == "weight":
		offset, scale = 1, 0.3
	case len(shape) > 1:
		scale = math.Sqrt(3 / float64(tensor.Shape(shape[1:]).TotalSize()))
	}
	for i, v := range out {
		out[i] = offset + scale*v
	}
	return out
}

// scriptName is a parameter's name in the script.
func scriptName(name string) string { return strings.TrimPrefix(name, nets.BackbonePrefix) }

// One training step and one evaluation of small backbones equal those of torchvision and timm: names, outputs,
// gradients and running statistics.
func TestGoldenBackbones(t *testing.T) {
	small, _ := backbones(t)
	require.Len(t, small, len(smallBackbones))
	for name, r := range small {
		t.Run(name, func(t *testing.T) {
			for dt, tol := range map[tensor.Dtype]float64{tensor.Float64: 1e-9, tensor.Float32: 1e-4} {
				r.check(t, smallBackbones[name], dt, tol)
			}
		})
	}
}

func (r goldenBackbone) check(t *testing.T, by nets.Builder, dt tensor.Dtype, tol float64) {
	cfg := r.Config
	if by != nil {
		cfg = cfg.With(by)
	}
	cfg.InChannels, cfg.Height, cfg.Width, cfg.Embedding = r.Shape[1], r.Shape[2], r.Shape[3], 3
	params := graph.NewParams(3)
	machine := func(mode nets.Mode) *netMachine {
		m := newMachine(t, cfg, params, mode, dt, r.Shape[0])
		pictures := drawnUniform("pictures", tensor.Shape(r.Shape).TotalSize())
		for i := range pictures {
			pictures[i] *= 1.7
		}
		fill(m.pictures, pictures)
		return m
	}
	train := machine(nets.Train)
	require.Equal(t, r.Features, train.net.Trunk.Shape()[1])
	r.fillParameters(t, params)
	for _, n := range train.net.Embedding.Graph().AllNodes() {
		if n.Name() == "objective" {
			fill(n.Value().(*tensor.Dense), drawnUniform("objective", len(r.Train)))
		}
	}
	near(t, r.Train, train.run(t), tol, "embeddings in training")
	require.Len(t, train.names, len(r.Gradients))
	for i, name := range train.names {
		closeDigest(t, r.Gradients, scriptName(name), train.grads[i], 20*tol)
	}
	for _, item := range params.All() {
		if item.Buffer || item.Rate() == 0 {
			closeDigest(t, r.Buffers, scriptName(item.Name), item.Value, tol)
		}
	}
	near(t, r.Eval, machine(nets.Eval).run(t), tol, "embeddings in evaluation")
}

// fillParameters draws what the script drew, and checks that the names are the same.
func (r goldenBackbone) fillParameters(t *testing.T, params *graph.Params) {
	var got, want []string
	for _, item := range params.All() {
		name := scriptName(item.Name)
		got = append(got, name)
		fill(item.Value, drawnParameter(name, item.Value.Shape()))
	}
	for _, names := range []map[string][2]float64{r.Gradients, r.Buffers} {
		for name := range names {
			want = append(want, name)
		}
	}
	require.ElementsMatch(t, want, got)
}

// closeDigest compares a tensor by its length and by its product with drawn numbers, up to tol of the length or of
// a hundredth of the longest.
func closeDigest(t *testing.T, all map[string][2]float64, name string, v gorgonia.Value, tol float64) {
	t.Helper()
	want, ok := all[name]
	require.True(t, ok, name)
	x, err := graph.Numbers(v)
	require.NoError(t, err)
	squares, product := 0.0, 0.0
	for i, u := range drawnUniform(name+" probe", len(x)) {
		squares += x[i] * x[i]
		product += x[i] * u
	}
	// A gradient that is 0 but for rounding, such as that of a bias before a normalisation, has no digits.
	longest := 0.0
	for _, other := range all {
		longest = max(longest, other[0])
	}
	within := tol * max(want[0], 1e-2*longest)
	require.InDelta(t, want[0], math.Sqrt(squares), within, "length of %s", name)
	require.InDelta(t, want[1], product, within, "product of %s", name)
}

// Whole backbones have the parameters of torchvision's and timm's: as many, of the same names and shapes.
func TestWholeBackbonesHaveTheNamesOfOthers(t *testing.T) {
	_, whole := backbones(t)
	for _, name := range nets.Names() {
		if !slices.Contains([]string{"cnn", "mlp", "strided"}, name) && !strings.HasPrefix(name, "test-") {
			require.Contains(t, whole, name)
		}
	}
	for name, r := range whole {
		t.Run(name, func(t *testing.T) {
			cfg := r.Config
			for p, v := range map[*int]int{&cfg.InChannels: 3, &cfg.Height: 224, &cfg.Width: 224} {
				if *p == 0 {
					*p = v
				}
			}
			params := graph.NewShapes()
			x, _ := graph.Input(gorgonia.NewGraph(), "pictures", 1, cfg.InChannels, cfg.Height, cfg.Width)
			_, err := nets.Build(cfg, params, x, nets.Eval)
			require.NoError(t, err)
			var lines []string
			parameters := 0
			for _, item := range params.Under(nets.BackbonePrefix) {
				lines = append(lines, scriptName(item.Name)+" "+strings.Trim(fmt.Sprint([]int(item.Shape())), "[]"))
				if !item.Buffer {
					parameters += item.Shape().TotalSize()
				}
			}
			slices.Sort(lines)
			sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
			assert.Equal(t, r.Tensors, len(lines))
			assert.Equal(t, r.Parameters, parameters)
			assert.Equal(t, r.Sum, hex.EncodeToString(sum[:]), "%s", strings.Join(lines, "\n"))
		})
	}
}

// A network whose blocks begin with γ = 0 is at first its stem and its shortcuts; else it is the same.
func TestZeroInit(t *testing.T) {
	cfg := nets.Config{Channels: []int{4, 6}, InChannels: 3, Height: 16, Width: 16, Embedding: 3}
	for name, r := range map[string]nets.ResNet{"bn2": {Blocks: []int{1, 1}}, "bn3": {Blocks: []int{1, 1}, Bottleneck: true}} {
		r.ZeroInit = true
		params := graph.NewParams(1)
		m := newMachine(t, cfg.With(r.Build), params, nets.Train, tensor.Float64, 4)
		m.run(t)
		for _, item := range params.All() {
			if strings.Contains(item.Name, ".bn") && strings.HasSuffix(item.Name, ".weight") {
				zero := strings.HasSuffix(item.Name, name+".weight")
				assert.Equal(t, zero, item.Value.Float64s()[0] == 0, item.Name)
			}
		}
	}
}
