package losses_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"medusa/losses"
)

// What would be read and do nothing, or mean something else than it says, is refused.
func TestNothingIsReadAndIgnored(t *testing.T) {
	for text, want := range map[string]string{
		"triplet(mining-margin=0.3)":                                   "mining-margin is given, and no mining that reads it; write miner=triplet-margin(type=semi-hard, margin=0.3), or leave it out",
		"triplet:mining-margin=0.3":                                    "no mining that reads it",
		"triplet(mining-margin=0, miner=batch-hard)":                   "mining-margin is given, and miner too",
		"triplet:mining=batch-hard,mining-margin=0.3":                  "mining-margin means nothing to mining=batch-hard; leave it out, or take hard, semi-hard or easy",
		"triplet:mining=all,mining-margin=0.3":                         "means nothing to mining=all",
		"triplet(distance=lp(p=0))":                                    "triplet: distance: lp: p: 0 is out of range, want at least 1, or inf",
		"triplet(distance=lp(power=0))":                                "power: 0 is out of range, want above 0",
		"triplet(distance=dot(power=0))":                               "power: 0 is out of range",
		"triplet(distance=snr(p=0))":                                   "p: 0 is out of range",
		"triplet(reducer=threshold(high=0))":                           "threshold: high: 0 is out of range, want above 0, or inf",
		"triplet(reducer=divisor(by=0))":                               "by: 0 would mean the default, which is the loss's own divisor: leave it out for that",
		"contrastive(reducer=multiple(by={pos: threshold(high=0)}))":   "high: 0 is out of range",
		`lifted(form="")`:                                              `form: "" is not a choice; want smooth, max-margin, generalized`,
		"triplet + 0.5*mined(of=triplet(distance=manhattan(power=0)))": "power: 0 is out of range",
	} {
		_, err := losses.Parse(text, setting)
		require.ErrorContains(t, err, want, text)
	}
	for _, text := range []string{
		"triplet(miner=triplet-margin(type=semi-hard, margin=0.3))", "triplet:mining=semi-hard,mining-margin=0", "triplet:mining=batch-hard,mining-margin=0",
		"triplet(reducer=threshold(high=inf))", "triplet(reducer=divisor)", "triplet(distance=lp(p=1, power=2))",
	} { // as messages say
		_, err := losses.Parse(text, setting)
		require.NoError(t, err, text)
	}
}

// A node of YAML is read as a text is, and what is wrong is told with its line.
func TestFromYAML(t *testing.T) {
	read := func(text string) (losses.Loss, error) {
		var y yaml.Node
		require.NoError(t, yaml.Unmarshal([]byte(text), &y))
		return losses.FromYAML(&y, setting)
	}
	for text, same := range map[string]string{
		"triplet": "triplet", "triplet: {margin: 0.3, distance: {lp: {p: 1}}}": "triplet(margin=0.3, distance=lp(p=1))", "[ce, {triplet: {weight: 0.5}}]": "ce + 0.5*triplet",
	} {
		got, err := read(text)
		require.NoError(t, err, text)
		want, err := losses.Parse(same, setting)
		require.NoError(t, err)
		a, err := losses.Text(got)
		require.NoError(t, err)
		b, err := losses.Text(want)
		require.NoError(t, err)
		require.Equal(t, b, a)
	}
	_, err := read("- ce\n- triplet:\n    margin: wide\n")
	require.EqualError(t, err, `losses: triplet: margin: "wide" is not a number (line 3)`)
	_, err = losses.FromYAML(nil, setting)
	require.ErrorContains(t, err, "nil")
	_, err = losses.FromYAML(&yaml.Node{}, setting)
	require.ErrorContains(t, err, "want a value")
}
