package terminal

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// stamped remembers when something was written.
type stamped struct {
	mu    sync.Mutex
	text  bytes.Buffer
	times []time.Time
}

func (s *stamped) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.times = append(s.times, time.Now())
	return s.text.Write(p)
}

// longestGap is the longest silence between from and now.
func (s *stamped) longestGap(from time.Time) time.Duration {
	longest := time.Duration(0)
	for _, at := range append(s.times, time.Now()) {
		longest = max(longest, at.Sub(from))
		from = at
	}
	return longest
}

// screens seen by a terminal: what stands between two returns of the carriage.
func screenText(s string) []string {
	var out []string
	for _, line := range strings.FieldsFunc(s, func(r rune) bool { return r == '\r' || r == '\n' }) {
		if strings.TrimSpace(line) != "" {
			out = append(out, line)
		}
	}
	return out
}

func TestSomethingMovesWhileWorkGoesOn(t *testing.T) {
	for _, c := range []struct {
		name  string
		live  bool
		gap   time.Duration
		lines int // at most, in a minute
	}{{"terminal", true, time.Second, 1000}, {"log", false, 10 * time.Second, 13}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out stamped
				s := New(&out, c.live)
				began := time.Now()
				task := s.Begin("reading pictures")
				for i := range 20 { // every picture takes its time
					task.Progress(i, 20)
					time.Sleep(1500 * time.Millisecond)
				}
				task.Stage("nothing to tell for long")
				time.Sleep(30 * time.Second)
				task.End()
				assert.LessOrEqual(t, out.longestGap(began), c.gap)
				seen := screenText(out.text.String())
				assert.LessOrEqual(t, len(seen), c.lines)
				for i := 1; i < len(seen); i++ {
					assert.NotEqual(t, seen[i-1], seen[i], "the same again is no movement")
				}
				assert.Contains(t, out.text.String(), "reading pictures")
				assert.Contains(t, out.text.String(), " of 20")
				assert.Contains(t, out.text.String(), "nothing to tell")
			})
		})
	}
}

func TestShortWorkLeavesNoLineInALog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out stamped
		s := New(&out, false)
		task := s.Begin("measuring")
		time.Sleep(4 * time.Second)
		task.End()
		assert.Empty(t, out.text.String())
	})
}

func TestLiveLineFitsAndIsWiped(t *testing.T) {
	for _, columns := range []int{20, 40, 60, 80, 200} {
		synctest.Test(t, func(t *testing.T) {
			var out stamped
			s := New(&out, true)
			s.columns = func() int { return columns }
			task := s.Begin("measuring a set with a very long name: " + strings.Repeat("猫", 100))
			task.Progress(123456, 9999999)
			time.Sleep(time.Second)
			s.Say("a note")
			time.Sleep(time.Second)
			task.End()
			task.End()
			for _, line := range screenText(out.text.String()) {
				assert.Less(t, width(line), columns, line)
			}
			assert.True(t, strings.HasSuffix(out.text.String(), "\r"), "nothing is left of the line")
		})
	}
}

func TestNothingThatIsWrittenMovesTheCursor(t *testing.T) {
	var out stamped
	s := New(&out, false)
	s.Say("pictures in \x1b[2J\x1b[H\r\a\u202e")
	s.Table(Table{Header: []string{"class"}, Rows: [][]string{{"\x1b]0;title\a\n"}}})
	assert.NotContains(t, out.text.String(), "\x1b")
	assert.NotContains(t, out.text.String(), "\a")
	assert.Contains(t, out.text.String(), `\x1b[2J`)
	assert.Contains(t, out.text.String(), `\x1b]0;title\a\n`)
}

func TestTableFits(t *testing.T) {
	table := Table{
		Header: []string{"", "classes", "smallest class", "largest class"}, Right: []int{1}, Names: []int{2, 3},
		Rows: [][]string{{"train", "354", "20  " + strings.Repeat("long/", 30) + "end", "20  b"}, {"test", "1", "1  猫", "1  猫"}},
	}
	for _, columns := range []int{50, 60, 80, 120, 300} {
		text := table.render(columns)
		lines := strings.Split(text, "\n")
		require.Len(t, lines, 4)
		for _, line := range lines {
			assert.LessOrEqual(t, width(line), columns, line)
			assert.Equal(t, strings.TrimRight(line, " "), line)
		}
		assert.Contains(t, text, "end", "the end tells most")
		assert.Contains(t, text, "20  b")
	}
	assert.NotContains(t, table.render(300), "…")
}

