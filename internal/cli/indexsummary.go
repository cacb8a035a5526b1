package cli

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"medusa/internal/wording"
)

// summary says what was made.
func (r *indexRun) summary(ctx context.Context, c *collector, paths []string, there bool, leftOut leavings) error {
	seconds, n := time.Since(r.began).Seconds(), c.added+c.replaced+c.same
	line := fmt.Sprintf("%s in %.1f s, %s pictures/s", wording.Number(n, "pictures"), seconds, wording.Thousands(int(float64(n)/max(seconds, 1e-3))))
	if there {
		line += fmt.Sprintf(": %s new, %s changed, %s as they were", wording.Thousands(c.added), wording.Thousands(c.replaced), wording.Thousands(c.same))
	}
	r.screen.Say(line)
	if c.repeated > 0 {
		r.screen.Sayf("%s named more than once, kept once", wording.Number(c.repeated, "pictures"))
	}
	if leftOut.any() {
		r.screen.Say(leftOut.String())
	}
	r.describe(c.pictureIndex)
	if !c.labelled {
		sayHowLabelled(r.screen, paths)
	}
	return r.measure(ctx, c.pictureIndex)
}

// describe says what the index holds.
func (r *indexRun) describe(g *pictureIndex) {
	for _, f := range g.facts() {
		r.screen.Sayf("%-12s%s", f.name, f.text)
	}
}

// Of the recall of a graph.
const (
	recallQueries = 200
	recallK       = 10
)

// measure says how many of the nearest pictures a search over the graph finds.
func (r *indexRun) measure(ctx context.Context, g *pictureIndex) error {
	graph, there := g.Graph()
	if !there {
		return nil
	}
	task := r.screen.Begin("measuring the graph")
	queries, err := g.Sample(recallQueries, 1)
	if err != nil {
		return err
	}
	recall, err := g.Recall(ctx, queries, g.search(recallK, false, 0))
	task.End()
	if err != nil {
		return err
	}
	r.screen.Sayf("graph       %d links a picture; it finds %s of the %d nearest", graph.Links, strconv.FormatFloat(recall, 'f', 3, 64), min(recallK, g.Len()))
	return nil
}
