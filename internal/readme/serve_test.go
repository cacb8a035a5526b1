package readme

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// curls are the requests that a text has behind a command that serves.
func curls(list []command, where string) (out []string) {
	for _, c := range list {
		if c.where != where || !strings.HasPrefix(c.line, "curl ") {
			break
		}
		out = append(out, c.line)
	}
	return out
}

// output is what a program has written until now.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

var address = regexp.MustCompile(`listening on http://(\S+)`)

// serveAndAsk begins a server on a free port, sends it what a text says, and ends it as Ctrl-C does.
func serveAndAsk(t *testing.T, program, dir string, args, asks []string) {
	var out output
	cmd := exec.Command(program, append(args, "-addr", "127.0.0.1:0")...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &out
	require.NoError(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	defer cmd.Process.Kill()
	require.Eventually(t, func() bool { return address.MatchString(out.String()) || len(ended) > 0 }, time.Minute, 10*time.Millisecond)
	m := address.FindStringSubmatch(out.String())
	require.NotNil(t, m, out.String())
	_, err := exec.LookPath("curl")
	for _, ask := range asks {
		if err != nil {
			t.Log("there is no curl: requests are not sent")
			break
		}
		line := strings.Replace(strings.ReplaceAll(ask, "127.0.0.1:8080", m[1]), "curl ", "curl --silent --show-error --fail-with-body ", 1)
		c := exec.Command("curl", words(line)[1:]...)
		c.Dir = dir
		text, err := c.CombinedOutput()
		require.NoError(t, err, "%s\n%s", ask, text)
	}
	if runtime.GOOS == "windows" { // where a process cannot be told so
		return
	}
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	require.NoError(t, <-ended, out.String())
}
