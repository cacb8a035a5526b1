package serve

import (
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// meters are the figures that Prometheus asks for.
type meters struct {
	set      *metrics.Set
	inFlight atomic.Int64
}

// latencies are the bounds of the histogram of times, in seconds.
var latencies = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}

func newMeters(s *Server) *meters {
	m := &meters{set: metrics.NewSet()}
	m.set.NewGauge("medusa_requests_in_flight", func() float64 { return float64(m.inFlight.Load()) })
	m.set.NewGauge("medusa_items", func() float64 { return float64(s.gallery.x.Len()) })
	m.set.NewGauge("medusa_slots_in_use", func() float64 { return float64(len(s.slots)) })
	m.set.NewGauge("medusa_unsaved", func() float64 {
		if s.gallery.saves != nil {
			if dirty, _, _ := s.gallery.saves.state(); dirty {
				return 1
			}
		}
		return 0
	})
	m.set.RegisterMetricsWriter(s.writeBatches)
	return m
}

// request counts a request that was answered.
func (m *meters) request(n *answerNote, took time.Duration) {
	path := n.pattern
	if path == "" || path == "/" {
		path = "other"
	}
	m.set.GetOrCreateCounter(fmt.Sprintf(`medusa_requests_total{path=%q,code="%d"}`, path, n.status)).Inc()
	m.set.GetOrCreatePrometheusHistogramExt(fmt.Sprintf(`medusa_request_seconds{path=%q}`, path), latencies).Update(took.Seconds())
	if n.code != "" {
		m.set.GetOrCreateCounter(fmt.Sprintf(`medusa_problems_total{code=%q}`, n.code)).Inc()
	}
}

// refused counts a connection that was one too many.
func (m *meters) refused() { m.set.GetOrCreateCounter("medusa_connections_refused_total").Inc() }

// writeBatches writes what the model has computed, as a histogram of pictures in a batch, and the saves.
func (s *Server) writeBatches(w io.Writer) {
	b := s.model.Batches()
	const name = "medusa_batch_pictures"
	metrics.WriteMetadataIfNeeded(w, name, "histogram")
	sum := int64(0)
	for i, n := range b.Sizes {
		sum += n
		fmt.Fprintf(w, "%s_bucket{le=\"%d\"} %d\n", name, 1<<i, sum)
	}
	fmt.Fprintf(w, "%s_bucket{le=\"+Inf\"} %d\n%s_sum %d\n%s_count %d\n", name, b.Count, name, b.Pictures, name, b.Count)
	metrics.WriteCounterFloat64(w, "medusa_embed_seconds_total", b.Time.Seconds())
	if s.gallery.saves != nil {
		_, saves, _ := s.gallery.saves.state()
		metrics.WriteCounterUint64(w, "medusa_saves_total", uint64(saves))
	}
}

// metrics answers the figures in Prometheus' text format, those of the process among them.
func (s *Server) metrics(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	s.meters.set.WritePrometheus(w)
	metrics.WriteProcessMetrics(w)
	return nil
}
