package datasets

import (
	"fmt"
	"math"
	"path"

	"github.com/pkg/errors"
)

// hasCars reports whether a folder holds Cars196, in one of the two forms in which it is published:
//
//	cars_annos.mat                  annotations with relative_im_path (car_ims/000001.jpg), class; class_names
//	cars_train_annos.mat, …         in devkit/ or beside it: annotations with fname (00001.jpg), class
//	cars_test_annos_withlabels.mat  the same of cars_test/; cars_test_annos.mat has no classes
//	cars_meta.mat                   class_names
//
// Metric learning learns the first 98 classes, of training and test pictures alike, and
// measures on the other 98. Pictures are not cut to their boxes.
//
// J. Krause et al., "3D Object Representations for Fine-Grained Categorization", 2013.
func hasCars(d *directory) bool {
	return d.file("cars_annos.mat") != "" || d.kit("cars_train_annos.mat") != "" || d.kit("cars_test_annos_withlabels.mat") != ""
}

// kit returns the path of a file that lies here or in devkit/; "" if it does not.
func (d *directory) kit(name string) string {
	if f := d.file(name); f != "" {
		return d.at(f)
	}
	if kit := d.folder("devkit"); kit != "" {
		if in := d.inside(kit); in.file(name) != "" {
			return in.at(in.file(name))
		}
	}
	return ""
}

func readCars(d *directory) (*offer, error) {
	var pictures []numberedPicture
	var names []string
	var err error
	if all := d.file("cars_annos.mat"); all != "" {
		pictures, names, err = carsOf(d.source, d.at(all), "relative_im_path", d.dir)
	} else {
		pictures, names, err = carsOfKit(d)
	}
	if err != nil {
		return nil, err
	}
	for i := range pictures {
		p := &pictures[i]
		p.class = fmt.Sprintf("%03d", p.number)
		if p.number >= 1 && p.number <= len(names) {
			p.class += "." + names[p.number-1]
		}
	}
	return halved("Cars196", pictures)
}

// carsOfKit reads the form with two folders of pictures.
func carsOfKit(d *directory) (pictures []numberedPicture, names []string, err error) {
	for _, part := range []struct{ folder, list string }{{"cars_train", "cars_train_annos.mat"}, {"cars_test", "cars_test_annos_withlabels.mat"}} {
		list, folder := d.kit(part.list), d.folder(part.folder)
		if list == "" || folder == "" {
			return nil, nil, errors.Errorf("Cars196 without %s or the folder %s: the protocol of metric learning takes classes of both halves; fetch what is lacking", part.list, part.folder)
		}
		dir := d.inside(folder)
		if again := dir.folder(part.folder); again != "" { // as some archives nest it
			dir = dir.inside(again)
		}
		more, _, err := carsOf(d.source, list, "fname", dir.dir)
		if err != nil {
			return nil, nil, err
		}
		pictures = append(pictures, more...)
	}
	if meta := d.kit("cars_meta.mat"); meta != "" {
		m, err := readMATFile(d.source, meta)
		if err != nil {
			return nil, nil, err
		}
		names, err = m.texts("class_names")
		if err != nil {
			return nil, nil, errors.WithMessage(err, printable(meta))
		}
	}
	return pictures, names, nil
}

// carsOf reads one list; the names of the classes are nil if it has none.
func carsOf(src source, list, file, dir string) (pictures []numberedPicture, names []string, err error) {
	m, err := readMATFile(src, list)
	if err != nil {
		return nil, nil, err
	}
	paths, err := m.textField("annotations", file)
	if err != nil {
		return nil, nil, errors.WithMessage(err, printable(list))
	}
	classes, err := m.numberField("annotations", "class")
	if err != nil {
		return nil, nil, errors.WithMessage(err, printable(list))
	}
	for i, p := range paths {
		if n := classes[i]; n != math.Trunc(n) || n < 1 || n > 1<<20 {
			return nil, nil, errors.Errorf("%s: picture %q is of class %v, want a number from 1", printable(list), p, n)
		}
		pictures = append(pictures, numberedPicture{file: path.Join(dir, p), number: int(classes[i])})
	}
	names, _ = m.texts("class_names") // only one of the lists has them
	return pictures, names, nil
}
