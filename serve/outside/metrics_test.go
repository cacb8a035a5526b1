package outside

import (
	"bytes"
	"net/http"
	"os"
	"testing"

	"github.com/VictoriaMetrics/metrics"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"medusa/serve"
)

// Prometheus' own parser reads the figures, and they are those of the requests.
func TestPrometheusReadsTheFigures(t *testing.T) {
	metrics.ExposeMetadata(true) // as the program does
	url := begin(t, serve.Options{})
	b, err := os.ReadFile(photo(0, 0))
	require.NoError(t, err)
	for range 3 {
		w, err := http.Post(url+"/v1/embed", "image/png", bytes.NewReader(b))
		require.NoError(t, err)
		w.Body.Close()
	}
	w, err := http.Post(url+"/v1/items", "image/png", bytes.NewReader(b))
	require.NoError(t, err)
	w.Body.Close()
	w, err = http.Post(url+"/v1/embed", "image/png", bytes.NewReader(b[:50]))
	require.NoError(t, err)
	w.Body.Close()

	w, err = http.Get(url + "/metrics")
	require.NoError(t, err)
	defer w.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(w.Body)
	require.NoError(t, err)
	count := func(name string, labels ...string) float64 {
		t.Helper()
		require.Contains(t, families, name)
		for _, m := range families[name].Metric {
			matches := 0
			for _, l := range m.Label {
				for i := 0; i < len(labels); i += 2 {
					if l.GetName() == labels[i] && l.GetValue() == labels[i+1] {
						matches += 2
					}
				}
			}
			if matches == len(labels) {
				switch {
				case m.Histogram != nil:
					return float64(m.Histogram.GetSampleCount())
				case m.Counter != nil:
					return m.Counter.GetValue()
				case m.Gauge != nil:
					return m.Gauge.GetValue()
				}
			}
		}
		t.Fatalf("no %s of %v", name, labels)
		return 0
	}
	require.EqualValues(t, 3, count("medusa_requests_total", "path", "POST /v1/embed", "code", "200"))
	require.EqualValues(t, 1, count("medusa_requests_total", "path", "POST /v1/embed", "code", "422"))
	require.EqualValues(t, 4, count("medusa_request_seconds", "path", "POST /v1/embed"))
	require.EqualValues(t, 1, count("medusa_problems_total", "code", "unreadable_picture"))
	require.EqualValues(t, 1, count("medusa_items"))
	require.EqualValues(t, 1, count("medusa_saves_total"))
	require.EqualValues(t, 1, count("medusa_requests_in_flight"), "the request for the figures itself")
	require.EqualValues(t, 4, count("medusa_batch_pictures"))
	require.Positive(t, count("medusa_embed_seconds_total"))
	require.Positive(t, count("process_resident_memory_bytes"))
}
