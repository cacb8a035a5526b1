package trainer

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/pkg/errors"

	"medusa/internal/fileread"
	"medusa/internal/runfolder"
)

// storedResult is result.json: the result, and by what its own files and the checkpoint
// that they were made of are known again.
type storedResult struct {
	Result
	Files      map[string]string `json:"files,omitempty"`      // SHA-256 of what was left behind, by name
	Checkpoint string            `json:"checkpoint,omitempty"` // checksum of the last checkpoint's tensors
	Sum        string            `json:"sha256,omitempty"`     // of this file, with zeros for these 64 digits
}

const maxResultBytes = 64 << 20 // warnings and all

// writeResult writes result.json.
func (t *Trainer) writeResult(r Result) error {
	s := storedResult{Result: r, Files: map[string]string{}, Sum: runfolder.NoSum}
	for name, path := range map[string]string{ModelFile: r.Model, EmbeddingsFile: r.Embeddings, ReportFile: r.Report} {
		if path == "" {
			continue
		}
		var err error
		if s.Files[name], err = t.dir.Sum(name); err != nil {
			return inTrainer(err)
		}
	}
	s.Files[MetricsFile] = t.log.Checksum()
	c, err := readCheckpoint(t.dir.Path(LastFile))
	if err != nil {
		return err
	}
	if s.Checkpoint, err = c.sum(); err != nil {
		return err
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	if err := e.Encode(s); err != nil {
		return errors.Wrap(err, "trainer: "+ResultFile)
	}
	runfolder.Seal(b.Bytes())
	return inTrainer(t.dir.WriteBytes(ResultFile, b.Bytes()))
}

// readResult reads result.json; nil if there is none. Those of earlier versions have no
// checksum.
func readResult(f runfolder.Folder) (*storedResult, error) {
	text, err := fileread.Regular(f.Path(ResultFile), maxResultBytes)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, errors.Wrap(err, "trainer")
	}
	s := &storedResult{}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(s); err != nil {
		return nil, errors.Wrapf(err, "trainer: %s", f.Path(ResultFile))
	}
	if s.Sum == "" && s.Files == nil && s.Checkpoint == "" {
		return s, nil
	}
	if err := runfolder.CheckSeal(text, s.Sum); err != nil {
		return nil, errors.Wrapf(err, "trainer: %s", f.Path(ResultFile))
	}
	return s, nil
}

// ownResult is the result of the run whose last checkpoint is c, or nil: then the run is not
// finished, and what is there already is made again.
func ownResult(f runfolder.Folder, c *checkpoint, notice func(string)) *storedResult {
	s, err := readResult(f)
	if err != nil {
		notice(fmt.Sprintf("%v; it is made anew", err))
		return nil
	}
	if s == nil || c == nil {
		return nil
	}
	if same, err := c.hasSum(s.Checkpoint); s.Steps != c.state.Step || s.Checkpoint != "" && (err != nil || !same) {
		notice(fmt.Sprintf("%s does not belong to the checkpoint, of step %d; it is made anew", f.Path(ResultFile), c.state.Step))
		return nil
	}
	return s
}

// missingOf names what a finished run lacks: files that are not there, or not as they were
// written.
func missingOf(f runfolder.Folder, s *storedResult, o Options) []string {
	var out []string
	wanted := map[string]bool{ModelFile: true, EmbeddingsFile: s.On != "" && !o.NoEmbeddings, ReportFile: !o.NoReport}
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		if wanted[name] && !intact(f, s, name) {
			out = append(out, name)
		}
	}
	return out
}

func intact(f runfolder.Folder, s *storedResult, name string) bool {
	switch want, ok := s.Files[name]; {
	case ok:
		sum, err := f.Sum(name)
		return err == nil && sum == want
	case s.Files != nil:
		return false
	}
	switch name { // of an earlier version
	case ModelFile:
		_, err := runfolder.OpenTensors(f.Path(name), runfolder.KindModel)
		return err == nil
	case EmbeddingsFile:
		return f.Intact(name)
	}
	info, err := os.Stat(f.Path(name))
	return err == nil && info.Mode().IsRegular()
}

// Missing names the files that the run in the folder dir still has to make, or to make anew
// because they are not as it wrote them; none if the run is finished. It reads no pictures.
func Missing(dir string, o Options) ([]string, error) {
	f := runfolder.Folder(dir)
	from, err := newestOf(f)
	if err != nil {
		return nil, err
	}
	s := ownResult(f, from.Checkpoint, func(string) {})
	if s == nil || from.Name != LastFile || o.Keep != "" && o.Keep != s.Kept {
		return []string{ModelFile, EmbeddingsFile, ReportFile, ResultFile}, nil
	}
	return missingOf(f, s, o), nil
}

// complete makes what a finished run lacks, with the same bits; the result stays as it is.
func (t *Trainer) complete(ctx context.Context, r *Result, began time.Time) error {
	s := t.finished
	if t.cfg.Keep != t.given.Keep && t.cfg.Keep != s.Kept {
		return t.finishAgain(ctx, r, began, s.Stop)
	}
	if err := t.tellStart(ctx); err != nil {
		return err
	}
	*r = s.Result
	r.Dir = string(t.dir)
	for name, path := range map[string]*string{ModelFile: &r.Model, EmbeddingsFile: &r.Embeddings, ReportFile: &r.Report} {
		if intact(t.dir, s, name) {
			*path = t.dir.Path(name)
		}
	}
	if want, ok := s.Files[MetricsFile]; ok && want != t.log.Checksum() {
		t.notice(t.dir.Path(MetricsFile) + " is not as the run wrote it")
	}
	if r.Kept == Best {
		if err := t.takeBest(); err != nil {
			return err
		}
	}
	lacking := missingOf(t.dir, s, t.o)
	if len(lacking) == 0 {
		return nil
	}
	for _, name := range lacking {
		if err := t.remake(ctx, name, r); err != nil {
			return err
		}
		if name != ReportFile && s.Files[name] != "" && !intact(t.dir, s, name) {
			t.notice(fmt.Sprintf("%s comes out otherwise than %s knows it, as from another version of this program: everything is measured again", name, ResultFile))
			return t.finishAgain(ctx, r, began, s.Stop)
		}
	}
	return t.makeResult(r)
}

// remake makes one file of a finished run again.
func (t *Trainer) remake(ctx context.Context, name string, r *Result) error {
	if name == ModelFile {
		if err := t.writeModel(r.ModelStep); err != nil {
			return err
		}
		r.Model = t.dir.Path(ModelFile)
		return t.tellSaved(ctx, ModelFile, "model")
	}
	var x []float32
	if d, _ := t.data.measured(); d != nil {
		var err error
		if x, err = t.embed(ctx, d, "embedding pictures"); err != nil {
			return err
		}
	}
	if name == EmbeddingsFile {
		return t.makeEmbeddings(r, x)
	}
	return t.makeReport(ctx, r, x)
}

// finishAgain makes everything that a run leaves behind again.
func (t *Trainer) finishAgain(ctx context.Context, r *Result, began time.Time, stop Stop) error {
	if err := t.log.Rewind(t.state.LogBytes); err != nil {
		return inTrainer(err)
	}
	*r = Result{Stop: stop}
	return t.finish(ctx, r, began)
}
