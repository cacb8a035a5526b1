// Package postgres keeps a gallery in a table of PostgreSQL: with pgvector as vector(N) or halfvec(N) with an index,
// without it as real[], which is searched exactly.
//
//	s, err := postgres.Connect(ctx, "postgres://me@localhost/photos", push.Options{})
//	defer s.Close()
//	outcome, err := push.Run(ctx, gallery, s, push.Options{})
//
// The table has the columns model, id, label, path, meta (jsonb) and embedding, and the primary key (model, id); columns of one's
// own may stand beside. The table medusa_push of the same schema says of each which model its vectors are of, and
// how far a push has come: that is written in the same transaction as the rows.
package postgres
