package redis_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"strings"
	"testing"

	client "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/metrics"
	"medusa/push"
	"medusa/push/internal/pushtest"
	"medusa/push/redis"
)

var ctx = context.Background()

// connected is a client of the test's own, of a database that is empty.
func connected(t *testing.T, url string) *client.Client {
	t.Helper()
	o, err := client.ParseURL(url)
	require.NoError(t, err)
	c := client.NewClient(o)
	t.Cleanup(func() { c.Close() })
	keys, err := c.Keys(ctx, "embeddings*").Result()
	require.NoError(t, err)
	for _, key := range append(keys, "medusa:push:embeddings:") {
		require.NoError(t, c.Del(ctx, key).Err())
	}
	return c
}

// place is the keys of the usual prefix.
func place(t *testing.T, url string, o push.Options) pushtest.Place {
	c := connected(t, url)
	return pushtest.Place{
		Options: o, Unlike: pushtest.Exactly, FindsItself: true,
		Connect: func(o push.Options) (push.Store, error) { return redis.Connect(ctx, url, o) },
		Records: func() map[string]push.Record { return records(t, c) },
		Find:    func(search string) []string { return find(t, url, search) },
	}
}

func records(t *testing.T, c *client.Client) map[string]push.Record {
	t.Helper()
	keys, err := c.Keys(ctx, "embeddings:*").Result()
	require.NoError(t, err)
	out := map[string]push.Record{}
	for _, key := range keys {
		h, err := c.HGetAll(ctx, key).Result()
		require.NoError(t, err)
		r := push.Record{ID: h["id"], Label: h["label"], Path: h["path"]}
		require.Equal(t, "embeddings:"+r.ID, key)
		require.NoError(t, json.Unmarshal([]byte(h["meta"]), &r.Meta))
		for b := []byte(h["embedding"]); len(b) > 0; b = b[4:] {
			r.Vector = append(r.Vector, math.Float32frombits(binary.LittleEndian.Uint32(b)))
		}
		out[r.ID] = r
	}
	return out
}

// find does what a person is told to type, if redis-cli is there.
func find(t *testing.T, url, search string) (ids []string) {
	t.Helper()
	if _, err := exec.LookPath("redis-cli"); err != nil {
		t.Skip("there is no redis-cli")
	}
	line := strings.ReplaceAll(search, "redis-cli ", "redis-cli -u "+url+" ")
	out, err := exec.Command("sh", "-c", line).CombinedOutput()
	require.NoError(t, err, string(out))
	lines := strings.Split(string(out), "\n")
	for i, l := range lines {
		if l == "id" {
			ids = append(ids, lines[i+1])
		}
	}
	require.NotEmpty(t, ids, "%s: %s", line, out)
	return ids
}

// The protocol of Redis by a real server, whose Debian package has no search module: MEDUSA_REDIS_URL names it.
func TestServerWithoutSearch(t *testing.T) {
	url := os.Getenv("MEDUSA_REDIS_URL")
	if url == "" {
		t.Skip("MEDUSA_REDIS_URL names no server")
	}
	o := push.Options{Index: "none"}
	for name, check := range map[string]func(*testing.T, pushtest.Place){"twice": pushtest.Twice, "changes": pushtest.Changes, "stopped": pushtest.Stopped, "other model": pushtest.OtherModel, "other shape": pushtest.OtherShape} {
		t.Run(name, func(t *testing.T) { check(t, place(t, url, o)) })
	}
	connected(t, url)
	s, err := redis.Connect(ctx, url, push.Options{})
	require.NoError(t, err)
	defer s.Close()
	_, err = push.Run(ctx, pushtest.Gallery(t, metrics.Cosine, pushtest.Model, pushtest.Items(20, 4)), s, push.Options{}, push.Watch{})
	require.ErrorContains(t, err, "has no search module")
	assert.ErrorContains(t, err, "Index none")
}

// The search module is one of this process, over a server of this process that is no Redis: miniredis.
func TestSearchModule(t *testing.T) {
	for _, method := range []string{"hnsw", "flat"} {
		t.Run(method, func(t *testing.T) {
			pushtest.Run(t, func(t *testing.T) pushtest.Place {
				return place(t, "redis://"+serve(t), push.Options{Index: method})
			})
		})
	}
}
