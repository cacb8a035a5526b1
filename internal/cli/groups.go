package cli

import (
	"fmt"

	"medusa/internal/terminal"
	"medusa/internal/wording"
	"medusa/trainer"
)

// printGroups shows how fast each part of the network learns, and from when on, where fine-tuning says so.
func printGroups(w *terminal.Screen, i trainer.StartInfo) {
	if len(i.Groups) == 0 {
		return
	}
	t := terminal.Table{Header: []string{"weights of", "parameters", "rate", "learns"}, Right: []int{1, 2}, Names: []int{0}}
	for _, g := range i.Groups {
		t.Rows = append(t.Rows, []string{g.Name, wording.Thousands(g.Parameters), rateOf(g), whenOf(g, i.StepsPerEpoch)})
	}
	w.Say("")
	w.Table(t)
	w.Say("")
}

// rateOf is a group's learning rate, or from the slowest to the fastest.
func rateOf(g trainer.ParameterGroup) string {
	switch {
	case g.From == 0:
		return ""
	case g.Slowest < g.Fastest:
		return fmt.Sprintf("%.3g … %.3g", g.Slowest, g.Fastest)
	}
	return fmt.Sprintf("%.3g", g.Fastest)
}

// whenOf says from when on a group learns.
func whenOf(g trainer.ParameterGroup, epoch int) string {
	switch {
	case g.From == 0:
		return "never"
	case g.From == 1:
		return "from the start"
	}
	return fmt.Sprintf("from step %d, after %s", g.From, wording.Number((g.From-1)/epoch, "epochs"))
}
