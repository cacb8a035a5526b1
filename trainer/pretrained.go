package trainer

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/pkg/errors"

	"medusa/datasets"
	"medusa/internal/field"
	"medusa/nets"
)

// Pretrained is what a file of weights means for a run.
type Pretrained struct {
	Report nets.WeightsReport
	// Told are sentences for a person: what the file decided, and which settings stand against it.
	Told []string
}

// WithWeights is c with the settings that the file Weights decides, where they are left open: the backbone, its stem and what
// its normalisations add to variances, and how pictures are prepared. It reads the whole file, and refuses one that New
// could not load. It is called before Load, since it says how pictures are read. A setting that stands against the file
// counts, and Told says so.
//
// given says whether a field of Config, such as Data.Resize, was set by somebody; if nil, those count that are other than in
// Default. names is how Told calls settings; nil: as fields.
func (c Config) WithWeights(given func(field string) bool, names Naming) (Config, Pretrained, error) {
	if c.Weights == "" {
		return c, Pretrained{}, nil
	}
	if given == nil {
		given = c.differs
	}
	net := c.Net
	net.InChannels, net.Height, net.Width = c.Data.Channels, cmp.Or(c.Data.Height, c.Data.Width), cmp.Or(c.Data.Width, c.Data.Height)
	net, report, err := nets.InspectWeights(c.Weights, net)
	if err != nil {
		return c, Pretrained{}, aboutWeights(c.Weights, err)
	}
	if err := c.checkSum(report); err != nil {
		return c, Pretrained{}, err
	}
	p := &preparing{Pretrained: Pretrained{Report: report}, given: given, names: names}
	if c.Net.Backbone != net.Backbone {
		p.tell("the weights are those of backbone %s (%s)", net.Backbone, names.of("Net.Backbone", net.Backbone))
	}
	if c.Net.Stem == "" && net.Stem == "standard" && net.Height > 0 && min(net.Height, net.Width) < 64 {
		p.tell("the weights have the standard stem, which pictures of %d×%d have too then (%s)", net.Height, net.Width, names.of("Net.Stem", net.Stem))
	}
	if c.Net.NormEps != 0 && report.NormEps != 0 && report.NormEps != c.Net.NormEps {
		p.against("Net.NormEps", number(c.Net.NormEps), number(report.NormEps))
	}
	p.channels = net.InChannels
	net.InChannels, net.Height, net.Width = c.Net.InChannels, c.Net.Height, c.Net.Width // as the pictures have them
	c.Net, c.WeightsSum = net, sumOf(report)
	p.prepare(&c.Data)
	return c, p.Pretrained, nil
}

// aboutWeights is an error about the file of weights at path, in which the fields of Net are those of Config.
func aboutWeights(path string, err error) error {
	if e := new(field.Error); errors.As(err, &e) {
		return field.Under(err, "trainer", "Net")
	}
	if errors.Is(err, os.ErrNotExist) {
		if _, e := os.Stat(path); errors.Is(e, os.ErrNotExist) {
			return field.Errorf("trainer", "", "%s: there is no file %s", field.Name("Weights"), path)
		}
	}
	text := strings.TrimPrefix(strings.TrimPrefix(err.Error(), "weights: "), "nets: ")
	return field.Errorf("trainer", "", "%s: %s", field.Name("Weights"), text)
}

// differs reports whether a field of c is other than in Default.
func (c Config) differs(name string) bool {
	return slices.Contains(Differences(Config{Data: c.Data}, Config{Data: DataConfig{Height: c.Data.Height, Width: c.Data.Width}}), name)
}

// checkSum refuses another file than that of which c has the checksum.
func (c Config) checkSum(r nets.WeightsReport) error {
	if now := sumOf(r); c.WeightsSum != "" && c.WeightsSum != now {
		return field.Errorf("trainer", "", "%s is %s, but the checksum of %s is %s: it is another file; put back the one that was meant, or leave the checksum out",
			field.Name("WeightsSum"), c.WeightsSum, c.Weights, now)
	}
	return nil
}

// sumOf is the checksum of a file of weights, or of those of all files that it consists of.
func sumOf(r nets.WeightsReport) string {
	if len(r.Files) == 1 {
		return r.Files[0].SHA256
	}
	all := sha256.New()
	for _, f := range r.Files {
		fmt.Fprintln(all, f.SHA256)
	}
	return hex.EncodeToString(all.Sum(nil))
}

// preparing has pictures prepared as weights want them.
type preparing struct {
	Pretrained
	given func(field string) bool
	names Naming

	channels     int // that the weights see, or that were asked for
	contradicted bool
}

func (p *preparing) tell(format string, args ...any) {
	p.Told = append(p.Told, fmt.Sprintf(format, args...))
}

