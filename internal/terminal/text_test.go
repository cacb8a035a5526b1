package terminal

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
)

func TestMiddleKeepsBothEnds(t *testing.T) {
	for _, c := range []struct {
		in   string
		room int
		want string
	}{
		{"short", 5, "short"},
		{"Armenian/character01", 9, "Arm…ter01"},
		{"abcdef", 1, "…"},
		{"abcdef", 0, ""},
		{"猫猫猫猫猫猫", 7, "猫…猫猫"},
	} {
		got := Middle(c.in, c.room)
		assert.Equal(t, c.want, got)
		assert.LessOrEqual(t, width(got), c.room)
	}
}

func TestWrap(t *testing.T) {
	const text = "one two three four five\n  six seven eight nine ten\n  go run ./cmd/train -data a/path/that/is/longer/than/the/line\n/home/somebody/pictures/of/things is not there"
	assert.Equal(t, strings.Join([]string{
		"one two three",
		"  four five",
		"  six seven",
		"    eight nine",
		"    ten",
		"  go run ./cmd/train -data a/path/that/is/longer/than/the/line",
		"/home/somebody/pictures/of/things",
		"  is not there",
	}, "\n"), Wrap(text, 14))
	assert.Equal(t, text, Wrap(text, 200))
}

func TestFiguresStayWithTheirNames(t *testing.T) {
	const text = "step 1/600  loss 0.2000  active 100%  d+ 0.512  d- 0.498  |e| 1.00"
	for room, want := range map[int]string{
		65: "step 1/600  loss 0.2000  active 100%  d+ 0.512  d- 0.498\n  |e| 1.00",
		57: "step 1/600  loss 0.2000  active 100%  d+ 0.512  d- 0.498\n  |e| 1.00",
		30: "step 1/600  loss 0.2000\n  active 100%  d+ 0.512\n  d- 0.498  |e| 1.00",
	} {
		assert.Equal(t, want, Wrap(text, room))
	}
	for room := 1; room < 80; room++ {
		for line := range strings.SplitSeq(Wrap("loss   1.00  |e|  2.00 ", room), "\n") {
			assert.Equal(t, strings.TrimRight(line, " "), line)
			assert.False(t, strings.HasPrefix(line, "   "), line)
		}
	}
}

func TestTameBoundsWhatIsRepeated(t *testing.T) {
	assert.Equal(t, `-data \x1b[31mred is \a not there`, Tame("-data \x1b[31mred is \a not there"))
	assert.Equal(t, "a\nb", Tame("a\nb"))
	for name, s := range map[string]string{
		"a quotation":     `-loss "` + strings.Repeat("triplet + ", 200_000) + `": no`,
		"a word":          "-data " + strings.Repeat("x", 2_000_000) + ": no",
		"many words":      strings.Repeat("word ", 400_000),
		"many quotations": strings.Repeat(`"quotation" `, 200_000),
		"many lines":      strings.Repeat("line\n", 200_000),
		"escaped":         `-loss "` + strings.Repeat(`\"`, 200_000) + `": no`,
		"not UTF-8":       strings.Repeat("\xff", 100_000),
	} {
		got := Tame(s)
		assert.LessOrEqual(t, utf8.RuneCountInString(got), longestMessage, name)
		assert.True(t, utf8.ValidString(got), name)
	}
	assert.LessOrEqual(t, len(Tame(`-loss "`+strings.Repeat("triplet + ", 200_000)+`": no`)), 220)
}

func FuzzLinesFit(f *testing.F) {
	f.Add("some words, /a/path/of/some/length/and/more, \x1b[2J", 30)
	f.Fuzz(func(t *testing.T, s string, room int) {
		room = 1 + (room&0xff)%200
		tame := Tame(s)
		assert.Equal(t, strings.Join(strings.Fields(tame), " "), strings.Join(strings.Fields(Wrap(tame, room)), " "), "wrapping keeps every word")
		assert.LessOrEqual(t, width(Middle(tame, room)), room)
	})
}
