package runfolder

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/pkg/errors"
)

const sumComment = "# sha256 "

// Signed is a text of YAML with its checksum as a comment behind it.
func Signed(text []byte) []byte {
	return fmt.Appendf(nil, "%s%s%x\n", text, sumComment, sha256.Sum256(text))
}

// CheckSigned compares the checksum that Signed added; a text without one, as of earlier
// versions, passes.
func CheckSigned(text []byte) error {
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

// NoSum stands in a text where Seal writes the checksum of the text, of the same length.
var NoSum = strings.Repeat("0", 2*sha256.Size)

// Seal writes the checksum of text over the last NoSum in it.
func Seal(text []byte) {
	sum := sha256.Sum256(text)
	hex.Encode(text[bytes.LastIndex(text, []byte(NoSum)):], sum[:])
}

// CheckSeal says what is wrong with a text that Seal sealed, whose checksum is said to be sum.
// It changes text.
func CheckSeal(text []byte, sum string) error {
	at := bytes.LastIndex(text, []byte(sum))
	if len(sum) != len(NoSum) || at < 0 {
		return damageError{errors.New("it has lost its checksum: the file was altered or damaged")}
	}
	copy(text[at:], NoSum)
	if own := sha256.Sum256(text); hex.EncodeToString(own[:]) != sum {
		return damageError{errors.New("the checksum does not match: the file was altered or damaged")}
	}
	return nil
}
