package losses_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pkg/errors"
	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/internal/golden"
	"medusa/losses"
	"medusa/pairs"
)

// What float64 and float32 may be off, relative to the value and to the gradient's
// largest entry: the reference computed in float64, in another order of additions.
var precisions = []struct {
	dt  tensor.Dtype
	tol float64
}{{tensor.Float64, 1e-9}, {tensor.Float32, 1e-4}}

// mappers make our loss of a record, by the reference's name of the loss. Each loss's test
// file adds its own.
var mappers = map[string]func(r *goldenRecord) losses.Loss{}

// weightChecks check the gradient to weights that are none of a classifier, by the reference's name
// of the loss. Each loss's test file adds its own.
var weightChecks = map[string]func(t *testing.T, r *golden.Record, v losses.Value, tol float64){}

// skips are records that ours need not meet, by file, with the reason, in the words of docs/losses.md. Each
// loss's test file adds its own.
var skips = map[string][]golden.Skip{}

func skip(file, reason string, fields map[string]any) {
	skips[file] = append(skips[file], golden.Skip{Reason: reason, Fields: fields})
}

func TestGolden(t *testing.T) {
	for _, name := range []string{"pair_losses.json", "losses_by_distance.json", "losses_by_reducer.json",
		"losses_by_power_and_nesting.json", "class_losses.json"} {
		t.Run(name, func(t *testing.T) {
			golden.Open(t, name).Each(t, skips[name], checkRecord)
		})
	}
}

// Fewer than 3 % of the reference's records are exceptions.
func TestGoldenExceptionsAreFew(t *testing.T) {
	records, excepted := 0, 0
	for _, name := range []string{"pair_losses.json", "losses_by_distance.json", "losses_by_reducer.json",
		"losses_by_power_and_nesting.json", "class_losses.json", "special_losses.json"} {
		f := golden.Open(t, name)
		records += len(f.Records)
		for _, r := range f.Records {
			if slices.ContainsFunc(skips[name], func(s golden.Skip) bool { return s.Matches(r) }) {
				excepted++
			}
		}
	}
	t.Logf("%d of %d records are exceptions", excepted, records)
	require.Less(t, float64(excepted)/float64(records), 0.03)
}

// checkRecord compares ours with a record, in float32 a fourth of them and all in the long series.
func checkRecord(t *testing.T, r *golden.Record) bool {
	mapper := mappers[r.Loss]
	if r.Raises != "" || mapper == nil {
		return false
	}
	for _, p := range precisions {
		if p.dt == tensor.Float32 && r.Index%4 != 0 && os.Getenv("MEDUSA_LONG") == "" {
			continue
		}
		loss := mapped(t, r, mapper, p.dt)
		in := r.Input
		v, err := losses.Evaluate(loss, in.Embeddings.Data, in.Labels, p.dt)
		require.NoError(t, err)
		require.NoError(t, golden.Near(v.Loss, float64(r.Value), p.tol), "value in %v", p.dt)
		if check := weightChecks[r.Loss]; check != nil {
			check(t, r, v, p.tol)
		} else {
			checkWeights(t, r, v, p.tol)
		}
		require.NotNil(t, r.Grad)
		require.NoError(t, r.Grad.Check(v.Gradient, in.Embeddings.Rows, in.Embeddings.Cols, p.tol), "in %v", p.dt)
	}
	return true
}

// mapped is our loss of a record. It fails where something in the record was not read.
func mapped(t *testing.T, r *golden.Record, mapper func(*goldenRecord) losses.Loss, dt tensor.Dtype) losses.Loss {
	t.Helper()
	g := &goldenRecord{Record: r, left: maps.Clone(r.Params), dt: dt}
	loss := mapper(g)
	require.NoError(t, g.err)
	read := []string{"case", "loss", "variant", "setting", "params", "distance", "reducer", "reducer_params", "value", "grad",
		"sub_losses", "fd_max_abs_err", "weights_name", "weights_shape", "weights_layout", "grad_weights", "quirk", "raises"}
	require.NoError(t, r.Only(append(read, g.read...)...))
	require.Empty(t, g.left, "parameters that were not mapped")
	require.True(t, g.metricRead || r.Distance == nil, "the distance was not mapped")
	require.True(t, g.reducerRead, "the reducer was not mapped")
	return loss
}

// goldenRecord is a record whose parameters are each taken once.
type goldenRecord struct {
	*golden.Record
	left                    map[string]any
	dt                      tensor.Dtype
	metricRead, reducerRead bool
	read                    []string // fields that only this loss's records have
	err                     error
}

// field reads a field that only this loss's records have.
func (r *goldenRecord) field(name string, v any) {
	r.read = append(r.read, name)
	if _, err := r.Field(name, v); err != nil {
		r.err = err
	}
}

func (r *goldenRecord) number(name string, def float64) float64 {
	v, ok := r.left[name].(float64)
	if !ok {
		return def
	}
	delete(r.left, name)
	return v
}

