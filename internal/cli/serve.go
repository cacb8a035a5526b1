package cli

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/pkg/errors"

	"medusa/internal/field"
	"medusa/internal/fileread"
	"medusa/internal/settings"
	"medusa/internal/wording"
	"medusa/model"
	"medusa/serve"
)

// serving is the command serve.
var serving = command{
	name:  "serve",
	takes: "INDEX|MODEL",
	about: "answer requests over HTTP, and show a page to search with",
	intro: "answers requests over HTTP: embeds pictures, finds their neighbours, enrols, says whether two show the same; and shows a page to do that in a browser. INDEX is a gallery, which is saved when it changes; if there is no such file and -model says which model is meant, an empty one is made. MODEL, a run folder or a model file, has a gallery that is lost at the end.",
	examples: []example{
		{[]string{"gallery.index"}, "at http://127.0.0.1:8080, for this machine alone"},
		{[]string{"gallery.index", "-addr", ":8080", "-token", "token.txt"}, "for others, who know what token.txt holds"},
		{[]string{"runs/NAME"}, "without a gallery in a file"},
		{[]string{"new.index", "-model", "runs/NAME"}, "a new gallery, for pictures that are enrolled"},
	},
	notes: "The environment's MEDUSA_TOKEN is a token, too. Ctrl-C, or SIGTERM, finishes what is under way, and ends with the exit code 0; a second one ends at once.",
	begin: func(c *invocation) job { return newServeFlags(c) },
}

// serveOptions are what the flags of serve set.
type serveOptions struct {
	Addr    string `yaml:"addr" flag:"addr" arg:"HOST:PORT" doc:"where to listen; a port alone, as :8080, is that of every network, and 0 a free one" group:"Who may ask"`
	Token   string `yaml:"token" flag:"token" arg:"FILE" doc:"holds what requests must bring as Authorization: Bearer TOKEN, 16 characters or more" unset:"none is asked for, or that of MEDUSA_TOKEN" group:"Who may ask"`
	Public  bool   `yaml:"public" flag:"public" doc:"let everybody in who reaches the address, without a token" group:"Who may ask"`
	Origins string `yaml:"origins" flag:"allow-origin" arg:"LIST" doc:"other web pages that may use it from a browser, such as https://example.org, with commas between" group:"Who may ask"`

	Model      string  `yaml:"model" flag:"model" arg:"MODEL" doc:"the model of the index: a run folder or a model file" unset:"the one that the index names" group:"Gallery"`
	ReadOnly   bool    `yaml:"read_only" flag:"read-only" doc:"let nobody enrol or delete" group:"Gallery"`
	Pictures   string  `yaml:"pictures" flag:"pictures" arg:"DIR" doc:"where the pictures of what is enrolled are kept, to be shown" unset:"beside the index: gallery.pictures of gallery.index" group:"Gallery"`
	NoPictures bool    `yaml:"no_pictures" flag:"no-pictures" doc:"keep no pictures of what is enrolled, embeddings alone" group:"Gallery"`
	SaveEvery  float64 `yaml:"save_every" flag:"save-every" arg:"SECONDS" doc:"least time from one save of the index to the next, which writes the whole file" unset:"whatever is enrolled is saved at once" min:"0" group:"Gallery"`

	FAR         float64 `yaml:"far" flag:"far" arg:"RATE" doc:"false accept rate whose threshold says what is the same, one of those that calibrate found" unset:"0.001, or the least above it that there is" above:"0" max:"1" group:"Threshold"`
	Threshold   float64 `yaml:"threshold" flag:"threshold" arg:"DISTANCE" doc:"distance below which two pictures count as the same, in place of a rate" unset:"that of the rate" group:"Threshold"`
	Calibration string  `yaml:"calibration" flag:"calibration" arg:"FILE" doc:"thresholds that calibrate saved" unset:"those beside the model" group:"Threshold"`

	MaxBody        int64   `yaml:"max_body" flag:"max-body" arg:"MIB" doc:"largest request, in MiB" min:"1" max:"4096" group:"Limits"`
	MaxPixels      int64   `yaml:"max_pixels" flag:"max-pixels" arg:"N" doc:"largest width × height of a picture" unset:"67108864" min:"1" group:"Limits"`
	MaxPictures    int     `yaml:"max_pictures" flag:"max-pictures" arg:"N" doc:"most pictures of a request" min:"1" group:"Limits"`
	MaxRequests    int     `yaml:"max_requests" flag:"max-requests" arg:"N" doc:"requests with pictures that are worked on at the same time; the next one is told to come again" min:"1" group:"Limits"`
	MaxConnections int     `yaml:"max_connections" flag:"max-connections" arg:"N" doc:"open connections; the next one is told to come again" min:"1" group:"Limits"`
	Timeout        float64 `yaml:"timeout" flag:"timeout" arg:"SECONDS" doc:"time that a request may take, its body included" above:"0" group:"Limits"`

	Log     bool   `yaml:"log" flag:"log" doc:"write a line for each request to standard error" group:"This run"`
	Device  string `yaml:"device" flag:"device" arg:"cpu|cuda|cuda:N|auto" doc:"computes the network: cpu, cuda (the first GPU), cuda:N, or auto, which takes a GPU where there is one" group:"This run" unset:"cpu"`
	Threads int    `yaml:"threads" flag:"threads" arg:"N" doc:"for the computation; no result depends on it" unset:"all processors" group:"This run" min:"1"`
}

