package graph

import (
	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"

	"medusa/internal/spec"
)

// EndSegment ends a segment with x, and x is what it was. A machine that trains (package machine) does not keep what
// it computed between the ends of two segments: it computes it once more, from the end of the segment before, when
// gradients need it. That saves the memory of all values within segments but of one at a time, for as much time as
// they take, and changes no bit of any result. The ends themselves are kept; what comes behind the last one is, too.
//
//	for _, block := range blocks {
//		x = block(graph.EndSegment(x))
//	}
//
// Some values within segments are computed once and kept: what other segments read, what Keep or gorgonia.Read ask for,
// and the results of ops that change a state, such as the statistics of a batch and the draws of dropout, or that
// are no ops of this package (see Op). Gorgonia's own machines know no segments.
//
// T. Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016 (gradient checkpointing).
func EndSegment(x Expr) Expr {
	if x.Err() != nil {
		return x
	}
	if o, ok := x.n.Op().(*op); ok {
		o.endsSegment = true
	}
	return x
}

// Segments is the number of segments that end in g.
func Segments(g *gorgonia.ExprGraph) int {
	count := 0
	for _, n := range g.AllNodes() {
		if o, ok := n.Op().(*op); ok && o.endsSegment {
			count++
		}
	}
	return count
}

// Recomputed is steps of which those within segments are done once more where later ones need their results (see
// EndSegment), with nodes that stand for the results of the second time. Nobody else is to change the order of its steps.
func Recomputed(steps []Step) ([]Step, error) {
	s := segments{steps: steps, maker: map[*gorgonia.Node]int{}, of: make([]int, len(steps)), again: map[*gorgonia.Node]*gorgonia.Node{}}
	for i, step := range steps {
		for _, n := range step.makes() {
			s.maker[n] = i
		}
	}
	if !s.findAll() {
		return steps, nil
	}
	s.findKept()
	for i, step := range steps {
		if s.of[i] == 0 {
			var err error
			if step.In, err = s.inputs(step); err != nil {
				return nil, err
			}
		}
		s.out = append(s.out, step)
	}
	return withoutUnread(s.out), nil
}

// segments are steps with those of segments told apart.
type segments struct {
	steps []Step
	maker map[*gorgonia.Node]int // the step that makes a node
	of    []int                  // of a step: the number of its segment, from 1 on; 0 if it is in none
	kept  []bool                 // whether a step's results stay until their last reader
	again map[*gorgonia.Node]*gorgonia.Node
	out   []Step
}

// makes are the nodes that the step computes.
func (s Step) makes() []*gorgonia.Node {
	nodes := []*gorgonia.Node{s.Node}
	for _, further := range s.Further {
		nodes = append(nodes, further...)
	}
	return nodes
}

// findAll finds the steps of all segments, and reports whether there are any. A step that two segments need belongs to
// the first.
func (s *segments) findAll() bool {
	count := 0
	for i, step := range s.steps {
		if o, ok := step.Node.Op().(*op); ok && step.Spec != nil && o.endsSegment {
			count++
			s.take(i, count)
		}
	}
	return count > 0
}

// take puts step i, and those that it needs and that are in no segment yet, into one.
func (s *segments) take(i, segment int) {
	for next := []int{i}; len(next) > 0; {
		i, next = next[len(next)-1], next[:len(next)-1]
		if s.of[i] != 0 {
			continue
		}
		s.of[i] = segment
		for _, n := range s.steps[i].In {
			if from, ok := s.maker[n]; ok {
				next = append(next, from)
			}
		}
	}
}

// findKept finds out which steps are not done again.
func (s *segments) findKept() {
	s.kept = make([]bool, len(s.steps))
	written := map[*gorgonia.Node]bool{}
	for i, step := range s.steps {
		o, ours := step.Node.Op().(*op)
		s.kept[i] = step.Spec == nil || !spec.Repeatable(step.Spec) || ours && o.endsSegment
		for _, in := range spec.Writes(step.Spec) {
			written[step.In[in]] = true
		}
	}
	for i, step := range s.steps {
		for _, n := range step.In {
			from, made := s.maker[n]
			switch {
			case !made: // an input, whose numbers may be others by then
				s.kept[i] = s.kept[i] || written[n]
			case s.of[from] != 0 && (step.Spec == nil || step.Kept != nil || s.of[i] != 0 && s.of[i] != s.of[from]):
				s.kept[from] = true
			}
		}
	}
}

// inputs are what a step reads, of the second time where that is to be.
func (s *segments) inputs(step Step) (in []*gorgonia.Node, err error) {
	for _, n := range step.In {
		if from, made := s.maker[n]; made && s.of[from] != 0 && !s.kept[from] {
			if n, err = s.repeat(from, n); err != nil {
				return nil, err
			}
		}
		in = append(in, n)
	}
	return in, nil
}

// repeat adds step i once more, unless it was already, and returns the node that stands for n, which it makes.
func (s *segments) repeat(i int, n *gorgonia.Node) (*gorgonia.Node, error) {
	if again := s.again[n]; again != nil {
		return again, nil
	}
	step := s.steps[i]
	var err error
	if step.In, err = s.inputs(step); err != nil {
		return nil, err
	}
	for _, made := range step.makes() {
		twin, ok := made.Clone().(*gorgonia.Node)
		if !ok {
			return nil, errors.Errorf("graph: a node to compute %s once more cannot be made", spec.Describe(step.Spec))
		}
		s.again[made] = twin
	}
	step.Node, step.Again = s.again[step.Node], true
	further := make([][]*gorgonia.Node, len(step.Further))
	for k, nodes := range step.Further {
		for _, made := range nodes {
			further[k] = append(further[k], s.again[made])
		}
	}
	step.Further = further
	s.out = append(s.out, step)
	return s.again[n], nil
}

// withoutUnread is steps without the outputs, besides the first, that no step reads.
func withoutUnread(steps []Step) []Step {
	read := map[*gorgonia.Node]bool{}
	for _, step := range steps {
		for _, n := range step.In {
			read[n] = true
		}
	}
	for i, step := range steps {
		further := make([][]*gorgonia.Node, len(step.Further))
		for k, nodes := range step.Further {
			for _, n := range nodes {
				if read[n] {
					further[k] = append(further[k], n)
				}
			}
		}
		steps[i].Further = further
	}
	return steps
}
