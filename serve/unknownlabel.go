package serve

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"medusa/internal/catalog"
)

// Bounds of what the problem of an unknown label says, and of the time that it takes to find near ones.
const (
	mostUnknown = 3  // labels that are named
	mostNear    = 64 // bytes of a label that may have been meant
)

// checkLabels refuses a search among labels of which the gallery has none. It counts all items, and is asked when nothing was
// found.
func (s *Server) checkLabels(asked []string) error {
	if len(asked) == 0 {
		return nil
	}
	counts, err := s.gallery.x.Labels()
	if err != nil {
		return err
	}
	for _, label := range asked {
		if counts[label] > 0 {
			return nil
		}
	}
	var known []string
	for _, label := range slices.Sorted(maps.Keys(counts)) {
		if label != "" && len(label) <= mostNear {
			known = append(known, label)
		}
	}
	return unknownLabels(asked, known)
}

// unknownLabels is the problem, with the known labels that were most likely meant.
func unknownLabels(asked, known []string) *problem {
	var names, near []string
	for _, label := range asked[:min(len(asked), mostUnknown)] {
		names = append(names, fmt.Sprintf("%.100q", label))
		if best := catalog.Nearest(label, known); best != "" && !slices.Contains(near, strconv.Quote(best)) {
			near = append(near, strconv.Quote(best))
		}
	}
	if len(asked) > mostUnknown {
		names = append(names, fmt.Sprintf("of any of %d other labels", len(asked)-mostUnknown))
	}
	hint := "/v1/labels lists the labels that there are"
	if near != nil {
		hint = "did you mean " + strings.Join(near, " or ") + "?"
	}
	return refuse(http.StatusUnprocessableEntity, codeLabel, "the gallery has no items of %s; %s", strings.Join(names, " or "), hint)
}
