package cli

import (
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestShellReadsWordsBack(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash to ask")
	}
	for _, locale := range []string{"C.UTF-8", "C"} {
		t.Setenv("LC_ALL", locale)
		readBack(t, bash, locale == "C")
	}
}

// readBack has bash read words as they are typed.
func readBack(t *testing.T, bash string, ascii bool) {
	for _, word := range []string{"runs/photos", "a b", "it's", "$HOME", "~", "", "a\nb", "\x1b[31m", "\xff", "Käse/猫", `back\slash`, "'\n\\x41", "*?", "-resume"} {
		out, err := exec.Command(bash, "-c", "printf %s -- "+shellWord(word)).Output()
		require.NoError(t, err)
		assert.Equal(t, "--"+word, string(out)+"", shellWord(word))
		assert.False(t, ascii && runtime.GOOS != "windows" && strings.ContainsFunc(shellWord(word), func(r rune) bool { return r > '~' }), shellWord(word))
	}
}

func TestProgramIsCalledAsItWas(t *testing.T) {
	assert.Equal(t, "go run ./cmd/train", Train.calledAs("/tmp/go-build1234/b001/exe/train"))
	assert.Equal(t, "go run ./cmd/train", Train.calledAs("/var/cache/61/61faac6c5c64a44c9b09a3ed1e5e4d176bfcbd7fffe96bce170d5213ef1033c8-d/train"))
	assert.Equal(t, "./train", Train.calledAs("./train"))
	assert.Equal(t, "'/opt/my programs/train'", Medusa.calledAs("/opt/my programs/train"))
}
