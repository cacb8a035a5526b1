package losses

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pkg/errors"

	"medusa/internal/catalog"
	"medusa/pairs"
)

// The first version had other parameters: metric and normalize are a distance today, reducer
// with low and high a reducer, mining with mining-margin a miner. What it wrote is read as it
// was meant.

// The minings of the first version.
var minings = []string{"batch-hard", "batch-all", "all", "hard", "semi-hard", "easy"}

func upgradeContrastive(args map[string]string) error {
	if err := upgradeDistance(args, "euclidean"); err != nil {
		return err
	}
	if similarity(args["distance"]) { // whose margins are others
		setDefault(args, "pos-margin", "1")
		setDefault(args, "neg-margin", "0")
	}
	def := "non-zero"
	if args["form"] == string(Squared) {
		def = "mean"
	}
	return upgradeReducer(args, def)
}

func upgradeTriplet(args map[string]string) error {
	if err := upgradeDistance(args, "euclidean"); err != nil {
		return err
	}
	if soft, err := strconv.ParseBool(args["soft"]); err == nil && soft { // where a margin adds little
		setDefault(args, "margin", "0")
	}
	if err := upgradeMining(args); err != nil {
		return err
	}
	return upgradeReducer(args, "non-zero")
}

func upgradeLifted(args map[string]string) error {
	if err := upgradeDistance(args, "euclidean"); err != nil {
		return err
	}
	return upgradeReducer(args, "mean")
}

func upgradeMultiSimilarity(args map[string]string) error {
	if err := upgradeDistance(args, "cosine"); err != nil {
		return err
	}
	return upgradeReducer(args, "mean")
}

func setDefault(args map[string]string, name, text string) {
	if _, given := args[name]; !given {
		args[name] = text
	}
}

// similarity reports whether a metric, as text, is a similarity.
func similarity(text string) bool {
	if text == "" {
		return false
	}
	m, err := pairs.ParseMetric(text)
	return err == nil && m != nil && m.Similarity() // what is no metric is told later
}

// upgradeDistance writes metric=m,normalize=false as distance=m(raw=true).
func upgradeDistance(args map[string]string, def string) error {
	if m, ok := args["metric"]; ok {
		if _, twice := args["distance"]; twice {
			return errors.New("metric is given, and distance too; want one of the two")
		}
		args["distance"] = m
		delete(args, "metric")
	}
	normalize, err := strconv.ParseBool(args["normalize"])
	if err != nil {
		return nil // there is none, or it is told as an unknown parameter
	}
	delete(args, "normalize")
	m, given := args["distance"]
	if !given {
		m = def
	}
	if strings.Contains(m, "(") {
		return errors.Errorf("normalize is given, and a distance with parameters too; write raw=%t among these", !normalize)
	}
	if !normalize && m != "cosine" { // which is normalised by its name
		args["distance"] = m + "(raw=true)"
	}
	return nil
}

// upgradeReducer writes reducer=how,low=l,high=h as reducer=threshold(low=l,high=h,of=how),
// where 0 was no bound; def is the loss's own reducer.
func upgradeReducer(args map[string]string, def string) error {
	low, err := takeBound(args, "low")
	if err != nil {
		return err
	}
	high, err := takeBound(args, "high")
	if err != nil {
		return err
	}
	how, given := args["reducer"]
	if how == "default" {
		delete(args, "reducer")
	}
	if low == 0 && high == 0 {
		return nil
	}
	if !given || how == "default" {
		how = def
	}
	from, to, of := "-inf", "inf", how
	if how == "non-zero" || how == "nonzero" {
		from, of = "0", "mean"
	}
	if low > 0 {
		from = fmt.Sprint(low)
	}
	if high > 0 {
		to = fmt.Sprint(high)
	}
	args["reducer"] = fmt.Sprintf("threshold(low=%s, high=%s, of=%s)", from, to, of)
	return nil
}

// takeBound takes a number out of args; 0 if it is not there.
func takeBound(args map[string]string, name string) (float64, error) {
	text, given := args[name]
	if !given {
		return 0, nil
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || !(x >= 0) || x > 1e300 {
		return 0, errors.Errorf("%s: %q, want a number of at least 0", name, text)
	}
	delete(args, name)
	return x, nil
}

// upgradeMining writes mining=semi-hard,mining-margin=m as
// miner=triplet-margin(type=semi-hard,margin=m), where the margin of mining was that of the
// loss if it was 0.
func upgradeMining(args map[string]string) error {
	text, separate := args["mining-margin"]
	own, err := takeBound(args, "mining-margin")
	if err != nil {
		return err
	}
	mining, given := args["mining"]
	_, chosen := args["miner"]
	switch {
	case separate && chosen:
		return errors.New("mining-margin is given, and miner too; write the margin among the miner's parameters, as in miner=triplet-margin(margin=0.2)")
	case separate && !given:
		return errors.Errorf("mining-margin is given, and no mining that reads it; write miner=triplet-margin(type=semi-hard, margin=%s), or leave it out", text)
	case !given:
		return nil
	}
	delete(args, "mining")
	if !slices.Contains(minings, mining) {
		return errors.Errorf("mining: %q is not a choice%s; want %s", mining, catalog.Hint(mining, minings), strings.Join(minings, ", "))
	}
	if chosen {
		return errors.New("mining is given, and miner too; want one of the two")
	}
	m := fmt.Sprint(defaultTriplet.Margin)
	if text, given := args["margin"]; given {
		m = text
	}
	if own > 0 {
		m = fmt.Sprint(own)
	}
	switch mining {
	case "batch-hard", "all", "batch-all":
		if own > 0 {
			return errors.Errorf("mining-margin means nothing to mining=%s; leave it out, or take hard, semi-hard or easy", mining)
		}
		if args["miner"] = mining; mining != "batch-hard" {
			args["miner"] = "none"
		}
	default:
		args["miner"] = fmt.Sprintf("triplet-margin(type=%s, margin=%s)", mining, m)
	}
	return nil
}
