package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/pkg/errors"

	"medusa/internal/field"
	"medusa/internal/needs"
	"medusa/push"
)

// Store is a table. It implements push.Store.
type Store struct {
	conn     *pgx.Conn
	target   push.Target
	table    *table
	header   push.Header
	progress progress
}

var _ push.Store = (*Store)(nil)

// Connect connects to the database of a URL, such as postgres://me@localhost/photos. What a URL does not say
// comes from the variables and files of psql: PGPASSWORD, ~/.pgpass and so on.
func Connect(ctx context.Context, address string, o push.Options) (*Store, error) {
	if err := needs.Context("push", ctx); err != nil {
		return nil, err
	}
	target, err := push.ParseTargetOf(push.Postgres, address)
	if err != nil {
		return nil, err
	}
	t, err := newTable(o)
	if err != nil {
		return nil, err
	}
	config, err := pgx.ParseConfig(address)
	if err != nil { // whose message holds no password, but may be about one
		return nil, errors.Errorf("push: the address %s: %s", target, lastPart(err))
	}
	config.RuntimeParams["application_name"] = "medusa-push"
	config.DefaultQueryExecMode = pgx.QueryExecModeExec // statements without names, which poolers of connections pass on
	conn, err := pgx.ConnectConfig(ctx, config)
	s := &Store{conn: conn, target: target, table: t}
	return s, s.explain(err)
}

// lastPart is what stands behind the last colon of a message about a URL, which it quotes.
func lastPart(err error) string {
	text := err.Error()
	if i := strings.LastIndex(text, "`: "); i >= 0 {
		return text[i+3:]
	}
	return "it cannot be read"
}

// Close ends the connection.
func (s *Store) Close() error {
	if s.conn == nil {
		return nil
	}
	return s.conn.Close(context.Background())
}

// Begin makes the table, and pgvector's extension where the server has it, or checks the table that is there.
func (s *Store) Begin(ctx context.Context, h push.Header) (push.Mark, []string, error) {
	s.header = h
	notes, err := s.prepare(ctx)
	if err != nil {
		return push.Mark{}, notes, s.explain(err)
	}
	m, err := s.progress.open(ctx, s)
	return m, notes, s.explain(err)
}

func (s *Store) prepare(ctx context.Context) (notes []string, err error) {
	t := s.table
	there, err := s.columns(ctx)
	if err != nil {
		return nil, err
	}
	if note, err := s.chooseType(ctx, there); err != nil || note != "" {
		notes = append(notes, note)
		if err != nil {
			return nil, err
		}
	}
	note, err := t.of(s.header)
	if err != nil {
		return nil, err
	}
	if note != "" {
		notes = append(notes, note)
	}
	if there != nil {
		return notes, s.check(ctx, there)
	}
	_, err = s.conn.Exec(ctx, t.create())
	return notes, errors.Wrapf(err, "making the table %s", t.qualified(t.name))
}

// columns are the types of the table's columns by their names; nil if there is no table.
func (s *Store) columns(ctx context.Context) (map[string]string, error) {
	rows, err := s.conn.Query(ctx, "SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped",
		s.table.qualified(s.table.name))
	if err != nil {
		return nil, err
	}
	var out map[string]string
	var name, kind string
	_, err = pgx.ForEachRow(rows, []any{&name, &kind}, func() error {
		if out == nil {
			out = map[string]string{}
		}
		out[name] = kind
		return nil
	})
	return out, err
}

