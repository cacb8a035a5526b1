package qdrant_test

import (
	"context"
	"math"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	client "github.com/qdrant/go-client/qdrant"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// service is a server of this process, which speaks Qdrant's protocol by the interfaces of its own client, and keeps
// collections as its documentation says, as far as this package needs it: no server of Qdrant is to be had where these
// tests run.
type service struct {
	client.UnimplementedPointsServer
	mu          sync.Mutex
	collections map[string]*collection
}

type collection struct {
	made   *client.CreateCollection
	params *client.VectorParams
	points map[string]*client.PointStruct
}

// collectionsServer is the other half, whose methods have names that the points' have, too.
type collectionsServer struct {
	client.UnimplementedCollectionsServer
	of *service
}

// serve starts a server that wants an API key, or none if that is empty, and returns host and port.
func serve(t *testing.T, key string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	q := &service{collections: map[string]*collection{}}
	s := grpc.NewServer(grpc.UnaryInterceptor(func(ctx context.Context, request any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		given, _ := metadata.FromIncomingContext(ctx)
		if key != "" && !slices.Equal(given.Get("api-key"), []string{key}) {
			return nil, status.Error(codes.Unauthenticated, "Must provide an API key or an Authorization bearer token")
		}
		q.mu.Lock()
		defer q.mu.Unlock()
		return handler(ctx, request)
	}))
	client.RegisterPointsServer(s, q)
	client.RegisterCollectionsServer(s, collectionsServer{of: q})
	go s.Serve(listener)
	t.Cleanup(s.Stop)
	return listener.Addr().String()
}

func (q *service) named(name string) (*collection, error) {
	c, ok := q.collections[name]
	if !ok {
		return nil, status.Errorf(codes.NotFound, "Not found: Collection `%s` doesn't exist!", name)
	}
	return c, nil
}

func (q collectionsServer) CollectionExists(_ context.Context, r *client.CollectionExistsRequest) (*client.CollectionExistsResponse, error) {
	_, ok := q.of.collections[r.GetCollectionName()]
	return &client.CollectionExistsResponse{Result: &client.CollectionExists{Exists: ok}}, nil
}

func (q collectionsServer) Create(_ context.Context, r *client.CreateCollection) (*client.CollectionOperationResponse, error) {
	params := r.GetVectorsConfig().GetParams()
	if params.GetSize() < 1 || params.GetSize() > 65536 || params.GetDistance() == client.Distance_UnknownDistance {
		return nil, status.Errorf(codes.InvalidArgument, "Validation error in body: %v", params)
	}
	q.of.collections[r.GetCollectionName()] = &collection{r, params, map[string]*client.PointStruct{}}
	return &client.CollectionOperationResponse{Result: true}, nil
}

func (q collectionsServer) Get(_ context.Context, r *client.GetCollectionInfoRequest) (*client.GetCollectionInfoResponse, error) {
	c, err := q.of.named(r.GetCollectionName())
	if err != nil {
		return nil, err
	}
	hnsw := &client.HnswConfigDiff{M: client.PtrOf(uint64(16))}
	if c.made.GetHnswConfig() != nil {
		hnsw = c.made.GetHnswConfig()
	}
	return &client.GetCollectionInfoResponse{Result: &client.CollectionInfo{Config: &client.CollectionConfig{HnswConfig: hnsw, Params: &client.CollectionParams{VectorsConfig: c.made.GetVectorsConfig()}}}}, nil
}

func (q *service) CreateFieldIndex(_ context.Context, r *client.CreateFieldIndexCollection) (*client.PointsOperationResponse, error) {
	_, err := q.named(r.GetCollectionName())
	return &client.PointsOperationResponse{Result: &client.UpdateResult{}}, err
}

func (q *service) Upsert(_ context.Context, r *client.UpsertPoints) (*client.PointsOperationResponse, error) {
	c, err := q.named(r.GetCollectionName())
	if err != nil {
		return nil, err
	}
	for _, p := range r.GetPoints() {
		if n := len(dense(p)); n != int(c.params.GetSize()) {
			return nil, status.Errorf(codes.InvalidArgument, "Wrong input: Vector dimension error: expected dim: %d, got %d", c.params.GetSize(), n)
		}
	}
	for _, p := range r.GetPoints() {
		c.points[p.GetId().String()] = p
	}
	return &client.PointsOperationResponse{Result: &client.UpdateResult{Status: client.UpdateStatus_Completed}}, nil
}

func dense(p *client.PointStruct) []float32 { return p.GetVectors().GetVector().GetDense().GetData() }

func (q *service) Get(_ context.Context, r *client.GetPoints) (*client.GetResponse, error) {
	c, err := q.named(r.GetCollectionName())
	if err != nil {
		return nil, err
	}
	out := &client.GetResponse{}
	for _, id := range r.GetIds() {
		if p, ok := c.points[id.String()]; ok {
			out.Result = append(out.Result, &client.RetrievedPoint{Id: p.GetId(), Payload: p.GetPayload()})
		}
	}
	return out, nil
}

// fits reports whether a point is one of a filter of matches.
func fits(p *client.PointStruct, f *client.Filter) bool {
	matches := func(c *client.Condition) bool {
		return p.GetPayload()[c.GetField().GetKey()].GetStringValue() == c.GetField().GetMatch().GetKeyword()
	}
	for _, c := range f.GetMust() {
		if !matches(c) {
			return false
		}
	}
	return !slices.ContainsFunc(f.GetMustNot(), matches)
}

func (q *service) Scroll(_ context.Context, r *client.ScrollPoints) (*client.ScrollResponse, error) {
	c, err := q.named(r.GetCollectionName())
	if err != nil {
		return nil, err
	}
	var keys []string
	for key, p := range c.points {
		if fits(p, r.GetFilter()) && (r.Offset == nil || key >= r.GetOffset().String()) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	out := &client.ScrollResponse{}
	for i, key := range keys {
		if i == int(min(r.GetLimit(), 7)) { // a page is short, so that there are several
			out.NextPageOffset = c.points[key].GetId()
			break
		}
		p := &client.RetrievedPoint{Id: c.points[key].GetId(), Payload: c.points[key].GetPayload()}
		if r.GetWithVectors().GetEnable() {
			p.Vectors = &client.VectorsOutput{VectorsOptions: &client.VectorsOutput_Vector{Vector: &client.VectorOutput{Vector: &client.VectorOutput_Dense{Dense: &client.DenseVector{Data: dense(c.points[key])}}}}}
		}
		out.Result = append(out.Result, p)
	}
	return out, nil
}

func (q *service) Delete(_ context.Context, r *client.DeletePoints) (*client.PointsOperationResponse, error) {
	c, err := q.named(r.GetCollectionName())
	if err != nil {
		return nil, err
	}
	for _, id := range r.GetPoints().GetPoints().GetIds() {
		delete(c.points, id.String())
	}
	return &client.PointsOperationResponse{Result: &client.UpdateResult{}}, nil
}

func (q *service) Query(_ context.Context, r *client.QueryPoints) (*client.QueryResponse, error) {
	c, err := q.named(r.GetCollectionName())
	if err != nil {
		return nil, err
	}
	id := r.GetQuery().GetNearest().GetId()
	of, ok := c.points[id.String()]
	if !ok {
		return nil, status.Errorf(codes.NotFound, "Not found: No point with id %s found", id)
	}
	out := &client.QueryResponse{}
	for key, p := range c.points {
		if key != id.String() {
			out.Result = append(out.Result, &client.ScoredPoint{Id: p.GetId(), Payload: p.GetPayload(), Score: score(c.params.GetDistance(), dense(of), dense(p))})
		}
	}
	slices.SortFunc(out.Result, func(a, b *client.ScoredPoint) int {
		if a.Score == b.Score {
			return strings.Compare(a.Id.String(), b.Id.String())
		}
		if (a.Score < b.Score) == (c.params.GetDistance() == client.Distance_Euclid) {
			return -1
		}
		return 1
	})
	out.Result = out.Result[:min(int(r.GetLimit()), len(out.Result))]
	return out, nil
}

// score is what Qdrant sorts by: a distance where less is nearer for Euclid, else a similarity.
func score(d client.Distance, a, b []float32) float32 {
	var square, product, aa, bb float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		square, product, aa, bb = square+(x-y)*(x-y), product+x*y, aa+x*x, bb+y*y
	}
	switch d {
	case client.Distance_Euclid:
		return float32(math.Sqrt(square))
	case client.Distance_Cosine:
		return float32(product / math.Sqrt(aa*bb))
	}
	return float32(product)
}
