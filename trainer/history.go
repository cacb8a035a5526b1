package trainer

import (
	"bufio"
	"encoding/json"
	"io"

	"github.com/pkg/errors"

	"medusa/internal/fileread"
)

// History reads metrics.jsonl of the run folder dir: the logged steps and the
// evaluations, those before a resumption included. Steps and ETA of a StepInfo are not
// kept; of an EvalInfo Step, Set, Phase, Result and Seconds are. A last line that is not
// whole, as while the run goes on, is left out.
func History(dir string) (steps []StepInfo, evals []EvalInfo, err error) {
	path := folder(dir).path(MetricsFile)
	f, err := fileread.Open(path)
	if err != nil {
		return nil, nil, saying(err, "opening "+path)
	}
	defer f.Close()
	h, err := readHistory(f)
	return h.steps, h.evals, errors.Wrapf(err, "trainer: %s", path)
}

type history struct {
	steps []StepInfo
	evals []EvalInfo
}

func readHistory(r io.Reader) (h history, err error) {
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

func (h *history) add(line []byte) error {
	var r struct {
		stepRecord
		Set     string  `json:"set"`
		Phase   Phase   `json:"phase"`
		Seconds float64 `json:"seconds"`
	}
	if err := json.Unmarshal(line, &r); err != nil {
		return err
	}
	switch r.Kind {
	case "step":
		h.steps = append(h.steps, r.info())
	case "evaluation":
		i := EvalInfo{Step: r.Step, Set: r.Set, Phase: r.Phase, Seconds: r.Seconds}
		if err := json.Unmarshal(line, &i.Result); err != nil {
			return err
		}
		h.evals = append(h.evals, i)
	case "warning":
	default:
		return errors.Errorf("unknown kind %q", r.Kind)
	}
	return nil
}

// info is the inverse of recordStep.
func (r stepRecord) info() StepInfo {
	i := StepInfo{
		Step: r.Step, Epoch: r.Epoch, Loss: r.Loss, LR: r.LR, GradNorm: r.GradNorm, Logged: true,
		HasSpread: true, MeanPositive: r.MeanPositive, MeanNegative: r.MeanNegative, EmbeddingNorm: r.EmbeddingNorm,
		ImagesPerSecond: r.ImagesPerSecond, WaitShare: r.WaitShare,
	}
	if r.ActiveShare != nil {
		i.HasActive, i.ActiveShare = true, *r.ActiveShare
	}
	return i
}
