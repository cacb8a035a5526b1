package trainer

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/pkg/errors"

	"medusa/datasets"
	"medusa/internal/field"
	"medusa/internal/wording"
	"medusa/metrics"
)

// FewShotTask is a form of few-shot classification: Ways classes are told apart of which Shots
// pictures each are known.
type FewShotTask struct{ Ways, Shots int }

// String is as people write it, such as 20x1.
func (t FewShotTask) String() string { return fmt.Sprintf("%dx%d", t.Ways, t.Shots) }

// mostFewShot bounds what nobody means: tasks, ways and shots.
const mostFewShot = 1 << 12

// ParseFewShot reads Config.FewShot: tasks such as 20x1,5x1,20x5, ways before shots.
func ParseFewShot(text string) ([]FewShotTask, error) {
	if text == "" {
		return nil, nil
	}
	parts := strings.Split(text, ",")
	if len(parts) > mostFewShot {
		return nil, errors.Errorf("%d tasks, want at most %d", len(parts), mostFewShot)
	}
	tasks := make([]FewShotTask, 0, len(parts))
	for _, part := range parts {
		ways, shots, ok := strings.Cut(strings.TrimSpace(part), "x")
		n, err1 := strconv.Atoi(ways)
		k, err2 := strconv.Atoi(shots)
		if !ok || err1 != nil || err2 != nil || n < 2 || k < 1 || n > mostFewShot || k > mostFewShot {
			return nil, errors.Errorf("%.40q is no task: want WAYSxSHOTS, such as 20x1 for 20 classes of which one picture each is known, from 2x1 to %dx%d, and commas between several", part, mostFewShot, mostFewShot)
		}
		task := FewShotTask{n, k}
		for _, other := range tasks {
			if other == task {
				return nil, errors.Errorf("%s stands twice", task)
			}
		}
		tasks = append(tasks, task)
	}
	return tasks, nil
}

// FewShot is the error of one task.
type FewShot struct {
	Mixed  metrics.FewShot  `json:"mixed"`            // the classes of an episode come from all
	Within *metrics.FewShot `json:"within,omitempty"` // they come from one group; nil if no group has as many
}

// fewShotEpisodes have one query of each class: more would save time and leave out small classes,
// but they do not change what is expected.
const fewShotEpisodes, fewShotQueries = 5000, 1

// MeasureFewShot measures tasks by 5,000 episodes each, with one query of each class. classes are
// the names of the labels: those that lie in one folder, such as Latin/a and Latin/b, are a group,
// and where there are several groups each task is measured within one group too. Items of no
// class (datasets.NoClass) are left out.
func MeasureFewShot(ctx context.Context, s metrics.Set, classes []string, tasks []FewShotTask, seed uint64) ([]FewShot, error) {
	return measureFewShot(ctx, s, classes, tasks, metrics.EpisodeOptions{Seed: seed, Episodes: fewShotEpisodes})
}

func measureFewShot(ctx context.Context, s metrics.Set, classes []string, tasks []FewShotTask, o metrics.EpisodeOptions) ([]FewShot, error) {
	s, err := withClass(s)
	if err != nil {
		return nil, err
	}
	groups := groupsOf(classes)
	var out []FewShot
	for _, task := range tasks {
		o.Ways, o.Shots, o.Queries, o.GroupOf = task.Ways, task.Shots, fewShotQueries, nil
		var f FewShot
		if f.Mixed, err = metrics.Episodes(ctx, s, o); err != nil {
			return nil, errors.WithMessagef(err, "trainer: %s", task)
		}
		if o.GroupOf = groups; groups != nil && largeGroup(s.Labels, groups, task) {
			within, err := metrics.Episodes(ctx, s, o)
			if err != nil {
				return nil, errors.WithMessagef(err, "trainer: %s within a group", task)
			}
			f.Within = &within
		}
		out = append(out, f)
	}
	return out, nil
}

// withClass is s without what is of no class.
func withClass(s metrics.Set) (metrics.Set, error) {
	if s.Dim < 1 || len(s.Embeddings) != len(s.Labels)*s.Dim {
		return s, errors.Errorf("trainer: few-shot: %d labels for %d numbers, in rows of %d", len(s.Labels), len(s.Embeddings), s.Dim)
	}
	out := metrics.Set{Dim: s.Dim}
	for i, label := range s.Labels {
		if label != datasets.NoClass {
			out.Labels = append(out.Labels, label)
			out.Embeddings = append(out.Embeddings, s.Row(i)...)
		}
	}
	return out, nil
}

// groupsOf numbers the folders that the classes lie in; nil if there are not two.
func groupsOf(classes []string) map[int]int {
	number, of := map[string]int{}, map[int]int{}
	for label, name := range classes {
		slash := strings.LastIndexByte(name, '/')
		if slash < 0 {
			continue
		}
		folder := name[:slash]
		if _, known := number[folder]; !known {
			number[folder] = len(number)
		}
		of[label] = number[folder]
	}
	if len(number) < 2 {
		return nil
	}
	return of
}