var serveSchema = settings.Of(reflect.TypeFor[serveOptions](), nil)

// serveFlags are the command serve, called.
type serveFlags struct {
	*flagSet
	options *serveOptions
}

func newServeFlags(c *invocation) *serveFlags {
	usual := serveOptions{Addr: "127.0.0.1:8080", MaxBody: serve.DefaultMaxBody >> 20, MaxPictures: serve.DefaultMaxPictures, MaxRequests: serve.DefaultMaxRequests,
		MaxConnections: serve.DefaultMaxConnections, Timeout: serve.DefaultTimeout.Seconds()}
	o, unset := usual, usual
	return &serveFlags{options: &o, flagSet: newFlagSet(c, serveSchema, &o, &unset, nil, "Who may ask", "Gallery", "Threshold", "Limits", "This run")}
}

func (f *serveFlags) flags() *flagSet { return f.flagSet }

func (f *serveFlags) do(ctx context.Context, args []string) error {
	if err := f.validate(args); err != nil {
		return usageError{err}
	}
	token, err := f.token()
	if err != nil {
		return err
	}
	place, err := f.place(args[0])
	if err != nil {
		return err
	}
	defer place.clean()
	m, err := loadForPictures(place.model, "serve", f.options.Device, f.options.Threads)
	if err != nil {
		return err
	}
	defer m.Close()
	l, err := f.listen()
	if err != nil {
		return err
	}
	defer l.Close()
	g, err := f.open(place, m)
	if err != nil {
		return err
	}
	defer g.Close()
	o, from, err := f.serverOptions(place, m, token)
	if err != nil {
		return err
	}
	s, err := serve.New(m, g, o)
	if err != nil {
		return field.Under(err, "", "")
	}
	metrics.ExposeMetadata(true)
	f.tell(place, g, l.Addr(), token, from)
	if err := s.Serve(ctx, l); err != nil {
		return err
	}
	return g.Close()
}

// tell says what is served, and where.
func (f *serveFlags) tell(p *servedPlace, g *serve.Gallery, at net.Addr, token, thresholds string) {
	w := f.call.screen(f.call.Out, f.call.Live)
	kept := "a gallery that is lost at the end"
	if p.index != "" {
		kept = p.index
	}
	w.Sayf("model       %s\ngallery     %s, %s", p.model, kept, wording.Number(g.Index().Len(), "items"))
	switch {
	case f.options.ReadOnly:
	case p.pictures != "" && p.index != "":
		w.Say("pictures    of what is enrolled: " + p.pictures)
	case p.index != "":
		w.Say("pictures    of what is enrolled are not kept")
	}
	w.Say("thresholds  " + cmp.Or(thresholds, "none: "+f.call.root().toType("calibrate", p.model, "FOLDER")+" finds some"))
	if host, _, _ := net.SplitHostPort(f.options.Addr); token != "" && !isLoopback(host) {
		w.Say("note: the token and all pictures cross the network as they are: put a proxy with TLS before this")
	}
	w.Sayf("\nlistening on http://%s", at)
}

// validate refuses what nobody means.
func (f *serveFlags) validate(args []string) error {
	switch o, given := f.options, f.given(); {
	case len(args) == 0:
		return errors.New("want an INDEX, or a MODEL, which is a run folder or its model file; -h says more")
	case args[0] == "":
		return errors.New("INDEX is empty: give the file of an index, a run folder or a model file")
	case len(args) > 1:
		return errors.Errorf("want one index or model, %q is another; a name with blanks stands in quotes", args[1])
	case given["threshold"] && (given["far"] || given["calibration"]):
		return wrong("%s says what %s and %s would: leave it out, or them", field.Name("-threshold"), field.Name("-far"), field.Name("-calibration"))
	case given["threshold"] && !(o.Threshold > 0):
		return wrong("%s is %v, want a distance above 0", field.Name("-threshold"), o.Threshold)
	case o.Public && given["token"]:
		return wrong("%s lets everybody in, and %s those alone who have it: leave one of them out", field.Name("-public"), field.Name("-token"))
	case o.NoPictures && given["pictures"]:
		return wrong("%s and %s contradict each other: leave one of them out", field.Name("-no-pictures"), field.Name("-pictures"))
	}
	for _, name := range []string{"token", "calibration", "model", "pictures", "addr", "allow-origin"} {
		if f.given()[name] && f.TextOf(name) == "" {
			return wrong("%s is empty: leave it out, or give what it wants", field.Name("-"+name))
		}
	}
	if err := f.checkGiven(f.options); err != nil {
		return err
	}
	return f.checkAddr()
}

