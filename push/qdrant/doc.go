// Package qdrant keeps a gallery in a collection of Qdrant, one point a record.
//
//	s, err := qdrant.Connect(ctx, "qdrant://localhost:6334/photos", push.Options{})
//	defer s.Close()
//	outcome, err := push.Run(ctx, gallery, s, push.Options{})
//
// A point's number is the ID, if that is a number, else a UUID made of it. Its payload is id, label, path, meta (an object),
// model and digest, a checksum of the record: records with the digest and the texts of their points are taken for
// unchanged, whatever somebody did to the points' vectors since.
package qdrant