func (r *goldenRecord) flag(name string) bool {
	v, ok := r.left[name].(bool)
	if ok {
		delete(r.left, name)
	}
	return v
}

// metric is the record's distance; nil if it has the loss's default, which is ours too.
func (r *goldenRecord) metric() pairs.Metric {
	r.metricRead = true
	if r.Distance == nil {
		return nil
	}
	m, err := metricOf(*r.Distance)
	if err != nil {
		r.err = err
	}
	return m
}

func metricOf(d golden.Distance) (pairs.Metric, error) {
	similarity := false
	var m pairs.Metric
	switch d.Type {
	case "LpDistance":
		m = pairs.LP{P: d.P, Power: d.Power, Raw: !d.Normalize}
	case "CosineSimilarity":
		if d.P != 2 || !d.Normalize {
			return nil, errors.Errorf("a cosine of norm %g, normalised %t", d.P, d.Normalize)
		}
		m, similarity = pairs.Cosine{Power: d.Power}, true
	case "DotProductSimilarity":
		m, similarity = pairs.Dot{P: d.P, Power: d.Power, Raw: !d.Normalize}, true
	case "SNRDistance":
		m = pairs.SNR{P: d.P, Power: d.Power, Raw: !d.Normalize}
	default:
		return nil, errors.Errorf("no metric for the distance %q", d.Type)
	}
	if d.Inverted != similarity {
		return nil, errors.Errorf("the distance %s is inverted: %t", d.Type, d.Inverted)
	}
	return m, nil
}

// reducer is the record's reducer; nil if it has the loss's default, which is ours too: so
// where reducer_params are absent.
func (r *goldenRecord) reducer() pairs.Reducer {
	r.reducerRead = true
	var params json.RawMessage
	set, err := r.Field("reducer_params", &params)
	if err != nil {
		r.err = err
	}
	if !set {
		return nil
	}
	reducer, err := reducerOf(r.Reducer, params)
	if err != nil {
		r.err = err
	}
	return reducer
}

// recordedReducer is a reducer within another one.
type recordedReducer struct {
	Reducer string
	Params  json.RawMessage `json:"reducer_params"`
}

func (r recordedReducer) reducer() (pairs.Reducer, error) {
	if r.Params == nil {
		r.Params = json.RawMessage("{}")
	}
	return reducerOf(r.Reducer, r.Params)
}

func reducerOf(name string, raw json.RawMessage) (pairs.Reducer, error) {
	var p struct {
		Low, High       *float64
		Weights         []float64
		recordedReducer                            // within PerAnchorReducer
		Reducers        map[string]recordedReducer // of MultipleReducers, by sub-loss
		Default         *recordedReducer           // of MultipleReducers
	}
	strict := json.NewDecoder(bytes.NewReader(raw))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&p); err != nil {
		return nil, errors.Wrapf(err, "parameters of %s", name)
	}
	bounded, weighted, nested, multiple := p.Low != nil || p.High != nil, p.Weights != nil, p.Reducer != "", p.Reducers != nil
	if bounded != (name == "ThresholdReducer") || weighted != (name == "ClassWeightedReducer") ||
		nested && name != "PerAnchorReducer" || multiple != (name == "MultipleReducers") || p.Default != nil && !multiple {
		return nil, errors.Errorf("%s has the parameters %s", name, raw)
	}
	switch name {
	case "MeanReducer":
		return pairs.Mean{}, nil
	case "SumReducer":
		return pairs.Sum{}, nil
	case "AvgNonZeroReducer":
		return pairs.NonZero{}, nil
	case "PerAnchorReducer":
		if !nested {
			return pairs.PerAnchor{}, nil
		}
		of, err := p.reducer()
		return pairs.PerAnchor{Of: of}, err
	case "MultipleReducers":
		return multipleOf(p.Reducers, p.Default)
	case "ThresholdReducer":
		out := pairs.Threshold{Low: math.Inf(-1), High: math.Inf(1)}
		if p.Low != nil {
			out.Low = *p.Low
		}
		if p.High != nil {
			out.High = *p.High
		}
		return out, nil
	case "ClassWeightedReducer":
		return pairs.ClassWeighted{Weights: p.Weights}, nil
	}
	return nil, errors.Errorf("no reducer for %q", name)
}

// multipleOf has our names of the sub-losses: "pos" of the reference's "pos_loss".
func multipleOf(by map[string]recordedReducer, rest *recordedReducer) (pairs.Reducer, error) {
	out := pairs.Multiple{By: map[string]pairs.Reducer{}}
	for name, r := range by {
		ours, ok := strings.CutSuffix(name, "_loss")
		if !ok {
			return nil, errors.Errorf("no sub-loss for %q", name)
		}
		var err error
		if out.By[ours], err = r.reducer(); err != nil {
			return nil, err
		}
	}
	if rest == nil {
		return out, nil
	}
	var err error
	out.Else, err = rest.reducer()
	return out, err
}
