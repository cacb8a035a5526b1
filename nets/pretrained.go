package nets

import (
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/weights"
)

// LoadWeights loads the weights of the backbone of cfg into params from a file that others wrote: safetensors or the
// list of its shards, a file of torch.save, the initializers of ONNX. Tensors may be called as in torchvision, timm,
// Hugging Face's transformers, DINOv2 and CLIP, behind prefixes such as module. or state_dict. The whole backbone must
// be there; what else the file holds, a classifier among it, is left out, and the embedding's layer stays as it is.
// cfg has the sizes of pictures, as Build has them.
//
// Two things are fitted: filters of three colours to grey pictures, by adding them up, and learned positions to
// another grid of patches, by bicubic interpolation as the library does it whose names the file has.
func LoadWeights(path string, cfg Config, params *graph.Params) (report WeightsReport, err error) {
	defer graph.Guard("loading weights", &err)
	if params == nil {
		return report, errors.New("nets: params is nil, want graph.NewParams(seed)")
	}
	targets, err := cfg.made(params)
	if err != nil {
		return report, err
	}
	l, err := openWeights(path, cfg)
	if err != nil {
		return report, err
	}
	defer l.file.Close()
	l.targets = targets
	if err := l.choose(); err != nil {
		return report, err
	}
	if err := l.read(); err != nil {
		return report, errors.WithMessagef(err, "nets: %s", path)
	}
	if report, err = l.report(params); err != nil {
		return report, err
	}
	return report, l.write(params)
}

// openWeights opens a file of weights, and reads what lies beside it.
func openWeights(path string, cfg Config) (l *loading, err error) {
	l = &loading{path: path, cfg: cfg.withDefaults(), known: map[naming][]piece{}}
	if l.file, err = weights.Open(path); err != nil {
		return nil, err
	}
	if l.beside, err = readBeside(path); err != nil {
		l.file.Close()
		return nil, err
	}
	return l, nil
}

// made makes the network's parameters in params, unless they are there, and gives those of its backbone.
func (c Config) made(params *graph.Params) (map[string]*graph.Param, error) {
	size := c.withDefaults()
	g := gorgonia.NewGraph()
	dt := tensor.Float32
	if all := params.Under(BackbonePrefix); len(all) > 0 && all[0].Value != nil {
		dt = all[0].Value.Dtype()
	}
	x := gorgonia.NewTensor(g, dt, 4, gorgonia.WithName("pictures"), gorgonia.WithShape(1, size.InChannels, size.Height, size.Width))
	defer params.Forget(g)
	if _, err := Build(c, params, x, Eval); err != nil {
		return nil, err
	}
	targets := targetsOf(params)
	for _, item := range targets {
		if item.Value == nil {
			return nil, errors.New("nets: a set of NewShapes has no memory to load into")
		}
	}
	return targets, nil
}

// targetsOf are the parameters of a backbone by their names in it.
func targetsOf(params *graph.Params) map[string]*graph.Param {
	targets := map[string]*graph.Param{}
	for _, item := range params.Under(BackbonePrefix) {
		if !strings.HasSuffix(item.Name, ".state") { // of dropout
			targets[strings.TrimPrefix(params.NameOf(item), BackbonePrefix)] = item
		}
	}
	return targets
}

// loading is a file that is loaded into a backbone.
type loading struct {
	path    string
	cfg     Config
	file    *weights.File
	beside  beside
	targets map[string]*graph.Param // of the backbone, by their names in it

	spelling spelling
	prefix   string   // before the names in the file
	twins    []string // other prefixes before which the file has the same
	found    map[string][]source
	leftOut  []string
	foreign  []string // of these, those that stand among the backbone's blocks, where it has none
	adapted  []string
	ofClass  []float32 // the class token's position, where the backbone has none
	values   map[string][]float32
	known    map[naming][]piece // what names were found to mean
}

// naming is a name by a library.
type naming struct{ library, name string }

// pieces is spelling.pieces, which takes its time, of each name once.
func (l *loading) pieces(s spelling, name string) []piece {
	key := naming{s.name, name}
	p, ok := l.known[key]
	if !ok {
		p = s.pieces(name)
		l.known[key] = p
	}
	return p
}

// source is a stored tensor that is all or a part of one of the backbone's.
type source struct {
	piece
	*weights.Tensor
}

// choose finds the spelling and the prefix by which the file has most of the backbone.
func (l *loading) choose() error {
	if l.match() == 0 {
		return l.unknownNames()
	}
	return nil
}

// match is choose, and tells how many tensors of the backbone the file has.
func (l *loading) match() (best int) {
	l.leftOut, l.foreign = nil, nil
	for _, s := range spellings() {
		counts, order := l.count(s)
		for _, prefix := range order {
			switch n := counts[prefix]; {
			case n > best:
				best, l.spelling, l.prefix, l.twins = n, s, prefix, nil
			case n == best && s.name == l.spelling.name:
				l.twins = append(l.twins, prefix)
			}
		}
	}
	if best == 0 {
		return 0
	}
	l.found = map[string][]source{}
	for _, t := range l.file.Tensors {
		any := false
		for _, p := range l.meant(t) {
			if l.targets[p.name] != nil {
				l.found[p.name] = append(l.found[p.name], source{p, t})
				any = true
			}
		}
		if !any {
			l.leftOut = append(l.leftOut, t.Name)
			if !isCounter(t.Name) && slices.ContainsFunc(l.meant(t), l.amongBlocks) {
				l.foreign = append(l.foreign, t.Name)
			}
		}
	}
	return best
}

