package trainer

import (
	"context"
	"encoding/json"

	"github.com/pkg/errors"

	"medusa/internal/runfolder"
)

// stepRecord is the line of a step.
type stepRecord struct {
	Kind            string   `json:"kind"` // "step"
	Step            int      `json:"step"`
	Epoch           float64  `json:"epoch"`
	Loss            float64  `json:"loss"`
	LR              float64  `json:"lr"`
	GradNorm        float64  `json:"grad_norm"`
	ActiveShare     *float64 `json:"active_share,omitempty"`
	MeanPositive    float64  `json:"mean_positive"`
	MeanNegative    float64  `json:"mean_negative"`
	EmbeddingNorm   float64  `json:"embedding_norm"`
	ImagesPerSecond float64  `json:"images_per_s"`
	WaitShare       float64  `json:"wait_share"`
}

func recordStep(i StepInfo) stepRecord {
	r := stepRecord{
		Kind: "step", Step: i.Step, Epoch: i.Epoch, Loss: i.Loss, LR: i.LR, GradNorm: i.GradNorm,
		MeanPositive: i.MeanPositive, MeanNegative: i.MeanNegative, EmbeddingNorm: i.EmbeddingNorm,
		ImagesPerSecond: i.ImagesPerSecond, WaitShare: i.WaitShare,
	}
	if i.HasActive {
		r.ActiveShare = &i.ActiveShare
	}
	return r
}

// recordEval is the line of an evaluation; the figures stand under their own names.
func recordEval(i EvalInfo) (map[string]any, error) {
	b, err := json.Marshal(i.Result)
	if err != nil {
		return nil, err
	}
	r := map[string]any{}
	if err := json.Unmarshal(b, &r); err != nil {
		return nil, err
	}
	for key, v := range map[string]any{"kind": "evaluation", "step": i.Step, "set": i.Set, "phase": i.Phase, "seconds": i.Seconds} {
		r[key] = v
	}
	return r, nil
}

// recordWarning is the line of a warning.
func recordWarning(w Warning) map[string]any {
	return map[string]any{"kind": "warning", "step": w.Step, "about": w.Kind, "message": w.Message, "advice": w.Advice}
}

// logMetrics writes metrics.jsonl: a line for every logged step, every evaluation and every
// warning.
func logMetrics(log *runfolder.MetricsLog) Hook {
	return Hook{
		Step: func(_ context.Context, i StepInfo) error {
			if !i.Logged {
				return nil
			}
			return inTrainer(log.Add(recordStep(i)))
		},
		Evaluated: func(_ context.Context, i EvalInfo) error {
			record, err := recordEval(i)
			if err != nil {
				return errors.Wrap(err, "trainer: "+MetricsFile)
			}
			return inTrainer(log.Add(record))
		},
		Warned: func(_ context.Context, w Warning) error { return inTrainer(log.Add(recordWarning(w))) },
	}
}

// History reads metrics.jsonl of the run folder dir: the logged steps and the
// evaluations, those before a resumption included. Steps and ETA of a StepInfo are not
// kept; of an EvalInfo Step, Set, Phase, Result and Seconds are. A last line that is not
// whole, as while the run goes on, is left out.
func History(dir string) (steps []StepInfo, evals []EvalInfo, err error) {
	var h history
	err = runfolder.Folder(dir).ReadMetrics(h.add)
	return h.steps, h.evals, inTrainer(err)
}

type history struct {
	steps []StepInfo
	evals []EvalInfo
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
