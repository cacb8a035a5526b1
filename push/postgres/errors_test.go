package postgres_test

import (
	"fmt"
	"net/url"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/metrics"
	"medusa/push"
	"medusa/push/internal/pushtest"
	"medusa/push/postgres"
)

// with is the URL of a server with another user, password or database.
func with(t *testing.T, server string, change func(u *url.URL)) string {
	t.Helper()
	u, err := url.Parse(server)
	require.NoError(t, err)
	change(u)
	return u.String()
}

func TestServersThatDoNotAnswer(t *testing.T) {
	for url, want := range map[string]string{
		"postgres://me:s3cret@127.0.0.1:1/x":                 "PostgreSQL at 127.0.0.1:1 cannot be reached: connect: connection refused; is it running, and are host and port right?",
		"postgres://me:s3cret@127.0.0.1:1/x?sslmode=perhaps": "sslmode is invalid",
		"redis://:s3cret@127.0.0.1:1":                        "is no address of PostgreSQL",
	} {
		_, err := postgres.Connect(ctx, url, push.Options{})
		require.ErrorContains(t, err, want)
		assert.NotContains(t, err.Error(), "s3cret")
	}
}

func TestOptionsThatCannotBe(t *testing.T) {
	for want, o := range map[string]push.Options{
		"Table is \"a.b.c\", want a name":                           {Table: "a.b.c"},
		"Table is \".\"":                                            {Table: "."},
		"at most 63 bytes":                                          {Table: "a234567890123456789012345678901234567890123456789012345678901234"},
		"the table that says how far pushes have come":              {Table: "medusa_push"},
		"Type is \"sparsevec\", want vector, halfvec or real":       {Type: "sparsevec"},
		"Index is \"flat\", which PostgreSQL has not":               {Index: "flat"},
		"Collection means nothing to PostgreSQL":                    {Collection: "x"},
		"Prefix means nothing to PostgreSQL":                        {Prefix: "x"},
		"Index is hnsw, which needs pgvector":                       {Type: "real", Index: "hnsw"},
		"Index is hnsw, which takes at most 2000 numbers":           {Index: "hnsw"},
		"Index is ivfflat, which takes at most 2000 numbers":        {Index: "ivfflat", Type: "vector"},
		"no index: pgvector's take at most 2000 numbers of a vecto": {},
	} {
		text, err := postgres.Schema(pushtest.Gallery(t, metrics.Euclidean, pushtest.Model, pushtest.Items(3, 2001)), push.Target{}, o)
		if o == (push.Options{}) {
			require.NoError(t, err)
			assert.Contains(t, text, want)
			continue
		}
		require.ErrorContains(t, err, want)
	}
	_, err := postgres.Schema(pushtest.Gallery(t, metrics.Euclidean, pushtest.Model, pushtest.Items(3, 16001)), push.Target{}, push.Options{})
	require.ErrorContains(t, err, "at most 16000: want Type real")
}

func TestAccessThatIsRefused(t *testing.T) {
	server := server(t, plainServer)
	emptied(t, server)
	exec(t, server, "DROP ROLE IF EXISTS guest", "CREATE ROLE guest LOGIN PASSWORD 's3cret'", "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
	for name, c := range map[string]struct {
		change func(u *url.URL)
		o      push.Options
		want   string
	}{
		"password": {func(u *url.URL) { u.User = url.UserPassword("guest", "wr0ng") }, push.Options{}, "refuses the password of guest: give it in the address, postgres://USER:PASSWORD@HOST/DATABASE, in PGPASSWORD or in ~/.pgpass"},
		"database": {func(u *url.URL) { u.Path = "/nowhere" }, push.Options{}, `database "nowhere" does not exist; createdb makes one`},
		"schema":   {func(u *url.URL) {}, push.Options{Table: "nowhere.photos"}, `schema "nowhere" does not exist; name one that there is in Table`},
		"rights":   {func(u *url.URL) { u.User = url.UserPassword("guest", "s3cret") }, push.Options{}, "guest is not allowed to; have an administrator do what Schema prints"},
		"pgvector": {func(u *url.URL) {}, push.Options{Type: "vector"}, "Type is vector, and the server has no pgvector"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := postgres.Connect(ctx, with(t, server, c.change), c.o)
			if err == nil {
				defer s.Close()
				_, err = push.Run(ctx, small(t), s, c.o, push.Watch{})
			}
			require.ErrorContains(t, err, c.want)
			for _, secret := range []string{"wr0ng", "s3cret"} {
				assert.NotContains(t, err.Error(), secret)
			}
		})
	}
}

func small(t *testing.T) *push.Gallery {
	t.Helper()
	return pushtest.Gallery(t, metrics.Euclidean, pushtest.Model, pushtest.Items(30, 8))
}

// Who may not make the extension is told who can, and what to do without it. All sessions of PGlite are its one user's: who
// pushes is made another one, by what makes sessions of theirs.
func TestExtensionThatMayNotBeMade(t *testing.T) {
	server := server(t, vectorServer)
	emptied(t, server)
	exec(t, server, "DROP EXTENSION IF EXISTS vector CASCADE", "DROP ROLE IF EXISTS guest", "CREATE ROLE guest", "SET ROLE guest")
	defer exec(t, server, "RESET ROLE")
	s, err := postgres.Connect(ctx, server, push.Options{})
	require.NoError(t, err)
	defer s.Close()
	_, err = push.Run(ctx, small(t), s, push.Options{}, push.Watch{})
	require.ErrorContains(t, err, "may not make the extension vector, which the server has: have an administrator of the database do CREATE EXTENSION vector, or want Type real")
}

