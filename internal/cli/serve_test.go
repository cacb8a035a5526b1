package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"medusa/index"
)

// growing is what a server writes, as far as it has come.
type growing struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (w *growing) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(b)
}

func (w *growing) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.String()
}

var listening = regexp.MustCompile(`listening on (http://\S+)`)

// served is a server that the program runs, until stop returns its exit code.
func served(t *testing.T, args ...string) (url string, out *growing, stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	out = &growing{}
	code := make(chan int, 1)
	go func() {
		code <- Medusa.Run(ctx, append([]string{"medusa", "serve", "-addr", "127.0.0.1:0"}, args...), Streams{Out: out, Err: out})
	}()
	require.Eventually(t, func() bool { return listening.MatchString(out.String()) || len(code) > 0 }, 20*time.Second, 5*time.Millisecond)
	m := listening.FindStringSubmatch(out.String())
	require.NotNil(t, m, out.String())
	return m[1], out, func() int {
		cancel()
		return <-code
	}
}

// asked sends a picture, or nothing, and returns what came back.
func asked(t *testing.T, method, url, picture string, lines ...string) (status int, body string) {
	t.Helper()
	var b []byte
	if picture != "" {
		var err error
		b, err = os.ReadFile(picture)
		require.NoError(t, err)
	}
	r, err := http.NewRequest(method, url, bytes.NewReader(b))
	require.NoError(t, err)
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		if r.Header.Set(name, value); name == "Host" {
			r.Host = value
		}
	}
	w, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer w.Body.Close()
	text, err := io.ReadAll(w.Body)
	require.NoError(t, err)
	return w.StatusCode, string(text)
}

// A new gallery is made, filled, stopped, and served again without the model being named.
func TestServe(t *testing.T) {
	run, dir := finishedRun(t), t.TempDir()
	photos := folders(t, filepath.Join(dir, "photos"), 3, 2)
	picture := filepath.Join(photos, "class00", "00.png")
	path := filepath.Join(dir, "gallery.index")
	url, out, stop := served(t, path, "-model", run, "-threshold", "0.5")
	require.Contains(t, oneLine(out.String()), "gallery "+path+", 0 items pictures of what is enrolled: "+filepath.Join(dir, "gallery.pictures")+" thresholds -threshold: 0.5")
	status, body := asked(t, "POST", url+"/v1/items?label=cat", picture)
	require.Equal(t, 201, status, body)
	status, body = asked(t, "POST", url+"/v1/search", picture)
	require.Equal(t, 200, status, body)
	var got struct {
		Results []struct {
			Decision struct {
				Label     string
				Threshold float64
			}
		}
	}
	require.NoError(t, json.Unmarshal([]byte(body), &got))
	require.Equal(t, "cat", got.Results[0].Decision.Label)
	require.Equal(t, 0.5, got.Results[0].Decision.Threshold)
	_, body = asked(t, "GET", url+"/metrics", "")
	require.Contains(t, body, "# TYPE medusa_items gauge\nmedusa_items 1\n")
	status, body = asked(t, "GET", url+"/v1/info", "", "Host: evil.example")
	require.Equal(t, 421, status, body)
	_, _, stderr := medusa("serve", path, "-addr", "127.0.0.1:0")
	require.Contains(t, oneLine(stderr), "another process may change "+path)
	for _, args := range [][]string{{"index", path, "-remove", "-label", "cat"}, {"index", run, photos, "-out", path, "-add"}, {"index", run, photos, "-out", path, "-overwrite"}} {
		code, _, stderr := medusa(args...)
		require.Equal(t, exitFailed, code)
		require.Contains(t, oneLine(stderr), "another process may change "+path)
	}
	require.Equal(t, exitOK, stop())

	x, err := index.Open(path)
	require.NoError(t, err)
	require.Equal(t, 1, x.Len())
	url, out, stop = served(t, path, "-read-only")
	require.Contains(t, oneLine(out.String()), path+", 1 item ")
	status, _ = asked(t, "DELETE", url+"/v1/items/1", "")
	require.Equal(t, 403, status)
	status, body = asked(t, "POST", url+"/v1/verify", picture)
	require.Equal(t, 400, status, body)
	require.Equal(t, exitOK, stop())

	url, out, stop = served(t, filepath.Join(run, "model.safetensors"), "-log")
	require.Contains(t, out.String(), "a gallery that is lost at the end, 0 items")
	status, _ = asked(t, "POST", url+"/v1/items", picture)
	require.Equal(t, 201, status)
	require.Equal(t, exitOK, stop())
	require.Contains(t, out.String(), "method=POST path=/v1/items status=201")
}

func TestServeWithAToken(t *testing.T) {
	run, dir := finishedRun(t), t.TempDir()
	file := filepath.Join(dir, "token.txt")
	require.NoError(t, os.WriteFile(file, []byte("a-token-of-this-test\n"), 0o600))
	check := func(args ...string) {
		t.Helper()
		url, out, stop := served(t, append([]string{run}, args...)...)
		require.NotContains(t, out.String(), "a-token-of-this-test")
		status, _ := asked(t, "GET", url+"/v1/info", "")
		require.Equal(t, 401, status)
		status, _ = asked(t, "GET", url+"/v1/info", "", "Authorization: Bearer a-token-of-this-test")
		require.Equal(t, 200, status)
		require.Equal(t, exitOK, stop())
	}
	check("-token", file)
	t.Setenv("MEDUSA_TOKEN", "a-token-of-this-test")
	check()
}

