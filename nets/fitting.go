package nets

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/pkg/errors"
	"gorgonia.org/tensor"
)

// fitted are the numbers of a tensor of the backbone, out of the stored tensors that it is made of. A fault says that
// they are of other shapes.
func (l *loading) fitted(name string, sources []source) (values []float32, fault string, err error) {
	stored, values, err := joined(name, sources)
	if err != nil {
		return nil, "", err
	}
	if err := check(sources[0].Name, values); err != nil {
		return nil, "", err
	}
	want := l.targets[name].Shape()
	switch {
	case slices.Equal(withoutOnes(stored), withoutOnes(want)):
		return values, "", nil
	case isColourOf(stored, want):
		l.adapted = append(l.adapted, fmt.Sprintf("%s: filters of three colours added up to one", name))
		return greyed(values, want), "", nil
	case name == "pos_embed":
		if fitted, ok := l.positioned(stored, want, values); ok {
			return fitted, "", nil
		}
	}
	return nil, fmt.Sprintf("%s %s, want %s", sources[0].Name, sides(stored), sides(want)), nil
}

// joined is what the parts of a tensor make along the first axis, in their order.
func joined(name string, sources []source) (shape []int, values []float32, err error) {
	slices.SortFunc(sources, func(a, b source) int { return a.part - b.part })
	for i, s := range sources {
		if len(sources) != max(s.of, 1) || s.part != i {
			return nil, nil, errors.Errorf("%s is made of %d tensors, and %d are there, of which %s is one: the file is not whole, or has two networks", name, max(s.of, 1), len(sources), s.Name)
		}
		sides, v, err := s.read()
		if err != nil {
			return nil, nil, err
		}
		values = append(values, v...)
		if i == 0 {
			shape = sides
		} else if len(shape) == len(sides) && len(shape) > 0 {
			shape[0] += sides[0]
		}
	}
	if tensor.Shape(shape).TotalSize() != len(values) {
		return nil, nil, errors.Errorf("the parts of %s have shapes that do not go together", name)
	}
	return shape, values, nil
}

// read is what the piece has of the stored tensor.
func (s source) read() (shape []int, values []float32, err error) {
	shape = slices.Clone(s.Shape)
	if !s.Dtype.Float() {
		return nil, nil, errors.Errorf("the tensor %s holds numbers of type %s: these weights are quantised; take those that they were made of, in floating point", s.Name, s.Dtype)
	}
	if values, err = s.Float32s(); err != nil || s.thirds[1] == 0 {
		return shape, values, err
	}
	if len(shape) == 0 || shape[0]%3 != 0 {
		return nil, nil, errors.Errorf("the tensor %s of shape %v does not part into queries, keys and values", s.Name, shape)
	}
	third := len(values) / 3
	shape[0] = shape[0] / 3 * (s.thirds[1] - s.thirds[0])
	return shape, values[third*s.thirds[0] : third*s.thirds[1]], nil
}

// withoutOnes is a shape without sides of length 1, by which libraries differ.
func withoutOnes(shape []int) []int {
	return slices.DeleteFunc(slices.Clone(shape), func(n int) bool { return n == 1 })
}

// isColourOf reports whether filters of three channels are stored where those of one are wanted.
func isColourOf(stored, want []int) bool {
	return len(stored) == 4 && len(want) == 4 && stored[1] == 3 && want[1] == 1 && stored[0] == want[0] && slices.Equal(stored[2:], want[2:])
}

// greyed are filters of one channel, which see in a grey picture what those of three saw in it.
func greyed(values []float32, want []int) []float32 {
	plane := want[2] * want[3]
	out := make([]float32, want[0]*plane)
	for i := range out {
		o, at := i/plane, i%plane
		for c := range 3 {
			out[i] += values[(o*3+c)*plane+at]
		}
	}
	return out
}

// grid is how many patches a picture has.
func (l *loading) grid() int {
	side := l.patch()
	return l.cfg.Height / side * (l.cfg.Width / side)
}

// patch is the side of a patch; 0 if the backbone has none.
func (l *loading) patch() int {
	if item := l.targets["patch_embed.proj.weight"]; item != nil && item.Shape().Dims() == 4 {
		return item.Shape()[2]
	}
	return 0
}

func isSquare(n int) bool { return n > 0 && side(n)*side(n) == n }

func side(n int) int { return int(math.Round(math.Sqrt(float64(n)))) }

// positioned are stored positions for the grid of patches that pictures have.
func (l *loading) positioned(stored, want []int, values []float32) ([]float32, bool) {
	if len(stored) < 2 || len(want) != 3 || l.patch() == 0 {
		return nil, false
	}
	n, d := stored[len(stored)-2], stored[len(stored)-1]
	before := want[1] - l.grid() // tokens before the patches that have positions
	if before == 0 && !isSquare(n) && isSquare(n-1) && l.targets["cls_token"] != nil && d == want[2] {
		l.ofClass, values, n = values[:d], values[d:], n-1
		l.adapted = append(l.adapted, "pos_embed: that of the class token added to it")
	}
	if d != want[2] || before < 0 || !isSquare(n-before) {
		return nil, false
	}
	from := [2]int{side(n - before), side(n - before)}
	to := [2]int{l.cfg.Height / l.patch(), l.cfg.Width / l.patch()}
	if from == to {
		return values, true
	}
	// Hugging Face antialiases the positions of networks with registers, and no others.
	plain := l.spelling.plain && l.targets["reg_token"] == nil
	how := "bicubic with antialiasing"
	if plain {
		how = "bicubic without antialiasing"
	}
	l.adapted = append(l.adapted, fmt.Sprintf("pos_embed: positions of %d×%d patches made %d×%d, %s", from[0], from[1], to[0], to[1], how))
	out := slices.Clone(values[:before*d])
	return append(out, resampledPositions(values[before*d:], d, from, to, !plain)...), true
}

// sides writes a shape.
func sides(shape []int) string {
	if len(shape) == 0 {
		return "()"
	}
	return strings.ReplaceAll(fmt.Sprint(tensor.Shape(shape)), " ", "")
}
