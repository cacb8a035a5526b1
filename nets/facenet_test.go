package nets_test

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/safetensors"
	"medusa/nets"
)

// dlibFaces is a backbone of one's own: the face recognition network of dlib, as npm's @vladmandic/face-api has it. Its blocks
// pad where shapes differ: the shortcut with channels of zeros, and what is smaller than that with a line of zeros.
func dlibFaces(cfg nets.Config, p *graph.Params, x graph.Expr, mode nets.Mode) (graph.Expr, error) {
	l := nets.NewLayers(cfg, p, mode)
	x = l.ConvNorm("conv1", "bn1", x, 32, nets.Window{Size: 7, Stride: 2}).Relu()
	x = graph.MaxPool(x, graph.Pool{Window: [2]int{3, 3}, Stride: [2]int{2, 2}})
	for i, blocks := range []int{3, 4, 3, 3, 1} {
		channels := []int{32, 64, 128, 256, 256}[i]
		for b := range blocks {
			name, down := fmt.Sprintf("layer%d.%d.", i+1, b), b == 0 && i > 0
			first := nets.Window{Size: 3, Pad: 1}
			if down {
				first = nets.Window{Size: 3, Stride: 2}
			}
			y := l.ConvNorm(name+"conv1", name+"bn1", x, channels, first).Relu()
			y = l.ConvNorm(name+"conv2", name+"bn2", y, channels, nets.Window{Size: 3, Pad: 1})
			if down {
				x = filled(graph.AvgPool(x, graph.Pool{Window: [2]int{2, 2}}), 1, channels)
				y = filled(filled(y, 2, x.Shape()[2]), 3, x.Shape()[3])
			}
			x = y.Add(x).Relu()
		}
	}
	w := p.Weight(x.Graph(), "fc.weight", x.Dtype(), graph.Fill(0), 128, 256)
	x = graph.Linear(graph.GlobalAvgPool(x), w, graph.Expr{})
	return x, x.Err()
}

// filled is x with zeros behind it, so that an axis has that length.
func filled(x graph.Expr, axis, length int) graph.Expr {
	missing := append([]int(nil), x.Shape()...)
	if missing[axis] = length - missing[axis]; missing[axis] == 0 {
		return x
	}
	return graph.Concat(axis, x, x.Constant(0, missing...))
}

// dlibNames are the names of that package's blocks, in order of ours.
var dlibNames = []string{"32_1", "32_2", "32_3", "64_down", "64_1", "64_2", "64_3", "128_down", "128_1", "128_2", "256_down", "256_1", "256_2", "256_down_out"}

// The weights of a network that many use, from a file of safetensors: embeddings are those that PyTorch made of them in float64.
func TestFaceNetOfNPM(t *testing.T) {
	if os.Getenv("MEDUSA_LONG") == "" {
		t.Skip("fetches 20 MB; MEDUSA_LONG=1 go test ./nets -run FaceNet does it")
	}
	folder := t.TempDir()
	fetch := exec.Command("sh", "-c", "npm pack --silent @vladmandic/face-api@1.7.15 && tar xzf *.tgz --strip-components 2 package/model")
	fetch.Dir = folder
	if out, err := fetch.CombinedOutput(); err != nil {
		t.Skipf("the package cannot be had by npm: %v: %s", err, out)
	}
	path := filepath.Join(folder, "faces.safetensors")
	writeFaces(t, folder, path)

	const batch, side = 2, 150
	cfg := nets.Config{Backbone: "dlib-faces", InChannels: 3, Height: side, Width: side, Embedding: 3}.With(dlibFaces)
	params := graph.NewParams(1)
	_, err := nets.LoadWeights(path, cfg, params)
	require.NoError(t, err)
	m := newMachine(t, cfg, params, nets.Eval, tensor.Float32, batch)
	x := make([]float64, 0, batch*3*side*side)
	for b := range batch {
		for c, mean := range []float64{122.782, 117.001, 104.298} {
			for y := range side {
				for i := range side {
					x = append(x, (float64((7*c+3*y+5*i+11*b+y*i/50)%256)-mean)/255)
				}
			}
		}
	}
	fill(m.pictures, x)
	m.run(t)
	got, err := graph.Numbers(m.trunk)
	require.NoError(t, err)
	for b, want := range [][]float64{ // the first numbers, the sum of all and the sum of their squares
		{-0.085732265, 0.111838464, 0.091836749, -0.049686493, -0.099151656, 0.009017084, -0.06569012700000014, 2.114999395545737},
		{-0.091449, 0.116783, 0.103916, -0.062179, -0.104114, 0.002018, -0.09114159000000002, 2.1106460317989852},
	} {
		row := got[b*128 : (b+1)*128]
		sum, squares := 0.0, 0.0
		for _, v := range row {
			sum, squares = sum+v, squares+v*v
		}
		require.InDeltaSlice(t, want[:6], row[:6], 1e-5)
		require.InDelta(t, want[6], sum, 1e-4)
		require.InDelta(t, want[7], squares, 1e-5)
	}
}

