package qdrant

import (
	"context"
	"encoding/hex"
	"strconv"

	"github.com/google/uuid"
	client "github.com/qdrant/go-client/qdrant"

	"medusa/push"
)

// pointID is the number of a point: the ID itself if it is a number as one writes it, else a UUID (version 5) of model and
// ID.
func pointID(model, id string) *client.PointId {
	if n, err := strconv.ParseUint(id, 10, 64); err == nil && strconv.FormatUint(n, 10) == id {
		return client.NewIDNum(n)
	}
	return client.NewIDUUID(uuid.NewSHA1(uuid.NameSpaceURL, []byte("medusa:"+model+"/"+id)).String())
}

// payload is what a point says of its record.
func payload(model string, r *push.Record) map[string]*client.Value {
	meta := map[string]*client.Value{}
	for key, value := range r.Meta {
		meta[key] = client.NewValueString(value)
	}
	return map[string]*client.Value{
		"id": client.NewValueString(r.ID), "label": client.NewValueString(r.Label), "path": client.NewValueString(r.Path), "meta": client.NewValueFromFields(meta),
		"model": client.NewValueString(model), "digest": client.NewValueString(hex.EncodeToString(r.Digest())),
	}
}

// same reports whether a point says what it should; what others added to its payload does not count.
func same(there, want map[string]*client.Value) bool {
	for _, name := range []string{"id", "label", "path", "model", "digest"} {
		if there[name].GetStringValue() != want[name].GetStringValue() {
			return false
		}
	}
	a, b := there["meta"].GetStructValue().GetFields(), want["meta"].GetStructValue().GetFields()
	for key, value := range b {
		if a[key].GetStringValue() != value.GetStringValue() {
			return false
		}
	}
	return len(a) == len(b)
}

// Put reads what points say, and writes those that differ in one operation.
func (s *Store) Put(ctx context.Context, records []push.Record, m push.Mark) (push.Mark, error) {
	ids := make([]*client.PointId, len(records))
	for i := range records {
		ids[i] = pointID(s.header.Model, records[i].ID)
	}
	points, err := s.client.Get(ctx, &client.GetPoints{CollectionName: s.collection, Ids: ids, WithPayload: client.NewWithPayload(true)})
	if err != nil {
		return m, s.explain(err)
	}
	there := map[string]map[string]*client.Value{}
	for _, p := range points {
		there[p.GetId().String()] = p.GetPayload()
	}
	var changes []*client.PointStruct
	for i := range records {
		want := payload(s.header.Model, &records[i])
		has, known := there[ids[i].String()]
		switch {
		case known && same(has, want):
			m.Unchanged++
			continue
		case known:
			m.Changed++
		default:
			m.New++
		}
		changes = append(changes, &client.PointStruct{Id: ids[i], Payload: want, Vectors: client.NewVectorsDense(records[i].Vector)})
	}
	if len(changes) == 0 {
		return m, nil
	}
	_, err = s.client.Upsert(ctx, &client.UpsertPoints{CollectionName: s.collection, Wait: client.PtrOf(true), Points: changes})
	return m, s.explain(err)
}

// scrolled is how many points are looked at in one call.
const scrolled = 1000

// Retain removes points of the gallery's model.
func (s *Store) Retain(ctx context.Context, has func(string) bool) (removed int, err error) {
	request := &client.ScrollPoints{CollectionName: s.collection, Limit: client.PtrOf(uint32(scrolled)), WithPayload: client.NewWithPayloadInclude("id"),
		Filter: &client.Filter{Must: []*client.Condition{client.NewMatch("model", s.header.Model)}}}
	var gone []*client.PointId
	for {
		points, next, err := s.client.ScrollAndOffset(ctx, request)
		if err != nil {
			return removed, s.explain(err)
		}
		for _, p := range points {
			if !has(p.GetPayload()["id"].GetStringValue()) {
				gone = append(gone, p.GetId())
			}
		}
		if next == nil {
			break
		}
		request.Offset = next
	}
	for first := 0; first < len(gone); first += scrolled {
		part := gone[first:min(first+scrolled, len(gone))]
		if _, err := s.client.Delete(ctx, &client.DeletePoints{CollectionName: s.collection, Wait: client.PtrOf(true), Points: client.NewPointsSelectorIDs(part)}); err != nil {
			return removed, s.explain(err)
		}
		removed += len(part)
	}
	return removed, nil
}

// End does nothing: Qdrant builds its index by itself.
func (s *Store) End(context.Context) error { return nil }