// checkAddr refuses an address that others reach, unless it is said who may ask.
func (f *serveFlags) checkAddr() error {
	host, port, err := net.SplitHostPort(f.options.Addr)
	if err != nil || port == "" {
		return wrong("%s is %s, want a host and a port such as 127.0.0.1:8080, or :8080 for every network", field.Name("-addr"), f.options.Addr)
	}
	if isLoopback(host) || f.options.Public || f.options.Token != "" || os.Getenv(tokenVariable) != "" {
		return nil
	}
	return wrong("%s %s is reached from other machines: give a %s, or %s to let everybody in; 127.0.0.1:%s is for this machine alone",
		field.Name("-addr"), f.options.Addr, field.Name("-token"), field.Name("-public"), port)
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// tokenVariable is the environment's name for a token.
const tokenVariable = "MEDUSA_TOKEN"

// token is what requests must bring; empty for nothing.
func (f *serveFlags) token() (string, error) {
	var name any = tokenVariable
	text := os.Getenv(tokenVariable)
	switch {
	case f.options.Public:
		return "", nil
	case f.options.Token != "":
		name = field.Name("-token")
		b, err := fileread.Regular(f.options.Token, 1<<16)
		if err != nil {
			return "", wrong("%s: %v", name, err)
		}
		if text = strings.TrimSpace(string(b)); text == "" {
			return "", wrong("%s %s: the file is empty", name, f.options.Token)
		}
	}
	if n := len(text); text != "" && n < serve.LeastToken {
		return "", wrong("%s has %d characters, want %d or more, which nobody guesses", name, n, serve.LeastToken)
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", wrong("%s holds blanks or characters beyond ASCII, which a header of HTTP cannot have", name)
	}
	return text, nil
}

// listen opens the address.
func (f *serveFlags) listen() (net.Listener, error) {
	l, err := net.Listen("tcp", f.options.Addr)
	if isAddrInUse(err) {
		return nil, wrong("another program listens on %s already: give another %s", f.options.Addr, field.Name("-addr"))
	}
	if err != nil {
		return nil, wrong("%s %s: %v", field.Name("-addr"), f.options.Addr, err)
	}
	return l, nil
}

// serverOptions are what the flags say of the server, and where its thresholds come from.
func (f *serveFlags) serverOptions(p *servedPlace, m *model.Model, token string) (o serve.Options, from string, err error) {
	g := f.options
	level := slog.LevelWarn
	if g.Log {
		level = slog.LevelDebug
	}
	o = serve.Options{
		Token: token, MaxBody: g.MaxBody << 20, MaxPixels: g.MaxPixels, MaxPictures: g.MaxPictures, MaxRequests: g.MaxRequests, MaxConnections: g.MaxConnections,
		Timeout: time.Duration(g.Timeout * float64(time.Second)), Logger: slog.New(slog.NewTextHandler(f.call.Err, &slog.HandlerOptions{Level: level})),
	}
	if g.Origins != "" {
		for origin := range strings.SplitSeq(g.Origins, ",") {
			o.Origins = append(o.Origins, strings.TrimSpace(origin))
		}
	}
	if host, _, _ := net.SplitHostPort(g.Addr); token == "" && isLoopback(host) {
		o.Hosts = []string{"localhost", "127.0.0.1", "::1"}
		if !slices.Contains(o.Hosts, host) {
			o.Hosts = append(o.Hosts, host)
		}
	}
	if f.given()["threshold"] {
		o.Threshold = g.Threshold
		return o, field.Plain("-threshold", strconv.FormatFloat(g.Threshold, 'g', -1, 64)), nil
	}
	c := calibrated{call: f.call, far: g.FAR, farGiven: f.given()["far"], file: g.Calibration}
	o.Calibration, from, err = c.thresholds(p.model, m.Fingerprint())
	switch none := (noThreshold{}); {
	case errors.As(err, &none):
		return o, "", nil
	case err != nil:
		return o, "", err
	}
	point, _, err := c.threshold(p.model, m.Fingerprint())
	switch none := (noThreshold{}); {
	case errors.As(err, &none):
		return o, from + ", for requests that name one of their rates", nil
	case err != nil:
		return o, "", err
	}
	o.Threshold, o.FAR = point.Threshold, point.AskedFAR
	return o, fmt.Sprintf("%s; the same is what is nearer than %.4g, for a false accept rate of %v", from, point.Threshold, point.AskedFAR), nil
}
