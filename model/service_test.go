package model_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pkg/errors"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/model"
)

// Service answers a picture in the body of a POST by its embedding, as a list of numbers in JSON. Requests that come at
// the same time are embedded together. A picture that cannot be read is the client's mistake, all else ours.
func Service(m *model.Model) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			http.Error(w, "POST a picture", http.StatusMethodNotAllowed)
			return
		}
		embedding, err := m.EmbedReader(r.Context(), http.MaxBytesReader(w, r.Body, 16<<20))
		var bad *model.PictureError
		var large *http.MaxBytesError
		switch {
		case errors.As(err, &bad):
			http.Error(w, bad.Reason+": "+bad.Detail, http.StatusUnprocessableEntity)
		case errors.As(err, &large):
			http.Error(w, "too large", http.StatusRequestEntityTooLarge)
		case err != nil:
			log.Print(err)
			http.Error(w, "the picture could not be embedded", http.StatusInternalServerError)
		default:
			w.Header().Set("Content-Type", "application/json")
			json.NewEncoder(w).Encode(embedding)
		}
	})
}

// A service over HTTP: POST a picture, and get its embedding.
func Example_service() {
	run, photos, clean := trained()
	defer clean()
	m, err := model.Load(filepath.Dir(run), model.Options{Wait: 2 * time.Millisecond})
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	server := httptest.NewServer(Service(m)) // or http.ListenAndServe(":8080", Service(m))
	defer server.Close()

	for _, name := range []string{"class1/0.png", "class1"} {
		picture, _ := os.ReadFile(filepath.Join(photos, name)) // nothing, of a folder
		answer, err := http.Post(server.URL, "image/png", bytes.NewReader(picture))
		if err != nil {
			log.Fatal(err)
		}
		body, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		var embedding []float32
		json.Unmarshal(body, &embedding)
		fmt.Println(answer.StatusCode, len(embedding), "numbers")
	}
	// Output:
	// 200 4 numbers
	// 422 0 numbers
}

// Many clients at once get what each gets alone, and batches are made of what they send.
func TestServiceOfManyClients(t *testing.T) {
	dir := colourful(t)
	m := smallNet(t)
	m.SetWait(3 * time.Millisecond)
	server := httptest.NewServer(Service(m))
	defer server.Close()
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.png"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	ctx := context.Background()
	want := make([][]float32, len(files))
	for i, path := range files {
		want[i], err = m.EmbedFile(ctx, path)
		require.NoError(t, err)
	}
	batches := m.CountBatches()
	const clients, rounds = 24, 4
	done := make(chan bool)
	for c := range clients {
		go func() {
			defer func() { done <- true }()
			for k := range rounds {
				i := (c + 7*k) % len(files)
				picture, err := os.ReadFile(files[i])
				assert.NoError(t, err)
				answer, err := http.Post(server.URL, "image/png", bytes.NewReader(picture))
				if !assert.NoError(t, err) {
					return
				}
				var got []float32
				assert.NoError(t, json.NewDecoder(answer.Body).Decode(&got))
				answer.Body.Close()
				assert.Equal(t, want[i], got)
			}
		}()
	}
	for range clients {
		<-done
	}
	require.Less(t, batches(), clients*rounds/2, "requests share batches")
	answer, err := http.Get(server.URL)
	require.NoError(t, err)
	answer.Body.Close()
	require.Equal(t, http.StatusMethodNotAllowed, answer.StatusCode)
	answer, err = http.Post(server.URL, "image/png", bytes.NewReader(make([]byte, 17<<20)))
	require.NoError(t, err)
	answer.Body.Close()
	require.Equal(t, http.StatusRequestEntityTooLarge, answer.StatusCode)
}
