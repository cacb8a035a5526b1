package datasets

import (
	"bufio"
	"io"
	"strconv"
	"strings"

	"github.com/pkg/errors"
)

// longestLine bounds a line of a list or table, in bytes.
const longestLine = 1 << 20

// eachLine calls do with the words of every line of a list that is not empty, and its
// number.
func eachLine(src source, name string, do func(words []string) error) error {
	f, err := openRegular(src, name)
	if err != nil {
		return errors.WithMessage(err, printable(name))
	}
	defer f.Close()
	err = scanWords(f, do)
	return errors.WithMessage(err, printable(name))
}

func scanWords(r io.Reader, do func(words []string) error) error {
	text, _, err := decodeText(r)
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(text)
	lines.Buffer(nil, longestLine)
	for n := 1; lines.Scan(); n++ {
		words := strings.Fields(lines.Text())
		if len(words) == 0 {
			continue
		}
		if err := do(words); err != nil {
			return errors.WithMessagef(err, "line %d", n)
		}
	}
	return lines.Err()
}

// openRegular opens an ordinary file: reading a pipe might never end.
func openRegular(src source, name string) (io.ReadCloser, error) {
	info, err := src.stat(name)
	if err != nil {
		return nil, errors.New(plainCause(err))
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New(reasonSpecial)
	}
	return src.open(name)
}

// readNumbered reads a list of lines "ID VALUE", of which CUB-200-2011 has many.
func readNumbered(src source, name string) (map[int]string, error) {
	values := make(map[int]string)
	err := eachLine(src, name, func(words []string) error {
		id, err := strconv.Atoi(words[0])
		if err != nil || len(words) < 2 {
			return errors.Errorf("%q, want a number and a value", strings.Join(words, " "))
		}
		if _, twice := values[id]; twice {
			return errors.Errorf("number %d stands twice", id)
		}
		values[id] = strings.Join(words[1:], " ")
		return nil
	})
	return values, err
}
