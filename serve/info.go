package serve

import (
	_ "embed"
	"io"
	"net/http"
)

// infoAnswer is what the server says of itself.
type infoAnswer struct {
	Model      modelInfo      `json:"model"`
	Gallery    galleryInfo    `json:"gallery"`
	Threshold  float64        `json:"threshold,omitempty"` // Euclidean, for requests that name none
	FAR        float64        `json:"far,omitempty"`       // that it was chosen for
	Thresholds []thresholdFAR `json:"thresholds,omitempty"`
	Limits     limitsInfo     `json:"limits"`
}

type modelInfo struct {
	Fingerprint string `json:"fingerprint"`
	Size        int    `json:"size"` // E, numbers of an embedding
	Channels    int    `json:"channels"`
	Height      int    `json:"height"`
	Width       int    `json:"width"`
	Loss        string `json:"loss"`
	Classes     int    `json:"classes"` // that it learned from
}

type galleryInfo struct {
	Items    int    `json:"items"`
	Distance string `json:"distance"`
	Storage  string `json:"storage"`
	ReadOnly bool   `json:"read_only"`
	Kept     bool   `json:"kept"` // in a file
}

type thresholdFAR struct {
	FAR       float64 `json:"far"`
	Threshold float64 `json:"threshold"`
}

type limitsInfo struct {
	Body     int64 `json:"body"` // bytes
	Pixels   int64 `json:"pixels"`
	Pictures int   `json:"pictures"`
	Requests int   `json:"requests"`
}

func (s *Server) info(w http.ResponseWriter, r *http.Request) error {
	m, o := s.model.Info(), s.gallery.x.Options()
	a := infoAnswer{
		Model:     modelInfo{s.model.Fingerprint(), s.model.EmbeddingSize(), m.Net.InChannels, m.Net.Height, m.Net.Width, m.Loss, m.Classes},
		Gallery:   galleryInfo{s.gallery.x.Len(), o.Distance.String(), o.Storage.String(), s.gallery.readOnly, s.gallery.saves != nil},
		Threshold: s.options.Threshold, FAR: s.options.FAR,
		Limits: limitsInfo{s.options.MaxBody, s.options.MaxPixels, s.options.MaxPictures, s.options.MaxRequests},
	}
	if c := s.options.Calibration; c != nil {
		for _, p := range c.AtFAR {
			a.Thresholds = append(a.Thresholds, thresholdFAR{p.AskedFAR, p.Threshold})
		}
	}
	return writeJSON(w, http.StatusOK, a)
}

// healthy says that the process answers.
func (s *Server) healthy(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, err := io.WriteString(w, "ok\n")
	return err
}

// ready says whether requests are welcome.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) error {
	if s.stopping.Load() {
		return refuse(http.StatusServiceUnavailable, codeStopping, "the server is stopping")
	}
	if g := s.gallery; g.saves != nil {
		if _, _, err := g.saves.state(); err != nil {
			return refuse(http.StatusServiceUnavailable, codeNotSaved, "the gallery could not be saved")
		}
	}
	return s.healthy(w, r)
}

//go:embed openapi.json
var openapi []byte

// description answers what can be asked for, as OpenAPI.
func (s *Server) description(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/json")
	w.Write(openapi)
	return nil
}
