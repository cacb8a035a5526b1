package serve

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/pkg/errors"
)

// What a connection may take. Bodies have Options.Timeout.
const (
	headerTime  = 10 * time.Second
	idleTime    = 2 * time.Minute
	headerBytes = 64 << 10
	answerTime  = 30 * time.Second // beyond Options.Timeout, for a client that reads slowly
	stopTime    = 30 * time.Second
)

// Serve answers the requests that come to l until ctx ends. Then it takes no more, and returns when those under way are
// answered; those that are not after half a minute are cut off, which is an error. It closes l, and neither the model
// nor the gallery: Gallery.Close saves that.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	if ctx == nil || l == nil {
		return errors.New("serve: Serve wants a context and a listener, such as one of net.Listen")
	}
	server := &http.Server{
		Handler: s, ReadHeaderTimeout: headerTime, ReadTimeout: headerTime + s.options.Timeout, IdleTimeout: idleTime, MaxHeaderBytes: headerBytes, WriteTimeout: s.options.Timeout + answerTime,
		ErrorLog: slog.NewLogLogger(s.options.Logger.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(limit(l, s.options.MaxConnections, s.meters.refused)) }()
	select {
	case err := <-failed:
		return errors.Wrap(err, "serve")
	case <-ctx.Done():
	}
	s.stopping.Store(true)
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	if err := server.Shutdown(last); err != nil {
		server.Close()
		return errors.Errorf("serve: requests were cut off that took more than %v after the end", stopTime)
	}
	return nil
}
