package serve

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/pkg/errors"

	"medusa/datasets"
	"medusa/model"
)

// embedRequest is what is embedded.
type embedRequest struct {
	pictures
}

// embedAnswer is the embeddings of the pictures, in their order.
type embedAnswer struct {
	Model      string      `json:"model"`      // fingerprint
	Size       int         `json:"size"`       // E, numbers of an embedding
	Embeddings [][]float32 `json:"embeddings"` // (N, E)
}

// binaryType is that of embeddings as they are in memory: float32, little-endian, one row behind the other.
const binaryType = "application/octet-stream"

func (s *Server) embed(w http.ResponseWriter, r *http.Request) error {
	var q embedRequest
	if err := s.read(w, r, &q); err != nil {
		return err
	}
	if err := s.count(q.Pictures, 1); err != nil {
		return err
	}
	rows, err := s.embeddings(r.Context(), q.Pictures)
	if err != nil {
		return err
	}
	if strings.Contains(r.Header.Get("Accept"), binaryType) {
		return writeBinary(w, rows)
	}
	return writeJSON(w, http.StatusOK, embedAnswer{s.model.Fingerprint(), s.model.EmbeddingSize(), rows})
}

// count refuses too few pictures, or too many.
func (s *Server) count(given []picture, least int) error {
	switch {
	case len(given) > s.options.MaxPictures:
		return refuse(http.StatusRequestEntityTooLarge, codeTooLarge, "the request has %d pictures, at most %d are taken: send the others in another one", len(given), s.options.MaxPictures)
	case len(given) < least && least == 1:
		return badRequest("the request has no picture: send one as the body, or some in a form, as its fields picture, or in JSON, in base64, as the list pictures")
	case len(given) < least:
		return badRequest("the request has %d pictures, want %d", len(given), least)
	}
	return nil
}

// embeddings is those of pictures, in their order. Each is embedded together with what other requests have.
func (s *Server) embeddings(ctx context.Context, given []picture) ([][]float32, error) {
	if len(given) == 1 {
		row, err := s.embedding(ctx, given[0])
		return [][]float32{row}, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	rows, errs := make([][]float32, len(given)), make([]error, len(given))
	var all sync.WaitGroup
	for i := range given {
		all.Go(func() {
			if rows[i], errs[i] = s.embedding(ctx, given[i]); errs[i] != nil {
				cancel()
			}
		})
	}
	all.Wait()
	return rows, firstFault(errs)
}

// firstFault is the error of the first picture that has one of its own, and not because another one had.
func firstFault(errs []error) (first error) {
	for i, err := range errs {
		var p *problem
		switch {
		case errors.As(err, &p):
			return p.of(i + 1)
		case err != nil && (first == nil || errors.Is(first, context.Canceled)):
			first = err
		}
	}
	return first
}

func (s *Server) embedding(ctx context.Context, data picture) ([]float32, error) {
	set, err := s.decode(ctx, data)
	var bad *model.PictureError
	if errors.As(err, &bad) {
		return nil, s.unreadable(bad)
	}
	if err != nil {
		return nil, err
	}
	defer set.Close()
	row, err := s.model.Embed(ctx, set)
	if err != nil {
		return nil, err
	}
	for _, v := range row {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return nil, errors.Errorf("serve: the embedding of a picture holds %v", v)
		}
	}
	return row, nil
}

// decode prepares a picture for the model.
func (s *Server) decode(ctx context.Context, data picture) (*datasets.Dataset, error) {
	if err := s.decoder(ctx); err != nil {
		return nil, err
	}
	defer func() { <-s.decoders }()
	o := s.model.Options()
	o.MaxPixels, o.Workers = s.options.MaxPixels, 1
	return datasets.ReadUnlabelled(bytes.NewReader(data), "picture", o)
}

// writeJSON answers a value.
func writeJSON(w http.ResponseWriter, status int, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return errors.Wrap(err, "serve")
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(b)+1))
	w.WriteHeader(status)
	w.Write(append(b, '\n'))
	return nil
}

// writeBinary answers embeddings as they are in memory, and their shape in a header.
func writeBinary(w http.ResponseWriter, rows [][]float32) error {
	var b []byte
	for _, row := range rows {
		for _, v := range row {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
	}
	h := w.Header()
	h.Set("Content-Type", binaryType)
	h.Set("Content-Length", strconv.Itoa(len(b)))
	h.Set("Medusa-Shape", fmt.Sprintf("%d,%d", len(rows), len(rows[0])))
	w.Write(b)
	return nil
}