// against tells that a setting stands against the weights.
func (p *preparing) against(name, have, want string) {
	p.contradicted = true
	p.tell("%s counts, though these weights were trained with %s (as %s)", p.names.of(name, have), p.names.of(name, want), p.Report.Preparation.From)
}

// prepare fills in d.
func (p *preparing) prepare(d *DataConfig) {
	want := p.Report.Preparation
	switch {
	case d.Channels == 0 && p.channels == 1:
		d.Channels = 1
		p.tell("pictures become grey, as these weights see them (%s)", p.names.of("Data.Channels", "grey"))
	case d.Channels == 0:
		d.Channels = 3
		p.tell("pictures become RGB, grey ones too (%s)", p.names.of("Data.Channels", "rgb"))
	case d.Channels == 1 && len(p.Report.Adapted) > 0:
		p.against("Data.Channels", "grey", "rgb")
	}
	if want.Height == 0 && len(want.Mean) == 0 {
		p.tell("nobody says how pictures were prepared for these weights: %s, %s and %s are as without them", p.names.of("Data.Resize", ""), p.names.of("Data.Filter", ""), p.names.of("Data.Normalise", ""))
		return
	}
	p.Told = append(p.Told, want.Remarks...)
	p.size(d, want)
	p.resizing(d, want)
	p.normalisation(d, want)
	p.tell("pictures are prepared so: %s", p.outcome(*d, want))
}

// outcome is how pictures are prepared now.
func (p *preparing) outcome(d DataConfig, want nets.Preparation) nets.Preparation {
	now := nets.Preparation{Height: d.Height, Width: d.Width, CropPct: d.CropPct, Resize: string(d.Resize), Filter: string(d.Filter), Mean: d.Mean, Std: d.Std, From: want.From}
	if p.contradicted {
		now.From += " but for what stands against it"
	}
	return now
}

func (p *preparing) size(d *DataConfig, want nets.Preparation) {
	switch {
	case want.Height == 0:
	case d.Height == 0 && d.Width == 0:
		d.Height, d.Width = want.Height, want.Width
	default:
		d.Height, d.Width = cmp.Or(d.Height, d.Width), cmp.Or(d.Width, d.Height)
		if d.Height != want.Height || d.Width != want.Width {
			p.against("Data.Height", sides(d.Height, d.Width), sides(want.Height, want.Width))
		}
	}
}

// sides is a size as -size takes it.
func sides(height, width int) string {
	if height == width {
		return strconv.Itoa(height)
	}
	return fmt.Sprintf("%dx%d", height, width)
}

func (p *preparing) resizing(d *DataConfig, want nets.Preparation) {
	if d.Align == datasets.AlignArcFace { // which takes the place of resizing
		if !want.Aligned {
			p.against("Data.Align", string(d.Align), string(datasets.AlignNone))
		}
		return
	}
	if want.Aligned {
		p.tell("these weights know aligned faces alone: pictures must be such, or be named in a table with their landmarks, for %s", p.names.of("Data.Align", string(datasets.AlignArcFace)))
	}
	if want.Resize != "" {
		p.choose("Data.Resize", string(d.Resize), want.Resize, func() { d.Resize = datasets.ResizeMode(want.Resize) })
	}
	switch {
	case d.Resize == datasets.Pad: // which leaves nothing to take the middle of
	case d.CropPct == 0:
		d.CropPct = want.CropPct
	case d.CropPct != want.CropPct:
		p.against("Data.CropPct", number(d.CropPct), number(cmp.Or(want.CropPct, 1)))
	}
	if want.Filter != "" {
		p.choose("Data.Filter", string(d.Filter), want.Filter, func() { d.Filter = datasets.Filter(want.Filter) })
	}
}

// choose calls take unless a setting was given, and tells of one that is another.
func (p *preparing) choose(name, have, want string, take func()) {
	switch {
	case !p.given(name):
		take()
	case have != want:
		p.against(name, have, want)
	}
}

func (p *preparing) normalisation(d *DataConfig, want nets.Preparation) {
	if len(want.Mean) == 0 {
		return
	}
	mean, std := fitted(want.Mean, d.Channels), fitted(want.Std, d.Channels)
	have := d.Normalise
	if have == "given" {
		have = numbers(d.Mean) + "/" + numbers(d.Std)
	}
	p.choose("Data.Normalise", have, numbers(mean)+"/"+numbers(std), func() { d.Normalise, d.Mean, d.Std = "given", mean, std })
}

// fitted are values of each channel, for another number of channels: of grey their mean.
func fitted(values []float32, channels int) []float32 {
	if len(values) == channels {
		return values
	}
	var sum float32
	for _, v := range values {
		sum += v
	}
	return slices.Repeat([]float32{sum / float32(len(values))}, channels)
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) }

func numbers(values []float32) string {
	var out []string
	for _, v := range values {
		out = append(out, strconv.FormatFloat(float64(v), 'g', -1, 32))
	}
	return strings.Join(out, ",")
}
