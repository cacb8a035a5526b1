package main

import (
	"fmt"
	"io"

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
// and what was left out and why.
func printFound(w io.Writer, data trainer.Data, plan samplers.Plan) {
	s := data.Train.Summary()
	fmt.Fprintf(w, "%s (%s)\n\n", s.Source, s.Kind)
	t := newTable(w, "", "classes", "pictures", "smallest class", "largest class")
	for _, part := range data.Parts() {
		s := part.Set.Summary()
		t.AppendRow(table.Row{part.Name, s.Classes, s.Pictures, classSize(s.Smallest), classSize(s.Largest)})
	}
	numbersRight(t, 2, 3)
	t.Render()

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
	printCounts(w, "left out", data.Skipped())
	printCounts(w, "worth knowing", data.Notes())
	if shared := data.SeenInTraining(); len(shared) > 0 {
		fmt.Fprintf(w, "careful: %d of the %d test classes are also learned, such as %s: the figures will not be about\n"+
			"  unseen classes; give others with -test, or part them with -train-classes and -test-classes\n",
			len(shared), data.Test.NumClasses(), shared[0])
	}
	fmt.Fprintln(w)
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
