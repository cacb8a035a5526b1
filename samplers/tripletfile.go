package samplers

import (
	"cmp"
	"encoding/csv"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/pkg/errors"

	"medusa/internal/field"
)

// ReadTriplets reads triplets of pictures from CSV: a row a triplet, with the names of an anchor, a
// positive and a negative, in this order or in that of a first line that says anchor, positive and
// negative. names are what the pictures are called. A name may lack the first folders of a path, or
// have more of them, where it still means one picture.
func ReadTriplets(r io.Reader, pictures int, names func(picture int) string) ([][3]int, error) {
	rows := csv.NewReader(r)
	rows.FieldsPerRecord, rows.TrimLeadingSpace, rows.ReuseRecord = -1, true, true
	index := newNameIndex(pictures, names)
	order := [3]int{0, 1, 2}
	columns := 3
	var out [][3]int
	for first := true; ; first = false {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err // it names the line
		}
		line, _ := rows.FieldPos(0)
		if first {
			row[0] = strings.TrimPrefix(row[0], "\ufeff")
			if header, ok := tripletHeader(row); ok {
				order, columns = header, len(row)
				continue
			}
		}
		if len(row) != columns {
			return nil, errors.Errorf("line %d: %d columns, want %d: an anchor, a positive and a negative", line, len(row), columns)
		}
		var t [3]int
		for k, column := range order {
			if t[k], err = index.find(strings.TrimSpace(row[column])); err != nil {
				return nil, errors.WithMessagef(err, "line %d", line)
			}
		}
		if t[0] == t[1] || t[0] == t[2] || t[1] == t[2] {
			return nil, errors.Errorf("line %d: a picture stands twice in one triplet", line)
		}
		out = append(out, t)
	}
	if len(out) == 0 {
		return nil, errors.New("there is no triplet in it, want a line each: anchor,positive,negative")
	}
	return out, nil
}

// tripletHeader is where in a first line the anchor, the positive and the negative stand, if it names
// them.
func tripletHeader(row []string) (at [3]int, ok bool) {
	for k, name := range []string{"anchor", "positive", "negative"} {
		at[k] = slices.IndexFunc(row, func(cell string) bool { return strings.EqualFold(strings.TrimSpace(cell), name) })
		if at[k] < 0 {
			return at, false
		}
	}
	return at, true
}

// nameIndex finds pictures by their names.
type nameIndex struct {
	full   map[string]int // severalPictures where a name means more than one
	ending map[string]int // by each ending of a path
}

const severalPictures = -1

func newNameIndex(pictures int, names func(int) string) *nameIndex {
	x := &nameIndex{full: map[string]int{}, ending: map[string]int{}}
	add := func(to map[string]int, name string, i int) {
		if _, taken := to[name]; taken {
			i = severalPictures
		}
		to[name] = i
	}
	for i := range pictures {
		name := slashed(names(i))
		add(x.full, name, i)
		for rest, more := name, true; more; {
			add(x.ending, rest, i)
			_, rest, more = strings.Cut(rest, "/")
		}
	}
	return x
}

// find is the picture of a name: the one called so, else the one whose path ends so, else the one
// whose path the name ends with.
func (x *nameIndex) find(name string) (int, error) {
	name = slashed(name)
	i, known := x.full[name]
	if !known {
		i, known = x.ending[name]
	}
	for rest, more := name, true; !known && more; {
		if _, rest, more = strings.Cut(rest, "/"); more {
			i, known = x.full[rest]
		}
	}
	switch {
	case !known || name == "":
		return 0, errors.Errorf("%q is none of the pictures to learn", name)
	case i == severalPictures:
		return 0, errors.Errorf("%q are several of the pictures to learn: name the one with its folders", name)
	}
	return i, nil
}

// slashed is a path as all systems write it.
func slashed(name string) string {
	return strings.TrimPrefix(strings.ReplaceAll(name, `\`, "/"), "./")
}

// fixedTripletsOf makes fixed-triplets of a file, or of as many triplets as Config.Triplets says.
func fixedTripletsOf(d Pictures, c Config) (Sampler, error) {
	const triplets, batch = field.Name("Triplets"), field.Name("Batch")
	if c.P != 0 || c.K != 0 || c.Repeat || c.Power != 0 || c.Pool != 0 {
		return nil, field.Errorf("samplers", "", "%s fixed-triplets takes %s, %s and %s only; %s, %s, %s, %s and %s belong to the P×K samplers", field.Name("Name"),
			triplets, batch, field.Name("Seed"), field.Name("P"), field.Name("K"), field.Name("Repeat"), field.Name("Power"), field.Name("Pool"))
	}
	if c.Batch < 0 || c.Batch%3 != 0 {
		return nil, field.Errorf("samplers", "", "%s is %d pictures, want a multiple of 3, since each triplet has three", batch, c.Batch)
	}
	number, err := strconv.Atoi(cmp.Or(c.Triplets, strconv.Itoa(len(d.Labels))))
	var set [][3]int
	if err != nil {
		if set, err = d.tripletsIn(c.Triplets); err != nil {
			return nil, field.Errorf("samplers", "", "%s: %v", triplets, err)
		}
		number = len(set)
	}
	perBatch := cmp.Or(c.Batch/3, min(DefaultBatch/3, number))
	if number < 1 || perBatch > number {
		return nil, field.Errorf("samplers", "", "%s is %d, and %s %d: want at least one triplet, and as many as a batch shows, %d", triplets, number, batch, 3*perBatch, perBatch)
	}
	if set != nil {
		return NewGivenTriplets(d.Labels, set, perBatch, c.Seed)
	}
	s, err := NewFixedTriplets(d.Labels, number, perBatch, c.Seed)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// tripletsIn are those of a file.
func (d Pictures) tripletsIn(path string) ([][3]int, error) {
	if d.Names == nil {
		return nil, errors.Errorf("%s names pictures, and these have no names", path)
	}
	if info, err := os.Stat(path); err != nil {
		return nil, err // it names the path
	} else if !info.Mode().IsRegular() {
		return nil, errors.Errorf("%s is no file, want CSV with lines anchor,positive,negative, or a number of triplets to be drawn", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	set, err := ReadTriplets(f, len(d.Labels), d.Names)
	return set, errors.WithMessage(err, path)
}
