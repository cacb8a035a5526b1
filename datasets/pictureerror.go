package datasets

// PictureError is a picture that cannot be read, where that is an error: the only one that was
// asked for, or any under Options.Strict.
type PictureError struct {
	Skip
	err error
}

func (e *PictureError) Error() string { return e.err.Error() }

// Unwrap is the error in other words, such as one about a field of Options that bounds the size.
func (e *PictureError) Unwrap() error { return e.err }
