package trainer

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/pkg/errors"
	"go.yaml.in/yaml/v3"
)

// maxConfigBytes bounds what is read as a configuration.
const maxConfigBytes = 1 << 20

// configText is c as YAML. Any bytes in its texts come back, as from paths that are not
// UTF-8.
func configText(c Config) ([]byte, error) {
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(c); err != nil {
		return nil, errors.Wrap(err, "trainer: configuration")
	}
	if err := e.Close(); err != nil {
		return nil, errors.Wrap(err, "trainer: configuration")
	}
	return b.Bytes(), nil
}

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
