package datasets

import (
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/pkg/errors"

	"medusa/internal/field"
)

// hasLFW reports whether a folder holds Labeled Faces in the Wild, or another set with its list of
// pairs: a folder a person, here or in one folder below, and pairs.txt,
//
//	10	300                                    ten parts of 300 equal and 300 different pairs
//	Abel_Pacheco	1	4                      Abel_Pacheco/Abel_Pacheco_0001.jpg and …_0004.jpg
//	Abdel_Madi_Shabneh	1	Dean_Barker	1
//
// or a list of one part, which begins with one number, or tables of the same pairs (see
// pairTables). All people stand in one part, with their pairs, to be cut by class or to be the test
// part of other pictures.
//
// G. B. Huang et al., "Labeled Faces in the Wild: A Database for Studying Face
// Recognition in Unconstrained Environments", 2007; its README, sections 3b and 3c.
func hasLFW(d *directory) bool {
	list := d.pairList()
	if list == nil || len(d.folders) == 0 {
		return false
	}
	_, err := d.readPairs(list, true)
	return err == nil || errors.Is(err, errPeople)
}

// pairLists are the names of lists of pairs, and of the tables that together are one; the first
// that is there is read, unless another one was asked for.
var pairLists = [][]string{
	{"pairs.txt"}, pairTables[0],
	{"pairsDevTest.txt"}, pairTables[1],
	{"pairsDevTrain.txt"}, pairTables[2],
}

// faceLists are the names of all lists that lie beside the pictures.
func faceLists() []string {
	return slices.Concat(slices.Concat(pairLists...), peopleTables, []string{"people.txt", "peopleDevTest.txt", "peopleDevTrain.txt"})
}

// pairList returns the files of the list of pairs in the folder that is read, nil if there is
// none.
func (d *directory) pairList() []string {
	there := func(list []string) (files []string) {
		for _, name := range list {
			file := d.file(name)
			if file == "" {
				return nil
			}
			files = append(files, file)
		}
		return files
	}
	for _, list := range pairLists {
		if files := there(list); files != nil && slices.Contains(list, d.options.list) {
			return files
		}
	}
	for _, list := range pairLists {
		if files := there(list); files != nil {
			return files
		}
	}
	return nil
}

// readPairs reads a list of pairs, or where it begins.
func (d *directory) readPairs(list []string, beginning bool) (all facePairs, err error) {
	for _, name := range list {
		f, err := openRegular(d.source, d.at(name))
		if err != nil {
			return all, errors.WithMessage(err, printable(d.at(name)))
		}
		var r io.Reader = f
		if beginning {
			r = io.LimitReader(f, 1<<10)
		}
		parse := parsePairs
		if strings.EqualFold(path.Ext(name), ".csv") {
			parse = parsePairTable
		}
		p, err := parse(r, beginning)
		f.Close()
		if err != nil {
			return all, errors.WithMessage(err, printable(d.at(name)))
		}
		if len(list) == 1 {
			return p, nil
		}
		all.list = append(all.list, p.list...)
	}
	all.number()
	return all, nil
}

func readLFW(d *directory) (*offer, error) {
	list := d.pairList()
	named := strings.Join(list, " and ")
	pairs, err := d.readPairs(list, false)
	if errors.Is(err, errPeople) {
		return nil, wrongOption("%s lists %v: put a list of pairs in its place, or set %s to %s to read the folders alone",
			printable(d.at(named)), errPeople, field.Name("Layout"), LayoutFolders)
	}
	if err != nil {
		return nil, err
	}
	top, err := d.folderOfPeople(pairs.list)
	if err != nil {
		return nil, err
	}
	p := &part{}
	w := &walker{source: d.source, seen: make(map[string]string)}
	if err := w.walkPart(p, top.dir); err != nil {
		return nil, err
	}
	p.skipped = slices.DeleteFunc(p.skipped, func(s Skip) bool { // it was read
		return slices.ContainsFunc(list, func(name string) bool { return s.Path == show(d.source, d.at(name)) })
	})
	if top != d {
		d.besidePeople(p, top, list)
	}
	byStem := make(map[string]string) // name without its ending → name
	for _, c := range p.candidates {
		byStem[strings.TrimSuffix(c.name, path.Ext(c.name))] = c.name
	}
	of := &offer{kind: "folder", layout: "Labeled Faces in the Wild", parts: []*part{p}}
	for _, pair := range pairs.list {
		file := func(f faceName) string {
			stem := top.at(fmt.Sprintf("%s/%s_%04d", f.person, f.person, f.number))
			if name := byStem[stem]; name != "" {
				return name
			}
			return stem
		}
		of.pairs = append(of.pairs, namedPair{a: file(pair.a), b: file(pair.b), same: pair.same(), fold: pair.fold})
	}
	of.protocol = fmt.Sprintf("all people in one part; the %d pairs of %s go with them", len(pairs.list), named)
	if n := pairs.promised; n != len(pairs.list) {
		p.notes = append(p.notes, Count{What: fmt.Sprintf("pair in %s, which announces %d", named, n), Count: len(pairs.list)})
	}
	return of, nil
}

