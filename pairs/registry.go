package pairs

import (
	"math"

	"medusa/internal/catalog"
)

var (
	metrics  = catalog.New[Metric]("pairs", "a distance", "")
	reducers = catalog.New[Reducer]("pairs", "a reducer", "")
)

func init() {
	metrics.Add("lp", "(Σ|x−y|^p)^(power/p), of embeddings divided by that norm", LP{P: 2, Power: 1})
	metrics.Add("euclidean", "lp with p=2", LP{P: 2, Power: 1})
	metrics.Add("squared", "lp with p=2, power=2", LP{P: 2, Power: 2})
	metrics.Add("manhattan", "lp with p=1", LP{P: 1, Power: 1})
	metrics.Add("cosine", "the similarity ⟨x, y⟩/(‖x‖·‖y‖)", Cosine{Power: 1})
	metrics.Add("dot", "the similarity ⟨x, y⟩", Dot{P: 2, Power: 1})
	metrics.Add("snr", "var(x−y)/var(x), x the anchor (Yuan 2019)", SNR{P: 2, Power: 1})

	reducers.Add("mean", "the average of the terms", Mean{})
	reducers.Add("non-zero", "the average of the terms above 0", NonZero{}, catalog.OldNames("nonzero"))
	reducers.Add("sum", "the sum of the terms", Sum{})
	reducers.Add("threshold", "of the terms between two numbers alone", Threshold{Low: math.Inf(-1), High: math.Inf(1)})
	reducers.Add("per-anchor", "of each anchor's average", PerAnchor{})
	reducers.Add("class-weighted", "of the terms times a weight of the anchor's class", ClassWeighted{})
	reducers.Add("divisor", "the sum of the terms over a number", Divisor{})
	reducers.Add("multiple", "each sub-loss in a way of its own", Multiple{})
}

// RegisterMetric adds a kind of metric to those that can be named in texts: prototype is a
// struct, or a pointer to one, whose exported fields are the parameters, with tags such as
//
//	Power float64 `doc:"to which the distance is raised" above:"0" max:"1e3"`
//
// and whose values are the defaults. It is called at start, from init, and panics if the name
// is taken or the struct is not well-formed.
func RegisterMetric(name, doc string, prototype Metric) { metrics.Add(name, doc, prototype) }

// RegisterReducer is RegisterMetric for a kind of reducer.
func RegisterReducer(name, doc string, prototype Reducer) { reducers.Add(name, doc, prototype) }

// MetricNames lists the kinds of metrics, sorted.
func MetricNames() []string { return metrics.Names() }

// ReducerNames lists the kinds of reducers, sorted.
func ReducerNames() []string { return reducers.Names() }

// ParseMetric makes a metric from text, such as cosine or lp(p=1, raw=true).
func ParseMetric(text string) (Metric, error) { return metrics.Parse(text) }

// ParseReducer makes a reducer from text, such as threshold(low=0.1, of=per-anchor).
func ParseReducer(text string) (Reducer, error) { return reducers.Parse(text) }

// MetricHelp is a page that names all metrics, each with a line of what it is, in lines of at most width
// characters.
func MetricHelp(width int) string { return metrics.Help(width) }

// MetricList is a page about all metrics and their parameters with their defaults, for people and programs:
// the name of each stands alone at the start of a line, and all about it below, further in.
func MetricList(width int) string { return metrics.List(width) }

// ReducerHelp is a page that names all reducers, each with a line of what it is, in lines of at most width
// characters.
func ReducerHelp(width int) string { return reducers.Help(width) }

// ReducerList is a page about all reducers and their parameters with their defaults, for people and programs:
// the name of each stands alone at the start of a line, and all about it below, further in.
func ReducerList(width int) string { return reducers.List(width) }
