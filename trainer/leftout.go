package trainer

import (
	"encoding/csv"
	"io"
	"os"

	"github.com/pkg/errors"

	"medusa/datasets"
	"medusa/internal/runfolder"
)

// LeftOut lists every file of the data that was left out, each once for each reason.
func (d Data) LeftOut() []datasets.Skip {
	var out []datasets.Skip
	seen := map[datasets.Skip]bool{}
	for _, p := range d.Parts() {
		own, ok := p.Set.(*datasets.Dataset)
		if !ok {
			continue
		}
		for _, s := range own.Skipped() {
			if !seen[s] {
				seen[s] = true
				out = append(out, s)
			}
		}
	}
	return out
}

// writeLeftOut writes what was left out as a CSV file with the columns path, reason and
// detail, and returns its path; nothing where all was taken. A file that is there stays.
func writeLeftOut(f runfolder.Folder, d Data) (path string, err error) {
	list := d.LeftOut()
	if len(list) == 0 {
		return "", nil
	}
	path = f.Path(LeftOutFile)
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		return path, errors.Wrap(err, "trainer")
	}
	return path, inTrainer(f.Write(LeftOutFile, func(w io.Writer) error {
		c := csv.NewWriter(w)
		rows := [][]string{{"path", "reason", "detail"}}
		for _, s := range list {
			rows = append(rows, []string{s.Path, s.Reason, s.Detail})
		}
		return c.WriteAll(rows)
	}))
}
