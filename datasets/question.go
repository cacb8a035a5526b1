package datasets

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pkg/errors"
)

// Question is the error of opening what can be read in several ways, of which a wrong
// one would be learned without anybody noticing.
type Question struct {
	About   string   // what was found, and why it is not clear
	Answers []Answer // at least one
}

// Answer is a way out of a Question.
type Answer struct {
	If       string // what is meant by it, such as "they are classes"
	Settings []Setting
}

// Setting is the field of Options that gives an answer, or Path, what is opened, or Test,
// what is opened as test part.
type Setting struct{ Name, Value string }

// Error asks the question in the words of a Go program.
func (q *Question) Error() string {
	return q.In(func(s Setting) string {
		switch s.Name {
		case "Path":
			return "open " + strconv.Quote(s.Value)
		case "Test":
			return "and as test part " + strconv.Quote(s.Value)
		}
		return fmt.Sprintf("set Options.%s to %q", s.Name, s.Value)
	})
}

// In asks the question in the words of another program, which say writes.
func (q *Question) In(say func(Setting) string) string {
	var answers []string
	for _, a := range q.Answers {
		var settings []string
		for _, s := range a.Settings {
			settings = append(settings, say(s))
		}
		answers = append(answers, "if "+a.If+": "+strings.Join(settings, " "))
	}
	return q.About + "; " + strings.Join(answers, "; ")
}

// partWords are names that stand for parts of one data set. Two of one line beside each
// other are hardly ever two classes.
var partWords = [][]string{
	{"train", "training", "val", "valid", "validation", "dev", "test", "testing", "trainval", "train_all"},
	{"query", "gallery", "probe", "multi-query", "bounding_box_train", "bounding_box_test", "gt_bbox", "gt_query"},
	{"seen", "unseen"},
	{"known", "unknown", "novel", "base"},
	{"images_background", "images_evaluation", "background", "evaluation"},
	{"support", "query"},
	{"labeled", "unlabeled", "labelled", "unlabelled"},
	{"anchor", "positive", "negative"},
	{"bicycle_final", "cabinet_final", "chair_final", "coffee_maker_final", "fan_final", "kettle_final", "lamp_final", "mug_final", "sofa_final", "stapler_final", "table_final", "toaster_final"},
}

// questionClasses asks back where folders that would be taken for classes, or hold them,
// are named as parts of a data set are.
func questionClasses(src source, top string, p *part) error {
	const levels = 4
	for level := range levels {
		at := make(map[string]bool)
		var names []string
		for _, c := range p.candidates {
			if steps := strings.Split(c.class, "/"); level < len(steps) && !at[steps[level]] {
				at[steps[level]] = true
				names = append(names, steps[level])
			}
		}
		for _, words := range partWords {
			found := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return !slices.Contains(words, strings.ToLower(n)) })
			if len(found) >= 2 {
				return errors.WithStack(questionOf(src, top, level, found, p.candidates))
			}
		}
	}
	return nil
}

// questionOf asks what folders of these names are.
func questionOf(src source, top string, level int, found []string, all []candidate) *Question {
	slices.Sort(found)
	q := &Question{
		About: fmt.Sprintf("the folders %s look like parts of one data set, not like classes", printable(strings.Join(found, ", "))),
	}
	if strings.HasSuffix(found[0], "_final") {
		q.About = fmt.Sprintf("the folders %s … are the super-classes of Stanford Online Products, each of many products, and Ebay_train.txt and Ebay_test.txt are not beside them", found[0])
	}
	classesBelow := !slices.ContainsFunc(all, func(c candidate) bool { return slices.Contains(found, c.class) })
	if level == 0 && len(found) == 2 && classesBelow {
		learn, test := found[0], found[1]
		if slices.Contains([]string{"evaluation", "test", "testing", "query", "unseen", "novel", "unknown"}, strings.ToLower(learn)) {
			learn, test = test, learn
		}
		if onDisk(src) {
			join := func(name string) string { return show(src, strings.TrimPrefix(top+"/"+name, "./")) }
			q.Answers = append(q.Answers, Answer{
				If:       "one is to be learned and the other to be measured on",
				Settings: []Setting{{"Path", join(learn)}, {"Test", join(test)}},
			})
		}
	}
	q.Answers = append(q.Answers, Answer{If: "they are classes, or names around classes", Settings: []Setting{{"Layout", string(LayoutFolders)}}})
	return q
}
