package serve

import (
	"math"
	"net/http"

	"medusa/internal/nearest"
	"medusa/internal/wording"
)

// verifyRequest is two pictures.
type verifyRequest struct {
	pictures
	Threshold *float64 `json:"threshold,omitempty"`
	FAR       *float64 `json:"far,omitempty"`
}

// verifyAnswer says whether they show the same.
type verifyAnswer struct {
	Same      bool    `json:"same"` // the distance is below the threshold
	Distance  float64 `json:"distance"`
	Threshold float64 `json:"threshold"`
	FAR       float64 `json:"far,omitempty"` // that the threshold was chosen for
}

func (s *Server) verify(w http.ResponseWriter, r *http.Request) error {
	var q verifyRequest
	if err := s.read(w, r, &q); err != nil {
		return err
	}
	if len(q.Pictures) != 2 {
		return badRequest("the request has %s, want the two to compare", wording.Number(len(q.Pictures), "pictures"))
	}
	threshold, rate, err := s.threshold(q.Threshold, q.FAR)
	if err != nil {
		return err
	}
	if threshold == 0 {
		return refuse(http.StatusBadRequest, codeThreshold, "nobody has said below which distance two pictures are the same: give a threshold, or find one by medusa calibrate and start the server again")
	}
	x, err := s.embeddings(r.Context(), q.Pictures)
	if err != nil {
		return err
	}
	d := math.Sqrt(nearest.SquaredDistance(x[0], x[1]))
	return writeJSON(w, http.StatusOK, verifyAnswer{Same: d < threshold, Distance: d, Threshold: threshold, FAR: rate})
}