// folderOfPeople returns the folder with a folder a person: d, one in it, or one in a folder
// of d that holds nothing else.
func (d *directory) folderOfPeople(pairs []facePair) (*directory, error) {
	hasPeople := func(at *directory) bool {
		const looked = 16
		for _, p := range pairs[:min(looked, len(pairs))] {
			if slices.Contains(at.folders, p.a.person) || slices.Contains(at.folders, p.b.person) {
				return true
			}
		}
		return false
	}
	if hasPeople(d) {
		return d, nil
	}
	var found []*directory
	for _, name := range d.folders {
		in := d.inside(name)
		if len(in.folders) == 1 && !hasPeople(in) && !in.pictures() {
			in = in.inside(in.folders[0])
		}
		if hasPeople(in) {
			found = append(found, in)
		}
	}
	switch len(found) {
	case 0:
		return d, nil // their pictures are told to be lacking
	case 1:
		return found[0], nil
	}
	return nil, errors.Errorf("the people of %s lie in %s and in %s: leave one of these beside it", strings.Join(d.pairList(), " and "), show(d.source, found[0].dir), show(d.source, found[1].dir))
}

// besidePeople tells what lies beside the list and the folder that top is, or is in.
func (d *directory) besidePeople(p *part, top *directory, list []string) {
	for _, name := range slices.Concat(d.folders, d.files) {
		if at := d.at(name); !slices.Contains(list, name) && at != top.dir && at != path.Dir(top.dir) {
			p.skip(show(d.source, at), "beside the folders of people", "")
		}
	}
}

// faceName is a picture as pairs.txt names it.
type faceName struct {
	person string
	number int
}

type facePairs struct {
	promised int
	list     []facePair
}

type facePair struct {
	a, b faceName
	fold int
}

func (p facePair) same() bool { return p.a.person == p.b.person }

// errPeople is what is said of a list of the unrestricted protocol.
var errPeople = errors.New("people and the number of their pictures, as people.txt does, and no pairs")

// parsePairs reads pairs.txt; of a beginning, a last line that is cut is left out.
func parsePairs(r io.Reader, beginning bool) (p facePairs, err error) {
	perFold, first := 0, true
	var late error
	err = scanWords(r, func(words []string) error {
		if late != nil {
			return late
		}
		if first {
			first = false
			folds := 1
			var err error
			if len(words) == 2 {
				folds, err = strconv.Atoi(words[0])
			}
			n, err2 := strconv.Atoi(words[len(words)-1])
			if len(words) > 2 || err != nil || err2 != nil || folds < 1 || n < 1 || folds > 1<<20 || n > 1<<20 {
				return errors.Errorf("%q, want the number of parts and of equal pairs in each, such as 10 300", strings.Join(words, " "))
			}
			perFold = 2 * n
			p.promised = folds * perFold
			return nil
		}
		pair, err := parsePair(words)
		if err != nil && len(p.list) == 0 && listsPeople(words) {
			return errPeople
		}
		if err != nil && beginning {
			late = err // of an error only if there is another line
			return nil
		}
		pair.fold = len(p.list) / perFold
		p.list = append(p.list, pair)
		return err
	})
	if err == nil && len(p.list) == 0 {
		err = errors.New("no pairs")
	}
	return p, err
}

// listsPeople reports whether a line is a number of people, or a person and a number of
// pictures.
func listsPeople(words []string) bool {
	_, err := strconv.Atoi(words[len(words)-1])
	return err == nil && len(words) <= 2
}

func parsePair(words []string) (facePair, error) {
	face := func(person, number string) (faceName, error) {
		n, err := strconv.Atoi(number)
		if err != nil || n < 0 {
			return faceName{}, errors.Errorf("%q is no number of a picture", number)
		}
		return faceName{person, n}, nil
	}
	var p facePair
	var err, err2 error
	switch len(words) {
	case 3:
		p.a, err = face(words[0], words[1])
		p.b, err2 = face(words[0], words[2])
	case 4:
		p.a, err = face(words[0], words[1])
		p.b, err2 = face(words[2], words[3])
		if err == nil && err2 == nil && p.a.person == p.b.person {
			err = errors.Errorf("%q twice in a pair of two people", p.a.person)
		}
	default:
		err = errors.Errorf("%d words, want NAME N M, or NAME N NAME M", len(words))
	}
	if err == nil {
		err = err2
	}
	return p, err
}
