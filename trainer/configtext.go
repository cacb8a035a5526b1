package trainer

import (
	"bytes"
	"encoding/json"
	"reflect"

	"github.com/pkg/errors"

	"medusa/internal/settings"
	"medusa/losses"
)

// maxConfigBytes bounds what is read as a configuration.
const maxConfigBytes = 1 << 20

// schema is that of Config in files.
var schema = settings.Of(reflect.TypeFor[Config](), Prototypes())

// configText is c as YAML. Any bytes in its texts come back, as from paths that are not
// UTF-8.
func configText(c Config) ([]byte, error) {
	text, err := schema.Write(c, false)
	return text, errors.Wrap(err, "trainer")
}

// parseConfig reads what configText wrote, or the JSON of checkpoints of earlier versions.
func parseConfig(text []byte) (c Config, err error) {
	if bytes.HasPrefix(text, []byte("{")) && json.Valid(text) {
		return c, json.Unmarshal(text, &c)
	}
	r := schema.Reader(&c, nil)
	err = r.YAML("", text)
	r.Finish(false) // what zero would mean something else than it did when nothing was said
	return c, err
}

// lossInFull is the loss of a text with every parameter; empty for what a program gave by value.
func lossInFull(text string) string {
	l, err := losses.Parse(text, anyClasses)
	if err != nil {
		return ""
	}
	full, err := losses.FullText(l)
	if err != nil {
		return ""
	}
	return full
}

// anyClasses suit a loss that is only made to be read.
var anyClasses = losses.Setting{Classes: 2, EmbeddingSize: 2, TrunkSize: 2}
