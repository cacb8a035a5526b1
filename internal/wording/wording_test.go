package wording

import (
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestThousands(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 13180: "13,180", 1234567: "1,234,567", -100: "-100", -1000: "-1,000"} {
		assert.Equal(t, want, Thousands(n))
	}
}

func TestNames(t *testing.T) {
	assert.Equal(t, "Recall@4", Measure("recall_at_4"))
	assert.Equal(t, "MAP@R", Measure("map_at_r"))
	assert.Equal(t, "something_new", Measure("something_new"))
	assert.Equal(t, []string{"grey", "RGB", "4 channels"}, []string{Channels(1), Channels(3), Channels(4)})
	assert.Equal(t, "3 MiB", MiB(3<<20))
}

func TestMessageFitsATerminal(t *testing.T) {
	assert.Equal(t, "a plain message\n  of two lines", Message("a plain message\n  of two lines"))
	assert.Equal(t, `no \x1b[2J escapes, no \xff`, Message("no \x1b[2J escapes, no \xff"))
	long := Message("begin " + strings.Repeat("ü", 1<<22) + " end\n" + strings.Repeat("line\n", 1<<20))
	assert.Less(t, len(long), 8<<10)
	assert.Contains(t, long, "begin üü")
	assert.Contains(t, long, "üü end")
	assert.Contains(t, long, "more lines")
}

func TestShellTakesTheArgument(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no sh")
	}
	assert.Equal(t, "runs/2026-11-24-041546", Shell("runs/2026-11-24-041546"))
	for _, arg := range []string{"", "my run", "it's", `a\b`, "$HOME", "*", "~", "a\nb", "\xff", "-x;ls", "#c", `"q"`} {
		out, err := exec.Command("sh", "-c", "printf %s "+Shell(arg)).Output()
		require.NoError(t, err)
		assert.Equal(t, arg, string(out))
	}
}
