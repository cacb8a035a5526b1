package serve

import (
	"cmp"
	"encoding/json"
	"math"
	"net/http"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/pkg/errors"

	"medusa/index"
	"medusa/internal/wording"
)

// itemID is the ID of an item. It is a string in JSON, because JavaScript has no such large numbers.
type itemID uint64

// MarshalText writes the digits.
func (id itemID) MarshalText() ([]byte, error) { return strconv.AppendUint(nil, uint64(id), 10), nil }

// UnmarshalText reads digits.
func (id *itemID) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 10, 64)
	*id = itemID(n)
	if err != nil {
		return errors.New("digits, a number below 2⁶⁴")
	}
	return nil
}

// UnmarshalJSON takes a number, too.
func (id *itemID) UnmarshalJSON(b []byte) error {
	text := string(b)
	if len(b) > 0 && b[0] == '"' {
		if err := json.Unmarshal(b, &text); err != nil {
			return err
		}
	}
	if err := id.UnmarshalText([]byte(text)); err != nil {
		return badRequest("an ID is %.40s, want %v", b, err)
	}
	return nil
}

// idOf is the ID in the path of a request.
func idOf(r *http.Request) (uint64, error) {
	var id itemID
	if err := id.UnmarshalText([]byte(r.PathValue("id"))); err != nil {
		return 0, refuse(http.StatusNotFound, codeNotFound, "there is no item of the ID %.40q, want %v", r.PathValue("id"), err)
	}
	return uint64(id), nil
}

// itemAnswer is an item without its vector.
type itemAnswer struct {
	ID        itemID            `json:"id"`
	Label     string            `json:"label,omitempty"`
	Path      string            `json:"path,omitempty"` // of its picture, as it was when it was enrolled
	Meta      map[string]string `json:"meta,omitempty"`
	Thumbnail string            `json:"thumbnail,omitempty"` // path of the URL of a small picture; absent if there is none
}

func (s *Server) answerOf(it index.Item) itemAnswer {
	a := itemAnswer{ID: itemID(it.ID), Label: it.Label, Path: it.Path, Meta: it.Meta}
	if it.Path != "" {
		a.Thumbnail = "/v1/items/" + strconv.FormatUint(it.ID, 10) + "/thumbnail"
	}
	return a
}

// wholeItem is an item with its vector.
type wholeItem struct {
	itemAnswer
	Vector []float32 `json:"vector"`
}

func (s *Server) item(w http.ResponseWriter, r *http.Request) error {
	id, err := idOf(r)
	if err != nil {
		return err
	}
	it, err := s.gallery.x.Get(id)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, wholeItem{s.answerOf(it), it.Vector})
}

// enrolRequest is pictures that become items, all with the label and the metadata.
type enrolRequest struct {
	pictures
	Label string            `json:"label,omitempty"`
	Meta  map[string]string `json:"meta,omitempty"`
	IDs   []itemID          `json:"ids,omitempty"`  // one of each picture; the next free ones if there are none
	Wait  *bool             `json:"wait,omitempty"` // until the items are in the gallery's file; true if nil
}

// enrolAnswer is the new items, in the order of the pictures.
type enrolAnswer struct {
	Items []itemAnswer `json:"items"`
	Saved bool         `json:"saved"` // they are in the gallery's file
}

// largestID is the largest that is enrolled: that of a signed number of 64 bits. An index made elsewhere may have larger ones,
// which are found, got and deleted all the same.
const largestID = math.MaxInt64

// mostText bounds a label, and the keys and values of metadata, in bytes.
const mostText = 1024

func (q *enrolRequest) check() error {
	switch {
	case !utf8.ValidString(q.Label):
		return badRequest("the label is not UTF-8")
	case len(q.Label) > mostText:
		return badRequest("the label has %d bytes, want at most %d", len(q.Label), mostText)
	}
	if err := q.checkMeta(); err != nil {
		return err
	}
	return q.checkIDs()
}

