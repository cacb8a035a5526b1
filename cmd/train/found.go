package main

import (
	"fmt"

	"medusa/datasets"
	"medusa/internal/terminal"
	"medusa/internal/wording"
	"medusa/samplers"
	"medusa/trainer"
)

// printFound tells what was found before anything is learned: classes, pictures, sizes,
// and what was left out and why.
func printFound(w *terminal.Screen, f *flags, data trainer.Data, plan samplers.Plan) {
	s := data.Train.Summary()
	w.Sayf("%s (%s)\n", s.Source, s.Kind)
	t := terminal.Table{Header: []string{"", "classes", "pictures", "smallest class", "largest class"}, Right: []int{1, 2}, Names: []int{3, 4}}
	for _, part := range data.Parts() {
		s := part.Set.Summary()
		t.Rows = append(t.Rows, []string{part.Name, fmt.Sprint(s.Classes), fmt.Sprint(s.Pictures), classSize(s.Smallest), classSize(s.Largest)})
	}
	w.Table(t)

	stored := fmt.Sprintf("\nstored as %s of %d×%d, %.1f MiB", wording.Channels(s.Channels), s.Height, s.Width, float64(s.Bytes)/(1<<20))
	if s.OnDisk {
		stored += " in a cache file"
	}
	if s.Originals != "" {
		stored += "; originals " + s.Originals
	}
	w.Say(stored)
	if line := plan.String(); line != "" {
		w.Say("batches: " + line)
	}
	printCounts(w, f, "left out", data.Skipped())
	printCounts(w, f, "worth knowing", data.Notes())
	if shared := data.SeenInTraining(); len(shared) > 0 {
		w.Sayf("careful: %d of the %d test classes are also learned, such as %s: the figures will not be about "+
			"unseen classes; give others with -test, or part them with -train-classes and -test-classes",
			len(shared), data.Test.NumClasses(), shared[0])
	}
	w.Say("")
}

func printCounts(w *terminal.Screen, f *flags, title string, counts []datasets.Count) {
	if len(counts) == 0 {
		return
	}
	w.Say(title + ":")
	for _, c := range counts {
		w.Say("  " + c.In(func(option string) string { return f.named("Data." + option) }))
	}
}

func classSize(c datasets.ClassSize) string { return fmt.Sprintf("%d  %s", c.Pictures, c.Name) }
