package main

import (
	"fmt"
	"slices"
	"strconv"

	"medusa/datasets"
	"medusa/internal/terminal"
	"medusa/samplers"
	"medusa/trainer"
)

// printFound tells what was found before anything is learned: classes, pictures, sizes,
// and what was left out and why.
func printFound(w *terminal.Screen, data trainer.Data, plan samplers.Plan) {
	s := data.Train.Summary()
	w.Sayf("%s (%s)\n", s.Source, s.Kind)
	t := terminal.Table{Header: []string{"", "classes", "pictures", "smallest class", "largest class"}, Right: []int{1, 2}, Names: []int{3, 4}}
	for _, part := range parts(data) {
		s := part.set.Summary()
		t.Rows = append(t.Rows, []string{part.name, fmt.Sprint(s.Classes), fmt.Sprint(s.Pictures), classSize(s.Smallest), classSize(s.Largest)})
	}
	w.Table(t)

	stored := fmt.Sprintf("\nstored as %s of %d×%d, %.1f MiB", channelsName(s.Channels), s.Height, s.Width, float64(s.Bytes)/(1<<20))
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
	printCounts(w, "left out", told(data, func(s datasets.Summary) []datasets.Count { return s.Skipped }))
	printCounts(w, "worth knowing", told(data, func(s datasets.Summary) []datasets.Count { return s.Notes }))
	if shared := seenInTraining(data); len(shared) > 0 {
		w.Sayf("careful: %d of the %d test classes are also learned, such as %s: the figures will not be about "+
			"unseen classes; give others with -test, or part them with -train-classes and -test-classes",
			len(shared), data.Test.NumClasses(), shared[0])
	}
	w.Say("")
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

func printCounts(w *terminal.Screen, title string, counts []datasets.Count) {
	if len(counts) == 0 {
		return
	}
	w.Say(title + ":")
	for _, c := range counts {
		w.Sayf("  %s", c)
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
