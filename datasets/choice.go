package datasets

import (
	"cmp"
	"fmt"
	"log/slog"
	"strconv"

	"github.com/pkg/errors"

	"medusa/internal/field"
	"medusa/internal/wording"
)

// Choice says which pictures of a place are learned, and which are measured on.
type Choice struct {
	// Val is where the validation classes come from: a path, a share of the training classes such
	// as 0.1, or none. If empty: the validation part of the data, else a share that suits them.
	//
	// Where nothing is said of validation classes and the data have none, a tenth of the
	// training classes, at least two, becomes them if there are 30 classes of two pictures or
	// more. From 10 on they are cut too if nothing else could be measured. With fewer classes
	// those that are not learned cost more than a choice by two or three of them brings: on
	// subsets of Omniglot, MAP@R of the test classes is lower by .017 ± .007 with 12 classes
	// (12 seeds) and by .019 ± .007 with 20 (10 seeds) than of all classes learned to the last
	// step; with 30 by .008 ± .012 (7 seeds).
	Val string
	// Test is where the classes for the final figures come from: a path, a share of the training
	// classes, or none. If empty: the test part of the data, if there is one.
	Test string

	// TrainClasses and TestClasses name the classes to learn and to test where all lie in one part,
	// where both parts have the same ones, or in place of the usual protocol of a well-known data
	// set: names, patterns as of path.Match, and ranges of numbers, with commas between: 0-4 and
	// 5-9. Empty: all.
	TrainClasses, TestClasses string

	Copies        Copies // TellCopies if empty
	TurnedClasses bool   // learn each training class also turned, see Dataset.Turned

	// Normalise is auto (mean and deviation of each channel over what is learned), none, or given
	// (Mean and Std); auto if empty.
	Normalise string
	Mean, Std []float32 // on [0, 1], one a channel

	Seed uint64 // which classes a share takes depends on their names and on this

	// Uncounted has an empty Val count all classes, also those of one picture, and take no notice of
	// a test part, as the first edition did.
	Uncounted bool

	// Stage, if not nil, is called where another part of the work begins, such as to look for
	// copies; Options.Progress is told of that part next.
	Stage func(name string)
}

// Copies says what is done about pictures of the test or validation classes that an earlier
// part has too, byte-identical or encoded or sized anew (FindNearCopies).
type Copies string

// The three choices.
const (
	TellCopies     Copies = "tell"   // they are noted in the summary
	LeaveOutCopies Copies = "drop"   // the earlier part, such as training, loses them
	IgnoreCopies   Copies = "ignore" // they are not looked for
)

// Chosen is what a Choice comes to.
type Chosen struct {
	Split
	Norm Normalisation // of what is learned

	// Unasked is what an empty Choice.Val came to where the data have no validation part; nil
	// elsewhere.
	Unasked *Unasked
}

// Unasked is a setting that nobody gave and that was chosen to suit the data.
type Unasked struct {
	Value  string
	Reason string // in words, where the value is not the usual one; else empty
}

// Choose opens the pictures at path, cuts validation and test classes that share none with the
// training classes, and computes the normalisation. Close the split when done. Errors about fields
// of c are those of field.Error.
func Choose(path string, c Choice, o Options) (chosen Chosen, err error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	ch := chooser{Choice: c, options: o}
	defer func() {
		if err != nil {
			ch.opened.Close()
		}
	}()
	found, err := Open(path, o)
	if err != nil {
		return chosen, field.Under(err, "datasets", "")
	}
	if ch.opened = found; found.Train == nil {
		return chosen, field.Errorf("datasets", "", "%s: %s has no pictures to learn from: want folders of classes, or a folder train of them", field.Name("Path"), nameOfPlace(path))
	}
	s, unasked, err := ch.parts(found)
	if err != nil {
		return chosen, err
	}
	ch.stage("looking for copies across the parts")
	if s, err = c.separate(s); err != nil {
		return chosen, err
	}
	chosen = Chosen{Split: s.TellLookalikes(), Unasked: unasked}
	ch.stage("mean and deviation")
	if chosen.Norm, err = c.normalisation(chosen.Train); err != nil {
		return chosen, err
	}
	if c.TurnedClasses {
		turned, err := chosen.Train.Turned()
		if err != nil {
			return chosen, field.Errorf("datasets", "", "%s: %v", field.Name("TurnedClasses"), err)
		}
		chosen.Train = turned.WithProtocol(turnedProtocol(chosen.Train.Summary()))
	}
	return chosen, nil
}

// nameOfPlace is a path in a message.
func nameOfPlace(path string) string { return cmp.Or(path, "the embedded data") }

// turnedProtocol tells what is learned of the classes before they were turned.
func turnedProtocol(s Summary) string {
	text := fmt.Sprintf("the %s classes to learn are also learned turned by 90, 180 and 270 degrees, as classes of their own", wording.Thousands(s.Classes))
	if s.Protocol != "" {
		return s.Protocol + "; " + text
	}
	return text
}

// separate looks for pictures that stand in more than one part.
func (c Choice) separate(s Split) (Split, error) {
	if c.Copies == IgnoreCopies {
		return s, nil
	}
	s, err := s.TellCopies(c.Copies == LeaveOutCopies)
	if err != nil {
		return s, field.Errorf("datasets", "", "%s: %v", field.Name("Copies"), err)
	}
	return s, nil
}

func (c Choice) normalisation(train *Dataset) (Normalisation, error) {
	channels, _, _ := train.Shape()
	switch c.Normalise {
	case "none":
		return Normalisation{}, nil
	case "given":
		n := Normalisation{Mean: c.Mean, Std: c.Std}
		if err := n.Validate(channels); err != nil {
			return n, field.Errorf("datasets", "", "%s: %v", field.Names{"Mean", "Std"}, err)
		}
		return n, nil
	}
	n, err := train.ComputeNormalisation()
	return n, errors.WithMessage(err, "normalisation")
}

// Share reads a share of classes, as Val and Test may be; a path is none.
func Share(text string) (share float64, ok bool) {
	x, err := strconv.ParseFloat(text, 64)
	return x, err == nil
}
