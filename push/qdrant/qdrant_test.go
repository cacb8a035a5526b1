package qdrant_test

import (
	"context"
	"encoding/json"
	"net"
	"regexp"
	"strconv"
	"testing"

	client "github.com/qdrant/go-client/qdrant"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/metrics"
	"medusa/push"
	"medusa/push/internal/pushtest"
	"medusa/push/qdrant"
)

var ctx = context.Background()

// connected is a client of the test's own.
func connected(t *testing.T, address string) *client.Client {
	t.Helper()
	host, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	n, err := strconv.Atoi(port)
	require.NoError(t, err)
	c, err := client.NewClient(&client.Config{Host: host, Port: n, SkipCompatibilityCheck: true})
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

func TestStore(t *testing.T) {
	pushtest.Run(t, func(t *testing.T) pushtest.Place {
		address := serve(t, "")
		c := connected(t, address)
		return pushtest.Place{
			Unlike:  pushtest.Exactly,
			Connect: func(o push.Options) (push.Store, error) { return qdrant.Connect(ctx, "qdrant://"+address, o) },
			Records: func() map[string]push.Record { return records(t, c) },
			Find:    func(search string) []string { return find(t, c, search) },
		}
	})
}

func records(t *testing.T, c *client.Client) map[string]push.Record {
	t.Helper()
	out := map[string]push.Record{}
	request := &client.ScrollPoints{CollectionName: "embeddings", Limit: client.PtrOf(uint32(1000)), WithPayload: client.NewWithPayload(true), WithVectors: client.NewWithVectors(true)}
	for {
		points, next, err := c.ScrollAndOffset(ctx, request)
		require.NoError(t, err)
		for _, p := range points {
			v := p.GetPayload()
			r := push.Record{ID: v["id"].GetStringValue(), Label: v["label"].GetStringValue(), Path: v["path"].GetStringValue(), Vector: p.GetVectors().GetVector().GetDense().GetData()}
			require.Equal(t, r.ID, strconv.FormatUint(p.GetId().GetNum(), 10))
			for key, value := range v["meta"].GetStructValue().GetFields() {
				if r.Meta == nil {
					r.Meta = map[string]string{}
				}
				r.Meta[key] = value.GetStringValue()
			}
			out[r.ID] = r
		}
		if next == nil {
			return out
		}
		request.Offset = next
	}
}

var body = regexp.MustCompile(`-d '(.*)'$`)

// find does by gRPC what the call of the REST interface says, which the server of this test has not.
func find(t *testing.T, c *client.Client, search string) (ids []string) {
	t.Helper()
	m := body.FindStringSubmatch(search)
	require.NotNil(t, m, search)
	var query struct {
		Query       uint64
		Limit       uint64
		WithPayload []string `json:"with_payload"`
	}
	require.NoError(t, json.Unmarshal([]byte(m[1]), &query))
	points, err := c.Query(ctx, &client.QueryPoints{CollectionName: "embeddings", Query: client.NewQueryNearest(client.NewVectorInputID(client.NewIDNum(query.Query))), Limit: &query.Limit, WithPayload: client.NewWithPayloadInclude(query.WithPayload...)})
	require.NoError(t, err)
	for _, p := range points {
		ids = append(ids, p.GetPayload()["id"].GetStringValue())
	}
	return ids
}

func gallery(t *testing.T) *push.Gallery {
	return pushtest.Gallery(t, metrics.Cosine, pushtest.Model, pushtest.Items(20, 4))
}

func TestAPIKey(t *testing.T) {
	address := serve(t, "s3cret")
	s, err := qdrant.Connect(ctx, "qdrant://s3cret@"+address+"/photos", push.Options{})
	require.NoError(t, err)
	defer s.Close()
	_, err = push.Run(ctx, gallery(t), s, push.Options{}, push.Watch{})
	require.NoError(t, err)
	assert.NotContains(t, s.Search("5"), "s3cret")
	t.Setenv("QDRANT_API_KEY", "wr0ng")
	for _, url := range []string{"qdrant://" + address, "qdrant://wr0ng@" + address, "qdrant://key:wr0ng@" + address} {
		_, err = qdrant.Connect(ctx, url, push.Options{})
		require.ErrorContains(t, err, "QDRANT_API_KEY")
		assert.NotContains(t, err.Error(), "wr0ng")
	}
}
