package redis

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/pkg/errors"
	client "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"medusa/internal/field"
	"medusa/internal/needs"
	"medusa/metrics"
	"medusa/push"
)

// Store is the keys of a prefix. It implements push.Store.
type Store struct {
	client *client.Client
	target push.Target
	prefix string
	method string // hnsw, flat or none
	header push.Header
}

var _ push.Store = (*Store)(nil)

// keys are names of what is kept beside records.
const ofGalleries = "medusa:push:"

// metricNames are the search module's names of distances.
var metricNames = map[metrics.Distance]string{metrics.Euclidean: "L2", metrics.Cosine: "COSINE", metrics.Dot: "IP"}

// maxDim is how many numbers a vector of the search module has at most.
const maxDim = 32768

// Connect connects to the server of a URL, such as redis://localhost:6379, or rediss: by TLS. A password that the URL
// lacks comes from REDIS_PASSWORD.
func Connect(ctx context.Context, address string, o push.Options) (*Store, error) {
	if err := needs.Context("push", ctx); err != nil {
		return nil, err
	}
	target, err := push.ParseTargetOf(push.Redis, address)
	if err != nil {
		return nil, err
	}
	s, err := newStore(target, o)
	if err != nil {
		return nil, err
	}
	config, err := client.ParseURL(address)
	if err != nil {
		return nil, errors.Errorf("push: the address %s: %s", target, strings.TrimPrefix(err.Error(), "redis: "))
	}
	config.Password = cmp.Or(config.Password, os.Getenv("REDIS_PASSWORD"))
	config.Protocol = 2
	config.MaxRetries = 2
	logging.Disable() // what the pool of connections has to say of one that broke comes as an error, too
	s.client = client.NewClient(config)
	if err := s.client.Ping(ctx).Err(); err != nil {
		s.client.Close()
		return nil, s.explain(err)
	}
	return s, nil
}

func newStore(target push.Target, o push.Options) (*Store, error) {
	s := &Store{target: target, prefix: cmp.Or(o.Prefix, "embeddings:"), method: cmp.Or(o.Index, "hnsw")}
	switch s.method {
	case "hnsw", "flat", "none":
	default:
		return nil, field.Errorf("push", "", "%s is %q, which Redis has not: want hnsw, flat or none", field.Name("Index"), s.method)
	}
	if strings.HasPrefix(s.prefix, ofGalleries) {
		return nil, field.Errorf("push", "", "%s is %q, and keys that begin with %s say what was pushed: want another", field.Name("Prefix"), s.prefix, ofGalleries)
	}
	for _, other := range []struct{ name, value string }{{"Table", o.Table}, {"Collection", o.Collection}, {"Type", o.Type}} {
		if other.value != "" {
			return nil, field.Errorf("push", "", "%s means nothing to Redis, which keeps hashes of a %s", field.Name(other.name), field.Name("Prefix"))
		}
	}
	return s, nil
}

// Close ends the connection.
func (s *Store) Close() error { return s.client.Close() }

// index is the name of the search module's index.
func (s *Store) index() string { return cmp.Or(strings.TrimRight(s.prefix, ":"), s.prefix) }

// common is the key of what all records have in common.
func (s *Store) common() string { return ofGalleries + s.prefix }

// Begin makes the index and takes note of the model, or compares with what is there.
func (s *Store) Begin(ctx context.Context, h push.Header) (push.Mark, []string, error) {
	s.header = h
	if s.method != "none" && h.Dim > maxDim {
		return push.Mark{}, nil, field.Errorf("push", "", "the vectors have %d numbers, and an index of Redis takes %d: want %s none", h.Dim, maxDim, field.Name("Index"))
	}
	there, err := s.client.HGetAll(ctx, s.common()).Result()
	if err != nil {
		return push.Mark{}, nil, s.explain(err)
	}
	if err := s.check(there); err != nil {
		return push.Mark{}, nil, err
	}
	if err := s.createIndex(ctx, there["index"]); err != nil {
		return push.Mark{}, nil, s.explain(err)
	}
	err = s.client.HSet(ctx, s.common(), "model", h.Model, "dim", h.Dim, "distance", h.Distance.String(), "index", s.method).Err()
	return push.Mark{}, nil, s.explain(err)
}

