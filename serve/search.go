package serve

import (
	"math"
	"net/http"
	"slices"

	"medusa/index"
	"medusa/internal/field"
	"medusa/internal/wording"
	"medusa/metrics"
)

// searchRequest is what is searched for: the neighbours of pictures, of vectors, or of an item that is there.
type searchRequest struct {
	pictures
	Vectors   [][]float32       `json:"vectors,omitempty"`
	ID        *itemID           `json:"id,omitempty"` // the item itself is not among its neighbours
	K         *int              `json:"k,omitempty"`  // neighbours of each; usualK if nil
	Labels    []string          `json:"labels,omitempty"`
	Meta      map[string]string `json:"meta,omitempty"`
	Exact     bool              `json:"exact,omitempty"`
	Effort    *int              `json:"effort,omitempty"`
	Votes     *int              `json:"votes,omitempty"` // neighbours that decide about the label; 1 if nil
	Threshold *float64          `json:"threshold,omitempty"`
	FAR       *float64          `json:"far,omitempty"`
}

// Bounds of a search.
const (
	usualK     = 10
	mostK      = 1000
	mostEffort = 10000
)

// searchAnswer has a result for each query: those of pictures first, of vectors then, of the item last.
type searchAnswer struct {
	Distance string         `json:"distance"` // euclidean, cosine or dot
	Items    int            `json:"items"`    // in the gallery
	Results  []searchResult `json:"results"`
}

type searchResult struct {
	Hits     []hit     `json:"hits"`               // nearest first
	Decision *decision `json:"decision,omitempty"` // nil if no hit has a label
}

// hit is an item that was found.
type hit struct {
	itemAnswer
	Distance float64 `json:"distance"`
}

// decision is what a query is taken for.
type decision struct {
	Label     string  `json:"label"`               // that most of the voting neighbours have
	Rejected  bool    `json:"rejected"`            // the nearest of them is no nearer than the threshold
	Votes     int     `json:"votes"`               // for the label
	Distance  float64 `json:"distance"`            // of the nearest of them
	Threshold float64 `json:"threshold,omitempty"` // in the gallery's distance; absent if there is none
}

func (s *Server) search(w http.ResponseWriter, r *http.Request) error {
	var q searchRequest
	if err := s.read(w, r, &q); err != nil {
		return err
	}
	o, votes, err := q.options()
	if err != nil {
		return err
	}
	threshold, err := s.searchThreshold(&q)
	if err != nil {
		return err
	}
	queries, err := s.queries(r, &q)
	if err != nil {
		return err
	}
	if s.gallery.x.Len() == 0 {
		return refuse(http.StatusConflict, codeEmpty, "the gallery is empty: enrol pictures first, by POST /v1/items")
	}
	k := o.K
	o.K = max(k, votes)
	if q.ID != nil {
		o.K++ // the item finds itself
	}
	if s.gallery.x.Options().KeepFloats && !o.Exact { // the nearest are chosen by whole vectors, from as many as docs/search.md measured
		o.Rerank = map[index.Storage]int{index.Int8: 2 * o.K, index.Binary: 20 * o.K}[s.gallery.x.Options().Storage]
	}
	found, err := s.gallery.x.Search(r.Context(), queries, o)
	if err != nil {
		return err
	}
	a := searchAnswer{Distance: s.gallery.x.Options().Distance.String(), Items: s.gallery.x.Len(), Results: make([]searchResult, found.Len())}
	some := false
	for i := range a.Results {
		var own *itemID
		if i == found.Len()-1 {
			own = q.ID
		}
		hits := s.hitsOf(found, i, own)
		some = some || len(hits) > 0
		a.Results[i] = searchResult{Hits: hits[:min(k, len(hits))], Decision: decide(hits[:min(votes, len(hits))], threshold)}
	}
	if !some {
		if err := s.checkLabels(q.Labels); err != nil {
			return err
		}
	}
	return writeJSON(w, http.StatusOK, a)
}

// options is how the index is searched, and how many neighbours vote.
func (q *searchRequest) options() (o index.SearchOptions, votes int, err error) {
	number := func(name string, given *int, usual, most int) int {
		if given == nil {
			return usual
		}
		if (*given < 1 || *given > most) && err == nil {
			err = badRequest("%s is %d, want a number from 1 to %d", name, *given, most)
		}
		return *given
	}
	o.K, votes, o.Effort = number("k", q.K, usualK, mostK), number("votes", q.Votes, 1, mostK), number("effort", q.Effort, 0, mostEffort)
	o.Exact, o.Filter = q.Exact, index.Filter{Labels: q.Labels, Meta: q.Meta}
	return o, votes, err
}

