package push

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseTarget(t *testing.T) {
	for url, want := range map[string]struct {
		database Database
		place    string
		shown    string
	}{
		"postgres://localhost/photos":                         {Postgres, "localhost:5432", "postgres://localhost/photos"},
		"postgresql://me:s3cret@db.example:6000/photos":       {Postgres, "db.example:6000", "postgresql://me:xxxxx@db.example:6000/photos"},
		"postgres:///photos?host=%2Fvar%2Frun":                {Postgres, "localhost:5432", "postgres:///photos?host=%2Fvar%2Frun"},
		"postgres://h/x?password=s3cret&sslmode=disable":      {Postgres, "h:5432", "postgres://h/x?password=xxxxx&sslmode=disable"},
		"postgres://h/x?sslPassword=s3cret":                   {Postgres, "h:5432", "postgres://h/x?sslPassword=xxxxx"},
		"qdrant://localhost:6334/photos":                      {Qdrant, "localhost:6334", "qdrant://localhost:6334/photos"},
		"https://s3cret@cloud.example:6334":                   {Qdrant, "cloud.example:6334", "https://xxxxx@cloud.example:6334"},
		"http://key:s3cret@localhost/x":                       {Qdrant, "localhost:5432", "http://xxxxx@localhost/x"},
		"redis://:s3cret@localhost:6380/0":                    {Redis, "localhost:6380", "redis://:xxxxx@localhost:6380/0"},
		"rediss://user:s3cret@[::1]":                          {Redis, "[::1]:5432", "rediss://user:xxxxx@[::1]"},
		"postgres://me:s3cret%40%2F%23%25@localhost/db%20one": {Postgres, "localhost:5432", "postgres://me:xxxxx@localhost/db%20one"},
	} {
		target, err := ParseTarget(url)
		require.NoError(t, err, url)
		assert.Equal(t, want.database, target.Database, url)
		assert.Equal(t, want.place, target.Place("5432"), url)
		assert.Equal(t, want.shown, target.String(), url)
	}
}

// What is wrong with a URL is said without the password that it may hold.
func TestURLsThatAreNone(t *testing.T) {
	for url, want := range map[string]string{
		"":                                "begins with no scheme",
		"photos":                          "begins with no scheme",
		"mysql://me:s3cret@localhost/x":   "no database is known by mysql://",
		"postgres:me:s3cret@localhost":    "lacks // behind postgres:",
		"redis://":                        "names no host",
		"qdrant:///photos":                "names no host",
		"postgres://me:s3cret%zz@h/x":     "invalid URL escape",
		"postgres://me:s3/cret@h/x":       "%2F",
		"postgres://me:1/s3cret@h/x":      "names no", // a host me and a port 1: told by the server
		"postgres://me:s3cret#x@h/x":      "%23",
		"postgres://h:70000/x":            "port of the address is 70000",
		"postgres://me:s3cret@h:port/x":   "invalid port",
		"redis://me:s3cret@h\x7f:1/x":     "invalid control character",
		"postgres://me:s3cret@[::1/x":     "missing ']'",
		"redis://me:s3cret@h/\n":          "invalid control character",
		"postgres://me:p@s3cret@h%2/x":    "invalid URL escape",
		"postgres://me:s3cret@h/%s3cret":  "invalid URL escape",
		"POSTGRES//me:s3cret@localhost/x": "begins with no scheme",
	} {
		_, err := ParseTarget(url)
		if want == "names no" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, want, url)
		assert.NotContains(t, err.Error(), "s3cret", url)
	}
}

func FuzzParseTarget(f *testing.F) {
	for _, url := range []string{"postgres://me:s3cret@localhost:5432/x?sslmode=disable", "qdrants://k@h:6334/c", "redis://:p@[::1]:6379/0", "http:", "postgres:///x?password=s3cret", "rediss://%41:%42@h"} {
		f.Add(url, "s3cret")
	}
	f.Fuzz(func(t *testing.T, url, password string) {
		target, err := ParseTarget(url)
		if err == nil {
			_, err = ParseTarget(target.String())
			require.NoError(t, err, "what is shown of %q is a URL", url)
		}
		if len(password) < 8 || strings.ContainsAny(password, "%+") || strings.Trim(password, "0123456789abcdefghijklmnopqrstuvwxyz") != "" {
			return
		}
		target, err = ParseTarget("postgres://me:" + password + "@host/x?password=" + password)
		require.NoError(t, err)
		assert.NotContains(t, target.String(), password)
	})
}
