package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"medusa/datasets"
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
	fmt.Fprintf(w, "%s (%s)\n\n", s.Source, s.Kind)
	t := newTable(w, "", "classes", "pictures", "smallest class", "largest class")
	for _, part := range parts(data) {
		s := part.set.Summary()
		t.AppendRow(table.Row{part.name, s.Classes, s.Pictures, classSize(s.Smallest), classSize(s.Largest)})
	}
	numbersRight(t, 2, 3)
	t.Render()

	fmt.Fprintf(w, "\nstored as %s of %d×%d, %.1f MiB", channelsName(s.Channels), s.Height, s.Width, float64(s.Bytes)/(1<<20))
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
	printCounts(w, "left out", told(data, func(s datasets.Summary) []datasets.Count { return s.Skipped }))
	printCounts(w, "worth knowing", told(data, func(s datasets.Summary) []datasets.Count { return s.Notes }))
	if shared := seenInTraining(data); len(shared) > 0 {
		fmt.Fprintf(w, "careful: %d of the %d test classes are also learned, such as %s: the figures will not be about\n"+
			"  unseen classes; give others with -test, or part them with -train-classes and -test-classes\n",
			len(shared), data.Test.NumClasses(), shared[0])
	}
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

// told gathers what the parts of the data tell; parts cut from one folder tell the same.
func told(data trainer.Data, of func(datasets.Summary) []datasets.Count) []datasets.Count {
	var out []datasets.Count
	for _, p := range parts(data) {
		for _, c := range of(p.set.Summary()) {
			same := func(o datasets.Count) bool { return o.String() == c.String() }
			if !slices.ContainsFunc(out, same) {
				out = append(out, c)
			}
		}
	}
	return out
}

// seenInTraining names the test classes that are learned too.
func seenInTraining(data trainer.Data) []string {
	if data.Test == nil {
		return nil
	}
	return datasets.SharedClasses(data.Train, data.Test)
}

type part struct {
	name string
	set  *datasets.Dataset
}

// parts are the sets of pictures that there are, in the order of their use.
func parts(data trainer.Data) []part {
	all := []part{{"train", data.Train}, {"validation", data.Val}, {"test", data.Test}}
	var out []part
	for _, p := range all {
		if p.set != nil {
			out = append(out, p)
		}
	}
	return out
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

func channelsName(n int) string {
	switch n {
	case 1:
		return "grey"
	case 3:
		return "RGB"
	}
	return strconv.Itoa(n) + " channels"
}

// numbersRight aligns columns, counted from 1, to the right.
func numbersRight(t table.Writer, columns ...int) {
	var configs []table.ColumnConfig
	for _, c := range columns {
		configs = append(configs, table.ColumnConfig{Number: c, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	t.SetColumnConfigs(configs)
}
