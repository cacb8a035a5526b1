package nets

import (
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/internal/field"
	"medusa/internal/onnxgraph"
)

// ONNXPrefix is how the name of a backbone begins that is a model of ONNX: onnx:FILE, or onnx:FILE#TENSOR for what the
// model computes up to a tensor inside.
const ONNXPrefix = "onnx:"

// isONNX reports whether a backbone is a model of ONNX.
func isONNX(backbone string) bool { return strings.HasPrefix(backbone, ONNXPrefix) }

// onnxName takes the name of such a backbone apart. A file whose name has a # in it is found too.
func onnxName(backbone string) (path, tensor string) {
	path = strings.TrimPrefix(backbone, ONNXPrefix)
	if at := strings.LastIndexByte(path, '#'); at >= 0 {
		if _, err := os.Stat(path); err != nil {
			return path[:at], path[at+1:]
		}
	}
	return path, ""
}

// openModels are the models that were read, by names of backbones.
var openModels = struct {
	sync.Mutex
	of map[string]openModel
}{of: map[string]openModel{}}

// openModel is a model, as of a state of its file.
type openModel struct {
	net   *onnxgraph.Net
	size  int64
	wrote time.Time
}

// onnxNet is the model of the backbone: that which Graph holds, or that of the file.
func (c Config) onnxNet() (*onnxgraph.Net, error) {
	if len(c.Graph) > 0 {
		text, err := gunzipped(c.Graph)
		if err != nil {
			return nil, errors.Wrap(err, "nets: the stored graph of the backbone")
		}
		return onnxgraph.Decode(text)
	}
	path, tensor := onnxName(c.Backbone)
	if path == "" {
		return nil, field.Errorf("nets", "", "%s is %q, want the file behind it: onnx:FILE or onnx:FILE#TENSOR", field.Name("Backbone"), c.Backbone)
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, field.Errorf("nets", "", "%s is %q: there is no file %s", field.Name("Backbone"), c.Backbone, path)
	}
	if err != nil {
		return nil, errors.Wrap(err, "nets: backbone")
	}
	openModels.Lock()
	defer openModels.Unlock()
	if m, ok := openModels.of[c.Backbone]; ok && m.size == info.Size() && m.wrote.Equal(info.ModTime()) {
		return m.net, nil
	}
	net, err := onnxgraph.Open(path, tensor)
	if err != nil {
		text := strings.TrimPrefix(strings.TrimPrefix(err.Error(), "weights: "), "onnxgraph: ")
		return nil, field.Errorf("nets", "", "%s is %q: %s", field.Name("Backbone"), c.Backbone, text)
	}
	openModels.of[c.Backbone] = openModel{net, info.Size(), info.ModTime()}
	return net, nil
}

// Portable is c with all that it takes from files but the weights, so that Build needs these files no more: to be written
// into files of models.
func (c Config) Portable() (Config, error) {
	if c.given != nil || !isONNX(c.Backbone) || len(c.Graph) > 0 {
		return c, nil
	}
	net, err := c.onnxNet()
	if err != nil {
		return c, err
	}
	text, err := net.Encode()
	if err != nil {
		return c, err
	}
	c.Graph, err = gzipped(text)
	return c, err
}

// FixedInput is the shape of the pictures that the backbone takes and no others, where it is a model that fixes them; 0 stands
// for a side that it leaves open.
func (c Config) FixedInput() (channels, height, width int, err error) {
	if c.given != nil || !isONNX(c.Backbone) {
		return 0, 0, 0, nil
	}
	net, err := c.onnxNet()
	if err != nil {
		return 0, 0, 0, err
	}
	channels, height, width = net.Sizes()
	return channels, height, width, nil
}

// Warnings says what of the backbone may not be meant, such as a classifier at the end of a model.
func (c Config) Warnings() []string {
	if c.given != nil || !isONNX(c.Backbone) {
		return nil
	}
	net, err := c.onnxNet()
	if err != nil {
		return nil // which Build says
	}
	return net.Warnings()
}

// buildONNX is the Builder of models of ONNX. What such a model ends with becomes features (B, F): pictures and tokens (B, T, F) by
// Config.Head.
func buildONNX(cfg Config, p *graph.Params, x graph.Expr, mode Mode) (graph.Expr, error) {
	net, err := cfg.onnxNet()
	if err != nil {
		return x, err
	}
	l := NewLayers(cfg, p, mode)
	y, err := net.Build(p, x, onnxgraph.Options{Train: mode == Train, Layer: func(name, kind string, y graph.Expr, macs float64) {
		l.done(strings.TrimSuffix(name, ".weight"), kind, y, macs)
	}})
	if err != nil {
		return x, err
	}
	s := y.Shape()
	switch {
	case len(s) > 0 && s[0] != x.Shape()[0]:
		return x, errors.Errorf("its tensor %q has the shape %v for %d pictures, want features of each: cut the model elsewhere, as onnx:FILE#TENSOR", net.Output(), s, x.Shape()[0])
	case len(s) == 2:
		return y, nil
	case len(s) == 3: // tokens, as pictures of one column
		y = y.Permute(0, 2, 1).Reshape(s[0], s[2], s[1], 1)
	case len(s) != 4:
		return x, errors.Errorf("its tensor %q has the shape %v, want (B, F), (B, T, F) or (B, C, H, W): cut the model elsewhere, as onnx:FILE#TENSOR", net.Output(), s)
	}
	y = l.Head(y)
	return y, y.Err()
}

func gzipped(text []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, errors.WithStack(err)
	}
	if _, err := w.Write(text); err != nil {
		return nil, errors.WithStack(err)
	}
	err = w.Close()
	return b.Bytes(), errors.WithStack(err)
}

// maxGraph is more than any graph without weights has in bytes.
const maxGraph = 1 << 30

func gunzipped(b []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, errors.WithStack(err)
	}
	text, err := io.ReadAll(io.LimitReader(r, maxGraph))
	return text, errors.WithStack(err)
}
