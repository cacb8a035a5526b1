package postgres

import (
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"medusa/internal/field"
	"medusa/metrics"
	"medusa/push"
)

// Types of the column embedding.
const (
	vector  = "vector"
	halfvec = "halfvec"
	real    = "real"
)

// longestName is how many bytes of a name PostgreSQL keeps.
const longestName = 63

// limits says how many numbers a type can have, and how many an index over it takes.
var limits = map[string]struct{ stored, indexed int }{vector: {16000, 2000}, halfvec: {16000, 4000}}

// operators are pgvector's, each with the end of the name of its operator class.
var operators = map[metrics.Distance]struct{ sign, class string }{
	metrics.Euclidean: {"<->", "l2_ops"}, metrics.Cosine: {"<=>", "cosine_ops"}, metrics.Dot: {"<#>", "ip_ops"},
}

// table is what a gallery is kept in.
type table struct {
	schema   string // empty for the first of the search path
	name     string
	kind     string // vector, halfvec or real
	dim      int
	distance metrics.Distance
	index    string // hnsw, ivfflat or none
	rows     int    // that are expected
}

// newTable is the table that options ask for; kind and index may be empty still.
func newTable(o push.Options) (*table, error) {
	t := &table{name: o.Table, kind: o.Type, index: o.Index}
	if t.name == "" {
		t.name = "embeddings"
	}
	if schema, name, ok := strings.Cut(t.name, "."); ok {
		t.schema, t.name = schema, name
	}
	for _, part := range []string{t.schema, t.name} {
		if len(part) > longestName || strings.ContainsRune(part, 0) {
			return nil, field.Errorf("push", "", "%s is %.80q, and a name in PostgreSQL has at most %d bytes", field.Name("Table"), o.Table, longestName)
		}
	}
	if t.name == "" || strings.Contains(t.name, ".") || strings.HasPrefix(o.Table, ".") {
		return nil, field.Errorf("push", "", "%s is %q, want a name, or a schema and a name such as public.photos", field.Name("Table"), o.Table)
	}
	if t.name == progressTable {
		return nil, field.Errorf("push", "", "%s is %s, the table that says how far pushes have come: want another name", field.Name("Table"), o.Table)
	}
	switch t.kind {
	case "", vector, halfvec, real:
	default:
		return nil, field.Errorf("push", "", "%s is %q, want vector, halfvec or real", field.Name("Type"), t.kind)
	}
	switch t.index {
	case "", "hnsw", "ivfflat", "none":
	default:
		return nil, field.Errorf("push", "", "%s is %q, which PostgreSQL has not: want hnsw, ivfflat or none", field.Name("Index"), t.index)
	}
	for what, value := range map[string]string{"Collection": o.Collection, "Prefix": o.Prefix} {
		if value != "" {
			return nil, field.Errorf("push", "", "%s means nothing to PostgreSQL, which keeps rows in a table: say %s", field.Name(what), field.Name("Table"))
		}
	}
	return t, nil
}

// of sets what the gallery says, and returns what is to be said of it.
func (t *table) of(h push.Header) (note string, err error) {
	t.dim, t.distance, t.rows = h.Dim, h.Distance, h.Len()
	if t.kind == real {
		if t.index == "hnsw" || t.index == "ivfflat" {
			return "", field.Errorf("push", "", "%s is %s, which needs pgvector, and the vectors are kept as real[]: want none", field.Name("Index"), t.index)
		}
		t.index = "none"
		return "", nil
	}
	limit := limits[t.kind]
	if t.dim > limit.stored {
		return "", field.Errorf("push", "", "the vectors have %d numbers, and pgvector's %s at most %d: want %s real", t.dim, t.kind, limit.stored, field.Name("Type"))
	}
	if t.index == "none" || t.dim <= limit.indexed {
		if t.index == "" {
			t.index = "hnsw"
		}
		return "", nil
	}
	way := "leave the index out"
	if t.kind == vector && t.dim <= limits[halfvec].indexed {
		way = "halfvec takes 4,000"
	}
	if t.index == "" {
		t.index = "none"
		return fmt.Sprintf("no index: pgvector's take at most %d numbers of a %s, these have %d (%s); searches compare with all rows", limit.indexed, t.kind, t.dim, way), nil
	}
	return "", field.Errorf("push", "", "%s is %s, which takes at most %d numbers of a %s, and the vectors have %d: want %s none, or halfvec as %s, which takes up to 4,000",
		field.Name("Index"), t.index, limit.indexed, t.kind, t.dim, field.Name("Index"), field.Name("Type"))
}

