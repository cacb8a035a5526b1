package main

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/metrics"
	"medusa/push/internal/pushtest"
)

// asProgram makes this test's binary the program.
const asProgram = "MEDUSA_PUSH_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

// program is a call of the program, as a process of its own.
func program(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1", "COLUMNS=1000")
	return cmd
}

// called is what a call answers.
func called(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd := program(args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		require.ErrorAs(t, err, new(*exec.ExitError))
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// saved is the file of an index of n items.
func saved(t *testing.T, n int) string {
	t.Helper()
	return pushtest.Saved(t, pushtest.Index(t, metrics.Euclidean, pushtest.Model, pushtest.Items(n, 8)))
}

func TestCallsThatCannotBe(t *testing.T) {
	gallery := saved(t, 5)
	for _, c := range []struct {
		args []string
		want string
		code int
	}{
		{[]string{}, "want GALLERY and URL", 2},
		{[]string{gallery}, "one of two is missing", 2},
		{[]string{"postgres://me:s3cret@localhost/x", gallery}, "the URL stands first", 2},
		{[]string{gallery, "postgres://me:s3cret@localhost/x", "more"}, "these are 3 arguments", 2},
		{[]string{gallery, "postgres://me:s3cret@localhost/x", "-tabel", "x"}, "there is no flag -tabel; did you mean -table?", 2},
		{[]string{gallery, "postgres://me:s3cret@localhost/x", "-table="}, "-table is empty", 2},
		{[]string{gallery, "postgres://me:s3cret@localhost/x", "-index", "lsh"}, "-index", 2},
		{[]string{gallery, "postgres://me:s3cret@localhost/x", "-batch", "0"}, "-batch", 2},
		{[]string{gallery, "mongodb://me:s3cret@localhost/x"}, "no database is known by mongodb://", 1},
		{[]string{gallery, "postgres://me:s3cret@127.0.0.1:1/x"}, "PostgreSQL at 127.0.0.1:1 cannot be reached: connect: connection refused", 1},
		{[]string{gallery, "qdrant://s3cret@127.0.0.1:1/x"}, "Qdrant at 127.0.0.1:1 cannot be reached", 1},
		{[]string{gallery, "redis://:s3cret@127.0.0.1:1"}, "Redis at 127.0.0.1:1 cannot be reached: connect: connection refused", 1},
		{[]string{gallery, "postgres://me:s3cret@127.0.0.1:1/x", "-collection", "x"}, "-collection means nothing to PostgreSQL, which keeps rows in a table: say -table", 1},
		{[]string{gallery, "qdrant://s3cret@127.0.0.1:1/x", "-collection", "y"}, "the address names the collection x, and -collection is y", 1},
		{[]string{gallery, "qdrant://s3cret@127.0.0.1:6333/x"}, "6333 is Qdrant's port for REST", 1},
		{[]string{gallery, "redis://:s3cret@127.0.0.1:1", "-index", "ivfflat"}, `-index is "ivfflat", which Redis has not`, 1},
		{[]string{gallery, "redis://:s3cret@127.0.0.1:1/one"}, "invalid database number", 1},
		{[]string{gallery, "postgres:", "-schema", "-model", "ffffffff"}, "and -model is ffffffff", 1},
		{[]string{gallery, "postgres:", "-schema", "-model", "runs/gone"}, "-model: there is no run folder or model file runs/gone", 1},
		{[]string{gallery, "postgres:", "-schema", "-distance", "dot"}, "-distance is dot, and the index", 1},
		{[]string{"gone.index", "postgres:", "-schema"}, "there is no file gone.index", 1},
	} {
		code, stdout, stderr := called(t, c.args...)
		assert.Equal(t, c.code, code, "%q: %s", c.args, stderr)
		assert.Contains(t, stderr, c.want)
		assert.NotContains(t, stdout+stderr, "s3cret", c.args)
		assert.NotContains(t, stderr, ": push: ", "the name of a package")
	}
}

func TestHelpAndSchema(t *testing.T) {
	code, help, _ := called(t, "-h")
	assert.Equal(t, 0, code)
	for _, want := range []string{"-table NAME", "-schema", "qdrant://HOST:6334/COLLECTION"} {
		assert.Contains(t, help, want)
	}
	gallery := saved(t, 5)
	for address, want := range map[string]string{
		"postgres://me:s3cret@localhost/x": `CREATE TABLE IF NOT EXISTS "embeddings"`,
		"qdrant://s3cret@localhost/x":      `{"vectors":{"distance":"Euclid","size":8}}`,
		"redis://:s3cret@localhost":        "FT.CREATE embeddings ON HASH PREFIX 1 embeddings:",
	} {
		code, stdout, stderr := called(t, gallery, address, "--schema", "--model="+pushtest.Model)
		require.Equal(t, 0, code, stderr)
		assert.Contains(t, stdout, want)
		assert.NotContains(t, stdout+stderr, "s3cret")
	}
}

// What a push says, the first time and the second, of a place and of its password.
func TestPushTwice(t *testing.T) {
	server := miniredis.RunT(t)
	server.RequireAuth("s3cret")
	gallery, address := saved(t, 1234), "redis://:s3cret@"+server.Addr()
	code, stdout, stderr := called(t, gallery, address, "-index", "none")
	require.Equal(t, 0, code, stderr)
	assert.Contains(t, stdout, "1,234 records of "+gallery+" to redis://:xxxxx@"+server.Addr()+", model "+pushtest.Model+", compared by euclidean distance\n")
	assert.Contains(t, stdout, "1,234 new, 0 changed, 0 unchanged\n")
	code, again, stderr := called(t, gallery, address, "-index", "none", "-delete")
	require.Equal(t, 0, code, stderr)
	assert.Contains(t, again, "0 new, 0 changed, 1,234 unchanged, 0 removed: nothing was to be done\n")
	assert.NotContains(t, stdout+again, "s3cret")

	t.Setenv("REDIS_PASSWORD", "s3cret")
	code, _, stderr = called(t, gallery, "redis://"+server.Addr(), "-index", "none")
	assert.Equal(t, 0, code, stderr)
}

// emptyDatabase is the URL of a new database on the server that MEDUSA_POSTGRES_URL names, which other packages' tests use at the same
// time; empty if it names none.
func emptyDatabase(t *testing.T, name string) string {
	t.Helper()
	server := os.Getenv("MEDUSA_POSTGRES_URL")
	if server == "" {
		return ""
	}
	conn, err := pgx.Connect(t.Context(), server)
	require.NoError(t, err)
	defer conn.Close(t.Context())
	for _, statement := range []string{"DROP DATABASE IF EXISTS " + name + " WITH (FORCE)", "CREATE DATABASE " + name} {
		_, err := conn.Exec(t.Context(), statement)
		require.NoError(t, err)
	}
	u, err := url.Parse(server)
	require.NoError(t, err)
	u.Path = "/" + name
	return u.String()
}

// A program that was killed is gone on with by the same command, without a record twice or lost.
func TestKilled(t *testing.T) {
	server := emptyDatabase(t, "killed")
	if server == "" {
		t.Skip("MEDUSA_POSTGRES_URL names no server")
	}
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, server)
	require.NoError(t, err)
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "DROP TABLE IF EXISTS killed, medusa_push")
	require.NoError(t, err)
	const rows = 4000
	gallery := saved(t, rows)
	args := []string{gallery, server, "-table", "killed", "-batch", "5"}
	for _, signal := range []os.Signal{os.Kill, os.Interrupt} {
		cmd := program(args...)
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		require.NoError(t, cmd.Start())
		done := func() (n int) {
			if conn.QueryRow(ctx, "SELECT done FROM medusa_push WHERE name = 'killed' AND finished IS NULL").Scan(&n) != nil {
				return 0
			}
			return n
		}
		before := done()
		require.Eventually(t, func() bool { return done() >= before+300 }, time.Minute, 5*time.Millisecond)
		require.NoError(t, cmd.Process.Signal(signal))
		require.Error(t, cmd.Wait())
		if signal == os.Interrupt {
			assert.Equal(t, 130, cmd.ProcessState.ExitCode(), out.String())
			assert.Contains(t, out.String(), fmt.Sprintf("stopped with %s of %d records", fmt.Sprint(done()), rows))
		}
	}
	code, stdout, stderr := called(t, append(args[:4:4], "-batch", "500")...)
	require.Equal(t, 0, code, stderr)
	assert.Contains(t, stdout, "going on after ")
	assert.Contains(t, stdout, "4,000 new, 0 changed, 0 unchanged\n", "with what was written before the signals")
	var count int
	require.NoError(t, conn.QueryRow(ctx, "SELECT count(*) FROM killed").Scan(&count))
	assert.Equal(t, rows, count)
	code, stdout, stderr = called(t, args[:4]...)
	require.Equal(t, 0, code, stderr)
	assert.Contains(t, stdout, "0 new, 0 changed, 4,000 unchanged: nothing was to be done\n")
	assert.NotContains(t, stdout, "going on after")

	_, query, found := strings.Cut(stdout, ":\n")
	require.True(t, found, stdout)
	u, err := url.Parse(server)
	require.NoError(t, err)
	if psql, err := exec.LookPath("psql"); err == nil { // what is printed is typed into psql
		cmd := exec.Command(psql, "-At0", u.String()) // a path of the gallery has a line break
		cmd.Stdin = strings.NewReader(query)
		text, err := cmd.CombinedOutput()
		require.NoError(t, err, string(text))
		lines := strings.Split(strings.Trim(string(text), "\x00\n"), "\x00")
		items := pushtest.Items(rows, 8)
		want := pushtest.Nearest(t, pushtest.Index(t, metrics.Euclidean, pushtest.Model, items), items[0], 10)
		require.Len(t, lines, len(want), string(text))
		for i, id := range want {
			assert.True(t, strings.HasPrefix(lines[i], id+"|"), "%s is not %s", lines[i], id)
		}
	}
}

// medusa push calls this program, which is built as messages say.
func TestMedusaCallsIt(t *testing.T) {
	dir := t.TempDir()
	for _, build := range [][]string{{"-C", "..", "build", "-o", dir + string(filepath.Separator), "./medusa-push"}, {"-C", "../..", "build", "-o", dir + string(filepath.Separator), "./cmd/medusa"}} {
		text, err := exec.Command("go", build...).CombinedOutput()
		require.NoError(t, err, string(text))
	}
	gallery := saved(t, 5)
	text, err := exec.Command(filepath.Join(dir, "medusa"), "push", gallery, "postgres:", "-schema").CombinedOutput()
	require.NoError(t, err, string(text))
	assert.Contains(t, string(text), `CREATE TABLE IF NOT EXISTS "embeddings"`)
	cmd := exec.Command(filepath.Join(dir, "medusa"), "push", gallery, "mongodb://me:s3cret@h/x")
	text, err = cmd.CombinedOutput()
	require.Error(t, err)
	assert.Equal(t, 1, cmd.ProcessState.ExitCode())
	assert.Contains(t, string(text), "medusa-push: no database is known by mongodb://")
}