func TestHeadersAreCutLast(t *testing.T) {
	table := Table{
		Header: []string{"", "classes", "smallest class", "largest class"}, Right: []int{1}, Names: []int{2, 3},
		Rows: [][]string{{"train", "354", "6  " + strings.Repeat("long/", 9) + "end", "20  0002"}},
	}
	assert.Contains(t, table.render(60), "smallest class")
	assert.Contains(t, table.render(60), "largest class")
}

func TestManyColumnsBecomeRows(t *testing.T) {
	table := Table{
		Header: []string{"", "classes", "pictures", "queries", "gallery", "cameras", "smallest", "largest"}, Right: []int{1, 2, 3, 4, 5}, Names: []int{6, 7},
		Rows: [][]string{{"train", "6", "36", "", "", "2", "6  0002", "6  0002"}, {"validation", "6", "36", "", "", "2", "6  " + strings.Repeat("long/", 9), "6  0002"}, {"test", "6", "36", "6", "30", "2", "6  0002", "6  0002"}},
	}
	for _, columns := range []int{50, 60, 70} {
		text := table.render(columns)
		for _, line := range strings.Split(text, "\n") {
			assert.LessOrEqual(t, width(line), columns, line)
		}
		for _, header := range table.Header {
			assert.Contains(t, text, header)
		}
		assert.Len(t, strings.Split(text, "\n"), 2+7)
	}
	assert.Len(t, strings.Split(table.render(90), "\n"), 2+3)
}

// numbersTable has columns that cannot be cut.
var numbersTable = Table{
	Header: []string{"FAR at most", "accept below d", "validation TAR", "test TAR", "test FAR"}, Right: []int{1, 2, 3, 4},
	Rows: [][]string{{"10 %", "0.692", "0.976", "0.914", "9.8678 %"}, {"equal error, 5.53 %", "0.623", "", "0.854", "5.5889 %"}},
}

// Where neither columns nor rows fit, each cell has its line, and nothing is lost.
func TestTableOfAnyWidthFits(t *testing.T) {
	for columns := 20; columns <= 100; columns++ {
		text := numbersTable.render(columns)
		for line := range strings.SplitSeq(text, "\n") {
			require.LessOrEqual(t, width(line), columns, text)
		}
		for _, cell := range []string{"FAR at most", "0.692", "0.976", "9.8678 %", "5.53 %", "0.854"} {
			require.Contains(t, strings.Join(strings.Fields(text), " "), cell)
		}
	}
	assert.Equal(t, "FAR at most 10 %\n  accept below d  0.692\n  validation TAR  0.976\n  test TAR  0.914\n  test FAR  9.8678 %\n"+
		"FAR at most equal error, 5.53\n  %\n  accept below d  0.623\n  test TAR  0.854\n  test FAR  5.5889 %", numbersTable.render(30))
	named := Table{Header: []string{"tensor", "type", "shape"}, Names: []int{0, 2}, Rows: [][]string{{strings.Repeat("deep.", 30) + "weight", "F32", "64×3×3×3"}}}
	for line := range strings.SplitSeq(named.render(20), "\n") {
		assert.LessOrEqual(t, width(line), 20, line)
	}
}

// A terminal that becomes narrower: what is written from then on fits into it, also what wipes the
// longer line that was there.
func TestLiveLineFollowsTheWidth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out stamped
		columns := 120
		s := New(&out, true)
		s.columns = func() int { return columns }
		task := s.Begin("reading " + strings.Repeat("many ", 40))
		time.Sleep(time.Second)
		s.mu.Lock()
		columns = 40
		out.text.Reset()
		s.mu.Unlock()
		time.Sleep(time.Second)
		s.Say("a note")
		s.Table(numbersTable)
		time.Sleep(time.Second)
		task.End()
		lines := screenText(out.text.String())
		require.Greater(t, len(lines), 10)
		for _, line := range strings.FieldsFunc(out.text.String(), func(r rune) bool { return r == '\r' || r == '\n' }) {
			assert.LessOrEqual(t, width(line), 40, "%q", line)
		}
	})
}

