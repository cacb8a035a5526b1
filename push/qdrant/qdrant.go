package qdrant

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/pkg/errors"
	client "github.com/qdrant/go-client/qdrant"
	"google.golang.org/grpc"

	"medusa/internal/field"
	"medusa/internal/needs"
	"medusa/metrics"
	"medusa/push"
)

// Store is a collection. It implements push.Store.
type Store struct {
	client     *client.Client
	target     push.Target
	collection string
	method     string // hnsw or none; empty for that of the collection, or hnsw
	notes      []string
	header     push.Header
}

var _ push.Store = (*Store)(nil)

// distances are Qdrant's names of them.
var distances = map[metrics.Distance]client.Distance{
	metrics.Euclidean: client.Distance_Euclid, metrics.Cosine: client.Distance_Cosine, metrics.Dot: client.Distance_Dot,
}

const (
	maxDim     = 65536 // numbers of a vector
	maxMessage = 64 << 20
	grpcPort   = "6334"
)

// Connect connects to the gRPC port of a URL, such as qdrant://localhost:6334/photos; http is the same, and qdrants or
// https is by TLS. An API key stands before the host and an @, or comes from QDRANT_API_KEY.
func Connect(ctx context.Context, address string, o push.Options) (*Store, error) {
	if err := needs.Context("push", ctx); err != nil {
		return nil, err
	}
	target, err := push.ParseTarget(address)
	if err != nil {
		return nil, err
	}
	s, err := newStore(target, o)
	if err != nil {
		return nil, err
	}
	port, _ := strconv.Atoi(cmp.Or(target.URL.Port(), grpcPort))
	key, set := target.URL.User.Password()
	if !set {
		key = target.URL.User.Username()
	}
	key = cmp.Or(key, os.Getenv("QDRANT_API_KEY"))
	secure := target.URL.Scheme == "qdrants" || target.URL.Scheme == "https"
	if key != "" && !secure {
		s.notes = append(s.notes, "the API key goes to the server as it is, without TLS: qdrants:// is with it")
	}
	s.client, err = client.NewClient(&client.Config{
		Host: target.URL.Hostname(), Port: port, APIKey: key, PoolSize: 1, SkipCompatibilityCheck: true, UseTLS: secure,
		GrpcOptions: []grpc.DialOption{grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage))},
	})
	if err != nil {
		return nil, s.explain(err)
	}
	if _, err := s.client.CollectionExists(ctx, s.collection); err != nil { // the first call connects
		s.client.Close()
		return nil, s.explain(err)
	}
	return s, nil
}

// newStore is the store that a URL and options ask for.
func newStore(target push.Target, o push.Options) (*Store, error) {
	if err := target.MustBe(push.Qdrant); err != nil {
		return nil, err
	}
	if target.URL.Port() == "6333" {
		return nil, errors.Errorf("push: %s: 6333 is Qdrant's port for REST, want that for gRPC, 6334", target)
	}
	s := &Store{target: target, collection: strings.Trim(target.URL.Path, "/"), method: o.Index}
	switch {
	case strings.Contains(s.collection, "/"):
		return nil, errors.Errorf("push: the address %s names no collection, want qdrant://HOST:6334/COLLECTION", target)
	case s.collection != "" && o.Collection != "" && s.collection != o.Collection:
		return nil, field.Errorf("push", "", "the address names the collection %s, and %s is %s: leave one of them out", s.collection, field.Name("Collection"), o.Collection)
	case s.method != "" && s.method != "hnsw" && s.method != "none":
		return nil, field.Errorf("push", "", "%s is %q, which Qdrant has not: want hnsw or none", field.Name("Index"), s.method)
	}
	s.collection = cmp.Or(s.collection, o.Collection, "embeddings")
	for _, other := range []struct{ name, value string }{{"Table", o.Table}, {"Prefix", o.Prefix}, {"Type", o.Type}} {
		if other.value != "" {
			return nil, field.Errorf("push", "", "%s means nothing to Qdrant, which keeps points in a %s", field.Name(other.name), field.Name("Collection"))
		}
	}
	return s, nil
}

// Close ends the connection.
func (s *Store) Close() error { return s.client.Close() }

// Begin makes the collection, or checks the one that is there.
func (s *Store) Begin(ctx context.Context, h push.Header) (push.Mark, []string, error) {
	s.header = h
	if h.Dim > maxDim {
		return push.Mark{}, nil, errors.Errorf("push: the vectors have %d numbers, and Qdrant's at most %d", h.Dim, maxDim)
	}
	there, err := s.client.CollectionExists(ctx, s.collection)
	if err == nil && there {
		return push.Mark{}, s.notes, s.explain(s.check(ctx))
	}
	if err == nil {
		err = s.client.CreateCollection(ctx, s.create())
	}
	if err == nil { // by which points of other models are found at once
		_, err = s.client.CreateFieldIndex(ctx, &client.CreateFieldIndexCollection{CollectionName: s.collection, Wait: client.PtrOf(true), FieldName: "model", FieldType: client.FieldType_FieldTypeKeyword.Enum()})
	}
	return push.Mark{}, s.notes, s.explain(err)
}