// writeFaces writes the package's weights, which are rounded to bytes, with the names of dlibFaces. A convolution's bias and what
// scales it are a normalisation.
func writeFaces(t *testing.T, folder, path string) {
	var manifest []struct {
		Weights []struct {
			Name         string
			Shape        []int
			Quantization *struct{ Scale, Min float64 }
		}
	}
	raw, err := os.ReadFile(filepath.Join(folder, "face_recognition_model-weights_manifest.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &manifest))
	bytes, err := os.ReadFile(filepath.Join(folder, "face_recognition_model.bin"))
	require.NoError(t, err)
	var file safetensors.File
	add := func(name string, values []float32, shape ...int) {
		file.Tensors = append(file.Tensors, safetensors.Tensor{Name: name, Shape: shape, F32: values})
	}
	for _, w := range manifest[0].Weights {
		n := tensor.Shape(w.Shape).TotalSize()
		values := make([]float32, n)
		if q := w.Quantization; q != nil {
			for i := range values {
				values[i] = float32(float64(bytes[i])*q.Scale + q.Min)
			}
			bytes = bytes[n:]
		} else {
			for i := range values {
				values[i] = math.Float32frombits(binary.LittleEndian.Uint32(bytes[4*i:]))
			}
			bytes = bytes[4*n:]
		}
		conv, norm, what := facePlace(w.Name)
		switch what {
		case "fc":
			add("fc.weight", turned(values, w.Shape[0], w.Shape[1]), w.Shape[1], w.Shape[0])
		case "conv/filters": // H, W, I, O
			add(conv+".weight", turned(turnedInside(values, w.Shape), w.Shape[2]*w.Shape[0]*w.Shape[1], w.Shape[3]), w.Shape[3], w.Shape[2], w.Shape[0], w.Shape[1])
		case "conv/bias":
			variance := make([]float32, n)
			for i := range values {
				values[i], variance[i] = -values[i], 1-1e-5
			}
			add(norm+".running_mean", values, n)
			add(norm+".running_var", variance, n)
		case "scale/weights":
			add(norm+".weight", values, n)
		case "scale/biases":
			add(norm+".bias", values, n)
		}
	}
	require.Empty(t, bytes)
	out, err := os.Create(path)
	require.NoError(t, err)
	require.NoError(t, safetensors.Write(out, &file))
	require.NoError(t, out.Close())
}

// facePlace is where a tensor of the package belongs.
func facePlace(name string) (conv, norm, what string) {
	if name == "fc" {
		return "", "", "fc"
	}
	if rest, ok := strings.CutPrefix(name, "conv32_down/"); ok {
		return "conv1", "bn1", rest
	}
	parts := strings.SplitN(strings.TrimPrefix(name, "conv"), "/", 3)
	at := 0
	for at < len(dlibNames) && dlibNames[at] != parts[0] {
		at++
	}
	layer := 1
	for _, blocks := range []int{3, 4, 3, 3} {
		if at < blocks {
			break
		}
		at, layer = at-blocks, layer+1
	}
	block := fmt.Sprintf("layer%d.%d.", layer, at)
	return block + parts[1], block + strings.Replace(parts[1], "conv", "bn", 1), parts[2]
}

// turned is a matrix of so many rows and columns, by its columns.
func turned(x []float32, rows, columns int) []float32 {
	out := make([]float32, 0, len(x))
	for c := range columns {
		for r := range rows {
			out = append(out, x[r*columns+c])
		}
	}
	return out
}

// turnedInside brings the input channels of filters (H, W, I, O) before their pixels.
func turnedInside(x []float32, s []int) []float32 {
	out := make([]float32, 0, len(x))
	for i := range s[2] {
		for p := range s[0] * s[1] {
			out = append(out, x[(p*s[2]+i)*s[3]:(p*s[2]+i+1)*s[3]]...)
		}
	}
	return out
}
