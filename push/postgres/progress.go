package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/pkg/errors"

	"medusa/internal/field"
	"medusa/push"
)

// progressTable has a row for each table that galleries were pushed into.
const progressTable = "medusa_push"

// createProgress is the statement that makes the table of progress.
func (t *table) createProgress() string {
	return fmt.Sprintf(`CREATE TABLE IF NOT EXISTS %s (
  name text PRIMARY KEY,
  model text NOT NULL,
  dim integer NOT NULL,
  distance text NOT NULL,
  gallery text NOT NULL,
  total bigint NOT NULL,
  done bigint NOT NULL,
  new bigint NOT NULL,
  changed bigint NOT NULL,
  unchanged bigint NOT NULL,
  finished timestamptz
)`, t.qualified(progressTable))
}

// progress is the row of the table of progress that belongs to a push.
type progress struct {
	conn    *pgx.Conn
	table   string // as SQL has it
	name    string // of the table that is pushed into
	gallery string // checksum
	done    int    // as the row says
}

// open is how far a push of the same gallery had come that was stopped; it begins one otherwise.
func (p *progress) open(ctx context.Context, s *Store) (m push.Mark, err error) {
	t, h := s.table, s.header
	*p = progress{conn: s.conn, table: t.qualified(progressTable), name: t.name, gallery: h.Digest}
	var there bool
	if err := s.conn.QueryRow(ctx, "SELECT to_regclass($1) IS NOT NULL", p.table).Scan(&there); err != nil {
		return m, err
	}
	if !there {
		if _, err := s.conn.Exec(ctx, t.createProgress()); err != nil {
			return m, errors.Wrapf(err, "making the table %s", p.table)
		}
	}
	err = s.conn.QueryRow(ctx, fmt.Sprintf("SELECT done, new, changed, unchanged FROM %s WHERE name = $1 AND finished IS NULL AND model = $2 AND gallery = $3 AND distance = $4",
		p.table), p.name, h.Model, h.Digest, h.Distance.String()).Scan(&m.Done, &m.New, &m.Changed, &m.Unchanged)
	if err == nil && m.Done > 0 {
		return s.still(ctx, m)
	}
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return m, err
	}
	return push.Mark{}, p.begin(ctx, h)
}

// still is the mark, unless somebody emptied the table meanwhile: then all is to be done again.
func (s *Store) still(ctx context.Context, m push.Mark) (push.Mark, error) {
	var rows int
	err := s.conn.QueryRow(ctx, fmt.Sprintf("SELECT count(*) FROM %s WHERE model = $1", s.table.qualified(s.table.name)), s.header.Model).Scan(&rows)
	if err != nil || rows >= m.Done {
		s.progress.done = m.Done
		return m, err
	}
	return push.Mark{}, s.progress.begin(ctx, s.header)
}

// begin writes the row of a push that has done nothing.
func (p *progress) begin(ctx context.Context, h push.Header) error {
	_, err := p.conn.Exec(ctx, fmt.Sprintf(`INSERT INTO %s (name, model, dim, distance, gallery, total, done, new, changed, unchanged)
VALUES ($1, $2, $3, $4, $5, $6, 0, 0, 0, 0)
ON CONFLICT (name) DO UPDATE SET model = EXCLUDED.model, dim = EXCLUDED.dim, distance = EXCLUDED.distance, gallery = EXCLUDED.gallery, total = EXCLUDED.total,
  done = 0, new = 0, changed = 0, unchanged = 0, finished = NULL`, p.table), p.name, h.Model, h.Dim, h.Distance.String(), h.Digest, h.Len())
	return err
}

// write takes note of a mark in the transaction of its rows. Where the row is not as this push left it, another
// push writes the table, and nothing is done.
func (p *progress) write(ctx context.Context, tx pgx.Tx, m push.Mark) error {
	tag, err := tx.Exec(ctx, fmt.Sprintf("UPDATE %s SET done = $4, new = $5, changed = $6, unchanged = $7 WHERE name = $1 AND gallery = $2 AND done = $3 AND finished IS NULL", p.table),
		p.name, p.gallery, p.done, m.Done, m.New, m.Changed, m.Unchanged)
	if err == nil && tag.RowsAffected() != 1 {
		return field.Errorf("push", "", "another push into the table %s is under way: wait for it to end, or name another %s", p.name, field.Name("Table"))
	}
	return err
}

// close takes note that all is there.
func (p *progress) close(ctx context.Context) error {
	_, err := p.conn.Exec(ctx, fmt.Sprintf("UPDATE %s SET finished = now() WHERE name = $1 AND gallery = $2 AND done = $3", p.table), p.name, p.gallery, p.done)
	return err
}
