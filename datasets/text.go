package datasets

import (
	"bufio"
	"bytes"
	"io"

	"golang.org/x/text/encoding/unicode"
)

// decodeText returns UTF-8 without a byte order mark. Of UTF-16, which spreadsheets call
// Unicode, it makes UTF-8 and says so.
func decodeText(r io.Reader) (text *bufio.Reader, encoding string, err error) {
	in := bufio.NewReader(r)
	head, err := in.Peek(4)
	if err != nil && err != io.EOF {
		return nil, "", err
	}
	order := unicode.LittleEndian
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		_, err = in.Discard(3)
		return in, "", err
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		order = unicode.BigEndian
	case len(head) == 4 && head[0] != 0 && head[1] == 0 && head[2] != 0 && head[3] == 0:
	case len(head) == 4 && head[0] == 0 && head[1] != 0 && head[2] == 0 && head[3] != 0:
		order = unicode.BigEndian
	default:
		return in, "", nil
	}
	decoder := unicode.UTF16(order, unicode.UseBOM).NewDecoder()
	return bufio.NewReader(decoder.Reader(in)), "UTF-16", nil
}

// looksLikeText reports whether a file that begins so is text, UTF-16 included.
func looksLikeText(head []byte) bool {
	text, encoding, err := decodeText(bytes.NewReader(head))
	if err != nil || encoding == "" {
		return isText(head)
	}
	decoded, err := io.ReadAll(text)
	return err == nil && isText(decoded)
}
