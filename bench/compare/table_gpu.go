package main

import (
	"cmp"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// newGPUTable lays the rows out with all rivals of a workload, and the memory, in one line.
func newGPUTable(rows []row) table.Writer {
	var rivals []string
	var lines [][]row // the rows of each workload
	for _, r := range rows {
		if r.Rival != "" && !slices.Contains(rivals, r.Rival) {
			rivals = append(rivals, r.Rival)
		}
		if last := len(lines) - 1; last < 0 || lines[last][0].Workload != r.Workload {
			lines = append(lines, nil)
		}
		lines[len(lines)-1] = append(lines[len(lines)-1], r)
	}
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	header := table.Row{"workload", "TF32", "Medusa"}
	for _, rival := range rivals {
		header = append(header, rival, "÷")
	}
	t.AppendHeader(append(header, "target", "met", "memory of the GPU", "notes"))
	var right []table.ColumnConfig
	for i := range 2*len(rivals) + 1 {
		right = append(right, table.ColumnConfig{Number: 3 + i, Align: text.AlignRight})
	}
	t.SetColumnConfigs(right)
	for _, line := range lines {
		t.AppendRow(gpuCells(line, rivals))
	}
	return t
}

// gpuCells is the rows of one workload in one line.
func gpuCells(line []row, rivals []string) table.Row {
	of := func(quantity, rival string) *row {
		for i, r := range line {
			if r.Quantity == quantity && (r.Rival == rival || rival == "") {
				return &line[i]
			}
		}
		return nil
	}
	tf32 := "off"
	if line[0].TF32 {
		tf32 = "on"
	}
	first := of("time", "")
	cells := table.Row{line[0].Workload, tf32, with(spread(first.Ours, "s"), first.Rate)}
	var held, met, notes []string
	target := first.Target
	if m := of(deviceMemory, ""); m != nil {
		held = append(held, short(m.Ours))
	}
	if first.Rival == "" {
		notes = append(notes, first.Note)
	}
	for _, rival := range rivals {
		r := of("time", rival)
		if r == nil {
			cells = append(cells, "", "")
			continue
		}
		cells = append(cells, with(spread(r.Theirs, "s"), r.RivalRate), r.ratioCell())
		if r.Target != "" {
			target = r.Target
			met = append(met, cmp.Or(r.Met, "–"))
		}
		if m := of(deviceMemory, rival); m != nil {
			held = append(held, short(m.Theirs))
		}
		for _, note := range strings.Split(r.Note, "; ") {
			if !slices.Contains(notes, note) {
				notes = append(notes, note)
			}
		}
	}
	notes = slices.DeleteFunc(notes, func(s string) bool { return s == "" })
	return append(cells, target, strings.Join(met, " · "), strings.Join(held, ", "), strings.Join(notes, "; "))
}

func with(time, rate string) string {
	if rate == "" {
		return time
	}
	return time + ", " + rate
}

// short is an amount of memory without its spread.
func short(s summary) string {
	if s.Median == 0 {
		return "–"
	}
	return amount(s.Median, "bytes")
}
