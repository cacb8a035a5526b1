package nets

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pkg/errors"

	"medusa/internal/weights"
)

// Beside weights of timm and of Hugging Face lie files that say how pictures are to be prepared.
const (
	configFile    = "config.json"
	processorFile = "preprocessor_config.json"
)

// beside is what the files beside weights say. eps is what normalisations add to variances; 0: they do not say.
type beside struct {
	preparation Preparation // From is empty if nothing is said
	eps         float64
	samePad     bool // as TensorFlow does
}

// readBeside reads the files beside the weights at path, as far as they are there.
func readBeside(path string) (b beside, err error) {
	b.samePad = ofTensorFlow(filepath.Base(path))
	var c configJSON
	if found, err := readJSON(path, configFile, &c); err != nil {
		return b, err
	} else if found {
		b.samePad = b.samePad || ofTensorFlow(c.Architecture)
		if b.eps = c.eps(); !(b.eps >= 0 && b.eps <= 0.1) {
			return b, errors.Errorf("nets: %s beside %s: %v is added to variances, want 0 … 0.1", configFile, path, b.eps)
		}
		if b.preparation, err = c.timm().prepared(); err != nil {
			return b, errors.WithMessagef(err, "nets: %s beside %s", configFile, path)
		}
	}
	if b.samePad && b.eps == 0 {
		b.eps = 1e-3
	}
	var p processorJSON
	if found, err := readJSON(path, processorFile, &p); err != nil || !found {
		return b, err
	}
	own, err := p.prepared()
	if own.From != "" {
		b.preparation = own
	}
	return b, errors.WithMessagef(err, "nets: %s beside %s", processorFile, path)
}

// ofTensorFlow reports whether convolutions of weights pad as TensorFlow does, by the name that timm gives them.
func ofTensorFlow(name string) bool { return strings.HasPrefix(name, "tf_") }

// readJSON reads a file beside another one, and reports whether it is there.
func readJSON(path, name string, into any) (found bool, err error) {
	raw, err := weights.Beside(path, name)
	if err == nil && raw == nil {
		return false, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, into)
	}
	if err != nil {
		return false, errors.Wrapf(err, "nets: %s lies beside the weights, and should say how pictures are prepared for them: mend it, or take it away", filepath.Join(filepath.Dir(path), name))
	}
	return true, nil
}

// configJSON is what counts of config.json, timm's or transformers'.
type configJSON struct {
	Architecture  string   `json:"architecture"`
	PretrainedCfg timmJSON `json:"pretrained_cfg"`
	timmJSON               // older ones have it at the top

	LayerNormEps float64 `json:"layer_norm_eps"`
	BatchNormEps float64 `json:"batch_norm_eps"`
	VisionConfig struct {
		LayerNormEps float64 `json:"layer_norm_eps"`
	} `json:"vision_config"`
}

func (c configJSON) eps() float64 {
	return cmp.Or(c.VisionConfig.LayerNormEps, c.LayerNormEps, c.BatchNormEps)
}

func (c configJSON) timm() timmJSON {
	if len(c.PretrainedCfg.InputSize) > 0 {
		return c.PretrainedCfg
	}
	return c.timmJSON
}

// timmJSON is timm's pretrained_cfg.
type timmJSON struct {
	InputSize     []int     `json:"input_size"` // (C, H, W)
	Interpolation string    `json:"interpolation"`
	CropPct       float64   `json:"crop_pct"`
	CropMode      string    `json:"crop_mode"`
	Mean          []float64 `json:"mean"`
	Std           []float64 `json:"std"`
}

func (t timmJSON) prepared() (p Preparation, err error) {
	if len(t.InputSize) != 3 {
		return p, nil
	}
	p = Preparation{Height: t.InputSize[1], Width: t.InputSize[2], CropPct: cmp.Or(t.CropPct, 0.875), Resize: "crop", From: configFile + " beside them says"}
	switch t.CropMode {
	case "", "center":
	case "squash":
		p.Resize = "squeeze"
	default:
		p.Remarks = append(p.Remarks, fmt.Sprintf("%s crops by %q, which is not to be had here: the middle is taken", configFile, t.CropMode))
	}
	p.setFilter(cmp.Or(t.Interpolation, "bicubic"), configFile)
	p.Mean, p.Std = narrow(t.Mean), narrow(t.Std)
	return p, p.check()
}

// filters are Pillow's, by their numbers there.
var filters = []string{"nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"}

// processorJSON is what counts of preprocessor_config.json of transformers.
type processorJSON struct {
	Size         json.RawMessage `json:"size"`
	DoCenterCrop bool            `json:"do_center_crop"`
	CropSize     json.RawMessage `json:"crop_size"`
	CropPct      float64         `json:"crop_pct"`
	Resample     *int            `json:"resample"`
	DoNormalize  *bool           `json:"do_normalize"`
	ImageMean    []float64       `json:"image_mean"`
	ImageStd     []float64       `json:"image_std"`
	Rescale      float64         `json:"rescale_factor"`
}

// sideJSON is a size: a number, or sides by name.
type sideJSON struct {
	ShortestEdge  int `json:"shortest_edge"`
	Height, Width int
}

// read reads a size; alone is what a number without a name becomes.
func (s *sideJSON) read(raw json.RawMessage, alone *int) error {
	if len(raw) == 0 {
		return nil
	}
	if json.Unmarshal(raw, alone) == nil {
		return nil
	}
	return errors.WithStack(json.Unmarshal(raw, s))
}

