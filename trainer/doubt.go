package trainer

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"medusa/datasets"
	"medusa/internal/wording"
	"medusa/metrics"
)

// doubts is what is known of how well the metric tells models apart. It is part of a
// checkpoint, so that a resumed run warns as the unbroken one.
type doubts struct {
	Evaluations int     `json:"evaluations,omitempty"` // on the validation classes
	Lowest      float64 `json:"lowest,omitempty"`      // metric of any of them
	Ceiling     bool    `json:"ceiling,omitempty"`     // whether the run has warned of it

	// Trained is the best evaluation after the first step.
	Trained *bestTrained `json:"trained,omitempty"`
}

type bestTrained struct {
	Value  float64 `json:"value"`
	MAPAtR float64 `json:"map_at_r"`
	Step   int     `json:"step"`
}

const (
	ceiling      = 1      // the largest value of every metric
	fewClasses   = 5      // validation classes below which each weighs more than a fifth, and their spread is hardly known
	fewQueries   = 50     // below which one query moves a recall by more than 0.02
	wideError    = 0.1    // standard error above which models must differ by 0.2 to be told apart
	enoughLooks  = 3      // evaluations from which on a metric that never moves is worth a word
	wantedVal    = 10     // validation classes that advice asks for, where the data have enough
	largestShare = 1. / 3 // of all classes, that advice sets aside for them
)

// observe takes an evaluation on the validation classes into account.
func (d *doubts) observe(c candidate) {
	if d.Evaluations == 0 || c.value < d.Lowest {
		d.Lowest = c.value
	}
	d.Evaluations++
	if c.step == 0 {
		return
	}
	if d.Trained == nil || c.compare(candidate{d.Trained.Value, d.Trained.MAPAtR, d.Trained.Step}) > 0 {
		d.Trained = &bestTrained{c.value, c.mapAtR, c.step}
	}
}

// chooses reports whether the run does anything by its metric.
func (t *Trainer) chooses() bool {
	return t.data.Val != nil && (t.cfg.Keep == Best || t.cfg.Patience > 0 || t.cfg.Schedule.Name == "plateau")
}

// warnOfDoubts is what there is to say about an evaluation on the validation classes.
func (t *Trainer) warnOfDoubts(i EvalInfo) (out []Warning) {
	d := &t.state.Doubts
	d.observe(candidateOf(i))
	if !t.chooses() {
		return nil
	}
	if d.Evaluations == 1 {
		out = append(out, t.warnOfFew(i.Result)...)
	}
	if i.Value >= ceiling && !d.Ceiling && i.Step < t.cfg.Steps {
		d.Ceiling = true
		out = append(out, t.atCeiling(i))
	}
	return out
}

// warnOfFew warns that the validation classes are too few to tell models apart.
func (t *Trainer) warnOfFew(r metrics.Result) []Warning {
	classes := len(r.Classes)
	e, known := t.standardError(r)
	if classes >= fewClasses && r.Queries >= fewQueries && e <= wideError {
		return nil
	}
	m := fmt.Sprintf("the validation part (classes: %d, queries: %d) is small to choose weights by", classes, r.Queries)
	if known && e > 0 {
		m += fmt.Sprintf(": from class to class, %s has a standard error of about %.2f, and smaller differences mean little", wording.Measure(t.cfg.Metric), e)
	} else {
		m += fmt.Sprintf(": one query more or less moves %s by %.3f", wording.Measure(t.cfg.Metric), 1/float64(t.queriesOfMetric(r)))
	}
	return []Warning{{Kind: KindFew, Message: m, Advice: t.waysToTellApart(false, e)}}
}

// queriesOfMetric is how many queries the metric is the mean of.
func (t *Trainer) queriesOfMetric(r metrics.Result) int {
	if figure, _ := metrics.FigureOf(t.cfg.Metric); figure.Cameras && r.ReID != nil {
		return r.ReID.Queries
	}
	return r.Queries
}

// standardError returns the standard error of the metric over the validation classes. The classes are
// the sample, since queries of one class are not independent. ok is false for a metric that has no
// value for a single class, such as a clustering's.
//
// It is the linearised error of a ratio of totals over clusters: W. G. Cochran, "Sampling
// Techniques", 3rd edition, 1977, section 9A (clusters of unequal sizes).
func (t *Trainer) standardError(r metrics.Result) (deviation float64, ok bool) {
	mean, err := t.figure(r)
	n := float64(len(r.Classes))
	if err != nil || n < 2 {
		return 0, false
	}
	sum := 0.
	for _, c := range r.Classes {
		own, err := t.figure(metrics.Result{RecallAt: r.RecallAt, Retrieval: c.Retrieval})
		if err != nil {
			return 0, false // such as NMI
		}
		d := float64(c.Queries) / float64(r.Queries) * (own - mean)
		sum += d * d
	}
	return math.Sqrt(n / (n - 1) * sum), true
}