// Locales that have ASCII alone get it, in lines that fit; nothing is coloured in any.
func TestCharactersOfTheLocale(t *testing.T) {
	for _, c := range []struct {
		all, ctype, lang string
		ascii            bool
	}{
		{"", "", "", false}, {"", "", "C", true}, {"", "", "C.UTF-8", false}, {"POSIX", "", "en_US.UTF-8", true}, {"", "de_DE.ISO-8859-1", "en_US.utf8", true},
		{"en_US.utf8", "C", "C", false},
	} {
		t.Setenv("LC_ALL", c.all)
		t.Setenv("LC_CTYPE", c.ctype)
		t.Setenv("LANG", c.lang)
		synctest.Test(t, func(t *testing.T) {
			var out stamped
			s := New(&out, true)
			s.columns = func() int { return 60 }
			task := s.Begin("28×28 of " + strings.Repeat("猫", 100))
			task.Progress(3, 10)
			time.Sleep(time.Second)
			task.End()
			s.Say("±1 of " + strings.Repeat("λ² ", 40))
			s.Page("α · β: a page\n")
			s.Table(Table{Header: []string{"class", "pictures"}, Names: []int{0}, Rows: [][]string{{"Käse/" + strings.Repeat("猫/", 50), "12"}}})
			text := out.text.String()
			beyond := strings.IndexFunc(text, func(r rune) bool { return r > '~' }) >= 0
			assert.Equal(t, c.ascii && runtime.GOOS != "windows", !beyond, text)
			assert.NotContains(t, text, "\x1b")
			for _, line := range screenText(text) {
				assert.LessOrEqual(t, width(line), 60, line)
			}
		})
	}
}

func TestWidthOfTheEnvironment(t *testing.T) {
	for value, want := range map[string]int{"60": 60, "132": 132, "3": leastWidth, "0": DefaultWidth, "wide": DefaultWidth, "": DefaultWidth} {
		t.Setenv("COLUMNS", value)
		assert.Equal(t, want, New(&bytes.Buffer{}, false).Width(), fmt.Sprintf("COLUMNS=%q", value))
	}
	t.Setenv("COLUMNS", "")
	file, err := os.CreateTemp(t.TempDir(), "")
	require.NoError(t, err)
	defer file.Close()
	assert.Equal(t, DefaultWidth, New(file, false).Width(), "a file is no terminal")
}

func TestClock(t *testing.T) {
	assert.Equal(t, "1m05s", Clock(64500*time.Millisecond))
	assert.Equal(t, "2h01m", Clock(7261*time.Second))
}

func TestTaskTellsHowLongItTakesYet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out stamped
		s := New(&out, false)
		task := s.Begin("reading pictures")
		defer task.End()
		task.Progress(7000, 0) // nobody knows of how many
		time.Sleep(20 * time.Second)
		task.Progress(0, 1000)
		for done := range 10 {
			time.Sleep(2 * time.Second)
			task.Progress(10*done, 1000) // ten every two seconds
		}
		assert.Equal(t, "reading pictures  90 of 1,000  0m40s  left 3m23s", task.plain(), "910 in 20 s / 90 each")
		task.Stage("looking for copies")
		assert.Equal(t, "reading pictures: looking for copies  0m40s", task.plain())
		task.Progress(500, 2000) // what was there at once says nothing of the speed
		assert.NotContains(t, task.plain(), "left")
		time.Sleep(10 * time.Second)
		task.Progress(600, 2000)
		assert.Contains(t, task.plain(), "600 of 2,000  0m50s  left 2m20s")
		task.Progress(2000, 2000)
		assert.NotContains(t, task.plain(), "left")
	})
}
