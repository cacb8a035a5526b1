package push

import (
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/pkg/errors"
)

// Target is the address of a database.
type Target struct {
	Database Database
	URL      *url.URL // as it was given
}

// Database is a kind of database.
type Database string

// The databases that there are.
const (
	Postgres Database = "PostgreSQL"
	Qdrant   Database = "Qdrant"
	Redis    Database = "Redis"
)

// schemes says which database a URL is of.
var schemes = map[string]Database{
	"postgres": Postgres, "postgresql": Postgres,
	"qdrant": Qdrant, "qdrants": Qdrant, "http": Qdrant, "https": Qdrant,
	"redis": Redis, "rediss": Redis,
}

// addresses are what those of each database look like.
var addresses = map[Database]string{Postgres: "postgres://USER@HOST/DATABASE", Qdrant: "qdrant://HOST:6334/COLLECTION", Redis: "redis://HOST:6379"}

var wantAddress = "want " + addresses[Postgres] + ", " + addresses[Qdrant] + " or " + addresses[Redis]

// ParseTargetOf is ParseTarget of a URL that must be of one database.
func ParseTargetOf(d Database, text string) (Target, error) {
	t, err := ParseTarget(text)
	if err != nil {
		return t, err
	}
	return t, t.MustBe(d)
}

// MustBe returns an error if the address is not of that database.
func (t Target) MustBe(d Database) error {
	if t.Database != d {
		return errors.Errorf("push: %s is no address of %s, want %s", t, d, addresses[d])
	}
	return nil
}

// ParseTarget reads the URL of a database. What it says of a wrong one holds no password.
func ParseTarget(text string) (Target, error) {
	u, err := url.Parse(text)
	if err != nil { // whose message quotes the text, password and all
		return Target{}, errors.Errorf("push: the address of the database is no URL: %s; %s; signs of a password that mean something in URLs, such as @ / %% #, are written %%40 %%2F %%25 %%23", reason(err), wantAddress)
	}
	database, ok := schemes[u.Scheme]
	switch {
	case u.Scheme == "":
		return Target{}, errors.Errorf("push: the address of the database begins with no scheme; %s", wantAddress)
	case !ok:
		return Target{}, errors.Errorf("push: no database is known by %.40s://; %s", u.Scheme, wantAddress)
	case u.Opaque != "":
		return Target{}, errors.Errorf("push: the address lacks // behind %s:; %s", u.Scheme, wantAddress)
	case u.Host == "" && database != Postgres:
		return Target{}, errors.Errorf("push: the address names no host; %s", wantAddress)
	case u.Fragment != "":
		return Target{}, errors.Errorf("push: the address holds a #, which in a password is written %%23; %s", wantAddress)
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return Target{}, errors.Errorf("push: the port of the address is %.20s, want a number from 1 to 65535", port)
		}
	}
	return Target{database, u}, nil
}

// reason is an error of url.Parse without the text that it quotes.
func reason(err error) string {
	var e *url.Error
	if errors.As(err, &e) {
		err = e.Err
	}
	text := err.Error()
	if head, _, ok := strings.Cut(text, `"`); ok {
		text = strings.TrimRight(head, " :")
	}
	return text
}

// hidden is what stands in place of a password.
const hidden = "xxxxx"

// secret lists parameters of URLs that hold passwords.
var secret = []string{"password", "sslpassword", "api_key", "api-key", "apikey", "passfile", "token"}

// String is the address without passwords.
func (t Target) String() string {
	u := *t.URL
	if _, set := u.User.Password(); set || u.User != nil && t.Database == Qdrant {
		u.User = url.UserPassword(u.User.Username(), hidden)
		if t.Database == Qdrant { // whose API key may stand alone
			u.User = url.User(hidden)
		}
	}
	if u.RawQuery != "" {
		query := u.Query()
		for name := range query {
			if slices.Contains(secret, strings.ToLower(name)) {
				query.Set(name, hidden)
			}
		}
		u.RawQuery = query.Encode()
	}
	return u.String()
}

// Place is host and port, for messages.
func (t Target) Place(port string) string {
	host := t.URL.Hostname()
	if host == "" {
		host = "localhost"
	}
	if p := t.URL.Port(); p != "" {
		port = p
	}
	return net.JoinHostPort(host, port)
}
