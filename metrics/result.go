package metrics

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/pkg/errors"
)

// Result is what Evaluate measured; all figures are fractions. As JSON it is one flat
// object with the names of Values.
type Result struct {
	Queries int // that have relevant rows in the gallery
	LeftOut int // that have none, and count in no retrieval figure
	Tied    int // of Queries, those with a relevant row exactly as far as another one

	// AllQueries is how many have relevant rows, where Options.MaxQueries had only Queries of
	// them drawn and measured; zero where all were.
	AllQueries int

	RecallAt  []int // the K of each entry of Recall
	Retrieval       // means over the queries, or over the classes with AverageByClass

	ReID *ReID // across cameras; nil if the sets do not tell cameras

	Clustered     bool // whether what follows was measured
	Clusters      int  // that are not empty
	AllClasses    int  // of which Options.MaxClustered had some drawn and clustered; zero where all were
	ClusteredRows int  // of the classes drawn; zero where all were
	NMI, AMI, ARI float64
	PairwiseF1    float64
	Seed          uint64  // of k-means
	Classes       []Class // by label, with Options.PerClass
	PerQuery      []Query // in order of the rows, with Options.PerQuery
}

// Value is a named figure.
type Value struct {
	Name  string
	Value float64
}

// RecallOf is Recall@k, and whether it was measured.
func (r Result) RecallOf(k int) (float64, bool) {
	for i, at := range r.RecallAt {
		if at == k {
			return r.Recall[i], true
		}
	}
	return 0, false
}

// Names are those of the figures that there can be, in the order of Values; K stands for a
// number from 1 on. What begins with cmc needs cameras.
func Names() []string {
	names := []string{recallName + "K"}
	for _, f := range (&Result{Clustered: true}).fields() {
		names = append(names, f.name)
	}
	return append(names, cmcName+"K", cmcMAPName)
}

// Figure is what a name asks for.
type Figure struct {
	RecallAt, CMCAt   int  // K of recall_at_K, cmc_at_K; 0 for others
	Clusters, Cameras bool // whether it needs them
}

// FigureOf returns what a name asks for, and whether it is one of Names, with a number of up
// to six digits in place of K.
func FigureOf(name string) (Figure, bool) {
	if k := numberBehind(recallName, name); k > 0 {
		return Figure{RecallAt: k}, true
	}
	if k := numberBehind(cmcName, name); k > 0 || name == cmcMAPName {
		return Figure{CMCAt: k, Cameras: true}, true
	}
	plain := len((&Result{}).fields())
	for i, f := range (&Result{Clustered: true}).fields() {
		if f.name == name {
			return Figure{Clusters: i >= plain}, true
		}
	}
	return Figure{}, false
}

// numberBehind is the K of a name that is stem and a number as people write it; 0 of others.
func numberBehind(stem, name string) int {
	text, ok := strings.CutPrefix(name, stem)
	k, err := strconv.Atoi(text)
	if !ok || err != nil || k < 1 || k > 999999 || text != strconv.Itoa(k) {
		return 0
	}
	return k
}

// Values is the figures in the order of Names: those of clusters where these were measured,
// those of cameras where these are known.
func (r Result) Values() []Value {
	var v []Value
	for i, k := range r.RecallAt {
		v = append(v, Value{recallName + strconv.Itoa(k), r.Recall[i]})
	}
	for _, f := range (&r).fields() {
		v = append(v, Value{f.name, *f.value})
	}
	return append(v, r.ReID.values()...)
}

const recallName = "recall_at_"

type field struct {
	name  string
	value *float64
}

func (r *Result) fields() []field {
	f := []field{
		{"precision_at_1", &r.PrecisionAt1}, {"r_precision", &r.RPrecision}, {"map_at_r", &r.MAPAtR},
		{"map", &r.MAP}, {"mrr", &r.MRR},
	}
	if r.Clustered {
		f = append(f, field{"nmi", &r.NMI}, field{"ami", &r.AMI}, field{"ari", &r.ARI}, field{"pairwise_f1", &r.PairwiseF1})
	}
	return f
}

