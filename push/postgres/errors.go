package postgres

import (
	"context"
	"net"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pkg/errors"

	"medusa/internal/field"
)

// Codes of PostgreSQL's errors.
const (
	wrongPassword = "28P01"
	noAccess      = "28000"
	noDatabase    = "3D000"
	noSchema      = "3F000"
	forbidden     = "42501"
	noUniqueKey   = "42P10"
	fullDisk      = "53100"
	tooMany       = "53300"
	shutDown      = "57P01"
	crashed       = "57P02"
	starting      = "57P03"
)

// code is that of PostgreSQL's error, empty if err is none.
func code(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// user is the name by which the server knows who pushes.
func (s *Store) user() string {
	if s.conn != nil {
		return s.conn.Config().User
	}
	if name := s.target.URL.User.Username(); name != "" {
		return name
	}
	return "this user"
}

// explain is err in words that say what to do.
func (s *Store) explain(err error) error {
	if err == nil {
		return nil
	}
	var own *field.Error
	if errors.As(err, &own) || errors.Is(err, context.Canceled) {
		return err
	}
	place := "PostgreSQL at " + s.target.Place("5432")
	var connect *pgconn.ConnectError
	connecting := errors.As(err, &connect)
	message := err.Error()
	var e *pgconn.PgError
	if errors.As(err, &e) {
		message = e.Message
	}
	switch code(err) {
	case wrongPassword:
		return errors.Errorf("push: %s refuses the password of %s: give it in the address, postgres://USER:PASSWORD@HOST/DATABASE, in PGPASSWORD or in ~/.pgpass", place, s.user())
	case noAccess:
		return errors.Errorf("push: %s lets %s not in: %s", place, s.user(), message)
	case noDatabase:
		return errors.Errorf("push: %s: %s; createdb makes one, and psql -l lists those that there are", place, message)
	case noSchema:
		return field.Errorf("push", "", "%s: %s; name one that there is in %s, or make it by CREATE SCHEMA", place, message, field.Name("Table"))
	case forbidden:
		return field.Errorf("push", "", "%s: %s: %s is not allowed to; have an administrator do what %s prints, and grant SELECT, INSERT, UPDATE and DELETE", place, message, s.user(), field.Name("Schema"))
	case noUniqueKey:
		return field.Errorf("push", "", "the table %s has no primary key (model, id); name another %s, or add it", s.table.qualified(s.table.name), field.Name("Table"))
	case shutDown, crashed, starting, tooMany, fullDisk:
		return errors.Errorf("push: %s: %s", place, message)
	case "":
		if connecting {
			return errors.Errorf("push: %s cannot be reached: %v; is it running, and are host and port right?", place, reason(connect))
		}
		if s.conn != nil && s.conn.IsClosed() {
			return errors.Errorf("push: the connection to %s broke: %v", place, err)
		}
	}
	return errors.WithMessage(err, "push: "+place)
}

// reason is what is below an error of connecting: the first of several, without what was to be connected to.
func reason(err error) error {
	for {
		var next error
		switch e := err.(type) {
		case interface{ Unwrap() []error }:
			next = e.Unwrap()[0]
		case interface{ Unwrap() error }:
			next = e.Unwrap()
		}
		var dial *net.OpError
		if errors.As(err, &dial) && dial.Op == "dial" { // below it only a number of the system
			return dial.Err
		}
		if next == nil {
			return err
		}
		err = next
	}
}
