package trainer

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"hash"
	"io"
	"os"

	"github.com/pkg/errors"

	"medusa/internal/fileread"
)

// journal is metrics.jsonl: one JSON object a line, appended while the run goes on.
type journal struct {
	file *os.File
	size int64
	sum  hash.Hash // of these bytes
	buf  bytes.Buffer
}

// hold opens metrics.jsonl of a run and takes the run for this process until the file is
// closed.
func (f folder) hold() (*os.File, error) {
	path := f.path(MetricsFile)
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, errors.Errorf("trainer: %s is %s, want a file", path, fileread.Kind(info.Mode()))
	}
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
// checkpoint that the run goes on from, when their checksum was sum; sum is empty for
// checkpoints of earlier versions. A file that somebody emptied or removed, as the error
// advises, begins anew. It closes the file if it fails.
func openJournal(f *os.File, size int64, sum string) (j *journal, lost bool, err error) {
	defer func() {
		if err != nil {
			f.Close()
			err = saying(err, "opening "+f.Name())
		}
	}()
	info, err := f.Stat()
	if err != nil {
		return nil, false, err
	}
	const way = "put it back, or remove it to go on without its lines"
	switch {
	case info.Size() == 0:
		lost, size, sum = size > 0, 0, ""
	case info.Size() < size:
		return nil, false, errors.Errorf("the file has %d bytes, the checkpoint knows of %d: it was cut; %s", info.Size(), size, way)
	}
	j = &journal{file: f}
	if err := j.cut(size); err != nil {
		return nil, false, err
	}
	if sum != "" && j.checksum() != sum {
		return nil, false, errors.Errorf("the lines up to the checkpoint are not what they were: the file was altered or damaged; %s", way)
	}
	return j, lost, j.shorten()
}

// cut leaves out what lies behind size bytes, in memory.
func (j *journal) cut(size int64) error {
	j.size, j.sum = size, sha256.New()
	_, err := io.Copy(j.sum, io.NewSectionReader(j.file, 0, size))
	return err
}

// shorten leaves it out in the file, and goes there.
func (j *journal) shorten() error {
	if err := j.file.Truncate(j.size); err != nil {
		return err
	}
	_, err := j.file.Seek(j.size, io.SeekStart)
	return err
}

// rewind takes back everything behind size bytes.
func (j *journal) rewind(size int64) error {
	err := j.cut(size)
	if err == nil {
		err = j.shorten()
	}
	return saying(err, "writing "+j.file.Name())
}

func (j *journal) checksum() string { return hex.EncodeToString(j.sum.Sum(nil)) }

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
	j.sum.Write(j.buf.Bytes())
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
