package datasets

import "github.com/pkg/errors"

// hasProducts reports whether a folder holds Stanford Online Products as it is unpacked: Ebay_train.txt
// and Ebay_test.txt list the pictures of 11318 products to learn and 11316 others to measure on,
//
//	image_id class_id super_class_id path
//	1 1 1 bicycle_final/111085122871_0.JPG
//
// and folders such as bicycle_final are super-classes.
//
// H. Oh Song et al., "Deep Metric Learning via Lifted Structured Feature Embedding", 2016.
func hasProducts(d *directory) bool {
	return d.file("Ebay_train.txt") != "" && d.file("Ebay_test.txt") != ""
}

func readProducts(d *directory) (*offer, error) {
	b := newPartsByTitle()
	for _, list := range []struct{ title, file string }{{"train", "Ebay_train.txt"}, {"test", "Ebay_test.txt"}} {
		if err := b.addList(d, d.file(list.file), list.title); err != nil {
			return nil, err
		}
	}
	return &offer{
		kind: "folder", layout: "Stanford Online Products", parts: b.list(),
		protocol: "Ebay_train.txt is learned, Ebay_test.txt measured on; the classes are products, not the 12 folders",
	}, nil
}

// addList adds the pictures of a table whose paths are relative to d.
func (b *partsByTitle) addList(d *directory, name, title string) error {
	t, err := readTable(d.source, d.at(name), Options{}) // its columns are known
	if err == nil {
		t.known = true
		err = t.addTo(b, title)
	}
	return errors.WithMessage(err, printable(name))
}
