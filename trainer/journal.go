package trainer

import (
	"bytes"
	"encoding/json"
	"os"

	"github.com/pkg/errors"
)

// journal is metrics.jsonl: one JSON object a line, appended while the run goes on.
type journal struct {
	file *os.File
	size int64
	buf  bytes.Buffer
}

// hold opens metrics.jsonl of a run and takes the run for this process until the file is
// closed.
func (f folder) hold() (*os.File, error) {
	path := f.path(MetricsFile)
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, saying(err, "opening "+path)
	}
	if err := lock(file); err != nil {
		file.Close()
		return nil, errors.Wrapf(err, "trainer: %s is in use: another process trains in this folder", path)
	}
	return file, nil
}

// openJournal takes the held file and cuts it to size bytes, its length at the
// checkpoint that the run goes on from. It closes the file if it fails.
func openJournal(f *os.File, size int64) (*journal, error) {
	info, err := f.Stat()
	if err == nil && info.Size() < size {
		err = errors.Errorf("the file has %d bytes, the checkpoint knows of %d: it was cut; put it back, or start anew", info.Size(), size)
	}
	if err == nil {
		err = f.Truncate(size)
	}
	if err == nil {
		_, err = f.Seek(size, 0)
	}
	if err != nil {
		f.Close()
		return nil, saying(err, "opening "+f.Name())
	}
	return &journal{file: f, size: size}, nil
}

// add writes one line.
func (j *journal) add(record any) error {
	j.buf.Reset()
	if err := json.NewEncoder(&j.buf).Encode(record); err != nil {
		return errors.Wrap(err, "trainer: "+MetricsFile)
	}
	if _, err := j.file.Write(j.buf.Bytes()); err != nil {
		return saying(err, "writing "+j.file.Name()) // a broken line is cut off when the run is resumed
	}
	j.size += int64(j.buf.Len())
	return nil
}

// sync makes sure that what was added outlives the machine.
func (j *journal) sync() error { return saying(j.file.Sync(), "writing "+j.file.Name()) }

func (j *journal) close() error { return j.file.Close() }

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

// addEval writes the line of an evaluation.
func (j *journal) addEval(i EvalInfo) error {
	r, err := recordEval(i)
	if err != nil {
		return errors.Wrap(err, "trainer: "+MetricsFile)
	}
	return j.add(r)
}

// recordWarning is the line of a warning.
func recordWarning(w Warning) map[string]any {
	return map[string]any{"kind": "warning", "step": w.Step, "about": w.Kind, "message": w.Message, "advice": w.Advice}
}