// largeGroup reports whether a group has as many classes as a task has ways, with pictures enough.
func largeGroup(labels []int, groups map[int]int, task FewShotTask) bool {
	classes := map[int]int{}
	for _, l := range classesOf(labels, task) {
		if g, ok := groups[l]; ok {
			if classes[g]++; classes[g] == task.Ways {
				return true
			}
		}
	}
	return false
}

// classesOf are the classes with as many pictures as a task takes of each.
func classesOf(labels []int, task FewShotTask) (classes []int) {
	pictures := map[int]int{}
	for _, l := range labels {
		if pictures[l]++; l != datasets.NoClass && pictures[l] == task.Shots+fewShotQueries {
			classes = append(classes, l)
		}
	}
	return classes
}

// checkFewShot says before training which task the measured set cannot be given.
func (c Config) checkFewShot(data runData, f *faults) {
	tasks, err := ParseFewShot(c.FewShot)
	if err != nil || len(tasks) == 0 { // Validate tells the error
		return
	}
	set, name := data.measured()
	if set == nil {
		f.add(true, "%s is %s, but there are neither test nor validation classes to measure that on: give %s or %s", field.Name("FewShot"), c.FewShot, field.Name("Data.Test"), field.Name("Data.Val"))
		return
	}
	for _, task := range tasks {
		classes := len(classesOf(set.Labels(), task))
		f.add(classes < task.Ways, "%s asks for %s, %s of %s or more, and of the %s classes %s: take fewer ways or shots", field.Name("FewShot"), task,
			wording.Number(task.Ways, "classes"), wording.Number(task.Shots+fewShotQueries, set.noun()), name, haveAsMany(classes))
	}
}

func haveAsMany(n int) string {
	if n == 1 {
		return "1 has as many"
	}
	return wording.Thousands(n) + " have as many"
}

// measureFewShot measures what the configuration asks for.
func (t *Trainer) measureFewShot(ctx context.Context, r *Result, d *items, x []float32) error {
	tasks, err := ParseFewShot(t.cfg.FewShot)
	if err != nil || len(tasks) == 0 {
		return err
	}
	o := metrics.EpisodeOptions{Seed: t.cfg.Seed, Episodes: fewShotEpisodes,
		Progress: func(done, total int) { t.progress(ctx, "measuring episodes", done, total) }}
	r.FewShot, err = measureFewShot(ctx, metrics.Set{Embeddings: x, Dim: t.EmbeddingSize(), Labels: d.Labels()}, d.Classes(), tasks, o)
	return err
}

// FewShotTable shows few-shot errors; a table without rows where none were measured. items is
// what was measured, pictures if empty.
func FewShotTable(list []FewShot, items string) Table {
	if len(list) == 0 {
		return Table{}
	}
	if items == "" {
		items = "pictures"
	}
	t := Table{Head: []string{"few-shot error", "mixed"}}
	within := false
	for _, f := range list {
		within = within || f.Within != nil
	}
	note := fmt.Sprintf("N-way K-shot: the share of %s taken for a wrong one of N classes of which K %s each are known, by the nearest mean of these; over %s episodes, ± half of the 95 %% interval.",
		items, items, wording.Thousands(list[0].Mixed.Episodes))
	if within {
		t.Head = append(t.Head, "within a group")
		note += " Mixed: the classes of an episode come from all; within a group: from one folder of classes."
	}
	t.Notes = append(t.Notes, note)
	for _, f := range list {
		row := []string{fmt.Sprintf("%d-way %d-shot", f.Mixed.Ways, f.Mixed.Shots), errorOf(f.Mixed)}
		if within {
			cell := noFigure
			if f.Within != nil {
				cell = errorOf(*f.Within)
			}
			row = append(row, cell)
		}
		t.Rows = append(t.Rows, row)
		t.Notes = append(t.Notes, f.leftOut(items)...)
	}
	return t
}

// errorOf is an error rate with its interval.
func errorOf(f metrics.FewShot) string {
	return fmt.Sprintf("%.2f ± %.2f %%", 100*f.Error, 100*f.Interval)
}

// leftOut tells which classes and groups no episode drew.
func (f FewShot) leftOut(items string) (notes []string) {
	name := fmt.Sprintf("%d-way %d-shot", f.Mixed.Ways, f.Mixed.Shots)
	if n := f.Mixed.ClassesLeftOut; n > 0 {
		notes = append(notes, fmt.Sprintf("%s: %s of fewer than %d %s left out.", name, wording.Number(n, "classes"), f.Mixed.Shots+f.Mixed.Queries, items))
	}
	if f.Within != nil && f.Within.GroupsLeftOut > 0 {
		notes = append(notes, fmt.Sprintf("%s within a group: %s of fewer than %d classes left out, %s remain.", name,
			wording.Number(f.Within.GroupsLeftOut, "groups"), f.Within.Ways, wording.Thousands(f.Within.Groups)))
	}
	return notes
}
