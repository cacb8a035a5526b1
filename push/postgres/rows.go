package postgres

import (
	"context"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/pkg/errors"

	"medusa/push"
)

// upsert writes rows that are given as columns, those that are new or differ from what is there. The
// vectors come as text: each float32 in the fewest digits that give it back, for every type.
func (t *table) upsert() string {
	name := t.qualified(t.name)
	return fmt.Sprintf(`INSERT INTO %s AS old (model, id, label, path, meta, embedding)
SELECT $1, id, label, path, meta::jsonb, embedding::%s
FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) AS given(id, label, path, meta, embedding)
ON CONFLICT (model, id) DO UPDATE SET label = EXCLUDED.label, path = EXCLUDED.path, meta = EXCLUDED.meta, embedding = EXCLUDED.embedding
WHERE (old.label, old.path, old.meta, old.embedding) IS DISTINCT FROM (EXCLUDED.label, EXCLUDED.path, EXCLUDED.meta, EXCLUDED.embedding)
RETURNING xmax = 0`, name, t.sqlType())
}

// Put writes rows and the mark in one transaction.
func (s *Store) Put(ctx context.Context, records []push.Record, m push.Mark) (push.Mark, error) {
	err := pgx.BeginFunc(ctx, s.conn, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, s.table.upsert(), s.table.columnsOf(s.header.Model, records)...)
		if err != nil {
			return err
		}
		inserted, made := false, 0
		written, err := pgx.ForEachRow(rows, []any{&inserted}, func() error {
			if inserted { // a row that was there has the number of this transaction as its xmax
				made++
			}
			return nil
		})
		if err != nil {
			return err
		}
		changed := int(written.RowsAffected()) - made
		m.New, m.Changed, m.Unchanged = m.New+made, m.Changed+changed, m.Unchanged+len(records)-made-changed
		return s.progress.write(ctx, tx, m)
	})
	if err == nil {
		s.progress.done = m.Done
	}
	return m, s.explain(err)
}

// columnsOf are the parameters of upsert.
func (t *table) columnsOf(model string, records []push.Record) []any {
	var columns [5][]string
	for i := range records {
		r := &records[i]
		for c, text := range []string{r.ID, r.Label, r.Path, r.MetaJSON(), t.literal(r.Vector)} {
			columns[c] = append(columns[c], text)
		}
	}
	out := []any{model}
	for _, c := range columns {
		out = append(out, c)
	}
	return out
}

// literal is a vector as SQL reads it.
func (t *table) literal(v []float32) string {
	brackets := "[]"
	if t.kind == real {
		brackets = "{}"
	}
	b := append(make([]byte, 0, 12*len(v)), brackets[0])
	for i, x := range v {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendFloat(b, float64(x), 'g', -1, 32)
	}
	return string(append(b, brackets[1]))
}

// removedAtATime is how many rows a statement removes.
const removedAtATime = 10_000

// Retain removes rows in one transaction: a gallery is seen without all of them, or with all.
func (s *Store) Retain(ctx context.Context, has func(string) bool) (int, error) {
	name, removed := s.table.qualified(s.table.name), 0
	err := pgx.BeginFunc(ctx, s.conn, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, fmt.Sprintf("SELECT id FROM %s WHERE model = $1", name), s.header.Model)
		if err != nil {
			return err
		}
		var gone []string
		var id string
		if _, err := pgx.ForEachRow(rows, []any{&id}, func() error {
			if !has(id) {
				gone = append(gone, id)
			}
			return nil
		}); err != nil {
			return err
		}
		for first := 0; first < len(gone); first += removedAtATime {
			part := gone[first:min(first+removedAtATime, len(gone))]
			tag, err := tx.Exec(ctx, fmt.Sprintf("DELETE FROM %s WHERE model = $1 AND id = ANY($2::text[])", name), s.header.Model, part)
			if err != nil {
				return err
			}
			removed += int(tag.RowsAffected())
		}
		return nil
	})
	return removed, s.explain(err)
}

// End builds the index, and takes note that all is there.
func (s *Store) End(ctx context.Context) error {
	if statement := s.table.createIndex(); statement != "" {
		if _, err := s.conn.Exec(ctx, statement); err != nil {
			return errors.WithMessage(s.explain(err), "the index is not built")
		}
	}
	return s.explain(s.progress.close(ctx))
}
