package redis

import (
	"context"
	"net"
	"strings"

	"github.com/pkg/errors"

	"medusa/internal/field"
)

// explain is err in words that say what to do.
func (s *Store) explain(err error) error {
	if err == nil || errors.As(err, new(*field.Error)) || errors.Is(err, context.Canceled) {
		return err
	}
	place, text := "Redis at "+s.target.Place("6379"), err.Error()
	var dial *net.OpError
	switch {
	case strings.HasPrefix(text, "WRONGPASS"), strings.HasPrefix(text, "NOAUTH"), strings.Contains(text, "AUTH <password> called without"), strings.Contains(text, "AUTH called without"):
		return errors.Errorf("push: %s does not take the password: give it in the address, redis://USER:PASSWORD@HOST, or in REDIS_PASSWORD (%s)", place, text)
	case strings.HasPrefix(text, "NOPERM"):
		return errors.Errorf("push: %s does not allow it: %s; have an administrator do ACL SETUSER", place, text)
	case strings.HasPrefix(text, "OOM"):
		return errors.Errorf("push: %s has no more memory than its maxmemory: %s", place, text)
	case errors.As(err, &dial) && dial.Op == "dial":
		return errors.Errorf("push: %s cannot be reached: %v; is it running, and are host and port right?", place, dial.Err)
	case strings.HasPrefix(text, "push: "):
		return err
	}
	return errors.WithMessage(err, "push: "+place)
}