// queries is the vectors that are searched for, one behind the other.
func (s *Server) queries(r *http.Request, q *searchRequest) ([]float32, error) {
	if len(q.Vectors) == 0 && q.ID == nil {
		if err := s.count(q.Pictures, 1); err != nil {
			return nil, err
		}
	}
	if n := len(q.Pictures) + len(q.Vectors); n > s.options.MaxPictures {
		return nil, refuse(http.StatusRequestEntityTooLarge, codeTooLarge, "the request has %d pictures and vectors, at most %d are taken", n, s.options.MaxPictures)
	}
	var out []float32
	for i, v := range q.Vectors {
		if want := s.model.EmbeddingSize(); len(v) != want {
			return nil, badRequest("vector %d has %s, want %d, which the model's embeddings have", i+1, wording.Number(len(v), "numbers"), want)
		}
		out = append(out, v...)
	}
	if q.ID != nil {
		it, err := s.gallery.x.Get(uint64(*q.ID))
		if err != nil {
			return nil, err
		}
		out = append(out, it.Vector...)
	}
	if len(q.Pictures) == 0 {
		return out, nil
	}
	rows, err := s.embeddings(r.Context(), q.Pictures)
	if err != nil {
		return nil, err
	}
	var first []float32
	for _, row := range rows {
		first = append(first, row...)
	}
	return append(first, out...), nil
}

// hitsOf is what was found for query i, but for the item itself.
func (s *Server) hitsOf(found index.Results, i int, own *itemID) []hit {
	out := make([]hit, 0, len(found.Of(i)))
	for place, h := range found.Of(i) {
		if own != nil && h.ID == uint64(*own) {
			continue
		}
		out = append(out, hit{s.answerOf(found.Item(i, place)), h.Distance})
	}
	return out
}

// decide gives a query the label that metrics.Vote gives it by its neighbours. Those without a label have no vote. A
// threshold of 0 rejects nothing.
func decide(neighbours []hit, threshold float64) *decision {
	var names []string
	var labels []int
	var distances []float64
	for _, h := range neighbours {
		if h.Label == "" {
			continue
		}
		at := slices.Index(names, h.Label)
		if at < 0 {
			at, names = len(names), append(names, h.Label)
		}
		labels, distances = append(labels, at), append(distances, h.Distance)
	}
	d, err := metrics.Vote(labels, distances)
	if err != nil { // there is none
		return nil
	}
	return &decision{names[d.Label], threshold > 0 && d.Distance >= threshold, d.Votes, d.Distance, threshold}
}

// searchThreshold is the threshold for decisions, in the distance of the gallery; 0 for none. One that the request gives is
// in that distance already.
func (s *Server) searchThreshold(q *searchRequest) (float64, error) {
	euclidean, _, err := s.threshold(q.Threshold, q.FAR)
	if err != nil || q.Threshold != nil || euclidean == 0 {
		return euclidean, err
	}
	o := s.gallery.x.Options()
	switch {
	case o.Storage == index.Binary && !o.KeepFloats:
	case o.Distance == metrics.Euclidean:
		return euclidean, nil
	case o.Distance == metrics.Cosine && !s.model.Info().Net.Raw: // of length 1: d² = 2 − 2·cos
		return euclidean * euclidean / 2, nil
	}
	if q.FAR != nil {
		return 0, badRequest("far says nothing of this gallery, whose distance is %s with vectors stored as %s: give a threshold", o.Distance, o.Storage)
	}
	return 0, nil
}

// threshold is the Euclidean distance that a request asks for, by itself or by a rate, or the usual one; 0 if there is
// none.
func (s *Server) threshold(given, far *float64) (threshold, rate float64, err error) {
	switch {
	case given != nil && far != nil:
		return 0, 0, badRequest("threshold says what far would: leave one of them out")
	case given != nil && (!(*given > 0) || math.IsInf(*given, 0)):
		return 0, 0, badRequest("threshold is %v, want a distance above 0", *given)
	case given != nil:
		return *given, 0, nil
	case far == nil:
		return s.options.Threshold, s.options.FAR, nil
	case s.options.Calibration == nil:
		return 0, 0, refuse(http.StatusBadRequest, codeThreshold, "the server knows no thresholds for rates: give a threshold, or have the model calibrated")
	}
	p, err := s.options.Calibration.At(*far)
	if err != nil {
		return 0, 0, badRequest("far: %s", field.Bare(err.Error()))
	}
	return p.Threshold, p.AskedFAR, nil
}
