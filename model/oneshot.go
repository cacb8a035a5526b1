package model

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/pkg/errors"

	"medusa/datasets"
	"medusa/internal/fileread"
	"medusa/internal/needs"
	"medusa/internal/wording"
	"medusa/metrics"
)

// OneShotRun is a task of OneShotRuns: Wrong of its Items are nearest to a picture of another class.
type OneShotRun struct {
	Name    string `json:"name"`
	Classes int    `json:"classes"`
	Items   int    `json:"items"`
	Wrong   int    `json:"wrong"`
}

// Error is the share of the items that were taken for a wrong class.
func (r OneShotRun) Error() float64 { return float64(r.Wrong) / float64(max(r.Items, 1)) }

// OneShotRuns is the outcome of a one-shot test with fixed tasks.
type OneShotRuns struct {
	Runs  []OneShotRun `json:"runs"`
	Items int          `json:"items"` // of all runs
	Wrong int          `json:"wrong"`
}

// Error is the share of the items that were taken for a wrong class.
func (r OneShotRuns) Error() float64 { return float64(r.Wrong) / float64(max(r.Items, 1)) }

// OneShot measures the model on the fixed tasks of Omniglot's one-shot test: all_runs.zip of
// github.com/brendenlake/omniglot, or a folder that it was unpacked to. A run is a folder with a
// file class_labels.txt, each line of which names the picture of an item and the known picture of
// its class, such as "run01/test/item01.png run01/training/class08.png". An item is taken for
// the class whose picture is nearest by cosine; where another one is exactly as near as the right
// one, that is an error.
//
// B. M. Lake, R. Salakhutdinov and J. B. Tenenbaum, "Human-level concept learning through
// probabilistic program induction", Science 350, 2015.
func (m *Model) OneShot(ctx context.Context, name string) (OneShotRuns, error) {
	var out OneShotRuns
	if err := needs.Context("model", ctx); err != nil {
		return out, err
	}
	if _, err := m.pictureOptions(); err != nil {
		return out, err
	}
	files, closeFiles, err := openTree(name)
	if err != nil {
		return out, err
	}
	defer closeFiles()
	runs, err := oneShotTasks(files)
	if err != nil {
		return out, errors.WithMessagef(err, "model: %s", name)
	}
	for _, r := range runs {
		done, err := m.oneShotRun(ctx, files, r)
		if err != nil {
			return out, errors.WithMessagef(err, "model: %s", name)
		}
		out.Runs = append(out.Runs, done)
		out.Items += done.Items
		out.Wrong += done.Wrong
	}
	return out, nil
}

// openTree opens a folder or a zip archive.
func openTree(name string) (files fs.FS, closeFiles func() error, err error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, nil, errors.Wrap(err, "model: one-shot runs")
	}
	if info.IsDir() {
		return os.DirFS(name), func() error { return nil }, nil
	}
	if !info.Mode().IsRegular() {
		return nil, nil, errors.Errorf("model: one-shot runs: %s is a %s, want all_runs.zip, or the folder that it unpacks to", name, fileread.Kind(info.Mode()))
	}
	archive, err := zip.OpenReader(name)
	if err != nil {
		return nil, nil, errors.Wrapf(err, "model: one-shot runs: %s, want all_runs.zip, or the folder that it unpacks to", filepath.Base(name))
	}
	return archive, archive.Close, nil
}

// oneShotTask is a run as its class_labels.txt describes it.
type oneShotTask struct {
	name   string
	known  []string // a picture of each class
	items  []string
	answer []int // of each item, the number of its known picture
}

const (
	labelsFile     = "class_labels.txt"
	maxLabelsBytes = 1 << 20
	mostRuns       = 1 << 12
)

// oneShotTasks finds the runs, in the order of their folders' names.
func oneShotTasks(files fs.FS) (tasks []oneShotTask, err error) {
	err = fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Base(name) != labelsFile {
			return err
		}
		if len(tasks) == mostRuns {
			return errors.Errorf("more than %d runs", mostRuns)
		}
		t, err := readOneShotTask(files, name)
		tasks = append(tasks, t)
		return errors.WithMessage(err, name)
	})
	if err != nil {
		return nil, err
	}
	if len(tasks) == 0 {
		return nil, errors.Errorf("there is no run in it: want folders with a %s, as all_runs.zip has them", labelsFile)
	}
	return tasks, nil
}

func readOneShotTask(files fs.FS, name string) (t oneShotTask, err error) {
	f, err := files.Open(name)
	if err != nil {
		return t, err
	}
	defer f.Close()
	text, err := fileread.Limited(f, name, maxLabelsBytes)
	if err != nil {
		return t, err
	}
	folder := path.Dir(name)
	t.name = path.Base(folder)
	number := map[string]int{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for line := 1; lines.Scan(); line++ {
		fields := strings.Fields(lines.Text())
		if len(fields) == 0 {
			continue
		}
		if len(fields) != 2 {
			return t, errors.Errorf("line %d has %s, want the picture of an item and that of its class", line, wording.Number(len(fields), "words"))
		}
		for i, f := range fields { // they begin with the run's own folder
			if fields[i] = path.Join(path.Dir(folder), f); !fs.ValidPath(fields[i]) {
				return t, errors.Errorf("line %d leads to %q, outside of the runs", line, f)
			}
		}
		if _, seen := number[fields[1]]; !seen {
			number[fields[1]] = len(t.known)
			t.known = append(t.known, fields[1])
		}
		t.items = append(t.items, fields[0])
		t.answer = append(t.answer, number[fields[1]])
	}
	if err := lines.Err(); err != nil {
		return t, err
	}
	if len(t.known) < 2 {
		return t, errors.Errorf("%s, want two or more to tell apart", wording.Number(len(t.known), "classes"))
	}
	return t, nil
}

// oneShotRun measures one run.
func (m *Model) oneShotRun(ctx context.Context, files fs.FS, t oneShotTask) (OneShotRun, error) {
	r := OneShotRun{Name: t.name, Classes: len(t.known), Items: len(t.items)}
	known, err := m.embedTree(ctx, files, t.known)
	if err != nil {
		return r, err
	}
	items, err := m.embedTree(ctx, files, t.items)
	if err != nil {
		return r, err
	}
	known.Labels, items.Labels = make([]int, len(t.known)), t.answer
	for i := range known.Labels {
		known.Labels[i] = i
	}
	wrong, err := metrics.OneShot(items, known, metrics.Cosine)
	r.Wrong = wrong
	return r, err
}

// embedTree is the embeddings of some pictures.
func (m *Model) embedTree(ctx context.Context, files fs.FS, names []string) (metrics.Set, error) {
	x, err := m.embedOpened(ctx, len(names), func(i int, o datasets.Options) (*datasets.Dataset, error) {
		f, err := files.Open(names[i])
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return datasets.ReadUnlabelled(f, names[i], o)
	})
	return metrics.Set{Dim: m.EmbeddingSize(), Embeddings: x}, err
}
