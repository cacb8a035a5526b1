package trainer

import (
	"fmt"

	"medusa/internal/wording"
	"medusa/model"
)

// OneShotTable shows the error of all runs of Omniglot's one-shot test, and of the best and the
// worst of them.
func OneShotTable(r model.OneShotRuns) Table {
	if r.Items == 0 {
		return Table{}
	}
	least, most := r.Runs[0], r.Runs[0]
	for _, run := range r.Runs {
		if run.Error() < least.Error() {
			least = run
		}
		if run.Error() > most.Error() {
			most = run
		}
	}
	row := func(name string, wrong, items int) []string {
		return []string{name, wording.Thousands(wrong), wording.Thousands(items), fmt.Sprintf("%.2f %%", 100*float64(wrong)/float64(items))}
	}
	return Table{
		Head:  []string{"one-shot runs", "wrong", "of", "error"},
		Rows:  [][]string{row("all "+wording.Thousands(len(r.Runs)), r.Wrong, r.Items), row("best: "+least.Name, least.Wrong, least.Items), row("worst: "+most.Name, most.Wrong, most.Items)},
		Notes: []string{"An item is taken for the class whose one known picture is nearest by cosine."},
	}
}
