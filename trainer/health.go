package trainer

import (
	"context"
	"fmt"
	"math"
)

// health looks for runs that go wrong without an error. Its fields are part of a
// checkpoint, so that a resumed run warns at the same steps.
type health struct {
	Near     int     `json:"near,omitempty"`      // logged steps in a row with all embeddings in one place
	Mixed    int     `json:"mixed,omitempty"`     // logged steps in a row with all of them close, and no nearer within a class
	Told     bool    `json:"told,omitempty"`      // of the collapse at hand
	Level    float64 `json:"level,omitempty"`     // running mean of the loss
	Spread   float64 `json:"spread,omitempty"`    // running mean of |loss − Level|
	Flat     int     `json:"flat,omitempty"`      // logged steps in a row with a loss that hardly moves
	ToldFlat bool    `json:"told_flat,omitempty"` // of the flat loss at hand
	Idle     int     `json:"idle,omitempty"`      // logged steps in a row without a single active pair or triplet
	ToldIdle bool    `json:"told_idle,omitempty"`
}

// warnOfHealth is the hook that looks at every logged step.
func warnOfHealth(h *health, classes int, items string, warn func(Warning)) Hook {
	return Hook{Step: func(_ context.Context, i StepInfo) error {
		if !i.Logged {
			return nil
		}
		for _, w := range h.examine(i, classes, items) {
			warn(w)
		}
		return nil
	}}
}

const (
	nearShare  = 1e-3 // mean distance ÷ mean length below which embeddings are in one place
	nearSteps  = 3    // logged steps
	closeShare = 0.1  // mean distance ÷ mean length below which they are close
	mixedRatio = 1.05 // mean distance between classes ÷ within one, below which classes are not told apart
	mixedSteps = 10   // logged steps
	flatShare  = 0.01 // mean change of the loss ÷ its level below which it is stuck
	flatSteps  = 20   // logged steps
	levelDecay = 0.9
	guessShare = 0.02 // distance from ln classes, relative, at which a loss is that of guessing
)

// examine takes a logged step and returns what there is to say about it; items are pictures,
// vectors or items.
func (h *health) examine(i StepInfo, classes int, items string) []Warning {
	var out []Warning
	if m, a, ok := h.collapse(i, items); ok {
		out = append(out, Warning{Step: i.Step, Kind: KindCollapse, Message: m, Advice: a})
	}
	if m, a, ok := h.stuck(i, classes, items); ok {
		out = append(out, Warning{Step: i.Step, Kind: KindStuck, Message: m, Advice: a})
	}
	if m, a, ok := h.idle(i, items); ok {
		out = append(out, Warning{Step: i.Step, Kind: KindIdle, Message: m, Advice: a})
	}
	return out
}

func (h *health) collapse(i StepInfo, items string) (message, advice string, ok bool) {
	far := max(i.MeanPositive, i.MeanNegative)
	h.Near = countInARow(h.Near, far <= nearShare*i.EmbeddingNorm)
	h.Mixed = countInARow(h.Mixed, far <= closeShare*i.EmbeddingNorm && i.MeanNegative < mixedRatio*i.MeanPositive)
	if h.Near == 0 && h.Mixed == 0 {
		h.Told = false
	}
	if h.Told || h.Near < nearSteps && h.Mixed < mixedSteps {
		return "", "", false
	}
	h.Told = true
	return fmt.Sprintf("the network maps all %s to nearly one point: the mean distance is %.2g between %[1]s of one class and %.2g "+
			"between classes, at a mean length of %.2g; the loss is %.4g, for a triplet loss that is its margin",
			items, i.MeanPositive, i.MeanNegative, i.EmbeddingNorm, i.Loss),
		"lower the learning rate or warm it up over some hundred steps; mine semi-hard or all triplets before batch-hard; " +
			"take more classes a batch; use batch norm and normalised embeddings; lower the weight decay", true
}

// countInARow is how many answers in a row were yes, given how many were before this one.
func countInARow(before int, yes bool) int {
	if yes {
		return before + 1
	}
	return 0
}

func (h *health) stuck(i StepInfo, classes int, items string) (message, advice string, ok bool) {
	if h.Level == 0 && h.Spread == 0 {
		h.Level, h.Spread = i.Loss, math.Abs(i.Loss)
	}
	h.Spread = levelDecay*h.Spread + (1-levelDecay)*math.Abs(i.Loss-h.Level)
	h.Level = levelDecay*h.Level + (1-levelDecay)*i.Loss
	if h.Level == 0 || h.Spread > flatShare*math.Abs(h.Level) {
		h.Flat, h.ToldFlat = 0, false
		return "", "", false
	}
	if h.Flat++; h.Flat < flatSteps || h.ToldFlat || h.Told {
		return "", "", false
	}
	h.ToldFlat = true
	if guess := math.Log(float64(classes)); math.Abs(h.Level-guess) < guessShare*guess {
		return fmt.Sprintf("the loss stays at %.4g, which is ln %d: no better than guessing among the %d classes", h.Level, classes, classes),
			"raise the learning rate, above all that of the class weights (solver.loss_lr); scale the logits up where embeddings are normalised; " +
				"look whether labels belong to their " + items, true
	}
	return fmt.Sprintf("the loss hardly moves: %.4g on average, changing by %.2g from one logged step to the next", h.Level, h.Spread),
		"change the learning rate by a factor of 3 to 10, either way; look whether labels belong to their " + items, true
}

func (h *health) idle(i StepInfo, items string) (message, advice string, ok bool) {
	if !i.HasActive || i.ActiveShare > 0 {
		h.Idle, h.ToldIdle = 0, false
		return "", "", false
	}
	if h.Idle++; h.Idle < flatSteps || h.ToldIdle {
		return "", "", false
	}
	h.ToldIdle = true
	return fmt.Sprintf("no pair or triplet of a batch has had a gradient for %d logged steps: nothing more is learned", h.Idle),
		"raise the margin, take more classes a batch, mine harder triplets, or augment the " + items + "; or stop here", true
}