// qualified is a table's name in the schema, as SQL has it.
func (t *table) qualified(name string) string {
	if t.schema == "" {
		return identifier(name)
	}
	return identifier(t.schema) + "." + identifier(name)
}

// identifier is a name as SQL has it, whatever it is.
func identifier(name string) string { return pgx.Identifier{name}.Sanitize() }

// sqlType is that of the column embedding.
func (t *table) sqlType() string {
	if t.kind == real {
		return "real[]"
	}
	return fmt.Sprintf("%s(%d)", t.kind, t.dim)
}

// create is the statement that makes the table.
func (t *table) create() string {
	check := ""
	if t.kind == real {
		check = fmt.Sprintf(" CHECK (array_length(embedding, 1) = %d)", t.dim)
	}
	return fmt.Sprintf(`CREATE TABLE IF NOT EXISTS %s (
  model text NOT NULL,
  id text NOT NULL,
  label text NOT NULL DEFAULT '',
  path text NOT NULL DEFAULT '',
  meta jsonb NOT NULL DEFAULT '{}',
  embedding %s NOT NULL%s,
  PRIMARY KEY (model, id)
)`, t.qualified(t.name), t.sqlType(), check)
}

// indexName is another one for each index that may be built over the column.
func (t *table) indexName() string {
	end := fmt.Sprintf("_%s_%s", t.index, t.distance)
	return t.name[:min(len(t.name), longestName-len(end))] + end
}

// createIndex is the statement that builds the index; empty if there is none.
func (t *table) createIndex() string {
	if t.index == "none" {
		return ""
	}
	with := ""
	if t.index == "ivfflat" { // as pgvector's documentation has it
		lists := max(t.rows/1000, 1)
		if t.rows > 1_000_000 {
			lists = isqrt(t.rows)
		}
		with = fmt.Sprintf(" WITH (lists = %d)", lists)
	}
	return fmt.Sprintf("CREATE INDEX IF NOT EXISTS %s ON %s USING %s (embedding %s_%s)%s",
		identifier(t.indexName()), t.qualified(t.name), t.index, t.kind, operators[t.distance].class, with)
}

// isqrt is the root of n, rounded down.
func isqrt(n int) int {
	r := 0
	for (r+1)*(r+1) <= n {
		r++
	}
	return r
}

// search is a query for the ten rows nearest to that of an ID.
func (t *table) search(id string) string {
	name, literal := t.qualified(t.name), "'"+strings.ReplaceAll(id, "'", "''")+"'"
	of := fmt.Sprintf("(SELECT embedding FROM %s WHERE id = %s)", name, literal)
	if t.kind != real {
		return fmt.Sprintf("SELECT id, label, path, embedding %s %s AS distance\nFROM %s\nORDER BY distance LIMIT 10;", operators[t.distance].sign, of, name)
	}
	sum := map[metrics.Distance]string{
		metrics.Euclidean: "sqrt(sum((a::float8 - b) ^ 2))",
		metrics.Cosine:    "1 - sum(a::float8 * b) / sqrt(sum(a::float8 * a) * sum(b::float8 * b))",
		metrics.Dot:       "-sum(a::float8 * b)",
	}[t.distance]
	return fmt.Sprintf("SELECT id, label, path,\n  (SELECT %s FROM unnest(embedding, %s) AS pair(a, b)) AS distance\nFROM %s\nORDER BY distance LIMIT 10;", sum, of, name)
}
