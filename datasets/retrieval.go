package datasets

import (
	"image"
	"maps"
	"slices"
)

// NoClass is the label of a picture that belongs to no class: a distractor, which stands
// in the gallery, is relevant to no query and is itself never one; or any picture where
// nobody gave labels.
const NoClass = -1

// Role says what a picture is for when retrieval is measured.
type Role uint8

// The roles.
const (
	QueryAndGallery Role = iota // searched for, and among what is searched: where nothing else is said
	Query                       // searched for
	Gallery                     // among what is searched
)

// Groups puts every picture of a Dataset into one of some groups, such as the cameras
// that took them. Its zero value says that nothing is known.
type Groups struct {
	Of    []int    // picture → group, an index of Names; -1 where none is known; nil if nothing is
	Names []string // in ascending order, safe to print
}

// Pair is two pictures of a Dataset of which a verification test asks whether they show
// the same class.
type Pair struct {
	A, B int  // pictures
	Same bool // whether they are of one class, as the list of pairs has it
	Fold int  // part of a cross-validation, from 0: a threshold is chosen on the others
}

// traits is what is known of each row of a store besides its class. A nil slice knows
// nothing.
type traits struct {
	roles                        []Role
	cameras, sequences, category Groups
	boxes                        []*image.Rectangle
	listedPairs                  int // of a verification test, with those of which a picture is lacking
}

// Role returns what picture i is for.
func (d *Dataset) Role(i int) Role {
	if d.traits == nil || d.traits.roles == nil {
		return QueryAndGallery
	}
	return d.traits.roles[d.rows[i]]
}

// Queries returns the pictures to be searched for, in ascending order: those whose role
// says so and that have a class. Of a Dataset without roles these are all.
func (d *Dataset) Queries() []int {
	return d.having(func(i int) bool { return d.Role(i) != Gallery && d.labels[i] != NoClass })
}

// Gallery returns the pictures among which is searched, in ascending order, distractors
// included. Of a Dataset without roles these are all; a query that is in the gallery too
// is left out of its own ranking.
func (d *Dataset) Gallery() []int {
	return d.having(func(i int) bool { return d.Role(i) != Query })
}

// HasRoles reports whether Queries and Gallery are anything but all pictures.
func (d *Dataset) HasRoles() bool {
	return len(d.Queries()) < d.Len() || len(d.Gallery()) < d.Len()
}

func (d *Dataset) having(is func(i int) bool) []int {
	var list []int
	for i := range d.Len() {
		if is(i) {
			list = append(list, i)
		}
	}
	return list
}

// Cameras returns which camera took each picture. Where cameras are known, pictures of a
// query's own class and camera are neither right nor wrong: they are taken out of its
// ranking, as re-identification defines it.
func (d *Dataset) Cameras() Groups { return d.groups(func(t *traits) Groups { return t.cameras }) }

// Sequences returns which sequence, such as the frames of one film, each picture is of.
// They are used as cameras are: nobody wants to find the next frame.
func (d *Dataset) Sequences() Groups { return d.groups(func(t *traits) Groups { return t.sequences }) }

// Categories returns the kind of thing that each picture's class is, such as shoes.
func (d *Dataset) Categories() Groups { return d.groups(func(t *traits) Groups { return t.category }) }

// groups carries a trait from rows of the store to pictures of d.
func (d *Dataset) groups(of func(*traits) Groups) Groups {
	if d.traits == nil || of(d.traits).Of == nil {
		return Groups{}
	}
	all := of(d.traits)
	own := Groups{Of: make([]int, d.Len()), Names: all.Names}
	known := false
	for i, row := range d.rows {
		own.Of[i] = all.Of[row]
		known = known || own.Of[i] >= 0
	}
	if !known {
		return Groups{}
	}
	return own
}

// Box returns the part of its file that picture i was cut from, in pixels of the upright
// file, or false if it is the whole.
func (d *Dataset) Box(i int) (image.Rectangle, bool) {
	if d.traits == nil || d.traits.boxes == nil || d.traits.boxes[d.rows[i]] == nil {
		return image.Rectangle{}, false
	}
	return *d.traits.boxes[d.rows[i]], true
}

// Pairs returns the pairs of a verification test of which d has both pictures, in the
// order of their list; nil if no such list was found.
func (d *Dataset) Pairs() []Pair {
	if len(d.pairs) == 0 {
		return nil
	}
	number := make(map[int32]int, d.Len())
	for i, row := range d.rows {
		number[row] = i
	}
	var own []Pair
	for _, p := range d.pairs {
		a, hasA := number[int32(p.A)]
		b, hasB := number[int32(p.B)]
		if hasA && hasB {
			own = append(own, Pair{A: a, B: b, Same: p.Same, Fold: p.Fold})
		}
	}
	return own
}

// traitsOf collects what candidates say besides their class.
func traitsOf(all []candidate) *traits {
	t := &traits{
		cameras:   groupsOf(all, func(c *candidate) string { return c.camera }),
		sequences: groupsOf(all, func(c *candidate) string { return c.sequence }),
		category:  groupsOf(all, func(c *candidate) string { return c.category }),
	}
	for i := range all {
		if c := &all[i]; c.role != QueryAndGallery && t.roles == nil {
			t.roles = make([]Role, len(all))
		}
		if c := &all[i]; c.box != nil && t.boxes == nil {
			t.boxes = make([]*image.Rectangle, len(all))
		}
	}
	for i := range t.roles {
		t.roles[i] = all[i].role
	}
	for i := range t.boxes {
		t.boxes[i] = all[i].box
	}
	return t
}

// groupsOf numbers the names that of gives, in ascending order; "" is unknown.
func groupsOf(all []candidate, of func(*candidate) string) Groups {
	number := make(map[string]int)
	for i := range all {
		if name := of(&all[i]); name != "" {
			number[name] = 0
		}
	}
	if len(number) == 0 {
		return Groups{}
	}
	g := Groups{Of: make([]int, len(all))}
	for n, name := range slices.Sorted(maps.Keys(number)) {
		number[name] = n
		g.Names = append(g.Names, printable(name))
	}
	for i := range all {
		g.Of[i] = -1
		if name := of(&all[i]); name != "" {
			g.Of[i] = number[name]
		}
	}
	return g
}

// pairsOf turns names into rows, and lists the pairs that lack a picture.
func pairsOf(all []candidate, outcomes []outcome, named []namedPair) (pairs []Pair, missing []string) {
	if len(named) == 0 {
		return nil, nil
	}
	row := make(map[string]int, len(all))
	for i, c := range all {
		if outcomes[i].err == nil {
			row[c.name] = i
		}
	}
	for _, p := range named {
		a, hasA := row[p.a]
		b, hasB := row[p.b]
		if !hasA || !hasB {
			missing = append(missing, printable(p.a)+" – "+printable(p.b))
			continue
		}
		pairs = append(pairs, Pair{A: a, B: b, Same: p.same, Fold: p.fold})
	}
	return pairs, missing
}