func TestTablesOfAnotherShape(t *testing.T) {
	server := server(t, plainServer)
	for statement, want := range map[string]string{
		"CREATE TABLE embeddings (id bigint)": "of another shape: it has no column embedding, it has no column label, it has no column meta, it has no column model, it has no column path, its column id is bigint, want text; name another Table",
		"CREATE TABLE embeddings (model text, id text, label text, path text, meta jsonb, embedding real[])": "has no primary key (model, id)",
		"CREATE VIEW embeddings AS SELECT 1 AS id":                                                           "of another shape",
	} {
		emptied(t, server)
		exec(t, server, statement)
		s, err := postgres.Connect(ctx, server, push.Options{})
		require.NoError(t, err)
		_, err = push.Run(ctx, small(t), s, push.Options{}, push.Watch{})
		require.ErrorContains(t, err, want)
		require.NoError(t, s.Close())
		if statement[7] == 'V' {
			exec(t, server, "DROP VIEW embeddings")
		}
	}
}

// Columns that somebody added stay, and names of any characters are names.
func TestColumnsAndNamesOfOnesOwn(t *testing.T) {
	server := server(t, plainServer)
	const name = `Order "of" the day; --`
	exec(t, server, `DROP TABLE IF EXISTS "Order ""of"" the day; --", medusa_push`)
	o := push.Options{Table: name}
	push1(t, server, o)
	exec(t, server, `ALTER TABLE "Order ""of"" the day; --" ADD price integer NOT NULL DEFAULT 3`, `UPDATE "Order ""of"" the day; --" SET price = 7, label = 'by hand' WHERE id = '8'`)
	out := push1(t, server, o)
	assert.Equal(t, push.Mark{Done: 30, Changed: 1, Unchanged: 29}, out.Mark)
	assert.Equal(t, [][]string{{"7", "class 1"}}, query(t, server, `SELECT price, label FROM "Order ""of"" the day; --" WHERE id = '8'`))
	exec(t, server, `DROP TABLE "Order ""of"" the day; --"`)
}

// A server that ends the connection midway: what was written before is there, and the same push goes on.
func TestConnectionThatBreaks(t *testing.T) {
	server := server(t, plainServer)
	emptied(t, server)
	s, err := postgres.Connect(ctx, server, push.Options{})
	require.NoError(t, err)
	_, err = push.Run(ctx, small(t), s, push.Options{Batch: 10}, push.Watch{Progress: func(done, _ int) {
		if done == 20 {
			exec(t, server, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'medusa-push' AND datname = current_database()")
		}
	}})
	require.ErrorContains(t, err, "stopped with 20 of 30 records in the database")
	// The server's last words, if they come before something is written to it.
	assert.Regexp(t, "terminating connection due to administrator command|the connection to PostgreSQL at .* broke", err.Error())
	require.NoError(t, s.Close())
	require.Len(t, records(t, server), 20)
	out := push1(t, server, push.Options{})
	assert.Equal(t, push.Outcome{Mark: push.Mark{Done: 30, New: 30}, Resumed: 20}, push.Outcome{Mark: out.Mark, Resumed: out.Resumed})
}

// Two pushes into one table at the same time: one of them sees it, and no row is lost.
func TestAnotherPushIntoTheTable(t *testing.T) {
	server := server(t, plainServer)
	emptied(t, server)
	s, err := postgres.Connect(ctx, server, push.Options{})
	require.NoError(t, err)
	defer s.Close()
	_, err = push.Run(ctx, small(t), s, push.Options{Batch: 10}, push.Watch{Progress: func(done, _ int) {
		if done == 10 {
			push1(t, server, push.Options{})
		}
	}})
	require.ErrorContains(t, err, "another push into the table embeddings is under way")
	assert.Len(t, records(t, server), 30)
}

// A table that was emptied after a push was stopped is not gone on with.
func TestEmptiedTable(t *testing.T) {
	server := server(t, plainServer)
	emptied(t, server)
	push1(t, server, push.Options{})
	exec(t, server, "UPDATE medusa_push SET finished = NULL", "TRUNCATE embeddings")
	out := push1(t, server, push.Options{})
	assert.Equal(t, push.Mark{Done: 30, New: 30}, out.Mark)
}

// What Schema prints is SQL, and what a push finds made by it suits.
func TestSchemaIsWhatAPushMakes(t *testing.T) {
	for variable, o := range map[string]push.Options{plainServer: {Type: "real"}, vectorServer: {}} {
		t.Run(variable, func(t *testing.T) {
			server := server(t, variable)
			emptied(t, server)
			text, err := postgres.Schema(small(t), push.Target{}, o)
			require.NoError(t, err)
			conn := connect(t, server)
			_, err = conn.Exec(ctx, text, pgx.QueryExecModeSimpleProtocol)
			require.NoError(t, err, text)
			require.NoError(t, conn.Close(ctx))
			before := fmt.Sprint(query(t, server, "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'embeddings'::regclass"))
			push1(t, server, push.Options{})
			assert.Equal(t, before, fmt.Sprint(query(t, server, "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'embeddings'::regclass")))
			emptied(t, server)
			push1(t, server, push.Options{})
			assert.Equal(t, before, fmt.Sprint(query(t, server, "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'embeddings'::regclass")))
		})
	}
}
