package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/pkg/errors"

	"medusa/internal/wording"
	"medusa/losses"
	"medusa/trainer"
)

// The two sides, and what both are to beat: the network as it is before the first step, and the
// pictures themselves.
const (
	ours      = "medusa"
	peer      = "pytorch-metric-learning"
	untrained = "untrained"
	pixels    = "pixels"
)

// figure is what one run gave.
type figure struct {
	Side      string  `json:"side"`
	Loss      string  `json:"loss"`
	Steps     int     `json:"steps"`
	Seed      uint64  `json:"seed"`
	Timed     bool    `json:"timed,omitempty"` // whether the run says how fast it is, and no more
	Recall    float64 `json:"recall_at_1"`
	MAPAtR    float64 `json:"map_at_r"`
	PerSecond float64 `json:"images_per_second"`
	Failed    string  `json:"failed,omitempty"`
}

// figures are all runs of a folder, each a line of its file.
type figures struct {
	all  []figure
	file *os.File
}

func openFigures(path string) (*figures, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return nil, errors.Wrap(err, "the figures")
	}
	k := &figures{file: f}
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		var one figure
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			f.Close()
			return nil, errors.Wrapf(err, "%s:%d", path, n)
		}
		k.all = append(k.all, one)
	}
	return k, errors.Wrap(lines.Err(), path)
}

func (k *figures) close() error { return k.file.Close() }

// has says whether there is a run like f.
func (k *figures) has(f figure) bool {
	return slices.ContainsFunc(k.all, func(g figure) bool {
		return g.Side == f.Side && g.Loss == f.Loss && g.Steps == f.Steps && g.Seed == f.Seed && g.Timed == f.Timed
	})
}

func (k *figures) add(f figure) error {
	k.all = append(k.all, f)
	line, err := json.Marshal(f)
	if err != nil {
		return errors.Wrap(err, "a figure")
	}
	fmt.Printf("%s  %-24s seed %d  %-24s Recall@1 %.3f  MAP@R %.3f  %.0f images/s  %s\n",
		time.Now().Format(time.TimeOnly), f.Loss, f.Seed, f.Side, f.Recall, f.MAPAtR, f.PerSecond, f.Failed)
	_, err = k.file.Write(append(line, '\n'))
	return errors.Wrap(err, "the figures")
}

// of are the runs of a side with a loss that did not fail, and why one did.
func (k *figures) of(side, loss string, steps int) (out []figure, failed string) {
	for _, f := range k.all {
		if f.Side == side && f.Loss == loss && f.Steps == steps && !f.Timed {
			if f.Failed != "" {
				failed = f.Failed
				continue
			}
			out = append(out, f)
		}
	}
	return out, failed
}

// speed is the images/s of a side with a loss, as the last run that measured it found; empty if none did.
func (k *figures) speed(side, loss string) (out string) {
	for _, f := range k.all {
		if f.Side == side && f.Loss == loss && f.Timed && f.Failed == "" {
			out = fmt.Sprintf("%.0f", f.PerSecond)
		}
	}
	return out
}

// write makes the table.
func (k *figures) write(path string, s settings, data trainer.Data, chosen []string) error {
	t := table.NewWriter()
	t.AppendHeader(table.Row{"loss", "with its defaults", "Recall@1", "MAP@R", "images/s", "PML: Recall@1", "MAP@R", "images/s", "with"})
	for _, name := range chosen {
		runs, _ := k.of(ours, name, s.steps)
		if len(runs) == 0 {
			continue
		}
		text, err := defaultText(name)
		if err != nil {
			return err
		}
		row := table.Row{"`" + name + "`", "`" + text + "`"}
		row = append(append(row, cells(runs)...), k.speed(ours, name))
		theirs, failed := k.of(peer, name, s.steps)
		if len(theirs) > 0 {
			row = append(append(row, cells(theirs)...), k.speed(peer, name))
		} else {
			row = append(row, "", "", "")
		}
		with := failed
		if p := counterparts[name]; with == "" && p != "" {
			with = "`" + p + "`"
		}
		t.AppendRow(append(row, with))
	}
	train, test := data.Train, data.Test
	seeds := wording.Number(s.seeds, "seeds")
	if s.peerSeeds > 0 && s.peerSeeds != s.seeds {
		seeds += fmt.Sprintf(" (PML: %d)", s.peerSeeds)
	}
	head := fmt.Sprintf("%d classes learned, %d others measured (%s, each a query among all others); %s with batches of 64, %s; mean ± standard deviation.\n",
		len(train.Classes()), len(test.Classes()), wording.Number(test.Len(), "pictures"), wording.Number(s.steps, "steps"), seeds)
	for _, f := range k.all {
		switch f.Side {
		case pixels:
			head += fmt.Sprintf("Raw pixels, cosine: Recall@1 %s, MAP@R %s.\n", share(f.Recall), share(f.MAPAtR))
		case untrained:
			head += fmt.Sprintf("The untrained network (seed %d): Recall@1 %s, MAP@R %s.\n", f.Seed, share(f.Recall), share(f.MAPAtR))
		}
	}
	return errors.Wrap(os.WriteFile(path, []byte(head+"\n"+t.RenderMarkdown()+"\n"), 0o666), "the table")
}

// cells are mean and deviation of both figures.
func cells(runs []figure) table.Row {
	var recall, mapAtR []float64
	for _, r := range runs {
		recall, mapAtR = append(recall, r.Recall), append(mapAtR, r.MAPAtR)
	}
	return table.Row{spread(recall), spread(mapAtR)}
}

func mean(x []float64) (m float64) {
	for _, v := range x {
		m += v / float64(len(x))
	}
	return m
}

// spread is the mean of x with its standard deviation, where there are two or more.
func spread(x []float64) string {
	m, sum := mean(x), 0.0
	for _, v := range x {
		sum += (v - m) * (v - m)
	}
	if len(x) < 2 {
		return share(m)
	}
	return share(m) + " ± " + share(math.Sqrt(sum/float64(len(x)-1)))
}

func share(x float64) string { return strings.TrimPrefix(fmt.Sprintf("%.3f", x), "0") }

// defaultText is a loss as its defaults make it.
func defaultText(name string) (string, error) {
	l, err := losses.Parse(name, losses.Setting{Classes: 2, EmbeddingSize: 64, TrunkSize: 128})
	if err != nil {
		return "", err
	}
	return losses.Text(l)
}
