package postgres_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/metrics"
	"medusa/push"
	"medusa/push/internal/pushtest"
	"medusa/push/postgres"
)

var ctx = context.Background()

// Variables that name servers for tests: a superuser's URL of a database in which tables may be made and dropped.
const (
	plainServer  = "MEDUSA_POSTGRES_URL" // without pgvector
	vectorServer = "MEDUSA_PGVECTOR_URL" // with it
)

// server is the URL of a server.
func server(t testing.TB, variable string) string {
	t.Helper()
	url := os.Getenv(variable)
	if url == "" {
		t.Skipf("%s names no server", variable)
	}
	return url
}

// exec does statements with a connection of its own: pglite takes one at a time.
func exec(t testing.TB, url string, statements ...string) {
	t.Helper()
	conn := connect(t, url)
	defer conn.Close(ctx)
	for _, s := range statements {
		_, err := conn.Exec(ctx, s)
		require.NoError(t, err, s)
	}
}

// connect connects; PGlite does not forget statements with names when a connection ends.
func connect(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	config, err := pgx.ParseConfig(url)
	require.NoError(t, err)
	config.DefaultQueryExecMode = pgx.QueryExecModeExec
	conn, err := pgx.ConnectConfig(ctx, config)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close(ctx) })
	return conn
}

// query is the rows of a query as texts.
func query(t testing.TB, url, text string) (out [][]string) {
	t.Helper()
	conn := connect(t, url)
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, text, pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err, text)
	defer rows.Close()
	for rows.Next() {
		var row []string
		for _, v := range rows.RawValues() {
			row = append(row, string(v))
		}
		out = append(out, row)
	}
	require.NoError(t, rows.Err(), text)
	return out
}

// emptied drops what tests make.
func emptied(t testing.TB, url string) {
	t.Helper()
	exec(t, url, "DROP TABLE IF EXISTS embeddings, medusa_push")
}

func connector(url string) func(push.Options) (push.Store, error) {
	return func(o push.Options) (push.Store, error) { return postgres.Connect(ctx, url, o) }
}

// records are those of the table.
func records(t testing.TB, url string) map[string]push.Record {
	t.Helper()
	out := map[string]push.Record{}
	for _, row := range query(t, url, "SELECT id, label, path, meta, embedding::text FROM embeddings") {
		r := push.Record{ID: row[0], Label: row[1], Path: row[2]}
		require.NoError(t, json.Unmarshal([]byte(row[3]), &r.Meta))
		for number := range strings.SplitSeq(strings.Trim(row[4], "[]{}"), ",") {
			v, err := strconv.ParseFloat(number, 32)
			require.NoError(t, err)
			r.Vector = append(r.Vector, float32(v))
		}
		out[r.ID] = r
	}
	return out
}

// places makes a table anew on a server.
func places(url string, o push.Options, unlike func(float64) float64) func(t *testing.T) pushtest.Place {
	return func(t *testing.T) pushtest.Place {
		emptied(t, url)
		return pushtest.Place{
			Options: o, Connect: connector(url), Unlike: unlike, FindsItself: true,
			Records: func() map[string]push.Record { return records(t, url) },
			Find: func(search string) (ids []string) {
				for _, row := range query(t, url, search) {
					ids = append(ids, row[0])
				}
				return ids
			},
		}
	}
}

// A server without pgvector keeps real[].
func TestPlainServer(t *testing.T) {
	pushtest.Run(t, places(server(t, plainServer), push.Options{}, pushtest.Exactly))
}

func TestPgvector(t *testing.T) {
	url := server(t, vectorServer)
	pushtest.Run(t, places(url, push.Options{}, pushtest.Exactly))
	t.Run("extension is made", func(t *testing.T) {
		exec(t, url, "DROP EXTENSION IF EXISTS vector CASCADE")
		places(url, push.Options{}, pushtest.Exactly)(t)
		push1(t, url, push.Options{})
		require.Len(t, query(t, url, "SELECT FROM pg_extension WHERE extname = 'vector'"), 1)
	})
}

// A half has 11 bits, and those of 2⁻¹⁴ and less are multiples of 2⁻²⁴; what is between is rounded.
func TestHalfvec(t *testing.T) {
	rounded := func(v float64) float64 { return max(math.Abs(v)*0x1p-11, 0x1p-25) }
	pushtest.Run(t, places(server(t, vectorServer), push.Options{Type: "halfvec"}, rounded))
}

func TestIvfflat(t *testing.T) {
	url := server(t, vectorServer)
	emptied(t, url)
	push1(t, url, push.Options{Index: "ivfflat"})
	assert.Contains(t, query(t, url, "SELECT indexdef FROM pg_indexes WHERE indexname = 'embeddings_ivfflat_euclidean'")[0][0], "USING ivfflat")
}

// push1 pushes a small gallery.
func push1(t testing.TB, url string, o push.Options) push.Outcome {
	t.Helper()
	s, err := postgres.Connect(ctx, url, o)
	require.NoError(t, err)
	defer s.Close()
	out, err := push.Run(ctx, pushtest.Gallery(t, metrics.Euclidean, pushtest.Model, pushtest.Items(30, 8)), s, o, push.Watch{})
	require.NoError(t, err)
	return out
}

// The index is used: the planner takes it where it may take nothing else.
func TestIndexIsUsed(t *testing.T) {
	url := server(t, vectorServer)
	for _, d := range []metrics.Distance{metrics.Euclidean, metrics.Cosine, metrics.Dot} {
		for _, kind := range []string{"vector", "halfvec"} {
			emptied(t, url)
			s, err := postgres.Connect(ctx, url, push.Options{Type: kind})
			require.NoError(t, err)
			_, err = push.Run(ctx, pushtest.Gallery(t, d, pushtest.Model, pushtest.Items(30, 8)), s, push.Options{}, push.Watch{})
			require.NoError(t, err)
			require.NoError(t, s.Close())
			exec(t, url, "SET enable_seqscan = off") // of the one session that all connections share
			plan := fmt.Sprint(query(t, url, "EXPLAIN "+s.Search("5")))
			exec(t, url, "RESET enable_seqscan")
			assert.Contains(t, plan, fmt.Sprintf("Index Scan using embeddings_hnsw_%s on", d))
		}
	}
}
