package datasets

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/pkg/errors"
)

// hasCUB reports whether a folder holds CUB-200-2011 as it is unpacked:
//
//	images.txt              1 001.Black_footed_Albatross/Black_Footed_Albatross_0046_18.jpg
//	image_class_labels.txt  1 1
//	classes.txt             1 001.Black_footed_Albatross
//	images/001.Black_footed_Albatross/…
//
// train_test_split.txt parts every class; metric learning leaves it aside and learns the
// first 100 classes to be measured on the other 100. Pictures are not cut to
// bounding_boxes.txt.
//
// C. Wah et al., "The Caltech-UCSD Birds-200-2011 Dataset", 2011; the protocol is that of
// H. Oh Song et al., "Deep Metric Learning via Lifted Structured Feature Embedding", 2016.
func hasCUB(d *directory) bool {
	return d.file("images.txt") != "" && d.file("image_class_labels.txt") != "" && d.folder("images") != ""
}

func readCUB(d *directory) (*offer, error) {
	images, err := readNumbered(d.source, d.at(d.file("images.txt")))
	if err != nil {
		return nil, err
	}
	labels, err := readNumbered(d.source, d.at(d.file("image_class_labels.txt")))
	if err != nil {
		return nil, err
	}
	names := map[int]string{}
	if list := d.file("classes.txt"); list != "" {
		if names, err = readNumbered(d.source, d.at(list)); err != nil {
			return nil, err
		}
	}
	var pictures []numberedPicture
	for _, id := range slices.Sorted(maps.Keys(images)) {
		class, err := strconv.Atoi(labels[id])
		if err != nil {
			return nil, errors.Errorf("picture %d of images.txt has label %q in image_class_labels.txt, want a number", id, labels[id])
		}
		name := names[class]
		if name == "" {
			name = fmt.Sprintf("%03d", class)
		}
		pictures = append(pictures, numberedPicture{d.at(d.folder("images") + "/" + images[id]), name, class})
	}
	return halved("CUB-200-2011", pictures)
}

// numberedPicture is a picture of a class that has a number.
type numberedPicture struct {
	file, class string
	number      int
}

// halved parts pictures by the number of their class.
func halved(layout string, pictures []numberedPicture) (*offer, error) {
	numbers := make(map[int]bool)
	for _, p := range pictures {
		numbers[p.number] = true
	}
	sorted := slices.Sorted(maps.Keys(numbers))
	half := len(sorted) / 2
	if half == 0 {
		return nil, errors.Errorf("%s with %d classes: want at least 2", layout, len(sorted))
	}
	b := newPartsByTitle()
	for _, p := range pictures {
		title := "train"
		if p.number >= sorted[half] {
			title = "test"
		}
		to, _ := b.of(title)
		to.candidates = append(to.candidates, candidate{name: p.file, class: p.class})
	}
	return &offer{
		kind: "folder", layout: layout, parts: b.list(), byClass: true,
		protocol: fmt.Sprintf("the first %d classes are learned, the other %d measured on, as papers on metric learning do", half, len(sorted)-half),
	}, nil
}
