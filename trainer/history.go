package trainer

import (
	"bufio"
	"encoding/json"
	"io"
	"os"

	"github.com/pkg/errors"
)

// History is what metrics.jsonl of a run folder tells: the logged steps, evaluations and
// warnings, each in the order in which they came.
type History struct {
	Steps       []StepInfo // Steps and ETA are not kept
	Evaluations []EvalInfo // Embeddings, Steps, Metric and what is best are not kept
	Warnings    []Warning
}

// ReadHistory reads metrics.jsonl of the run folder dir, also while the run goes on: a
// last line that is not whole yet is left out.
func ReadHistory(dir string) (History, error) {
	path := folder(dir).path(MetricsFile)
	f, err := os.Open(path)
	if err != nil {
		return History{}, errors.Wrap(err, "trainer")
	}
	defer f.Close()
	h, err := readHistory(f)
	return h, errors.Wrapf(err, "trainer: %s", path)
}

func readHistory(r io.Reader) (h History, err error) {
	lines := bufio.NewReader(r)
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return h, nil
		}
		if err != nil {
			return h, err
		}
		if err := h.add(line); err != nil {
			return h, errors.Wrapf(err, "line %d", n)
		}
	}
}

func (h *History) add(line []byte) error {
	var r struct {
		stepRecord
		Set     string  `json:"set"`
		Phase   Phase   `json:"phase"`
		Seconds float64 `json:"seconds"`
		About   string  `json:"about"`
		Message string  `json:"message"`
		Advice  string  `json:"advice"`
	}
	if err := json.Unmarshal(line, &r); err != nil {
		return err
	}
	switch r.Kind {
	case "step":
		h.Steps = append(h.Steps, r.info())
	case "evaluation":
		i := EvalInfo{Step: r.Step, Set: r.Set, Phase: r.Phase, Seconds: r.Seconds}
		if err := json.Unmarshal(line, &i.Result); err != nil {
			return err
		}
		h.Evaluations = append(h.Evaluations, i)
	case "warning":
		h.Warnings = append(h.Warnings, Warning{Step: r.Step, Kind: r.About, Message: r.Message, Advice: r.Advice})
	default:
		return errors.Errorf("unknown kind %q", r.Kind)
	}
	return nil
}

// info is the inverse of recordStep.
func (r stepRecord) info() StepInfo {
	i := StepInfo{
		Step: r.Step, Epoch: r.Epoch, Loss: r.Loss, LR: r.LR, GradNorm: r.GradNorm, Logged: true,
		MeanPositive: r.MeanPositive, MeanNegative: r.MeanNegative, EmbeddingNorm: r.EmbeddingNorm,
		ImagesPerSecond: r.ImagesPerSecond, WaitShare: r.WaitShare,
	}
	if r.ActiveShare != nil {
		i.HasActive, i.ActiveShare = true, *r.ActiveShare
	}
	return i
}
