package redis

import (
	"context"
	"strings"

	client "github.com/redis/go-redis/v9"

	"medusa/push"
)

// fields are those of a record's hash, in the order of values.
var fields = []string{"id", "label", "path", "meta", "model", "embedding"}

// values are a record's fields.
func (s *Store) values(r *push.Record) []string {
	return []string{r.ID, r.Label, r.Path, r.MetaJSON(), s.header.Model, string(push.AppendVector(nil, r.Vector))}
}

// Put reads what there is of records, and writes those that differ in one transaction.
func (s *Store) Put(ctx context.Context, records []push.Record, m push.Mark) (push.Mark, error) {
	there := make([]*client.SliceCmd, len(records))
	if _, err := s.client.Pipelined(ctx, func(p client.Pipeliner) error {
		for i := range records {
			there[i] = p.HMGet(ctx, s.prefix+records[i].ID, fields...)
		}
		return nil
	}); err != nil {
		return m, s.explain(err)
	}
	changes := map[string][]any{}
	for i := range records {
		key, values := s.prefix+records[i].ID, s.values(&records[i])
		fresh, same := compare(there[i].Val(), values)
		switch {
		case same:
			m.Unchanged++
			continue
		case fresh:
			m.New++
		default:
			m.Changed++
		}
		for f, name := range fields {
			changes[key] = append(changes[key], name, values[f])
		}
	}
	if len(changes) == 0 {
		return m, nil
	}
	_, err := s.client.TxPipelined(ctx, func(p client.Pipeliner) error {
		for key, pairs := range changes {
			p.HSet(ctx, key, pairs...)
		}
		return nil
	})
	return m, s.explain(err)
}

// compare says whether no field is there, and whether all are as they should be.
func compare(there []any, values []string) (fresh, same bool) {
	fresh, same = true, true
	for i, value := range values {
		text, ok := there[i].(string)
		fresh, same = fresh && !ok, same && ok && text == value
	}
	return fresh, same
}

// scanned is about how many keys are looked at in one call.
const scanned = 1000

// Retain removes hashes of the gallery's model. Keys of the prefix that are something else are left alone.
func (s *Store) Retain(ctx context.Context, has func(string) bool) (removed int, err error) {
	var cursor uint64
	for {
		var keys []string
		keys, cursor, err = s.client.ScanType(ctx, cursor, globOf(s.prefix)+"*", scanned, "hash").Result()
		if err != nil {
			return removed, s.explain(err)
		}
		n, err := s.remove(ctx, keys, has)
		if removed += n; err != nil || cursor == 0 {
			return removed, s.explain(err)
		}
	}
}

// remove removes those keys whose IDs are not retained.
func (s *Store) remove(ctx context.Context, keys []string, has func(string) bool) (int, error) {
	var gone []string
	for _, key := range keys {
		if id := strings.TrimPrefix(key, s.prefix); !has(id) {
			gone = append(gone, key)
		}
	}
	of := make([]*client.SliceCmd, len(gone))
	if len(gone) == 0 {
		return 0, nil
	}
	if _, err := s.client.Pipelined(ctx, func(p client.Pipeliner) error {
		for i, key := range gone {
			of[i] = p.HMGet(ctx, key, "id", "model")
		}
		return nil
	}); err != nil {
		return 0, err
	}
	var ours []string
	for i, key := range gone {
		if v := of[i].Val(); v[0] == strings.TrimPrefix(key, s.prefix) && v[1] == s.header.Model {
			ours = append(ours, key)
		}
	}
	if len(ours) == 0 {
		return 0, nil
	}
	n, err := s.client.Unlink(ctx, ours...).Result()
	return int(n), err
}

// globOf is a pattern that text alone fits.
func globOf(text string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`, "]", `\]`).Replace(text)
}

// End does nothing: Redis indexes each record as it comes.
func (s *Store) End(context.Context) error { return nil }
