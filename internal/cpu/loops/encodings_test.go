package loops

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Instructions that Go's assembler lacks stand in the assembly of arm64 as numbers, with what they mean beside. LLVM's assembler
// makes the same numbers of the words.
func TestEncodingsAreThoseOfAnotherAssembler(t *testing.T) {
	meanings := encodings(t)
	require.Greater(t, len(meanings), 1000)
	assembler, err := exec.LookPath("llvm-mc")
	if err != nil {
		t.Skip("llvm-mc is not installed")
	}
	var source strings.Builder
	var words []string
	for word, meaning := range meanings {
		words = append(words, word)
		fmt.Fprintln(&source, meaning)
	}
	cmd := exec.Command(assembler, "-triple=aarch64", "-show-encoding")
	cmd.Stdin = strings.NewReader(source.String())
	out, err := cmd.Output()
	require.NoError(t, err)
	lines := regexp.MustCompile(`encoding: \[0x(..),0x(..),0x(..),0x(..)\]`).FindAllStringSubmatch(string(out), -1)
	require.Len(t, lines, len(words))
	for i, b := range lines {
		assert.Equal(t, words[i], "0x"+b[4]+b[3]+b[2]+b[1], meanings[words[i]])
	}
}

// encodings are the numbers in the assembly of arm64, each once, with their meanings.
func encodings(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("*_arm64.s")
	require.NoError(t, err)
	meanings := map[string]string{}
	for _, name := range files {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		for _, m := range regexp.MustCompile(`(?m)^\tWORD \$(0x\w{8}) // (.*)$`).FindAllStringSubmatch(string(text), -1) {
			if other, ok := meanings[m[1]]; ok {
				require.Equal(t, other, m[2], m[1])
			}
			meanings[m[1]] = m[2]
		}
		require.Equal(t, strings.Count(string(text), "WORD"), strings.Count(string(text), "WORD $0x"), "%s: numbers without a meaning", name)
	}
	return meanings
}
