// Package push brings embeddings into a vector database, where programs without Medusa search them.
//
//	g, err := push.Open("gallery.index", push.GalleryOptions{})
//	s, err := postgres.Connect(ctx, "postgres://localhost/photos", push.Options{})
//	outcome, err := push.Run(ctx, g, s, push.Options{})
//
// A [Gallery] is an index of package index or a file of embeddings. A [Store] is what it goes to; there is
// one a package: PostgreSQL in push/postgres, Qdrant in push/qdrant, Redis in push/redis.
//
// # What holds for every store
//
// A record has the key (model, ID), and one place holds records of one model: distances between
// those of two mean nothing. Pushing twice changes nothing and says so. Records are written in batches, each whole
// or not at all; a push that was stopped is gone on with by pushing the same gallery again.
//
// The module has a go.mod of its own, so that the clients of databases are none of Medusa's requirements.
package push
