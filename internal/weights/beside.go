package weights

import (
	"os"
	"path/filepath"

	"github.com/pkg/errors"

	"medusa/internal/fileread"
)

// maxBesideBytes is more than a file about weights has.
const maxBesideBytes = 4 << 20

// Beside reads the file of that name that lies beside the weights at path, such as config.json; nil if there is none.
func Beside(path, name string) ([]byte, error) {
	raw, err := fileread.Regular(filepath.Join(filepath.Dir(path), name), maxBesideBytes)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return raw, errors.Wrap(err, "weights")
}
