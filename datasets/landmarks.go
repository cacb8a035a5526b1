package datasets

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/pkg/errors"
)

// landmarkColumns are the names under which the ten numbers of landmarks are written, as columnKey writes them: plain ones,
// CelebA's, and VGGFace2's.
var landmarkColumns = [][]string{
	{"lefteyex", "lefteyey", "righteyex", "righteyey", "nosex", "nosey", "mouthleftx", "mouthlefty", "mouthrightx", "mouthrighty"},
	{"lefteyex", "lefteyey", "righteyex", "righteyey", "nosex", "nosey", "leftmouthx", "leftmouthy", "rightmouthx", "rightmouthy"},
	{"p1x", "p1y", "p2x", "p2y", "p3x", "p3y", "p4x", "p4y", "p5x", "p5y"},
}

// findLandmarks finds the ten columns of landmarks, or takes the one that has them all.
func (c *columns) findLandmarks(keys []string, taken []bool) error {
	if i := c.at[landmarksColumn]; i >= 0 {
		c.landmarks = []int{i}
		return nil
	}
	most, names := 0, []string(nil)
	for _, want := range landmarkColumns {
		var at []int
		for _, name := range want {
			if i := slices.Index(keys, name); i >= 0 && !taken[i] {
				at = append(at, i)
			}
		}
		if len(at) == len(want) {
			c.landmarks = at
			for _, i := range at {
				taken[i] = true
			}
			return nil
		}
		if len(at) > most {
			most, names = len(at), want
		}
	}
	if most > 0 {
		return errors.Errorf("%d of the ten columns %s: landmarks need all", most, strings.Join(names, ", "))
	}
	return nil
}

// landmarksColumn is the name of the column that has ten numbers.
const landmarksColumn = "landmarks"

// landmarksOf are the landmarks of a row, nil if it has none.
func (t *table) landmarksOf(row []string) (*fivePoints, error) {
	cells := t.columns.landmarks
	if cells == nil {
		return nil, nil
	}
	var numbers []string
	for _, at := range cells {
		text := ""
		if at < len(row) {
			text = trimCell(row[at])
		}
		if len(cells) == 1 {
			numbers = strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t;,[]()", r) })
		} else if text != "" && !strings.EqualFold(text, "nan") {
			numbers = append(numbers, text)
		}
	}
	var points fivePoints
	switch {
	case len(numbers) == 0 || len(numbers) == 1 && strings.EqualFold(numbers[0], "nan"):
		return nil, nil
	case len(numbers) != 2*len(points):
		return nil, errors.Errorf("landmarks of %d numbers, want ten: x and y of the left eye, the right eye, the nose, the left and the right corner of the mouth", len(numbers))
	}
	largest := 0.
	for i, text := range numbers {
		v, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(v) || math.Abs(v) > 1<<30 {
			return nil, errors.Errorf("landmarks: %q is no number of pixels", text)
		}
		points[i/2][i%2] = v
		largest = max(largest, math.Abs(v))
	}
	if largest <= 1 {
		return nil, errors.New("landmarks between 0 and 1: want pixels of the picture, not shares of its sides")
	}
	return &points, nil
}

// isLandmarkHeader reports whether a header has the columns of landmarks alone, above rows that begin with the picture: that is how
// CelebA's list_landmarks_align_celeba.txt is written.
func isLandmarkHeader(cells []string) bool {
	var keys []string
	for _, name := range cells {
		keys = append(keys, columnKey(name))
	}
	return slices.ContainsFunc(landmarkColumns, func(want []string) bool { return slices.Equal(keys, want) })
}
