package datasets

import (
	"path"
	"slices"
	"strings"

	"github.com/pkg/errors"
)

// ImageNet as contests pack it: the pictures in ILSVRC/Data/CLS-LOC/, those of train in
// folders of classes, those of val and test in none; the classes of val stand in
// LOC_val_solution.csv beside ILSVRC/:
//
//	ImageId,PredictionString
//	ILSVRC2012_val_00048981,n03995372 85 1 499 272
//
// a class and a box, and again for each further box.
//
// O. Russakovsky et al., "ImageNet Large Scale Visual Recognition Challenge", 2015, as
// Kaggle's ImageNet Object Localization Challenge packs it.

// solutions are the tables of classes, by the part that they are of.
var solutions = map[string]string{"train": "LOC_train_solution.csv", "val": "LOC_val_solution.csv"}

// hasILSVRC reports whether a folder holds ImageNet as contests pack it.
func hasILSVRC(d *directory) bool { return d.ilsvrc() != nil }

// hasSolutions reports the same of one that has tables of classes too.
func hasSolutions(d *directory) bool { return len(d.solutionsHere()) > 0 && hasILSVRC(d) }

// solutionsHere are the paths of the tables of classes in a folder, by part.
func (d *directory) solutionsHere() map[string]string {
	here := make(map[string]string)
	for title, name := range solutions {
		if file := d.file(name); file != "" {
			here[title] = d.at(file)
		}
	}
	return here
}

// ilsvrc returns the folder of ImageNet's parts, below Data or ILSVRC/Data or, with tables
// of classes in it, d itself; nil if there is none.
func (d *directory) ilsvrc() *directory {
	in := d
	for _, name := range []string{"ILSVRC", "Data", "CLS-LOC"} {
		if folder := in.folder(name); folder != "" {
			in = in.inside(folder)
		}
	}
	if path.Base(in.dir) != "CLS-LOC" && len(d.solutionsHere()) == 0 || !hasParts(in) {
		return nil
	}
	return in
}

func readILSVRC(d *directory) (*offer, error) {
	in := d.ilsvrc()
	in.solutions = d.solutionsHere()
	return readParts(in)
}

// solutionOf returns the table of the classes of a part whose pictures lie in no folders;
// nil if there is none.
func (d *directory) solutionOf(title string, inside *directory) (*table, error) {
	name := d.solutions[title]
	if name == "" || !inside.pictures() {
		return nil, nil
	}
	t, err := readTable(d.source, name, Options{})
	if err != nil {
		return nil, errors.WithMessage(err, printable(name))
	}
	t.base, t.known = inside.dir, true
	return t, nil
}

// takeSolutions brings the cells of a column PredictionString to the class in them.
func (t *tableText) takeSolutions() error {
	column := slices.IndexFunc(t.header, func(name string) bool { return columnKey(name) == "predictionstring" })
	if column < 0 {
		return nil
	}
	const group = 5 // words: a class and a box
	for _, row := range t.rows {
		if column >= len(row.cells) {
			continue
		}
		words := strings.Fields(row.cells[column])
		if len(words)%group != 0 {
			continue // a class alone, or something else
		}
		for k := group; k < len(words); k += group {
			if words[k] != words[0] {
				return errors.Errorf("line %d: %s names the classes %q and %q, want one a picture", row.line, t.header[column], words[0], words[k])
			}
		}
		if len(words) > 0 {
			row.cells[column] = words[0]
		}
	}
	return nil
}