// check refuses keys of vectors of another model or size, or that are compared by another distance.
func (s *Store) check(there map[string]string) error {
	if len(there) == 0 {
		return nil
	}
	h, place := s.header, fmt.Sprintf("keys that begin with %s", s.prefix)
	if model := there["model"]; model != h.Model {
		return field.Errorf("push", "", "%s have vectors of %s, and those of %s are of %s: their distances mean nothing together; name another %s, or remove them and %s",
			place, push.ModelWords(model), h.Name, push.ModelWords(h.Model), field.Name("Prefix"), s.common())
	}
	if dim := there["dim"]; dim != strconv.Itoa(h.Dim) {
		return field.Errorf("push", "", "%s have vectors of %s numbers, and %s of %d; name another %s", place, dim, h.Name, h.Dim, field.Name("Prefix"))
	}
	if distance := there["distance"]; distance != h.Distance.String() && there["index"] != "none" {
		return field.Errorf("push", "", "the index of %s compares by %s distance, and %s by %s; name another %s, or do FT.DROPINDEX %s and DEL %s, which leave the records",
			place, distance, h.Name, h.Distance, field.Name("Prefix"), s.index(), s.common())
	}
	if method := there["index"]; method != s.method && method != "none" {
		return field.Errorf("push", "", "the index of %s is %s, and %s says %s: leave it as it is, or do FT.DROPINDEX %s and DEL %s, which leave the records", place, method, field.Name("Index"), s.method, s.index(), s.common())
	}
	return nil
}

// createCommand makes the index.
func (s *Store) createCommand() []any {
	return []any{"FT.CREATE", s.index(), "ON", "HASH", "PREFIX", 1, s.prefix, "SCHEMA",
		"id", "TAG", "SEPARATOR", "\x1f", "label", "TAG", "SEPARATOR", "\x1f", "CASESENSITIVE", "path", "TAG", "SEPARATOR", "\x1f", "CASESENSITIVE",
		"embedding", "VECTOR", strings.ToUpper(s.method), 6, "TYPE", "FLOAT32", "DIM", s.header.Dim, "DISTANCE_METRIC", metricNames[s.header.Distance]}
}

// createIndex makes the index, unless it is there as it was made before.
func (s *Store) createIndex(ctx context.Context, before string) error {
	if s.method == "none" {
		return nil
	}
	err := s.client.Do(ctx, s.createCommand()...).Err()
	switch {
	case err == nil:
		return nil
	case strings.Contains(err.Error(), "already exists") && before == s.method:
		return nil
	case strings.Contains(err.Error(), "already exists"):
		return field.Errorf("push", "", "there is an index %s that no push made; name another %s, or do FT.DROPINDEX %s, which leaves the records", s.index(), field.Name("Prefix"), s.index())
	case strings.Contains(err.Error(), "unknown command"):
		return field.Errorf("push", "", "Redis at %s has no search module (no FT.CREATE): take a server that has, as Redis 8 or Redis Stack, or want %s none, which keeps the records alone", s.target.Place("6379"), field.Name("Index"))
	case strings.Contains(err.Error(), "on db != 0"):
		return errors.Errorf("push: Redis indexes its database 0 alone: leave the number out of the address %s", s.target)
	}
	return err
}

// Search is what a shell can do with redis-cli.
func (s *Store) Search(id string) string {
	key := quoted(s.prefix + id)
	if s.method == "none" {
		return fmt.Sprintf("redis-cli HGET %s embedding    # there is no index: a program compares", key)
	}
	return fmt.Sprintf(`redis-cli HGET %s embedding | head -c %d | redis-cli -X query FT.SEARCH %s '*=>[KNN 10 @embedding $v AS distance]' PARAMS 2 v query SORTBY distance RETURN 4 distance id label path DIALECT 2`,
		key, 4*s.header.Dim, quoted(s.index()))
}

// quoted is a word as a shell reads it back.
func quoted(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }

// Schema is what a push of the gallery would do to an empty database, without one.
func Schema(g *push.Gallery, target push.Target, o push.Options) (string, error) {
	s, err := newStore(target, o)
	if err != nil {
		return "", err
	}
	s.header = push.Header{Gallery: g, Options: o}
	var b strings.Builder
	if s.method != "none" {
		for i, word := range s.createCommand() {
			if i > 0 {
				b.WriteByte(' ')
			}
			text := fmt.Sprint(word)
			if text == "\x1f" {
				text = `"\x1f"`
			}
			b.WriteString(text)
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "HSET %s model %q dim %d distance %s index %s\n", s.common(), g.Model, g.Dim, g.Distance, s.method)
	fmt.Fprintf(&b, "HSET %sID id ID label … path … meta … model %q embedding …    one for each of %d records\n", s.prefix, g.Model, g.Len())
	return b.String() + s.Search(g.SomeID()), nil
}