// counts is the whole numbers of the JSON form.
type counts struct {
	Queries  int     `json:"queries"`
	All      int     `json:"queries_in_all,omitempty"` // of which Queries were drawn
	LeftOut  int     `json:"queries_left_out"`
	Tied     int     `json:"queries_tied,omitempty"` // not told by earlier versions, which knew no ties
	ReID     *int    `json:"cmc_queries,omitempty"`
	ReIDOut  int     `json:"cmc_queries_left_out,omitempty"`
	Clusters int     `json:"clusters,omitempty"`
	Classes  int     `json:"classes_in_all,omitempty"` // of which some were drawn and clustered
	Rows     int     `json:"clustered_rows,omitempty"` // of those
	Seed     *uint64 `json:"cluster_seed,omitempty"`
}

// MarshalJSON writes the values, then queries, queries_left_out, queries_tied if there are any,
// queries_in_all where some were drawn, clusters and cluster_seed where clusters were measured,
// classes_in_all and clustered_rows where some classes were drawn for that, cmc_queries and cmc_queries_left_out
// where cameras are known. Classes and PerQuery are not written.
func (r Result) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for _, v := range r.Values() {
		number, err := json.Marshal(v.Value)
		if err != nil {
			return nil, errors.Wrapf(err, "metrics: %s", v.Name)
		}
		fmt.Fprintf(&b, "%q:%s,", v.Name, number)
	}
	c := counts{Queries: r.Queries, LeftOut: r.LeftOut, Tied: r.Tied, All: r.AllQueries}
	if r.ReID != nil {
		c.ReID, c.ReIDOut = &r.ReID.Queries, r.ReID.LeftOut
	}
	if r.Clustered {
		c.Clusters, c.Classes, c.Rows, c.Seed = r.Clusters, r.AllClasses, r.ClusteredRows, &r.Seed
	}
	rest, err := json.Marshal(c)
	if err != nil {
		return nil, errors.Wrap(err, "metrics")
	}
	b.Write(rest[1:])
	return b.Bytes(), nil
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (r *Result) UnmarshalJSON(data []byte) error {
	var c counts
	if err := json.Unmarshal(data, &c); err != nil {
		return errors.Wrap(err, "metrics: result")
	}
	*r = Result{Queries: c.Queries, LeftOut: c.LeftOut, Tied: c.Tied, AllQueries: c.All,
		Clusters: c.Clusters, AllClasses: c.Classes, ClusteredRows: c.Rows, Clustered: c.Seed != nil}
	if c.Seed != nil {
		r.Seed = *c.Seed
	}
	if c.ReID != nil {
		r.ReID = &ReID{Queries: *c.ReID, LeftOut: c.ReIDOut}
	}
	d := json.NewDecoder(bytes.NewReader(data))
	if _, err := d.Token(); err != nil {
		return errors.Wrap(err, "metrics: result")
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return errors.Wrap(err, "metrics: result")
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return errors.Wrap(err, "metrics: result")
		}
		if err := r.set(name.(string), raw); err != nil {
			return errors.Wrapf(err, "metrics: result: %s", name)
		}
	}
	return nil
}

// set reads one named figure; other names are left alone.
func (r *Result) set(name string, raw json.RawMessage) error {
	if at, ok := strings.CutPrefix(name, recallName); ok {
		k, err := strconv.Atoi(at)
		if err != nil {
			return err
		}
		r.RecallAt, r.Recall = append(r.RecallAt, k), append(r.Recall, 0)
		return json.Unmarshal(raw, &r.Recall[len(r.Recall)-1])
	}
	if r.ReID != nil {
		if known, err := r.ReID.set(name, raw); known {
			return err
		}
	}
	for _, f := range r.fields() {
		if f.name == name {
			return json.Unmarshal(raw, f.value)
		}
	}
	return nil
}
