package nets

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"sync"
)

// Backbones have the names of torchvision's ResNet and of timm's other models. Other libraries call the same tensors
// otherwise, and cut them otherwise.

// spelling is how a library calls the tensors of some backbones.
type spelling struct {
	name  string
	rules []rule
	// plain says that positions are resampled without a wider filter, as the library does.
	plain bool
	// eps is what its normalisations add to variances; 0: as the backbone.
	eps float64
	// samePad says that its convolutions pad as TensorFlow does.
	samePad bool
}

// rule tells which tensors a stored name means.
type rule struct {
	pattern *regexp.Regexp // of the whole name
	to      func(m []string) []piece
}

// piece is a tensor of a backbone, or one of so many parts of it along the first axis.
type piece struct {
	name     string
	part, of int    // of is 0: the whole
	thirds   [2]int // of the stored tensor along the first axis, from and to; 0 and 0: all of it
}

// as is a rule whose result has $1, $2 … in it.
func as(pattern, to string) rule { return pieces(pattern, piece{name: to}) }

// pieces is a rule of a tensor that is several of the backbone's.
func pieces(pattern string, to ...piece) rule {
	return rule{regexp.MustCompile("^(?:" + pattern + ")$"), func(m []string) (out []piece) {
		for _, p := range to {
			p.name = expanded(p.name, m)
			out = append(out, p)
		}
		return out
	}}
}

// shifted are the arguments of $1+1 and the like.
var shifted = regexp.MustCompile(`\$(\d)(?:([+-])1)?`)

// expanded puts what was matched into a text: $1, or $1+1 and $1-1 of a number.
func expanded(text string, m []string) string {
	return shifted.ReplaceAllStringFunc(text, func(s string) string {
		v := m[s[1]-'0']
		if len(s) == 2 {
			return v
		}
		n, _ := strconv.Atoi(v)
		if s[2] == '+' {
			return strconv.Itoa(n + 1)
		}
		return strconv.Itoa(n - 1)
	})
}

// pieces are what a stored name means, if it means anything.
func (s spelling) pieces(name string) []piece {
	if s.rules == nil {
		return []piece{{name: name}}
	}
	for _, r := range s.rules {
		if m := r.pattern.FindStringSubmatch(name); m != nil {
			return r.to(m)
		}
	}
	return nil
}

const (
	leaf = `(weight|bias)`
	norm = `(weight|bias|running_mean|running_var)`
)

// attentionParts are the rules for queries, keys and values that are stored apart.
func attentionParts(pattern, to string, names ...string) (rules []rule) {
	for i, n := range names {
		rules = append(rules, pieces(fmt.Sprintf(pattern, n), piece{name: to, part: i, of: len(names)}))
	}
	return rules
}

// spellings are tried in this order. They are made when a file is loaded, since programs that load none should not wait
// for so many patterns.
var spellings = sync.OnceValue(func() []spelling {
	return slices.Concat(spellingsOfTransformers(), spellingsOfTorchvision(), []spelling{efficientNetPyTorch()})
})
