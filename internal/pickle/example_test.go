package pickle_test

import (
	"fmt"
	"strings"

	"medusa/internal/pickle"
)

// A pickle that would remove files is a value that says so.
func ExampleDecoder() {
	p := "\x80\x02cos\nsystem\nU\x08rm -rf .\x85R."
	v, err := pickle.NewDecoder(strings.NewReader(p), int64(len(p))).Decode()
	fmt.Println(v, v.(*pickle.Object).Args, err)
	// Output: os.system [rm -rf .] <nil>
}