func TestServeThatCannotBe(t *testing.T) {
	run, dir := finishedRun(t), t.TempDir()
	other := finishedRun(t)
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
		return path
	}
	foreign := filepath.Join(dir, "foreign.index")
	x, err := index.New(index.Options{Dim: 3, Model: strings.Repeat("0", 64)})
	require.NoError(t, err)
	require.NoError(t, x.Save(context.Background(), foreign))
	none := filepath.Join(dir, "none.index")
	_, long, short, blank := write("x", ""), write("long", "a token with blanks in it"), write("short", "short"), write("blank", " \n")
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{nil, exitUsage, "want an INDEX, or a MODEL, which is a run folder or its model file; -h says more"},
		{[]string{""}, exitUsage, "INDEX is empty"},
		{[]string{run, run}, exitUsage, "want one index or model, \"" + run + "\" is another"},
		{[]string{none}, exitFailed, "there is no index, run folder or model file " + none + "; -model says which model a new index is for"},
		{[]string{none, "-model", run, "-read-only"}, exitFailed, "there is no index " + none + ", and -read-only makes none"},
		{[]string{none, "-model", filepath.Join(dir, "no")}, exitFailed, "there is no run folder or model file"},
		{[]string{filepath.Join(dir, "no", "a.index"), "-model", run}, exitFailed, "there is no folder " + filepath.Join(dir, "no")},
		{[]string{run, "-model", other}, exitFailed, "-model goes with an index, and " + run + " is none"},
		{[]string{foreign}, exitFailed, foreign + " does not say where its model is: name it with -model"},
		{[]string{foreign, "-model", run}, exitFailed, foreign + " was made with another model than "},
		{[]string{write("damaged.index", "medusa index, or not"), "-model", run}, exitFailed, "damaged.index"},
		{[]string{write("picture.png", "none")}, exitFailed, "picture.png"},
		{[]string{run, "-addr", ":8080"}, exitUsage, "-addr :8080 is reached from other machines: give a -token, or -public to let everybody in; 127.0.0.1:8080 is for this machine alone"},
		{[]string{run, "-addr", "0.0.0.0:8080"}, exitUsage, "is reached from other machines"},
		{[]string{run, "-addr", "8080"}, exitUsage, "-addr is 8080, want a host and a port such as 127.0.0.1:8080"},
		{[]string{run, "-addr", "127.0.0.1:99999"}, exitFailed, "-addr 127.0.0.1:99999"},
		{[]string{run, "-token", filepath.Join(dir, "no")}, exitFailed, "-token"},
		{[]string{run, "-token", long}, exitFailed, "-token holds blanks or characters beyond ASCII"},
		{[]string{run, "-token", short}, exitFailed, "-token has 5 characters, want 16 or more"},
		{[]string{run, "-token", blank}, exitFailed, "the file is empty"},
		{[]string{run, "-token", long, "-public"}, exitUsage, "-public lets everybody in, and -token those alone who have it"},
		{[]string{run, "-token", ""}, exitUsage, "-token is empty"},
		{[]string{run, "-no-pictures", "-pictures", dir}, exitUsage, "-no-pictures and -pictures contradict each other"},
		{[]string{run, "-max-body", "0"}, exitUsage, "-max-body"},
		{[]string{run, "-max-requests", "-1"}, exitUsage, "-max-requests"},
		{[]string{run, "-timeout", "0"}, exitUsage, "-timeout"},
		{[]string{run, "-allow-origin", "example.org"}, exitFailed, "-allow-origin: \"example.org\" is no origin"},
		{[]string{run, "-threshold", "0"}, exitUsage, "-threshold is 0, want a distance above 0"},
		{[]string{run, "-threshold", "1", "-far", "0.1"}, exitUsage, "-threshold says what -far and -calibration would"},
		{[]string{run, "-calibration", filepath.Join(dir, "no.json")}, exitFailed, "no such file"},
		{[]string{run, "-calibration", write("bad.json", "{")}, exitFailed, "is no calibration"},
	} {
		code, stdout, stderr := medusa(append([]string{"serve"}, c.args...)...)
		require.Equal(t, c.code, code, "%v: %s", c.args, stderr)
		require.Contains(t, oneLine(stderr), c.want)
		require.Empty(t, stdout, "%v", c.args)
	}
	require.NoFileExists(t, none)
	l, _, stop := served(t, run)
	code, _, stderr := medusa("serve", run, "-addr", strings.TrimPrefix(l, "http://"))
	require.Equal(t, exitFailed, code)
	require.Contains(t, oneLine(stderr), "another program listens on "+strings.TrimPrefix(l, "http://")+" already: give another -addr")
	require.NotContains(t, stderr, "bind")
	require.Equal(t, exitOK, stop())
}

// SIGTERM ends a server of its own process with the exit code 0, and what was enrolled is there.
func TestServeUntilSIGTERM(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there is no SIGTERM to send")
	}
	run, dir := finishedRun(t), t.TempDir()
	picture := filepath.Join(folders(t, filepath.Join(dir, "photos"), 1, 1), "class00", "00.png")
	self, err := os.Executable()
	require.NoError(t, err)
	path := filepath.Join(dir, "gallery.index")
	cmd := exec.Command(self, "serve", path, "-model", run, "-addr", "127.0.0.1:0", "-save-every", "3600")
	out := &growing{}
	cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), "MEDUSA_TEST_PROGRAM=1"), out, out
	require.NoError(t, cmd.Start())
	defer cmd.Process.Kill()
	require.Eventually(t, func() bool { return listening.MatchString(out.String()) }, 20*time.Second, 5*time.Millisecond, out)
	url := listening.FindStringSubmatch(out.String())[1]
	for range 3 {
		status, body := asked(t, "POST", url+"/v1/items?wait=false", picture)
		require.Equal(t, 201, status, body)
	}
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, cmd.Wait(), out)
	x, err := index.Open(path)
	require.NoError(t, err)
	require.Equal(t, 3, x.Len())
}