// create is the collection as it is made.
func (s *Store) create() *client.CreateCollection {
	c := &client.CreateCollection{CollectionName: s.collection, VectorsConfig: client.NewVectorsConfig(&client.VectorParams{Size: uint64(s.header.Dim), Distance: distances[s.header.Distance]})}
	if s.method == "none" {
		c.HnswConfig = &client.HnswConfigDiff{M: client.PtrOf(uint64(0))}
	}
	return c
}

// check refuses a collection of vectors of another size, distance or model.
func (s *Store) check(ctx context.Context) error {
	h := s.header
	info, err := s.client.GetCollectionInfo(ctx, s.collection)
	if err != nil {
		return err
	}
	config := info.GetConfig()
	params := config.GetParams().GetVectorsConfig().GetParams()
	links := config.GetHnswConfig().GetM()
	if own := params.GetHnswConfig(); own != nil && own.M != nil { // of these vectors, before that of the collection
		links = own.GetM()
	}
	method := "hnsw"
	if links == 0 {
		method = "none"
	}
	switch {
	case params == nil:
		return field.Errorf("push", "", "the collection %s has vectors with names; name another %s", s.collection, field.Name("Collection"))
	case params.GetSize() != uint64(h.Dim):
		return field.Errorf("push", "", "the collection %s has vectors of %d numbers, and %s of %d; name another %s", s.collection, params.GetSize(), h.Name, h.Dim, field.Name("Collection"))
	case params.GetDistance() != distances[h.Distance]:
		return field.Errorf("push", "", "the collection %s compares by %s, and %s by %s distance; name another %s", s.collection, params.GetDistance(), h.Name, h.Distance, field.Name("Collection"))
	case s.method != "" && s.method != method:
		return field.Errorf("push", "", "the index of the collection %s is %s, and %s says %s: leave it out, or name another %s", s.collection, method, field.Name("Index"), s.method, field.Name("Collection"))
	}
	others, err := s.client.Scroll(ctx, &client.ScrollPoints{CollectionName: s.collection, Limit: client.PtrOf(uint32(1)), WithPayload: client.NewWithPayloadInclude("model"),
		Filter: &client.Filter{MustNot: []*client.Condition{client.NewMatch("model", h.Model)}}})
	if err != nil || len(others) == 0 {
		return err
	}
	return field.Errorf("push", "", "the collection %s has vectors of %s, and those of %s are of %s: their distances mean nothing together; name another %s, or delete that one",
		s.collection, push.ModelWords(others[0].GetPayload()["model"].GetStringValue()), h.Name, push.ModelWords(h.Model), field.Name("Collection"))
}

// Search is a call of Qdrant's REST interface.
func (s *Store) Search(id string) string {
	point := pointID(s.header.Model, id)
	query := strconv.FormatUint(point.GetNum(), 10)
	if uuid := point.GetUuid(); uuid != "" {
		query = strconv.Quote(uuid)
	}
	scheme, key := "http", ""
	if strings.HasSuffix(s.target.URL.Scheme, "s") {
		scheme = "https"
	}
	if s.target.URL.User != nil || os.Getenv("QDRANT_API_KEY") != "" {
		key = ` -H "api-key: $QDRANT_API_KEY"`
	}
	return fmt.Sprintf("curl -s %s://%s:6333/collections/%s/points/query%s -H 'Content-Type: application/json' \\\n  -d '{\"query\": %s, \"limit\": 10, \"with_payload\": [\"id\", \"label\", \"path\"]}'",
		scheme, s.target.URL.Hostname(), s.collection, key, query)
}

// Schema is what a push of the gallery would do to a Qdrant that has nothing, as calls of its REST interface.
func Schema(g *push.Gallery, target push.Target, o push.Options) (string, error) {
	s, err := newStore(target, o)
	if err != nil {
		return "", err
	}
	s.header = push.Header{Gallery: g, Options: o}
	params := s.create().GetVectorsConfig().GetParams()
	body := map[string]any{"vectors": map[string]any{"size": params.GetSize(), "distance": params.GetDistance().String()}}
	if s.method == "none" {
		body["hnsw_config"] = map[string]int{"m": 0}
	}
	text, err := json.Marshal(body)
	if err != nil {
		return "", errors.WithStack(err)
	}
	return fmt.Sprintf("PUT /collections/%s\n  %s\nPUT /collections/%s/index\n  {\"field_name\":\"model\",\"field_schema\":\"keyword\"}\nPUT /collections/%s/points\n  %d points with the payload id, label, path, meta, model, digest\n%s",
		s.collection, text, s.collection, s.collection, g.Len(), s.Search(g.SomeID())), nil
}
