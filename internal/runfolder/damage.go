package runfolder

import "github.com/pkg/errors"

// damageError says that a file is not what was written to it.
type damageError struct{ error }

func (e damageError) Unwrap() error { return e.error }

// IsDamage reports whether err says that a file is not what was written to it. What another
// program wrote, or another version of this one, is no damage.
func IsDamage(err error) bool { return errors.As(err, new(damageError)) }
