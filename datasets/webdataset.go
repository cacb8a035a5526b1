package datasets

import (
	"io"
	"path"
	"slices"
	"strings"

	"github.com/pkg/errors"
)

// WebDataset puts the class of a picture into a file of the same name with another
// ending: 00017.jpg and 00017.cls.
const classEnding = ".cls"

func hasClassFiles(d *directory) bool {
	for _, name := range d.files {
		if stem, ok := strings.CutSuffix(name, classEnding); ok {
			return slices.ContainsFunc(d.files, func(f string) bool { return hasPictureName(f) && stemOf(f) == stem })
		}
	}
	return false
}

// stemOf is a name before its first dot, as WebDataset groups files.
func stemOf(name string) string {
	stem, _, _ := strings.Cut(name, ".")
	return stem
}

func readClassFiles(d *directory) (*offer, error) {
	p := &part{}
	if err := d.addClassFiles(p); err != nil {
		return nil, err
	}
	return &offer{kind: "folder", layout: "WebDataset", parts: []*part{p}}, nil
}

// addClassFiles puts the pictures of a folder into p, with the classes that their files say.
func (d *directory) addClassFiles(p *part) error {
	classes := make(map[string]string)
	for _, name := range d.files {
		stem, ok := strings.CutSuffix(name, classEnding)
		if !ok {
			continue
		}
		class, err := readClass(d.source, d.at(name))
		if err != nil {
			return errors.WithMessage(err, printable(name))
		}
		classes[stem] = class
	}
	for _, name := range d.files {
		class, ok := classes[stemOf(name)]
		switch {
		case !hasPictureName(name) && path.Ext(name) != classEnding:
			p.skip(show(d.source, d.at(name)), reasonNoPicture, "")
		case !hasPictureName(name):
		case !ok:
			p.skip(show(d.source, d.at(name)), "without a file of its class", "")
		default:
			p.candidates = append(p.candidates, candidate{name: d.at(name), class: class})
		}
	}
	return nil
}

func readClass(src source, name string) (string, error) {
	f, err := openRegular(src, name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	const longest = 1 << 10
	text, err := io.ReadAll(io.LimitReader(f, longest+1))
	class := trimCell(string(text))
	if err == nil && (class == "" || len(text) > longest) {
		err = errors.New("want the class of a picture")
	}
	return class, err
}