// chooseType decides how vectors are kept, by what was asked for, what the table is, and what the server has.
func (s *Store) chooseType(ctx context.Context, there map[string]string) (note string, err error) {
	t := s.table
	if t.kind == "" && there != nil {
		of := there["embedding"]
		for kind, begin := range map[string]string{vector: "vector(", halfvec: "halfvec(", real: "real[]"} {
			if strings.HasPrefix(of, begin) {
				t.kind = kind
			}
		}
	}
	if t.kind == real {
		return "", nil
	}
	if there != nil && t.kind != "" { // and with it the extension
		return "", nil
	}
	var usable, made, available bool
	err = s.conn.QueryRow(ctx, `SELECT to_regtype('vector') IS NOT NULL,
		EXISTS (SELECT FROM pg_extension WHERE extname = 'vector'),
		EXISTS (SELECT FROM pg_available_extensions WHERE name = 'vector')`).Scan(&usable, &made, &available)
	switch {
	case err != nil:
		return "", err
	case made && !usable:
		return "", errors.Errorf("push: the extension vector lies in a schema that is not searched: say ?search_path=public,SCHEMA behind the address, with the schema that \\dx in psql shows")
	case !available && !made && t.kind == "":
		t.kind = real
		return "the server has no pgvector: vectors are kept as real[], and searches compare with all rows", nil
	case !available && !made:
		return "", field.Errorf("push", "", "%s is %s, and the server has no pgvector: install it there (on Debian the package postgresql-NN-pgvector), or want %s real", field.Name("Type"), t.kind, field.Name("Type"))
	}
	if t.kind == "" {
		t.kind = vector
	}
	if made {
		return "", nil
	}
	_, err = s.conn.Exec(ctx, "CREATE EXTENSION IF NOT EXISTS vector")
	if code(err) == forbidden {
		return "", field.Errorf("push", "", "%s may not make the extension vector, which the server has: have an administrator of the database do CREATE EXTENSION vector, or want %s real, which needs none",
			s.user(), field.Name("Type"))
	}
	return "", errors.Wrap(err, "making the extension vector")
}

// check refuses a table of another shape, of vectors of another size, or of another model.
func (s *Store) check(ctx context.Context, there map[string]string) error {
	t, h := s.table, s.header
	name := t.qualified(t.name)
	var wrong []string
	for column, want := range map[string]string{"model": "text", "id": "text", "label": "text", "path": "text", "meta": "jsonb", "embedding": t.sqlType()} {
		switch of := there[column]; {
		case of == "":
			wrong = append(wrong, fmt.Sprintf("it has no column %s", column))
		case of != want:
			wrong = append(wrong, fmt.Sprintf("its column %s is %s, want %s", column, of, want))
		}
	}
	if len(wrong) > 0 {
		slices.Sort(wrong)
		return field.Errorf("push", "", "there is a table %s of another shape: %s; name another %s, or drop that one", name, strings.Join(wrong, ", "), field.Name("Table"))
	}
	var least, greatest *string
	var length *int
	query := fmt.Sprintf("SELECT min(model), max(model), (SELECT %s FROM %s LIMIT 1) FROM %s", map[bool]string{true: "array_length(embedding, 1)", false: "vector_dims(embedding)"}[t.kind == real], name, name)
	if err := s.conn.QueryRow(ctx, query).Scan(&least, &greatest, &length); err != nil {
		return err
	}
	if length != nil && *length != t.dim {
		return field.Errorf("push", "", "the table %s has vectors of %d numbers, and %s of %d; name another %s", name, *length, h.Name, t.dim, field.Name("Table"))
	}
	for _, model := range []*string{least, greatest} {
		if model != nil && *model != h.Model {
			return otherModel("the table "+name, *model, h, "Table", fmt.Sprintf("empty that one by\n  TRUNCATE %s;\n", name))
		}
	}
	return nil
}

// otherModel is the error of a place that has vectors of another model.
func otherModel(place, has string, h push.Header, flag, empty string) error {
	return field.Errorf("push", "", "%s has vectors of %s, and those of %s are of %s: their distances mean nothing together; name another %s, or %s",
		place, push.ModelWords(has), h.Name, push.ModelWords(h.Model), field.Name(flag), strings.TrimSuffix(empty, "\n"))
}

// Search is a query in SQL.
func (s *Store) Search(id string) string { return s.table.search(id) }