// atCeiling warns of a metric that cannot grow.
func (t *Trainer) atCeiling(i EvalInfo) Warning {
	when := "before the first step"
	if i.Step > 0 {
		when = fmt.Sprintf("after step %d", i.Step)
	}
	m := fmt.Sprintf("%s is %.3f on the validation classes %s: it cannot show whether training goes on to help", wording.Measure(t.cfg.Metric), i.Value, when)
	if t.cfg.Metric != mapAtR {
		m += "; between equals MAP@R chooses the weights, then the later step"
	} else {
		m += "; between equals the later step is chosen"
	}
	return Warning{Kind: KindCeiling, Message: m, Advice: t.waysToTellApart(true, 0)}
}

const mapAtR = "map_at_r"

// waysToTellApart lists what helps where the metric does not tell models apart. standardError is the metric's, 0
// if it is not known.
func (t *Trainer) waysToTellApart(another bool, standardError float64) string {
	ways := []string{t.moreValidation(standardError)}
	if another && t.cfg.Metric != mapAtR {
		ways = append(ways, "choose by a metric that sees all pictures of a class ("+t.name("Metric", mapAtR)+")")
	}
	if t.cfg.Keep == Best {
		ways = append(ways, "keep the weights of the last step ("+t.name("Keep", string(Last))+")")
	}
	return strings.Join(ways, "; or ")
}

// moreValidation says where more validation classes can come from. It proposes a share of the training
// classes only if that many are likely to remove the doubt.
func (t *Trainer) moreValidation(standardError float64) string {
	if _, isCut := datasets.Share(t.given.Data.Val); isCut {
		now := t.data.Val.NumClasses()
		turns := t.data.Train.turns() // what is set aside is not turned
		all := now + t.data.Train.NumClasses()/turns
		pictures := float64(t.data.Val.Len()) / float64(now)          // a class
		spread := standardError * math.Sqrt(float64(now)) / wideError // its square: classes that make the error small enough
		least := max(fewClasses, int(math.Ceil(fewQueries/pictures)), int(math.Ceil(spread*spread)))
		most := min(int(largestShare*float64(all)), now+datasets.PairClasses(t.data.Train)/turns)
		if want := min(max(wantedVal, least), most); want > now && want >= least {
			share := math.Ceil(100*float64(want)/float64(all)) / 100
			return "set more classes aside (" + t.name("Data.Val", strconv.FormatFloat(share, 'g', -1, 64)) + ")"
		}
	}
	return "give more validation classes (" + t.name("Data.Val", "PATH") + ")"
}

// name is a setting in a message.
func (t *Trainer) name(field, value string) string { return t.o.Naming.of(field, value) }

// unmeasured warns where a run has nothing to be measured on.
func (t *Trainer) unmeasured() []Warning {
	if t.data.Val != nil || t.data.Test != nil {
		return nil
	}
	return []Warning{{
		Kind:    KindUnmeasured,
		Message: "nothing is measured: there are neither validation nor test classes",
		Advice:  t.measureSomething(),
	}}
}

// measureSomething says where classes to measure on can come from.
func (t *Trainer) measureSomething() string {
	apart := "give classes that are not learned (" + t.name("Data.Test", "PATH") + ")"
	if datasets.PairClasses(t.data.Train) < 4 { // two to learn, two to measure on
		return apart
	}
	return "set some of the classes aside (" + t.name("Data.Val", strconv.FormatFloat(cutToMeasure, 'g', -1, 64)) + "), or " + apart
}

// cutToMeasure is the share that advice sets aside where there are only few classes.
const cutToMeasure = 0.25

// finalWarnings is what there is to say at the end of training about the choice of the best step.
func (t *Trainer) finalWarnings() (out []Warning) {
	s, d := &t.state, t.state.Doubts
	if t.cfg.Keep != Best || !s.HasBest {
		return nil
	}
	if d.Evaluations >= enoughLooks && d.Lowest == s.BestValue && d.Lowest < ceiling {
		by := "MAP@R chose the weights, or where that was equal too the later step"
		if t.cfg.Metric == mapAtR {
			by = "the later step was chosen"
		}
		out = append(out, Warning{
			Kind:    KindConstant,
			Message: fmt.Sprintf("%s was %.3f at each of %d evaluations on the validation classes: %s", wording.Measure(t.cfg.Metric), d.Lowest, d.Evaluations, by),
			Advice:  t.waysToTellApart(true, 0),
		})
	}
	if s.BestStep == 0 && s.Step > 0 {
		is := "the untrained network"
		if s.From != nil {
			is = "the network of " + s.From.Path + " as it was"
		}
		m := fmt.Sprintf("the model is %s: training made it worse on the validation classes, where it has %s %.3f", is, wording.Measure(t.cfg.Metric), s.BestValue)
		if d.Trained != nil && s.BestMAPAtR != nil {
			m += fmt.Sprintf(" and MAP@R %.3f, after training at best %.3f and %.3f (step %d)", *s.BestMAPAtR, d.Trained.Value, d.Trained.MAPAtR, d.Trained.Step)
		}
		out = append(out, Warning{
			Kind: KindUntrained, Message: m,
			Advice: "lower the learning rate or warm it up, look whether labels belong to their pictures, and " + t.moreValidation(0) +
				"; " + t.name("Keep", string(Last)) + " takes the trained weights all the same",
		})
	}
	return out
}
