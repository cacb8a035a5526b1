package datasets

import (
	"fmt"
	"os"
	"strconv"

	"medusa/internal/field"
)

// chooser takes the parts of a Choice from where it says.
type chooser struct {
	Choice
	options Options
	opened  Split    // at first: what an error closes
	train   *Dataset // what is left to learn
	parted  bool     // TestClasses has been obeyed
}

func (c *chooser) stage(name string) {
	if c.Stage != nil {
		c.Stage(name)
	}
}

// parts cuts what was found into parts. unasked says which validation classes it chose without being told.
func (c *chooser) parts(found Split) (s Split, unasked *Unasked, err error) {
	test, err := c.chooseClasses(found)
	if err != nil {
		return s, nil, err
	}
	if s.Test, err = c.part("test", c.Test, test); err != nil {
		return s, nil, err
	}
	c.opened.Test = s.Test
	if !c.parted {
		if s.Test, err = listed(s.Test, testClasses, c.TestClasses); err != nil {
			return s, nil, err
		}
	}
	val := c.Val
	if val == "" && found.Val == nil {
		unasked = c.unasked(s.Test != nil)
		val = unasked.Value
	}
	if s.Val, err = c.part("val", val, found.Val); err != nil {
		return s, nil, err
	}
	c.opened.Val = s.Val
	s.Train = c.train
	return s, unasked, c.tellShared(s)
}

// The fields that name classes.
const trainClasses, testClasses = field.Name("TrainClasses"), field.Name("TestClasses")

// chooseClasses obeys TrainClasses and TestClasses: it sets c.train and returns the test part that
// lies beside it, nil if there is none. Where all pictures lie in one part, or a protocol
// parted them by class, either list chooses among all classes; a class that one list names
// is not in the other part.
func (c *chooser) chooseClasses(split Split) (test *Dataset, err error) {
	_, share := Share(c.Test)
	chosen := c.TrainClasses != "" || c.TestClasses != ""
	whole := split.Whole()
	switch {
	case whole != nil && share:
		c.train, err = listed(overridden(whole, split.Train), trainClasses, c.TrainClasses)
		return nil, err
	case whole != nil && c.Test == "" && chosen:
		whole = overridden(whole, split.Train)
		return c.choosePair(whole, split.Train, split.Test)
	case split.Test == nil && c.Test == "" && c.TestClasses != "":
		return c.choosePair(split.Train, split.Train, nil)
	}
	c.train, err = listed(split.Train, trainClasses, c.TrainClasses)
	return split.Test, err
}

// overridden returns whole with a Summary that says that the protocol does not hold.
func overridden(whole, train *Dataset) *Dataset {
	s := train.Summary()
	return whole.WithProtocol("classes of your own choice in place of the usual protocol of " + s.Layout)
}

// choosePair cuts whole by both lists. Without a list a part is what it was, train or test,
// less what the other list names.
func (c *chooser) choosePair(whole, train, test *Dataset) (*Dataset, error) {
	c.parted = true
	toTrain, err := matching(whole, trainClasses, c.TrainClasses)
	if err != nil {
		return nil, err
	}
	toTest, err := matching(whole, testClasses, c.TestClasses)
	if err != nil {
		return nil, err
	}
	inTrain, inTest := nameSet(train), nameSet(test)
	for class, name := range whole.Classes() {
		switch {
		case toTrain != nil && toTest != nil && toTrain[class] && toTest[class]:
			return nil, field.Errorf("datasets", "", "the class %q is named by %s and by %s; want it in one of them", name, trainClasses, testClasses)
		case toTrain == nil && toTest[class]:
			inTrain[name] = false
		case toTest == nil && toTrain[class]:
			inTest[name] = false
		}
		if toTrain != nil {
			inTrain[name] = toTrain[class]
		}
		if toTest != nil {
			inTest[name] = toTest[class]
		}
	}
	names := whole.Classes()
	c.train = whole.Subset(func(c int) bool { return inTrain[names[c]] })
	if n := c.train.NumClasses(); n < 2 {
		return nil, field.Errorf("datasets", "", "%d classes are left to learn, want at least 2: name fewer in %s", n, testClasses)
	}
	return whole.Subset(func(c int) bool { return inTest[names[c]] }), nil
}

const (
	unaskedVal      = 0.1 // of the training classes
	enoughToMeasure = 10  // training classes from which on validation classes are cut unasked, to measure something
	enoughToChoose  = 30  // the same where there is a test part, to choose the weights
)

