package trainer

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/pkg/errors"
	"go.yaml.in/yaml/v3"
)

// maxConfigBytes bounds what is read as a configuration.
const maxConfigBytes = 1 << 20

// configText is c as YAML. Any bytes in its texts come back, as from paths that are not
// UTF-8.
func configText(c Config) ([]byte, error) {
	var doc yaml.Node
	texts := takeTexts(reflect.ValueOf(&c).Elem(), nil)
	if err := doc.Encode(c); err != nil {
		return nil, errors.Wrap(err, "trainer: configuration")
	}
	putTexts(&doc, texts)
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(&doc); err != nil {
		return nil, errors.Wrap(err, "trainer: configuration")
	}
	if err := e.Close(); err != nil {
		return nil, errors.Wrap(err, "trainer: configuration")
	}
	return b.Bytes(), nil
}

// takeTexts puts marks in the place of texts of several lines in v, and appends these to
// texts: the encoder makes blocks of them, which cannot hold tabs and blanks everywhere.
func takeTexts(v reflect.Value, texts []string) []string {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				texts = takeTexts(v.Field(i), texts)
			}
		}
	case reflect.String:
		if s := v.String(); utf8.ValidString(s) && strings.ContainsAny(s, "\x00\n\r\t\u0085\u2028\u2029") {
			v.SetString(mark(len(texts)))
			texts = append(texts, s)
		}
	}
	return texts
}

// putTexts puts the texts back, between quotes.
func putTexts(n *yaml.Node, texts []string) {
	for i, s := range texts {
		if n.Kind == yaml.ScalarNode && n.Value == mark(i) {
			n.Tag, n.Style, n.Value = "!!str", yaml.DoubleQuotedStyle, s
			break
		}
	}
	for _, inner := range n.Content {
		putTexts(inner, texts)
	}
}

// mark stands for a text. A text that has its last character is taken as well.
func mark(i int) string { return fmt.Sprintf("text %d\x00", i) }

// parseConfig reads what configText wrote, or the JSON of checkpoints of earlier versions.
func parseConfig(text []byte) (c Config, err error) {
	if bytes.HasPrefix(text, []byte("{")) && json.Valid(text) {
		return c, json.Unmarshal(text, &c)
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	return c, d.Decode(&c)
}

const sumComment = "# sha256 "

// withSum adds the checksum of text as a comment.
func withSum(text []byte) []byte {
	return fmt.Appendf(nil, "%s%s%x\n", text, sumComment, sha256.Sum256(text))
}

// checkSum compares the checksum that withSum added; text without one, as of earlier
// versions, passes.
func checkSum(text []byte) error {
	at := bytes.LastIndex(text, []byte("\n"+sumComment))
	if at < 0 {
		return nil
	}
	sum := sha256.Sum256(text[:at+1])
	if string(bytes.TrimSpace(text[at+1+len(sumComment):])) != hex.EncodeToString(sum[:]) {
		return damageError{errors.New("the checksum does not match: the file was altered or damaged")}
	}
	return nil
}