func (j processorJSON) prepared() (p Preparation, err error) {
	if len(j.Size) == 0 && len(j.CropSize) == 0 && len(j.ImageMean) == 0 {
		return p, nil // of something else than pictures
	}
	p = Preparation{From: processorFile + " beside them says"}
	if err := j.setSize(&p); err != nil {
		return p, err
	}
	if j.Resample != nil {
		if *j.Resample < 0 || *j.Resample >= len(filters) {
			return p, errors.Errorf("resample is %d, want 0 … %d as in Pillow", *j.Resample, len(filters)-1)
		}
		p.setFilter(filters[*j.Resample], processorFile)
	}
	if j.DoNormalize == nil || *j.DoNormalize {
		p.Mean, p.Std = narrow(j.ImageMean), narrow(j.ImageStd)
	} else {
		p.Mean, p.Std = []float32{0, 0, 0}, []float32{1, 1, 1}
	}
	if r := j.Rescale; r != 0 && math.Abs(r-1./255) > 1e-6 {
		p.Remarks = append(p.Remarks, fmt.Sprintf("%s scales values by %g, which is not to be had here: 1/255 it is", processorFile, r))
	}
	return p, p.check()
}

// setSize reads size, crop_size and crop_pct. A size without a name is the short side for those that take the middle,
// and both sides for others.
func (j processorJSON) setSize(p *Preparation) error {
	var size, crop sideJSON
	var sizeAlone, cropAlone int
	if err := size.read(j.Size, &sizeAlone); err != nil {
		return errors.WithMessage(err, "size")
	}
	if err := crop.read(j.CropSize, &cropAlone); err != nil {
		return errors.WithMessage(err, "crop_size")
	}
	if least := min(size.ShortestEdge, size.Height, size.Width, sizeAlone, crop.Height, crop.Width, cropAlone); least < 0 {
		return errors.Errorf("a side of %d pixels, want none below 0", least)
	}
	short := size.ShortestEdge
	if j.DoCenterCrop || j.CropPct > 0 {
		short = cmp.Or(short, sizeAlone)
	}
	height, width := cmp.Or(size.Height, sizeAlone), cmp.Or(size.Width, sizeAlone)
	switch {
	case j.CropPct > 0 && short > 0 && short < 384: // ConvNextImageProcessor, which squeezes from 384 on
		*p = p.cropped(short, short, int(float64(short)/j.CropPct))
	case j.CropPct > 0 && short > 0:
		p.Height, p.Width, p.Resize = short, short, "squeeze"
	case j.DoCenterCrop && short > 0:
		h, w := cmp.Or(crop.Height, cropAlone, short), cmp.Or(crop.Width, cropAlone, short)
		if h > short || w > short {
			return errors.Errorf("crop_size is %d×%d, and size %d: nothing so large can be taken out", h, w, short)
		}
		*p = p.cropped(h, w, short)
	case short > 0:
		*p = p.cropped(short, short, short)
	case height > 0 && width > 0:
		p.Height, p.Width, p.Resize = height, width, "squeeze"
		if h, w := cmp.Or(crop.Height, cropAlone), cmp.Or(crop.Width, cropAlone); j.DoCenterCrop && h > 0 && w > 0 && h*width == w*height {
			p.Height, p.Width, p.CropPct = h, w, float64(h)/float64(height)
		}
	}
	return nil
}

// cropped is p with the middle of a short side.
func (p Preparation) cropped(height, width, short int) Preparation {
	p.Height, p.Width, p.Resize, p.CropPct = height, width, "crop", float64(min(height, width))/float64(short)
	return p
}

// setFilter takes bilinear and bicubic, and bicubic for others.
func (p *Preparation) setFilter(name, file string) {
	p.Filter = name
	if !slices.Contains([]string{"bilinear", "bicubic"}, name) {
		p.Filter = "bicubic"
		p.Remarks = append(p.Remarks, fmt.Sprintf("%s resizes with the filter %s, which is not to be had here: bicubic it is", file, name))
	}
}

// check refuses what no picture can be prepared by.
func (p Preparation) check() error {
	const most = 8192
	switch {
	case p.Height < 0 || p.Width < 0 || p.Height > most || p.Width > most:
		return errors.Errorf("pictures of %d×%d, want sides of at most %d", p.Height, p.Width, most)
	case !(p.CropPct >= 0 && p.CropPct <= 1) || p.CropPct > 0 && p.CropPct < 0.1:
		return errors.Errorf("a share of %v for the middle, want 0.1 … 1", p.CropPct)
	case len(p.Mean) != len(p.Std) || len(p.Mean) != 0 && len(p.Mean) != 1 && len(p.Mean) != 3:
		return errors.Errorf("%d means and %d deviations, want one a channel", len(p.Mean), len(p.Std))
	}
	for i, s := range p.Std {
		if !(s > 0) || math.IsInf(float64(s), 0) || math.IsNaN(float64(p.Mean[i])) || math.IsInf(float64(p.Mean[i]), 0) {
			return errors.Errorf("mean %v and deviation %v of channel %d, want a number and one above 0", p.Mean[i], s, i)
		}
	}
	return nil
}

func narrow(values []float64) []float32 {
	out := make([]float32, len(values))
	for i, v := range values {
		out[i] = float32(v)
	}
	return out
}
