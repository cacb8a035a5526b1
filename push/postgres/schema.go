package postgres

import (
	"strings"

	"medusa/push"
)

// Schema is what a push of the gallery would do to an empty database, as statements of SQL, without a
// database: with pgvector, unless o.Type is real.
func Schema(g *push.Gallery, _ push.Target, o push.Options) (string, error) {
	t, err := newTable(o)
	if err != nil {
		return "", err
	}
	if t.kind == "" {
		t.kind = vector
	}
	note, err := t.of(push.Header{Gallery: g, Options: o})
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if note != "" {
		b.WriteString("-- " + note + "\n")
	}
	if t.kind != real {
		b.WriteString("CREATE EXTENSION IF NOT EXISTS vector;\n")
	}
	b.WriteString(t.create() + ";\n" + t.createProgress() + ";\n")
	if index := t.createIndex(); index != "" {
		b.WriteString("-- once the rows are there\n" + index + ";\n")
	}
	b.WriteString("-- the ten nearest to a row\n" + t.search(g.SomeID()) + "\n")
	return b.String(), nil
}
