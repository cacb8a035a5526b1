package trainer

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/datasets"
	"medusa/metrics"
	"medusa/optim"
)

func TestParseFewShot(t *testing.T) {
	tasks, err := ParseFewShot("20x1, 5x5")
	require.NoError(t, err)
	require.Equal(t, []FewShotTask{{20, 1}, {5, 5}}, tasks)
	tasks, err = ParseFewShot("")
	require.NoError(t, err)
	require.Empty(t, tasks)
	for text, want := range map[string]string{
		"20": `"20" is no task`, "20x": "want WAYSxSHOTS", "x1": "no task", "1x1": "no task", "5x0": "no task", "5x-1": "no task",
		"5x1,": `"" is no task`, "5x1,5x1": "5x1 stands twice", "5000x1": "from 2x1 to 4096x4096", "99999999999999999999x1": "no task",
	} {
		_, err := ParseFewShot(text)
		require.ErrorContains(t, err, want, text)
	}
}

func FuzzParseFewShot(f *testing.F) {
	f.Add("20x1,5x5")
	f.Add("x,")
	f.Fuzz(func(t *testing.T, text string) {
		tasks, err := ParseFewShot(text)
		if err != nil {
			return
		}
		for _, task := range tasks {
			again, err := ParseFewShot(task.String())
			require.NoError(t, err)
			require.Equal(t, []FewShotTask{task}, again)
		}
	})
}

// The figures of a run are those of its stored embeddings, and both within a group and mixed are
// those of metrics.Episodes.
func TestFewShotOfARun(t *testing.T) {
	cfg := small(pictures(t))
	cfg.Steps, cfg.FewShot = 10, "4x1,3x2"
	tr, r := run(t, cfg, Options{})
	require.Len(t, r.FewShot, 2)
	s, classes, err := StoredEmbeddings(string(tr.dir))
	require.NoError(t, err)
	require.Equal(t, tr.data.Test.Classes(), classes)
	again, err := MeasureFewShot(context.Background(), s, classes, []FewShotTask{{4, 1}, {3, 2}}, cfg.Seed)
	require.NoError(t, err)
	require.Equal(t, r.FewShot, again)
	want, err := metrics.Episodes(context.Background(), s, metrics.EpisodeOptions{Ways: 3, Shots: 2, Queries: 1, Episodes: 5000, Seed: cfg.Seed})
	require.NoError(t, err)
	require.Equal(t, want, r.FewShot[1].Mixed)
	require.Nil(t, r.FewShot[1].Within, "classes 0, 1 … lie in no folders")

	text, err := os.ReadFile(filepath.Join(string(tr.dir), ResultFile))
	require.NoError(t, err)
	var stored Result
	require.NoError(t, json.Unmarshal(text, &stored))
	require.Equal(t, r.FewShot, stored.FewShot)
	page, err := os.ReadFile(filepath.Join(string(tr.dir), ReportFile))
	require.NoError(t, err)
	require.Contains(t, string(page), "4-way 1-shot")
	require.Contains(t, string(page), errorOf(r.FewShot[0].Mixed))
}

func TestFewShotWithinFolders(t *testing.T) {
	classes := []string{"a/1", "a/2", "a/3", "b/1", "b/2", "b/3", "c/1", "loose"}
	s := metrics.Set{Dim: 2}
	for label := range classes {
		for k := range 3 {
			s.Labels = append(s.Labels, label)
			s.Embeddings = append(s.Embeddings, float32(label%3)+0.1*float32(k), float32(label/3*9))
		}
	}
	s.Labels, s.Embeddings = append(s.Labels, datasets.NoClass), append(s.Embeddings, 1, 1)
	r, err := MeasureFewShot(context.Background(), s, classes, []FewShotTask{{3, 1}, {4, 1}}, 1)
	require.NoError(t, err)
	groups := map[int]int{0: 0, 1: 0, 2: 0, 3: 1, 4: 1, 5: 1, 6: 2}
	n := len(s.Labels) - 1
	with := metrics.Set{Dim: 2, Labels: s.Labels[:n], Embeddings: s.Embeddings[:2*n]}
	want, err := metrics.Episodes(context.Background(), with, metrics.EpisodeOptions{Ways: 3, Shots: 1, Queries: 1, Episodes: 5000, Seed: 1, GroupOf: groups})
	require.NoError(t, err)
	require.Equal(t, &want, r[0].Within)
	require.Equal(t, 8, r[0].Mixed.Classes)
	require.Nil(t, r[1].Within, "no folder has four classes")
	table := FewShotTable(r, "")
	require.Equal(t, []string{"few-shot error", "mixed", "within a group"}, table.Head)
	require.Equal(t, []string{"4-way 1-shot", errorOf(r[1].Mixed), noFigure}, table.Rows[1])
	require.Contains(t, table.Notes, "3-way 1-shot within a group: 1 group of fewer than 3 classes left out, 2 remain.")
	require.Empty(t, FewShotTable(nil, "").Rows)

	_, err = MeasureFewShot(context.Background(), metrics.Set{Dim: 2, Labels: []int{1}}, classes, []FewShotTask{{3, 1}}, 1)
	require.ErrorContains(t, err, "1 labels for 0 numbers")
}

// What cannot be measured is told before anything is learned.
func TestFewShotThatCannotBe(t *testing.T) {
	path := pictures(t)
	for text, want := range map[string]string{
		"20x1": "FewShot asks for 20x1, 20 classes of 2 pictures or more, and of the test classes 6 have as many: take fewer ways or shots",
		"2x9":  "2x9, 2 classes of 10 pictures or more, and of the test classes 0 have as many",
		"2y9":  `FewShot: "2y9" is no task`,
	} {
		cfg := small(path)
		cfg.FewShot = text
		_, err := New(cfg, load(t, small(path)), Options{Dir: t.TempDir()})
		require.ErrorContains(t, err, want)
	}
	cfg := small(path)
	cfg.FewShot, cfg.Schedule, cfg.Data.Val, cfg.Data.Test = "2x1", optim.ScheduleConfig{}, "none", "none"
	_, err := New(cfg, load(t, cfg), Options{Dir: t.TempDir()})
	require.ErrorContains(t, err, "there are neither test nor validation classes to measure that on")
}