// blockOf is the beginning of a name that leads to a numbered block, such as layer3. of layer3.6.conv1.weight.
var blockOf = regexp.MustCompile(`^\w+\.\d+\.`)

// amongBlocks reports whether the backbone has numbered blocks of the name's kind. A tensor that it lacks there is of a
// deeper network, or of one whose blocks do more.
func (l *loading) amongBlocks(p piece) bool {
	if !blockOf.MatchString(p.name) {
		return false
	}
	kind, _, _ := strings.Cut(p.name, ".")
	for name := range l.targets {
		if strings.HasPrefix(name, kind+".") && blockOf.MatchString(name) {
			return true
		}
	}
	return false
}

// isCounter reports whether a tensor counts the batches that a normalisation has seen.
func isCounter(name string) bool { return strings.HasSuffix(name, "num_batches_tracked") }

// meant are the pieces of a backbone that a stored tensor is.
func (l *loading) meant(t *weights.Tensor) []piece {
	rest, ok := strings.CutPrefix(t.Name, l.prefix)
	if !ok {
		return nil
	}
	return l.pieces(l.spelling, rest)
}

// count tells how many tensors of the backbone the file has behind each prefix, and the prefixes in the file's order.
func (l *loading) count(s spelling) (counts map[string]int, order []string) {
	counts = map[string]int{}
	for _, t := range l.file.Tensors {
		for at := 0; at >= 0; {
			for _, p := range l.pieces(s, t.Name[at:]) {
				if l.targets[p.name] == nil || p.part > 0 {
					continue
				}
				prefix := t.Name[:at]
				if counts[prefix] == 0 {
					order = append(order, prefix)
				}
				counts[prefix]++
			}
			next := strings.IndexByte(t.Name[at:], '.')
			if next < 0 {
				break
			}
			at += next + 1
		}
	}
	return counts, order
}

func (l *loading) unknownNames() error {
	return errors.Errorf("nets: %s has no tensor of backbone %s: its names are %s, and those of %s are as in timm or torchvision, such as %s", l.path, l.cfg.Backbone,
		few(l.names()), l.cfg.Backbone, few(sortedKeys(l.targets)))
}

// read reads all tensors that the backbone has, or says what is wrong with them.
func (l *loading) read() error {
	var missing, misshapen []string
	l.values = map[string][]float32{}
	for _, name := range sortedKeys(l.targets) {
		sources := l.found[name]
		if len(sources) == 0 {
			missing = append(missing, name+" "+sides(l.targets[name].Shape()))
			continue
		}
		values, fault, err := l.fitted(name, sources)
		switch {
		case err != nil:
			return err
		case fault != "":
			misshapen = append(misshapen, fault)
		default:
			l.values[name] = values
		}
	}
	if len(missing)+len(misshapen)+len(l.foreign) > 0 {
		return l.otherNetwork(missing, misshapen)
	}
	for i, v := range l.ofClass {
		l.values["cls_token"][i] += v
	}
	return nil
}

// write puts into params what was read.
func (l *loading) write(params *graph.Params) error {
	stored := make([]graph.StoredTensor, 0, len(l.values))
	for name, values := range l.values {
		item := l.targets[name]
		t := graph.StoredTensor{Name: BackbonePrefix + name, Shape: item.Shape().Clone(), F32: values}
		if item.Value.Dtype() == tensor.Float64 {
			t.F32, t.F64 = nil, widen(values)
		}
		stored = append(stored, t)
	}
	_, err := params.Restore(stored, graph.Loading{Partial: graph.Partial{Missing: []string{""}}})
	return err
}

func widen(values []float32) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = float64(v)
	}
	return out
}

// otherNetwork says what does not fit, and which backbone the file seems to be of.
func (l *loading) otherNetwork(missing, misshapen []string) error {
	var faults []string
	if len(missing) > 0 {
		faults = append(faults, countOf(len(missing), "missing")+few(missing))
	}
	if len(misshapen) > 0 {
		faults = append(faults, countOf(len(misshapen), "of another shape")+few(misshapen))
	}
	if len(l.foreign) > 0 {
		faults = append(faults, countOf(len(l.foreign), "among its blocks, which have none such")+few(l.foreign))
	}
	hint := ""
	if other := l.nearest(); other != "" && other != l.cfg.Backbone {
		hint = "; these weights seem to be of backbone " + other
	}
	return errors.Errorf("the file is of another network than %s, by %s names: %s%s", l.cfg.Backbone, l.spelling.name, strings.Join(faults, "; "), hint)
}

// check refuses numbers that no network computes with.
func check(name string, values []float32) error {
	for i, v := range values {
		if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
			return errors.Errorf("the tensor %s holds %v at place %d: the weights are damaged, or training had failed", name, v, i)
		}
	}
	return nil
}
