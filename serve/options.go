package serve

import (
	"log/slog"
	"math"
	"net/url"
	"time"

	"medusa/datasets"
	"medusa/internal/field"
	"medusa/model"
)

// Options says what a Server allows, and how it decides. The zero value serves everybody who reaches it.
type Options struct {
	// Threshold is the Euclidean distance of two embeddings below which two pictures count as the same, for
	// requests that name neither a threshold nor a rate; 0 if there is none. FAR is the false accept rate that it
	// was chosen for; 0 if that is not known.
	Threshold, FAR float64
	// Calibration has the thresholds for requests that name a rate; nil if there are none. It must be of the
	// model.
	Calibration *model.Calibration

	// Token, if not empty, is what requests must bring as Authorization: Bearer TOKEN, all but those for the page,
	// the description and the state of health.
	Token string
	// Hosts are the names that requests may call the server by, without a port; nil for any. A server that
	// only this machine reaches should allow localhost, 127.0.0.1 and ::1 alone: else a web page of another name
	// that leads to this address could use it from a browser here.
	Hosts []string
	// Origins are those of other web pages that may use the server from a browser, such as
	// https://example.org; nil for none.
	Origins []string

	MaxBody     int64 // bytes of a request; DefaultMaxBody if zero
	MaxPixels   int64 // width × height of a picture; datasets.DefaultMaxPixels if zero
	MaxPictures int   // of a request; DefaultMaxPictures if zero
	// MaxRequests is how many requests with pictures are worked on at the same time; DefaultMaxRequests if zero.
	// The next one is answered 503, and told to come again.
	MaxRequests int
	// MaxConnections is how many connections Serve has open at the same time; DefaultMaxConnections if zero.
	MaxConnections int
	// Timeout is how long a request may take, its body included; DefaultTimeout if zero.
	Timeout time.Duration

	// Logger gets a line for each request, at level Debug or, if it failed by our fault, Error; nil for none.
	Logger *slog.Logger
}

// What holds where Options has zero.
const (
	DefaultMaxBody        = 32 << 20
	DefaultMaxPictures    = model.Batch
	DefaultMaxRequests    = 128
	DefaultMaxConnections = 1024
	DefaultTimeout        = time.Minute
)

// LeastToken is the length of the shortest token that is no use to guess at.
const LeastToken = 16

// withDefaults is o with its zero fields decided, or what is wrong with it.
func (o Options) withDefaults(m *model.Model) (Options, error) {
	wrong := func(format string, args ...any) (Options, error) {
		return o, field.Errorf("serve", "Options", format, args...)
	}
	for _, f := range []struct {
		name  field.Name
		value int64
	}{{"MaxBody", o.MaxBody}, {"MaxPixels", o.MaxPixels}, {"MaxPictures", int64(o.MaxPictures)}, {"MaxRequests", int64(o.MaxRequests)},
		{"MaxConnections", int64(o.MaxConnections)}, {"Timeout", int64(o.Timeout)}} {
		if f.value < 0 {
			return wrong("%s is %d, want 0 or more", f.name, f.value)
		}
	}
	switch {
	case o.Threshold < 0 || math.IsNaN(o.Threshold) || math.IsInf(o.Threshold, 0):
		return wrong("%s is %v, want a distance above 0, or 0 for none", field.Name("Threshold"), o.Threshold)
	case o.Token != "" && len(o.Token) < LeastToken:
		return wrong("%s has %d characters, want %d or more, which nobody guesses", field.Name("Token"), len(o.Token), LeastToken)
	}
	for _, text := range o.Origins {
		if u, err := url.Parse(text); err != nil || u.Scheme == "" || u.Host == "" || u.Path != "" || u.RawQuery != "" {
			return wrong("%s: %q is no origin, want a scheme and a host such as https://example.org", field.Name("Origins"), text)
		}
	}
	if o.Calibration != nil {
		if err := o.Calibration.Of(m); err != nil {
			return o, err
		}
	}
	o.MaxBody = orDefault(o.MaxBody, DefaultMaxBody)
	o.MaxPixels = orDefault(o.MaxPixels, datasets.DefaultMaxPixels)
	o.MaxPictures = orDefault(o.MaxPictures, DefaultMaxPictures)
	o.MaxRequests = orDefault(o.MaxRequests, DefaultMaxRequests)
	o.MaxConnections = orDefault(o.MaxConnections, DefaultMaxConnections)
	o.Timeout = orDefault(o.Timeout, DefaultTimeout)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o, nil
}

// orDefault is cmp.Or of a number and an untyped constant.
func orDefault[T ~int | ~int64](given, usual T) T {
	if given == 0 {
		return usual
	}
	return given
}
