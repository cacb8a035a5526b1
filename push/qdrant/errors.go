package qdrant

import (
	"context"
	"strings"

	"github.com/pkg/errors"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"medusa/internal/field"
)

// explain is err in words that say what to do.
func (s *Store) explain(err error) error {
	if err == nil || errors.As(err, new(*field.Error)) || errors.Is(err, context.Canceled) {
		return err
	}
	place := "Qdrant at " + s.target.Place(grpcPort)
	cause := err
	for next := errors.Unwrap(cause); next != nil; next = errors.Unwrap(cause) {
		cause = next
	}
	text := status.Convert(cause).Message()
	switch status.Code(cause) {
	case codes.Canceled:
		return errors.WithMessage(context.Canceled, "push: "+place)
	case codes.Unauthenticated, codes.PermissionDenied:
		return errors.Errorf("push: %s does not take the API key: give it in the address, qdrant://KEY@HOST:6334/COLLECTION, or in QDRANT_API_KEY (%s)", place, text)
	case codes.Unavailable:
		way := "is it running, and are host and port right?"
		if strings.Contains(text, "handshake") || strings.Contains(text, "tls:") {
			way = "does it speak TLS? qdrants:// does, qdrant:// does not"
		}
		if _, dialled, ok := strings.Cut(text, "dial tcp "); ok {
			text = strings.TrimSuffix(dialled, `"`)
		}
		return errors.Errorf("push: %s cannot be reached: %s; %s", place, text, way)
	}
	return errors.Errorf("push: %s: %s", place, text)
}
