// Package redis keeps a gallery in hashes of Redis, one a record, with an index of its search module: Redis 8, Redis
// Stack, or another server that knows FT.CREATE.
//
//	s, err := redis.Connect(ctx, "redis://localhost:6379", push.Options{})
//	defer s.Close()
//	outcome, err := push.Run(ctx, gallery, s, push.Options{})
//
// The key of a record is its ID behind the prefix, such as embeddings:7; its fields are id, label, path, meta (JSON),
// model and embedding, float32 in little-endian order. A hash medusa:push:PREFIX says what all of them have in common. Records
// are compared with those that are there, and those that differ are written in one MULTI.
package redis
