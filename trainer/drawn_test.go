package trainer

import (
	"context"
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/internal/report"
)

// A run that searches for some of the queries says so before it begins, in its protocol and in
// result.json, and its report shows those queries alone.
func TestRunThatSearchesForSomeQueries(t *testing.T) {
	cfg := small(pictures(t))
	cfg.Steps, cfg.EvalQueries = 10, 9
	var notices []string
	tr, r := run(t, cfg, Options{Notice: func(s string) { notices = append(notices, s) }})
	all := tr.data.Test.Len()
	for _, m := range []*struct{ Queries, AllQueries int }{
		{r.Before.Queries, r.Before.AllQueries}, {r.After.Queries, r.After.AllQueries}, {r.Pixels.Queries, r.Pixels.AllQueries},
	} {
		assert.Equal(t, 9, m.Queries)
		assert.Equal(t, all, m.AllQueries)
	}
	require.Len(t, notices, 1)
	assert.Contains(t, notices[0], "9 of the ")
	assert.Contains(t, notices[0], "EvalQueries: -1")
	assert.Contains(t, r.Protocol, "queries were drawn at random and searched for")
	text, err := os.ReadFile(tr.dir.Path(ResultFile))
	require.NoError(t, err)
	assert.Contains(t, string(text), `"queries_in_all"`)
	var stored Result
	require.NoError(t, json.Unmarshal(text, &stored))
	assert.Equal(t, r.After.AllQueries, stored.After.AllQueries)

	x, err := tr.embed(context.Background(), tr.data.Test, "")
	require.NoError(t, err)
	shown := func(queries int) *report.Data {
		tr.cfg.EvalQueries = queries
		d := &report.Data{}
		require.NoError(t, (&reporter{trainer: tr, before: x, after: x}).addSet(context.Background(), d))
		return d
	}
	some, whole := shown(9), shown(-1)
	drawn := 0
	for i, near := range some.Neighbours.Indices {
		if near == nil {
			assert.True(t, some.PerQueryAP[i] != some.PerQueryAP[i], "no query, no figure")
			continue
		}
		drawn++
		assert.Equal(t, whole.Neighbours.Indices[i], near)
		assert.Equal(t, whole.Neighbours.Distances[i], some.Neighbours.Distances[i])
		assert.Equal(t, whole.PerQueryAP[i], some.PerQueryAP[i])
	}
	assert.Equal(t, 9, drawn)
}

// Published sets are measured whole; larger ones in a time that grows with their size and not
// with its square.
func TestQueriesOfLargeSets(t *testing.T) {
	tr := &Trainer{}
	assert.Zero(t, tr.maxQueries(60_502, 60_502), "Stanford Online Products")
	assert.Zero(t, tr.maxQueries(136_093, 136_093), "iNaturalist 2018")
	assert.Equal(t, 20_000, tr.maxQueries(1_000_000, 1_000_000))
	assert.Equal(t, leastQueries, tr.maxQueries(10_000_000, 10_000_000))
	tr.cfg.EvalQueries = -1
	assert.Zero(t, tr.maxQueries(10_000_000, 10_000_000))
	tr.cfg.EvalQueries = 77
	assert.Equal(t, 77, tr.maxQueries(100, 100))
}
