package nets

import (
	"regexp"
	"slices"
	"strings"
)

// Stage is a part of a backbone, as those who fine-tune speak of it: the stem, layer1 of a ResNet, blocks.3 of a
// vision transformer.
type Stage struct {
	Name   string
	Blocks []Block // in the order in which pictures go through them; at least one
}

// Block is the smallest part that has a learning rate of its own in layer-wise decay, such as layer1.0 or blocks.3.
type Block struct {
	Name   string
	Params []string // names of parameters and buffers within the backbone, such as layer1.0.conv1.weight
}

// Params are those of all blocks.
func (s Stage) Params() (all []string) {
	for _, b := range s.Blocks {
		all = append(all, b.Params...)
	}
	return all
}

// Holds reports whether a parameter is of the stage, by its whole name, such as backbone.layer1.0.conv1.weight.
func (s Stage) Holds(name string) bool {
	name, ok := strings.CutPrefix(name, BackbonePrefix)
	return ok && slices.ContainsFunc(s.Blocks, func(b Block) bool { return slices.Contains(b.Params, name) })
}

// The stages that stand before and behind those that are numbered.
const (
	stemStage  = "stem"
	finalStage = "final"
)

// Stages are the parts of the backbone from the pictures on. They follow from the names of its parameters in the order in
// which it asks for them, for a backbone of your own as well: where layers are numbered in a container, such as blocks.0,
// stages.0 or layer1.0, each number is a stage; what comes before is the stem, and what comes behind, such as the last
// normalisation, is final. In a backbone without such containers each layer with a matrix of weights is a stage, with the
// normalisation behind it. Blocks are those of timm's layer-wise decay: the numbered ones within a stage, and final
// belongs to the last of them.
func (c Config) Stages() ([]Stage, error) {
	r, err := c.describe()
	if err != nil {
		return nil, err
	}
	var names []string
	matrix := map[string]bool{}
	for _, item := range r.params.Under(BackbonePrefix) {
		name := strings.TrimPrefix(r.params.NameOf(item), BackbonePrefix)
		names = append(names, name)
		matrix[name] = item.Shape().Dims() > 1
	}
	if container := largestContainer(names); container != "" {
		return stagesWithin(container, names), nil
	}
	return stagesOfLayers(names, matrix), nil
}

// numbered matches layer1.0.conv1 (a container whose stages are numbered in its own name) and blocks.3.attn.
var numbered = regexp.MustCompile(`^(?:([A-Za-z_]+)\d+\.\d+|([A-Za-z_]+)\.\d+)\.`)

// inner matches the rest of a name behind its stage where that begins with the number of a block.
var inner = regexp.MustCompile(`^\.((?:blocks\.)?\d+)\.`)

// containerOf is what numbers the part that a name belongs to; empty if nothing does.
func containerOf(name string) string {
	m := numbered.FindStringSubmatch(name)
	if m == nil {
		return ""
	}
	return m[1] + m[2]
}

// largestContainer is the container with most names, of two numbers at least.
func largestContainer(names []string) (best string) {
	count, stages := map[string]int{}, map[string]map[string]bool{}
	for _, name := range names {
		c := containerOf(name)
		if c == "" {
			continue
		}
		if stages[c] == nil {
			stages[c] = map[string]bool{}
		}
		stages[c][stageName(c, name)] = true
		if count[c]++; len(stages[c]) > 1 && count[c] > count[best] {
			best = c
		}
	}
	return best
}

// stageName is the stage of a name within its container: layer1 or blocks.3.
func stageName(container, name string) string {
	rest := strings.TrimPrefix(name, container)
	dot := ""
	if after, ok := strings.CutPrefix(rest, "."); ok {
		rest, dot = after, "."
	}
	number, _, _ := strings.Cut(rest, ".")
	return container + dot + number
}

// stagesWithin are the stages of a container, with what stands before and behind it.
func stagesWithin(container string, names []string) (stages []Stage) {
	for _, name := range names {
		stage, block := stemStage, stemStage
		switch {
		case containerOf(name) == container:
			stage = stageName(container, name)
			block = blockName(stage, name)
		case len(stages) > 0 && stages[len(stages)-1].Name != stemStage:
			stage, block = finalStage, finalStage
		}
		stages = addTo(stages, stage, block, name)
	}
	for i := range stages {
		stages[i].joinUnnumbered()
	}
	return stages
}

// blockName is the block of a name within its stage: the stage itself where its blocks have no numbers.
func blockName(stage, name string) string {
	if m := inner.FindStringSubmatch(strings.TrimPrefix(name, stage)); m != nil {
		return stage + "." + m[1]
	}
	return stage
}

// addTo adds a parameter to the stage and the block of these names, which are made if they are not there.
func addTo(stages []Stage, stage, block, name string) []Stage {
	i := len(stages) - 1
	for i >= 0 && stages[i].Name != stage {
		i--
	}
	if i < 0 {
		stages = append(stages, Stage{Name: stage})
		i = len(stages) - 1
	}
	s := &stages[i]
	for k := range s.Blocks {
		if s.Blocks[k].Name == block {
			s.Blocks[k].Params = append(s.Blocks[k].Params, name)
			return stages
		}
	}
	s.Blocks = append(s.Blocks, Block{block, []string{name}})
	return stages
}

// joinUnnumbered gives what has no number in a stage of numbered blocks, such as ConvNeXt's downsampling, to the block
// behind it.
func (s *Stage) joinUnnumbered() {
	if len(s.Blocks) < 2 || s.Blocks[0].Name != s.Name {
		return
	}
	s.Blocks[1].Params = append(s.Blocks[0].Params, s.Blocks[1].Params...)
	s.Blocks = s.Blocks[1:]
}

// stagesOfLayers are the layers of a backbone without containers: each begins with a matrix of weights.
func stagesOfLayers(names []string, matrix map[string]bool) (stages []Stage) {
	stage := ""
	for _, name := range names {
		layer, _, _ := strings.Cut(name, ".")
		if stage == "" || matrix[name] && layer != stage {
			stage = layer
		}
		stages = addTo(stages, stage, stage, name)
	}
	return stages
}
