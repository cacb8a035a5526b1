package trainer

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/pkg/errors"
)

// History reads metrics.jsonl of the run folder dir: the logged steps and the
// evaluations, those before a resumption included. Of an EvalInfo it fills Step, Set,
// Phase, Result and Seconds.
func History(dir string) (steps []StepInfo, evals []EvalInfo, err error) {
	path := filepath.Join(dir, MetricsFile)
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, saying(err, "opening "+path)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		var kind struct {
			Kind string `json:"kind"`
		}
		err := json.Unmarshal(lines.Bytes(), &kind)
		switch {
		case err != nil:
		case kind.Kind == "step":
			var i StepInfo
			if i, err = readStep(lines.Bytes()); err == nil {
				steps = append(steps, i)
			}
		case kind.Kind == "evaluation":
			var i EvalInfo
			if i, err = readEval(lines.Bytes()); err == nil {
				evals = append(evals, i)
			}
		}
		if err != nil {
			return nil, nil, errors.Wrapf(err, "trainer: %s: line %d", path, n)
		}
	}
	return steps, evals, errors.Wrapf(lines.Err(), "trainer: %s", path)
}

func readStep(line []byte) (i StepInfo, err error) {
	var r stepRecord
	if err := json.Unmarshal(line, &r); err != nil {
		return i, err
	}
	i = StepInfo{
		Step: r.Step, Epoch: r.Epoch, Loss: r.Loss, LR: r.LR, GradNorm: r.GradNorm, Logged: true,
		MeanPositive: r.MeanPositive, MeanNegative: r.MeanNegative, EmbeddingNorm: r.EmbeddingNorm,
		ImagesPerSecond: r.ImagesPerSecond, WaitShare: r.WaitShare, HasActive: r.ActiveShare != nil,
	}
	if i.HasActive {
		i.ActiveShare = *r.ActiveShare
	}
	return i, nil
}

func readEval(line []byte) (i EvalInfo, err error) {
	var r struct {
		Step    int     `json:"step"`
		Set     string  `json:"set"`
		Phase   Phase   `json:"phase"`
		Seconds float64 `json:"seconds"`
	}
	if err := json.Unmarshal(line, &r); err != nil {
		return i, err
	}
	i = EvalInfo{Step: r.Step, Set: r.Set, Phase: r.Phase, Seconds: r.Seconds}
	return i, json.Unmarshal(line, &i.Result)
}
