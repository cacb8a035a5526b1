package main

import (
	"context"
	"fmt"

	"medusa/internal/cli"
	"medusa/internal/terminal"
	"medusa/internal/wording"
	"medusa/push"
)

// bring does what the command was called for.
func bring(ctx context.Context, gallery, url string, o cli.PushOptions, w *terminal.Screen) (err error) {
	target, err := push.ParseTarget(url)
	if err != nil {
		return err
	}
	d := databases[target.Database]
	options := optionsOf(o)
	task := w.Begin("reading " + gallery)
	g, err := push.Open(gallery, push.GalleryOptions{Distance: o.Distance, Model: o.Model})
	task.End()
	if err != nil {
		return err
	}
	if o.Schema {
		text, err := d.schema(g, target, options)
		if err == nil {
			w.Page(text)
		}
		return err
	}
	notes(w, g.Notes)
	task = w.Begin("connecting to " + string(target.Database))
	s, err := d.connect(ctx, url, options)
	task.End()
	if err != nil {
		return err
	}
	defer s.Close()
	w.Sayf("%s of %s to %s, %s, compared by %s distance", wording.Number(g.Len(), "records"), gallery, target, push.ModelWords(g.Model), g.Distance)
	out, err := push.Run(ctx, g, s, options, watchOn(w, g))
	if err != nil {
		return err
	}
	tell(w, g, s, out, o.Delete)
	return nil
}

func notes(w *terminal.Screen, lines []string) {
	for _, line := range lines {
		w.Say(line)
	}
}

// watchOn shows how a push goes on.
func watchOn(w *terminal.Screen, g *push.Gallery) push.Watch {
	var task *terminal.Task
	return push.Watch{
		Began: func(out push.Outcome) {
			notes(w, out.Notes)
			if out.Resumed > 0 {
				w.Sayf("going on after %s of a push that was stopped", wording.Number(out.Resumed, "records"))
			}
			task = w.Begin("pushing")
			task.Progress(out.Resumed, g.Len())
		},
		Progress: func(done, total int) { task.Progress(done, total) },
		Ending:   func() { task = w.Begin("finishing") },
		Ended:    func() { task.End() },
	}
}

// tell says what a push did, and how what it brought is searched.
func tell(w *terminal.Screen, g *push.Gallery, s push.Store, out push.Outcome, removes bool) {
	line := fmt.Sprintf("%s new, %s changed, %s unchanged", wording.Thousands(out.New), wording.Thousands(out.Changed), wording.Thousands(out.Unchanged))
	if removes {
		line += fmt.Sprintf(", %s removed", wording.Thousands(out.Removed))
	}
	if out.New+out.Changed+out.Removed == 0 {
		line += ": nothing was to be done"
	}
	w.Say(line)
	if id := g.SomeID(); id != "" {
		w.Sayf("\nthe ten nearest to %q:", id)
		w.Page(s.Search(id))
	}
}

// optionsOf are the flags by the names of package push.
func optionsOf(o cli.PushOptions) push.Options {
	return push.Options{Table: o.Table, Collection: o.Collection, Prefix: o.Prefix, Index: o.Index, Type: o.Type, Batch: o.Batch, Delete: o.Delete}
}
