package main

import (
	"context"

	"medusa/push"
	"medusa/push/postgres"
	"medusa/push/qdrant"
	"medusa/push/redis"
)

// database is how one of the databases is pushed into.
type database struct {
	connect func(ctx context.Context, url string, o push.Options) (push.Store, error)
	schema  func(*push.Gallery, push.Target, push.Options) (string, error)
}

var databases = map[push.Database]database{
	push.Postgres: {connector(postgres.Connect), postgres.Schema},
	push.Qdrant:   {connector(qdrant.Connect), qdrant.Schema},
	push.Redis:    {connector(redis.Connect), redis.Schema},
}

// connector is a function that connects to a store of one kind, as one to any store.
func connector[S push.Store](connect func(context.Context, string, push.Options) (S, error)) func(context.Context, string, push.Options) (push.Store, error) {
	return func(ctx context.Context, url string, o push.Options) (push.Store, error) {
		s, err := connect(ctx, url, o)
		if err != nil {
			return nil, err
		}
		return s, nil
	}
}
