package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/model"
)

// Many clients that embed, search, enrol and delete at the same time get the bits that each gets alone, and share
// batches.
func TestManyClients(t *testing.T) {
	m, err := model.Load(trained(), model.Options{Wait: 2 * time.Millisecond})
	require.NoError(t, err)
	defer m.Close()
	path := filepath.Join(t.TempDir(), "gallery.index")
	g, err := OpenGallery(path, GalleryOptions{New: made(m), Pictures: PicturesPath(path)})
	require.NoError(t, err)
	defer g.Close()
	s := serving(t, m, g, path, Options{MaxRequests: 64})
	s.fill()
	const kinds, clients, rounds = 20, 32, 12
	var pictures [kinds][]byte
	var want [kinds][]float32
	for i := range kinds {
		pictures[i] = drawing(i%5, i)
		x, err := s.model.EmbedReader(context.Background(), bytes.NewReader(pictures[i]))
		require.NoError(t, err)
		want[i] = x
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
	ask := func(method, path string, body []byte, into any) int {
		r, err := http.NewRequest(method, s.url+path, bytes.NewReader(body))
		if !assert.NoError(t, err) {
			return 0
		}
		r.Header.Set("Content-Type", "image/png")
		w, err := client.Do(r)
		if !assert.NoError(t, err) {
			return 0
		}
		defer w.Body.Close()
		if into != nil {
			assert.NoError(t, json.NewDecoder(w.Body).Decode(into))
		}
		return w.StatusCode
	}
	before := s.model.Batches()
	var all sync.WaitGroup
	for c := range clients {
		all.Go(func() {
			for k := range rounds {
				i := (7*c + k) % kinds
				switch (c + k) % 4 {
				case 0, 1:
					var a embedAnswer
					assert.Equal(t, 200, ask("POST", "/v1/embed", pictures[i], &a))
					assert.Equal(t, [][]float32{want[i]}, a.Embeddings)
				case 2:
					var a searchAnswer
					assert.Equal(t, 200, ask("POST", "/v1/search?k=1", pictures[i], &a))
					assert.Len(t, a.Results[0].Hits, 1)
				case 3:
					var a enrolAnswer
					assert.Equal(t, 201, ask("POST", fmt.Sprintf("/v1/items?label=%d", i), pictures[i], &a))
					var it wholeItem
					path := fmt.Sprintf("/v1/items/%d", a.Items[0].ID)
					assert.Equal(t, 200, ask("GET", path, nil, &it))
					assert.Equal(t, want[i], it.Vector)
					assert.Equal(t, 200, ask("GET", path+"/thumbnail", nil, nil))
					assert.Equal(t, 204, ask("DELETE", path, nil, nil))
				}
			}
		})
	}
	all.Wait()
	after := s.model.Batches()
	require.EqualValues(t, clients*rounds, after.Pictures-before.Pictures)
	require.Less(t, after.Count-before.Count, int64(clients*rounds*3/4), "requests share batches")
	require.Equal(t, 12, s.gallery.x.Len())
}
