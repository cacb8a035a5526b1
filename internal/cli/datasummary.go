package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"medusa/datasets"
	"medusa/internal/terminal"
	"medusa/internal/wording"
	"medusa/samplers"
	"medusa/trainer"
)

// printFound tells what was found before anything is learned: classes, pictures, sizes,
// what was left out and why, and which settings suit it.
func printFound(w *terminal.Screen, f *flags, data trainer.Data, plan samplers.Plan, fitted []trainer.Fitted) {
	train := data.Parts()[0]
	s := train.Summary()
	w.Sayf("%s (%s)", s.Source, cmp.Or(s.Layout, kindNames[s.Kind], s.Kind))
	for _, protocol := range protocols(data) {
		w.Say(protocol)
	}
	w.Say("")
	printParts(w, data)

	stored := fmt.Sprintf("\nstored as %s, %.1f MiB", train.Form(), float64(s.Bytes)/(1<<20))
	switch {
	case s.OnDisk && train.Noun() == "vectors":
		stored += ", read from the file"
	case s.OnDisk:
		stored += " in a cache file"
	}
	if s.Originals != "" {
		stored += "; originals " + s.Originals
	}
	w.Say(stored)
	plan.Items = train.Noun()
	if line := plan.String(); line != "" {
		w.Say("batches: " + line)
	}
	printFitted(w, fitted)
	printCounts(w, f, "left out", data.Skipped())
	printCounts(w, f, "worth knowing", data.Notes())
	printCopies(w, data)
	printSeen(w, data)
	w.Say("")
}

// kindNames are the kinds of data that people call otherwise than Summary does.
var kindNames = map[string]string{"manifest": "table", "idx": "IDX files"}

// printFitted tells the settings that nobody gave and that are not the usual ones.
func printFitted(w *terminal.Screen, fitted []trainer.Fitted) {
	title := "fitted to the data:\n"
	for _, f := range fitted {
		if f.Reason != "" {
			w.Sayf("%s  %s: %s", title, asFlag(f.Field, f.Value), f.Reason)
			title = ""
		}
	}
}

// printParts is the table of classes and pictures, and of queries and gallery where these
// are not simply all pictures.
func printParts(w *terminal.Screen, data trainer.Data) {
	t := terminal.Table{Header: []string{"", "classes", data.Parts()[0].Noun()}, Right: []int{1, 2}}
	var extra []column
	for _, c := range []column{
		{"queries", func(s datasets.Summary) int { return s.Queries }},
		{"gallery", func(s datasets.Summary) int { return s.Gallery }},
		{"cameras", func(s datasets.Summary) int { return s.Cameras }},
		{"pairs", func(s datasets.Summary) int { return s.Pairs }},
	} {
		if slices.ContainsFunc(data.Parts(), func(p trainer.Part) bool { return c.of(p.Summary()) > 0 }) {
			extra = append(extra, c)
			t.Right = append(t.Right, len(t.Header))
			t.Header = append(t.Header, c.name)
		}
	}
	t.Names = []int{len(t.Header), len(t.Header) + 1}
	t.Header = append(t.Header, "smallest", "largest")
	for _, part := range data.Parts() {
		s := part.Summary()
		row := []string{part.Name, strconv.Itoa(s.Classes), strconv.Itoa(s.Pictures)}
		for _, c := range extra {
			cell := ""
			if n := c.of(s); n > 0 {
				cell = strconv.Itoa(n)
			}
			row = append(row, cell)
		}
		t.Rows = append(t.Rows, append(row, classSize(s.Smallest), classSize(s.Largest)))
	}
	w.Table(t)
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
		if text := p.Summary().Protocol; text != "" && !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return out
}

// printCopies warns of pictures that are measured on and learned too.
func printCopies(w *terminal.Screen, data trainer.Data) {
	for _, p := range data.Parts()[1:] {
		if n := p.Summary().Copies; n > 0 {
			w.Sayf("careful: train also has %s of the %s part, unchanged or encoded or sized anew, which flatters the figures; %s leaves such out of train",
				wording.Number(n, p.Noun()), p.Name, asFlag("Data.Copies", string(trainer.LeaveOutCopies)))
		}
	}
}

// printSeen warns of classes that are measured on and learned too.
func printSeen(w *terminal.Screen, data trainer.Data) {
	for _, p := range data.Parts()[1:] {
		shared := datasets.SharedClasses(data.Train, p.Set)
		switch n := len(p.Set.Classes()); {
		case len(shared) == 0:
		case len(shared) == n:
			w.Sayf("careful: the %s classes are all seen in training: the figures will not be about unseen classes; %s", p.Name, otherClasses[p.Name])
		default:
			w.Sayf("careful: %d of the %d %s classes are also learned, such as %s: the figures will not be about unseen classes; %s",
				len(shared), n, p.Name, shared[0], otherClasses[p.Name])
		}
	}
}

// otherClasses says how to measure on unseen classes.
var otherClasses = map[string]string{
	"validation": "cut some off with -val 0.1, or give others with -val",
	"test":       "give others with -test, or part them with -train-classes and -test-classes",
}

func printCounts(w *terminal.Screen, f *flags, title string, counts []datasets.Count) {
	if len(counts) == 0 {
		return
	}
	w.Say(title + ":")
	for _, c := range counts {
		w.Say("  " + c.In(func(option string) string { return f.Called("Data." + option) }))
	}
}

func classSize(c datasets.ClassSize) string { return fmt.Sprintf("%d  %s", c.Pictures, c.Name) }
