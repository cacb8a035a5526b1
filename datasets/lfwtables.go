package datasets

import (
	"encoding/csv"
	"io"
	"slices"
	"strings"

	"github.com/pkg/errors"
)

// Labeled Faces in the Wild is handed on with its lists as tables too (Kaggle's lfw-dataset):
// pairs.csv, without the line of numbers that pairs.txt begins with,
//
//	name,imagenum1,imagenum2,
//	Abel_Pacheco,1,4,
//	Abdel_Madi_Shabneh,1,Dean_Barker,1
//
// and pairsDevTest.txt in two, matchpairsDevTest.csv and mismatchpairsDevTest.csv; likewise
// pairsDevTrain.txt. Beside them lie lists of people.

// pairTables are the tables that hold what one list does.
var pairTables = [][]string{
	{"pairs.csv"},
	{"matchpairsDevTest.csv", "mismatchpairsDevTest.csv"},
	{"matchpairsDevTrain.csv", "mismatchpairsDevTrain.csv"},
}

// peopleTables are the lists of people, which are no tables of pictures.
var peopleTables = []string{"people.csv", "peopleDevTest.csv", "peopleDevTrain.csv", "lfw_allnames.csv", "lfw_readme.csv"}

// isFaceTable reports whether a table's header is that of one of these pairs.
func isFaceTable(header []string) bool {
	var keys []string
	for _, name := range header {
		if key := columnKey(name); key != "" {
			keys = append(keys, strings.TrimRight(key, "12"))
		}
	}
	return slices.Equal(keys, []string{"name", "imagenum", "imagenum"}) || slices.Equal(keys, []string{"name", "imagenum", "name", "imagenum"})
}

// parsePairTable reads a table of pairs. Of a beginning, its last line may be cut.
func parsePairTable(r io.Reader, beginning bool) (p facePairs, err error) {
	text, _, err := decodeText(r)
	if err != nil {
		return p, err
	}
	c := csv.NewReader(text)
	c.FieldsPerRecord, c.TrimLeadingSpace = -1, true
	header, err := c.Read()
	if err != nil || !isFaceTable(header) {
		return p, errors.Errorf("%q, want the header name,imagenum1,imagenum2, or that of pairs of two people", strings.Join(header, ","))
	}
	for {
		row, err := c.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		line := 0
		var pair facePair
		if err == nil {
			line, _ = c.FieldPos(0)
			pair, err = parsePair(slices.DeleteFunc(row, func(cell string) bool { return strings.TrimSpace(cell) == "" }))
			err = errors.WithMessagef(err, "line %d", line)
		}
		if err != nil && beginning {
			if _, more := c.Read(); errors.Is(more, io.EOF) {
				break // what was cut
			}
		}
		if err != nil {
			return p, err
		}
		p.list = append(p.list, pair)
	}
	if len(p.list) == 0 {
		return p, errors.New("no pairs")
	}
	p.number()
	return p, nil
}

// number parts the pairs into folds, each of equal pairs and then of different ones, as they
// stand in pairs.csv.
func (p *facePairs) number() {
	fold := 0
	for i := range p.list {
		if i > 0 && p.list[i].same() && !p.list[i-1].same() {
			fold++
		}
		p.list[i].fold = fold
	}
	p.promised = len(p.list)
}
