package main

import (
	"fmt"
	"math"
	"strconv"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// newTable lays the rows out: render it as text or as Markdown.
func newTable(rows []row) table.Writer {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.AppendHeader(table.Row{"workload", "threads", "Medusa", "rate", "rival", "takes", "ratio", "target", "met", "cores", "notes"})
	right := table.ColumnConfig{Align: text.AlignRight}
	var configs []table.ColumnConfig
	for _, name := range []string{"threads", "Medusa", "rate", "takes", "ratio", "cores"} {
		c := right
		c.Name = name
		configs = append(configs, c)
	}
	t.SetColumnConfigs(configs)
	for _, r := range rows {
		t.AppendRow(r.cells())
	}
	return t
}

func (r row) cells() table.Row {
	name := r.Workload
	if r.Quantity != "time" {
		name += ", " + r.Quantity
	}
	return table.Row{name, r.Threads, spread(r.Ours, r.Unit), r.Rate, r.Rival, spread(r.Theirs, r.Unit), r.ratioCell(), r.Target, r.Met, r.coresCell(), r.Note}
}

func (r row) ratioCell() string {
	if r.Ratio.Median == 0 {
		return ""
	}
	return fmt.Sprintf("%s (%s–%s)", digits(r.Ratio.Median), digits(r.Ratio.Low), digits(r.Ratio.High))
}

func (r row) coresCell() string {
	switch {
	case r.Cores == 0:
		return ""
	case r.RivalCores == 0:
		return fmt.Sprintf("%.2f", r.Cores)
	}
	return fmt.Sprintf("%.2f, %.2f", r.Cores, r.RivalCores)
}

// spread is a median with the least and the greatest of the rounds; a dash if there is
// none.
func spread(s summary, unit string) string {
	if s.Median == 0 {
		return "–"
	}
	scale, name := scaled(unit)
	return fmt.Sprintf("%s %s (%s–%s)", digits(s.Median*scale), name, digits(s.Low*scale), digits(s.High*scale))
}

// amount is seconds or bytes in the unit of the table: milliseconds and megabytes.
func amount(v float64, unit string) string {
	scale, name := scaled(unit)
	return digits(v*scale) + " " + name
}

func scaled(unit string) (scale float64, name string) {
	if unit == "bytes" {
		return 1e-6, "MB"
	}
	return 1e3, "ms"
}

// digits is v with three significant digits, without an exponent.
func digits(v float64) string {
	if v == 0 {
		return "0"
	}
	places := 2 - int(math.Floor(math.Log10(math.Abs(v))))
	if places <= 0 {
		return strconv.FormatFloat(math.Round(v), 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'f', places, 64)
}