// partFields are the fields that say where a part comes from.
var partFields = map[string]field.Name{"val": "Val", "test": "Test"}

// part is a set of classes to measure on: from names its place, and found is what lies
// beside the training pictures.
func (c *chooser) part(name, from string, found *Dataset) (*Dataset, error) {
	share, isShare := Share(from)
	switch {
	case from == "none":
		return nil, nil
	case from == "":
		return found, nil
	case isShare:
		return c.cut(name, share)
	}
	return c.open(name, from)
}

// unasked decides on validation classes if the data have none and nobody asked for any.
func (c *chooser) unasked(tested bool) *Unasked {
	const lastKept = "; the last weights become the model"
	classes, pairs := c.train.NumClasses(), PairClasses(c.train) // only classes of two pictures can be retrieved
	share := unaskedVal
	switch {
	case c.Uncounted:
		pairs, tested = classes, false
	case pairs < classes:
		share = unaskedVal * float64(pairs) / float64(classes)
	}
	u := &Unasked{Value: "none"}
	switch {
	case pairs == 0:
		u.Reason = "no class has the two pictures or more that can be measured on" + lastKept
	case pairs == 1:
		u.Reason = "1 class of two pictures or more is too few to set some aside" + lastKept
	case pairs < enoughToMeasure:
		u.Reason = fmt.Sprintf("%d classes of two pictures or more are too few to set some aside%s", pairs, lastKept)
	case tested && pairs < enoughToChoose:
		u.Reason = fmt.Sprintf("%d classes are better learned all than some set aside to choose weights by%s", pairs, lastKept)
	default:
		u.Value = strconv.FormatFloat(share, 'g', -1, 64)
		if pairs < classes {
			u.Reason = fmt.Sprintf("%v of the %d classes that have two pictures or more", unaskedVal, pairs)
		}
	}
	return u
}

func (c *chooser) cut(name string, share float64) (*Dataset, error) {
	train, part, err := c.train.SplitClasses(share, c.Seed)
	if err != nil {
		return nil, field.Errorf("datasets", "", "%s: cutting %v of the classes: %v; or give others (%s PATH)", partFields[name], share, err, partFields[name])
	}
	c.train = train
	return part, nil
}

// open reads another place with the size, channels and range of the training pictures.
func (c *chooser) open(name, path string) (*Dataset, error) {
	o := c.options
	if !c.train.HoldsVectors() {
		o.Channels, o.Height, o.Width = c.train.Shape()
		o.Range = c.train.Range()
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		o.Columns = "" // they name those of a table, and this is another place
	}
	split, err := Open(path, o)
	if err != nil {
		return nil, field.Errorf("datasets", "", "%s: %v", partFields[name], field.Under(err, "datasets", ""))
	}
	own := split.Test
	if name == "val" && split.Val != nil || own == nil {
		own = split.Val
	}
	if own == nil {
		own = split.Train
	}
	if err := Check(own, c.train); err != nil {
		split.Close()
		return nil, field.Errorf("datasets", "", "%s: %s: %v", partFields[name], path, err)
	}
	return own, nil
}

// tellShared tells where weights are chosen, or the final figures are, on classes that are
// learned, in other pictures. It refuses to choose them on the pictures that are learned.
func (c *chooser) tellShared(d Split) error {
	for _, part := range []struct {
		name, from string
		set        *Dataset
	}{{"validation", c.Val, d.Val}, {"test", "", d.Test}} {
		if part.set == nil {
			continue
		}
		s := SharedClasses(d.Train, part.set)
		if len(s) == 0 {
			continue
		}
		if part.from != "" && !d.Train.HoldsVectors() {
			same, err := FindNearCopies(part.set, d.Train)
			if err != nil {
				return field.Errorf("datasets", "", "%s: %v", field.Name("Val"), err)
			}
			if 2*len(same) > part.set.Len() {
				return field.Errorf("datasets", "", "%d of %d validation pictures are also learned, such as %s: "+
					"give pictures of their own, a fraction, or none as %s", len(same), part.set.Len(), part.set.Path(same[0].Picture), field.Name("Val"))
			}
		}
		c.options.Logger.Warn(part.name+" classes are also learned: the figures are not about unseen classes", "shared", len(s), "example", s[0])
	}
	return nil
}
