package golden

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pkg/errors"
)

// File is a file of golden vectors.
type File struct {
	Family string
	Inputs map[string]Input
	// Records in the order of the file.
	Records []*Record

	name  string
	other bool // from GOLDEN_DIR
}

// Input is a batch that records name as their case.
type Input struct {
	Note       string
	NumClasses int    `json:"num_classes"`
	Embeddings Matrix // (N, D)
	Labels     []int
	RefEmb     Matrix `json:"ref_emb"`
	RefLabels  []int  `json:"ref_labels"`
	WeightRows Matrix `json:"weight_rows"` // more vectors of length D than any loss needs
}

// Record is one recorded result. Fields that only some files have are read with Field.
type Record struct {
	Case     string
	Loss     string
	Variant  string
	Params   map[string]any // only what differs from the reference's defaults
	Distance *Distance
	Reducer  string
	Value    Number
	Grad     *Gradient // to the embeddings
	Weights  *Gradient `json:"grad_weights"`
	Raises   string    // the reference itself fails with this

	Index  int // in the file
	Input  Input
	fields map[string]json.RawMessage
}

// Distance is how the reference compares embeddings.
type Distance struct {
	Type      string  // LpDistance, CosineSimilarity, DotProductSimilarity, SNRDistance
	P         float64 // of LpDistance
	Power     float64
	Normalize bool `json:"normalize_embeddings"`
	Inverted  bool `json:"is_inverted"` // larger is nearer
}

// Field decodes a field of the record into v and reports whether there is one.
func (r *Record) Field(name string, v any) (bool, error) {
	raw, ok := r.fields[name]
	if !ok {
		return false, nil
	}
	strict := json.NewDecoder(bytes.NewReader(raw))
	strict.DisallowUnknownFields()
	return true, errors.Wrapf(strict.Decode(v), "golden: field %s", name)
}

// Only returns an error for a field that is none of the names: one that a test does not read
// may say that the record means something else.
func (r *Record) Only(names ...string) error {
	for _, name := range slices.Sorted(maps.Keys(r.fields)) {
		if !slices.Contains(names, name) {
			return errors.Errorf("golden: the field %s is not read", name)
		}
	}
	return nil
}

// String names the record, for the name of a test.
func (r *Record) String() string {
	what := r.Variant
	if what == "" {
		what = r.Loss
	}
	var kind string
	if r.Distance != nil {
		kind = r.Distance.Type
	}
	return strings.Join(strings.Fields(fmt.Sprintf("%03d %s %s %s %s", r.Index, what, kind, r.Reducer, r.Case)), "_")
}

// Open reads testdata/name beside the test, or the file of that name in the folder that
// the environment variable GOLDEN_DIR names.
func Open(t testing.TB, name string) *File {
	t.Helper()
	dir, other := "testdata", false
	if d := os.Getenv("GOLDEN_DIR"); d != "" {
		dir, other = d, true
	}
	r, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		t.Fatalf("golden: %v", err)
	}
	defer r.Close()
	f, err := Decode(r)
	if err != nil {
		t.Fatalf("%s: %v", r.Name(), err)
	}
	f.name, f.other = name, other
	return f
}

// Decode reads a file of golden vectors.
func Decode(r io.Reader) (*File, error) {
	var raw struct {
		Family  string
		Inputs  map[string]Input
		Records []map[string]json.RawMessage
	}
	if err := json.NewDecoder(r).Decode(&raw); err != nil {
		return nil, errors.Wrap(err, "golden")
	}
	if len(raw.Records) == 0 {
		return nil, errors.New("golden: the file has no records")
	}
	f := &File{Family: raw.Family, Inputs: raw.Inputs}
	for i, fields := range raw.Records {
		rec := &Record{Index: i, fields: fields}
		if err := rec.fill(f); err != nil {
			return nil, errors.Wrapf(err, "golden: record %d", i)
		}
		f.Records = append(f.Records, rec)
	}
	return f, nil
}

func (r *Record) fill(f *File) error {
	targets := map[string]any{
		"case": &r.Case, "loss": &r.Loss, "variant": &r.Variant, "params": &r.Params, "distance": &r.Distance,
		"reducer": &r.Reducer, "value": &r.Value, "grad": &r.Grad, "grad_weights": &r.Weights, "raises": &r.Raises,
	}
	for name, v := range targets {
		if _, err := r.Field(name, v); err != nil {
			return err
		}
	}
	if r.Case == "" {
		return nil
	}
	in, ok := f.Inputs[r.Case]
	if !ok {
		return errors.Errorf("there is no case %q", r.Case)
	}
	if in.Embeddings.Rows != len(in.Labels) {
		return errors.Errorf("case %q has %d embeddings and %d labels", r.Case, in.Embeddings.Rows, len(in.Labels))
	}
	r.Input = in
	return nil
}

// Skip leaves out the records whose fields have the given values, for a reason. Fields
// are named as in the file; a value is compared as decoded JSON, so that numbers are
// float64 and objects map[string]any.
type Skip struct {
	Reason string
	Fields map[string]any
}

// Matches reports whether the record is one that is skipped.
func (s Skip) Matches(r *Record) bool {
	for name, want := range s.Fields {
		var got any
		if ok, err := r.Field(name, &got); !ok || err != nil || !reflect.DeepEqual(got, want) {
			return false
		}
	}
	return len(s.Fields) > 0
}

// Each runs test on every record that no skip matches, as a subtest. It fails for a
// record that test does not know, of which it returns false, and for a skip without a
// reason or without a record.
func (f *File) Each(t *testing.T, skips []Skip, test func(t *testing.T, r *Record) (known bool)) {
	t.Helper()
	if err := f.checkSkips(skips); err != nil {
		t.Error(err)
	}
	for _, r := range f.Records {
		t.Run(r.String(), func(t *testing.T) {
			for _, s := range skips {
				if s.Matches(r) {
					t.Skip(s.Reason)
				}
			}
			if !test(t, r) {
				t.Errorf("%s: no test for record %d: %s", f.name, r.Index, r.describe())
			}
		})
	}
}

// checkSkips returns an error for a skip without a reason or, in our own file, without
// a record.
func (f *File) checkSkips(skips []Skip) error {
	for _, s := range skips {
		if s.Reason == "" {
			return errors.Errorf("%s: the skip of %v needs a reason", f.name, s.Fields)
		}
		if !f.other && !slices.ContainsFunc(f.Records, s.Matches) {
			return errors.Errorf("%s: the skip of %v (%s) matches no record", f.name, s.Fields, s.Reason)
		}
	}
	return nil
}

func (r *Record) describe() string {
	var b strings.Builder
	for _, name := range []string{"loss", "variant", "regularizer", "miner", "kind", "mode", "params", "distance", "reducer", "reducer_params", "case"} {
		if raw, ok := r.fields[name]; ok {
			fmt.Fprintf(&b, "%s=%s ", name, raw)
		}
	}
	return b.String()
}
