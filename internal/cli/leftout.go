package cli

import (
	"strings"

	"medusa/datasets"
	"medusa/internal/plain"
	"medusa/internal/wording"
)

// leavings count what was left out and ought not to be.
type leavings struct{ pictures, folders int }

func (l *leavings) count(s datasets.Skip) {
	if s.IsFolder() {
		l.folders++
	} else {
		l.pictures++
	}
}

func (l *leavings) add(more leavings) {
	l.pictures, l.folders = l.pictures+more.pictures, l.folders+more.folders
}

func (l leavings) any() bool { return l != leavings{} }

// String is how many were left out.
func (l leavings) String() string {
	var list []string
	if l.pictures > 0 {
		list = append(list, wording.Number(l.pictures, "pictures"))
	}
	if l.folders > 0 {
		list = append(list, wording.Number(l.folders, "folders"))
	}
	return strings.Join(list, " and ") + " left out"
}

// leftOutLine tells a person what was left out, why, and which flag of embedData lets it in.
func leftOutLine(s datasets.Skip) string {
	line := "left out: " + s.Path + ": " + s.Reason
	if s.Detail != "" {
		line += ": " + s.Detail
	}
	if s.Limit() == "MaxPixels" {
		line += ": raise -max-pixels"
	}
	return plain.Text(line)
}
