// Package terminal writes for the person in front of it: lines that fit, tables that fit,
// a live line while work goes on, and where there is no terminal plain lines now and then.
// Whatever is written is made plain first: no name of a file moves the cursor.
package terminal

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"medusa/internal/plain"
)

// Screen writes to a terminal, or to a file or pipe. It is safe for concurrent use. What
// cannot be written is dropped: a terminal that has gone away ends no run.
type Screen struct {
	w       io.Writer
	live    bool
	ascii   bool // the locale has no other characters
	columns func() int

	// Commands are beginnings of lines that are commands besides those that every shell knows by
	// their path: such lines stay whole, to be copied.
	Commands []string

	mu    sync.Mutex // of what follows, and of w
	task  *Task
	taken int       // columns of the live line that stands on the screen
	last  time.Time // when a line was last written
}

// New writes to w. live says that w is a terminal, on which a line may be written again.
func New(w io.Writer, live bool) *Screen {
	return &Screen{w: w, live: live, ascii: !Unicode(), columns: func() int { return columnsOf(w) }, last: time.Now()}
}

// DefaultWidth is how many columns a line has where nobody says it.
const DefaultWidth = 80

// leastWidth bounds what is believed: a line of fewer columns could hold nothing.
const leastWidth = 20

// columnsOf is the environment's COLUMNS, or else the width of the terminal that w is, or
// else DefaultWidth.
func columnsOf(w io.Writer) int {
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return max(n, leastWidth)
	}
	if f, ok := w.(*os.File); ok {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil && n > 0 {
			return max(n, leastWidth)
		}
	}
	return DefaultWidth
}

// Width is how many columns a line has now.
func (s *Screen) Width() int { return s.columns() }

// Live reports whether there is a terminal, on which a line may be written again.
func (s *Screen) Live() bool { return s.live }

// Say writes a text, wrapped to the width, and ends its line.
func (s *Screen) Say(text string) {
	s.write(wrap(s.spelled(Tame(text)), s.Width(), s.Commands))
}

// Page writes a page whose lines are made for the width already.
func (s *Screen) Page(text string) {
	text = strings.TrimSuffix(text, "\n")
	if s.ascii { // signs became words
		text = wrap(plain.ASCII(text), s.Width(), s.Commands)
	}
	s.write(text)
}

// spelled is text in the characters that the locale has.
func (s *Screen) spelled(text string) string {
	if s.ascii {
		return plain.ASCII(text)
	}
	return text
}

// drawn are signs that are drawn for the width, and those of the same width that every terminal
// has.
var drawn = strings.NewReplacer("─", "-", "━", "#", "·", ".", "…", "~")

// write writes lines above the live one.
func (s *Screen) write(lines string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wipe()
	s.last = time.Now()
	if s.ascii {
		lines = drawn.Replace(lines)
	}
	fmt.Fprintln(s.w, lines)
	s.draw()
}

// Aside has f write to another place that may be the same terminal: the live line is away meanwhile.
func (s *Screen) Aside(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wipe()
	f()
	s.draw()
}

// Sayf is Say of a format.
func (s *Screen) Sayf(format string, args ...any) { s.Say(fmt.Sprintf(format, args...)) }

// since is the time since a line was last written.
func (s *Screen) since() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Since(s.last)
}

// wipe takes the live line away. It is called with the lock held.
func (s *Screen) wipe() {
	if s.taken > 0 {
		fmt.Fprintf(s.w, "\r%s\r", strings.Repeat(" ", min(s.taken, s.Width()-1)))
		s.taken = 0
	}
}

// draw writes the live line, if there is one. It is called with the lock held.
func (s *Screen) draw() {
	if s.task == nil || !s.live {
		return
	}
	// The last column stays free: a line that fills it wraps on some terminals, and one that
	// wraps cannot be wiped.
	room := s.Width() - 1
	line := s.task.line(room, s.spelled)
	if s.ascii {
		line = drawn.Replace(line)
	}
	n := width(line)
	s.taken = min(max(n, s.taken), room) // a terminal that became narrower holds no more
	fmt.Fprintf(s.w, "\r%s%s", line, strings.Repeat(" ", max(s.taken-n, 0)))
}