func (q *enrolRequest) checkMeta() error {
	size := 0
	for key, value := range q.Meta {
		switch size += len(key) + len(value); {
		case key == "":
			return badRequest("meta has an entry without a name")
		case !utf8.ValidString(key) || !utf8.ValidString(value):
			return badRequest("the entry %.100q of meta is not UTF-8", key)
		case size > 16*mostText:
			return badRequest("meta has more than %d bytes", 16*mostText)
		}
	}
	return nil
}

func (q *enrolRequest) checkIDs() error {
	if n := len(q.IDs); n > 0 && n != len(q.Pictures) {
		return badRequest("there are %s for %s, want one for each, or none", wording.Number(n, "ids"), wording.Number(len(q.Pictures), "pictures"))
	}
	for i, id := range q.IDs {
		if id > largestID {
			return badRequest("the ID %d is too large: want at most %d, which readers of JSON in all languages have", uint64(id), uint64(largestID))
		}
		if slices.Contains(q.IDs[:i], id) {
			return badRequest("the ID %d stands twice", uint64(id))
		}
	}
	return nil
}

func (s *Server) enrol(w http.ResponseWriter, r *http.Request) error {
	var q enrolRequest
	if err := s.read(w, r, &q); err != nil {
		return err
	}
	if err := s.count(q.Pictures, 1); err != nil {
		return err
	}
	if err := q.check(); err != nil {
		return err
	}
	rows, err := s.embeddings(r.Context(), q.Pictures)
	if err != nil {
		return err
	}
	items, files := make([]index.Item, len(rows)), make([][]byte, len(rows))
	for i, row := range rows {
		items[i], files[i] = index.Item{Vector: row, Label: q.Label, Meta: q.Meta}, q.Pictures[i]
		if len(q.IDs) > 0 {
			items[i].ID = uint64(q.IDs[i])
		}
	}
	wait := q.Wait == nil || *q.Wait
	if err := s.gallery.add(r.Context(), items, files, len(q.IDs) > 0, wait); err != nil {
		return s.notSaved(err)
	}
	a := enrolAnswer{Items: make([]itemAnswer, len(items)), Saved: wait && s.gallery.saves != nil}
	for i, it := range items {
		s.thumbnails.forget(it.ID)
		a.Items[i] = s.answerOf(it)
	}
	w.Header().Set("Location", "/v1/items/"+strconv.FormatUint(items[0].ID, 10))
	return writeJSON(w, http.StatusCreated, a)
}

// notSaved tells a change that could not be saved.
func (s *Server) notSaved(err error) error {
	var failed *saveError
	switch {
	case errors.Is(err, errClosed):
		return refuse(http.StatusServiceUnavailable, codeStopping, "the server is stopping, and nothing was changed")
	case errors.As(err, &failed):
		s.options.Logger.Error("saving failed", "err", failed.Error())
		return refuse(http.StatusInsufficientStorage, codeNotSaved, "the gallery could not be saved, and nothing was changed; the server's log says why")
	}
	return err
}

func (s *Server) remove(w http.ResponseWriter, r *http.Request) error {
	id, err := idOf(r)
	if err != nil {
		return err
	}
	if err := s.gallery.remove(r.Context(), id, true); err != nil {
		return s.notSaved(err)
	}
	s.thumbnails.forget(id)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// labelsAnswer is the labels of the gallery, the most frequent first.
type labelsAnswer struct {
	Labels []labelCount `json:"labels"`
}

type labelCount struct {
	Label string `json:"label"`
	Items int    `json:"items"`
}

func (s *Server) labels(w http.ResponseWriter, r *http.Request) error {
	counts, err := s.gallery.x.Labels()
	if err != nil {
		return err
	}
	a := labelsAnswer{Labels: []labelCount{}}
	for label, n := range counts {
		if label != "" {
			a.Labels = append(a.Labels, labelCount{label, n})
		}
	}
	slices.SortFunc(a.Labels, func(x, y labelCount) int {
		return cmp.Or(cmp.Compare(y.Items, x.Items), cmp.Compare(x.Label, y.Label))
	})
	return writeJSON(w, http.StatusOK, a)
}
