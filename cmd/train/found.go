package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"medusa/datasets"
	"medusa/internal/wording"
	"medusa/samplers"
	"medusa/trainer"
)

// newTable is a table in the style of all of this command's output.
func newTable(w io.Writer, header ...any) table.Writer {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	t.SetStyle(table.StyleLight)
	t.Style().Options.DrawBorder = false
	t.Style().Options.SeparateColumns = false
	t.Style().Format.Header = text.FormatDefault // as written
	t.AppendHeader(table.Row(header))
	return t
}

// printFound tells what was found before anything is learned: classes, pictures, sizes,
// what was left out and why, and which settings suit it.
func printFound(w io.Writer, data trainer.Data, plan samplers.Plan, fitted []trainer.Fitted) {
	s := data.Train.Summary()
	fmt.Fprintf(w, "%s (%s)\n", s.Source, cmp.Or(s.Layout, s.Kind))
	for _, protocol := range protocols(data) {
		fmt.Fprintln(w, protocol)
	}
	fmt.Fprintln(w)
	printParts(w, data)

	fmt.Fprintf(w, "\nstored as %s of %d×%d, %.1f MiB", wording.Channels(s.Channels), s.Height, s.Width, float64(s.Bytes)/(1<<20))
	if s.OnDisk {
		fmt.Fprint(w, " in a cache file")
	}
	if s.Originals != "" {
		fmt.Fprintf(w, "; originals %s", s.Originals)
	}
	fmt.Fprintln(w)
	if line := plan.String(); line != "" {
		fmt.Fprintln(w, "batches:", line)
	}
	printFitted(w, fitted)
	printCounts(w, "left out", data.Skipped())
	printCounts(w, "worth knowing", data.Notes())
	printSeen(w, data)
	fmt.Fprintln(w)
}

// printFitted tells the settings that nobody gave and that are not the usual ones.
func printFitted(w io.Writer, fitted []trainer.Fitted) {
	title := "fitted to the data:\n"
	for _, f := range fitted {
		if f.Reason != "" {
			fmt.Fprintf(w, "%s  %s: %s\n", title, asFlag(f.Field, f.Value), f.Reason)
			title = ""
		}
	}
}

// printParts is the table of classes and pictures, and of queries and gallery where these
// are not simply all pictures.
func printParts(w io.Writer, data trainer.Data) {
	header := []any{"", "classes", "pictures"}
	var extra []column
	for _, c := range []column{
		{"queries", func(s datasets.Summary) int { return s.Queries }},
		{"gallery", func(s datasets.Summary) int { return s.Gallery }},
		{"cameras", func(s datasets.Summary) int { return s.Cameras }},
		{"pairs", func(s datasets.Summary) int { return s.Pairs }},
	} {
		if slices.ContainsFunc(data.Parts(), func(p trainer.Part) bool { return c.of(p.Set.Summary()) > 0 }) {
			extra = append(extra, c)
			header = append(header, c.name)
		}
	}
	t := newTable(w, append(header, "smallest class", "largest class")...)
	right := []int{2, 3}
	for i := range extra {
		right = append(right, 4+i)
	}
	for _, part := range data.Parts() {
		s := part.Set.Summary()
		row := table.Row{part.Name, s.Classes, s.Pictures}
		for _, c := range extra {
			cell := ""
			if n := c.of(s); n > 0 {
				cell = strconv.Itoa(n)
			}
			row = append(row, cell)
		}
		t.AppendRow(append(row, classSize(s.Smallest), classSize(s.Largest)))
	}
	numbersRight(t, right...)
	t.Render()
}

// column is a number that only some data sets have.
type column struct {
	name string
	of   func(datasets.Summary) int
}

// protocols tells how the parts came about; parts of one place tell the same.
func protocols(data trainer.Data) []string {
	var out []string
	for _, p := range data.Parts() {
		if text := p.Set.Summary().Protocol; text != "" && !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return out
}

// printSeen warns of classes that are measured on and learned too.
func printSeen(w io.Writer, data trainer.Data) {
	for _, p := range data.Parts()[1:] {
		shared := datasets.SharedClasses(data.Train, p.Set)
		switch n := p.Set.NumClasses(); {
		case len(shared) == 0:
		case len(shared) == n:
			fmt.Fprintf(w, "careful: the %s classes are all seen in training: the figures will not be about\n"+
				"  unseen classes; %s\n", p.Name, otherClasses[p.Name])
		default:
			fmt.Fprintf(w, "careful: %d of the %d %s classes are also learned, such as %s: the figures will not be about\n"+
				"  unseen classes; %s\n", len(shared), n, p.Name, shared[0], otherClasses[p.Name])
		}
	}
}

// otherClasses says how to measure on unseen classes.
var otherClasses = map[string]string{
	"validation": "cut some off with -val 0.1, or give others with -val",
	"test":       "give others with -test, or part them with -train-classes and -test-classes",
}

func printCounts(w io.Writer, title string, counts []datasets.Count) {
	if len(counts) == 0 {
		return
	}
	fmt.Fprintf(w, "%s:\n", title)
	for _, c := range counts {
		fmt.Fprintf(w, "  %s\n", c)
	}
}

func classSize(c datasets.ClassSize) string { return fmt.Sprintf("%d  %s", c.Pictures, c.Name) }

// numbersRight aligns columns, counted from 1, to the right.
func numbersRight(t table.Writer, columns ...int) {
	var configs []table.ColumnConfig
	for _, c := range columns {
		configs = append(configs, table.ColumnConfig{Number: c, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	t.SetColumnConfigs(configs)
}
