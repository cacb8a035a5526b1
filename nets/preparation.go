package nets

import (
	"cmp"
	"fmt"
	"strings"
)

// Preparation is how pictures were prepared that weights were trained with. Zero fields are not known.
type Preparation struct {
	Height  int     `json:"height,omitempty"` // of what the network sees, in pixels
	Width   int     `json:"width,omitempty"`
	CropPct float64 `json:"crop_pct,omitempty"` // that this is of the picture before its middle was taken: 224/256
	Resize  string  `json:"resize,omitempty"`   // crop, by which the short side counts, or squeeze
	Filter  string  `json:"filter,omitempty"`   // bilinear or bicubic
	// Mean and Std are of each channel, red first, on [0, 1].
	Mean    []float32 `json:"mean,omitempty"`
	Std     []float32 `json:"std,omitempty"`
	Aligned bool      `json:"aligned,omitempty"` // they were faces, aligned by five landmarks
	// From says who says so: a file beside the weights, or the library whose weights they seem to be.
	From string `json:"from"`
	// Remarks are sentences on what of it cannot be had here.
	Remarks []string `json:"remarks,omitempty"`
}

// String says it in a line.
func (p Preparation) String() string {
	var parts []string
	if p.Height > 0 {
		parts = append(parts, p.size())
	}
	if p.Filter != "" {
		parts = append(parts, p.Filter)
	}
	if len(p.Mean) > 0 {
		parts = append(parts, fmt.Sprintf("mean %s, deviation %s", list(p.Mean), list(p.Std)))
	}
	return strings.Join(append(parts, "as "+p.From), ", ")
}

// or is p, with what it leaves open as other has it.
func (p Preparation) or(other Preparation) Preparation {
	if p.From == "" {
		return other
	}
	if p.Height == 0 {
		p.Height, p.Width, p.CropPct, p.Resize, p.Aligned = other.Height, other.Width, other.CropPct, other.Resize, other.Aligned
	}
	p.Filter = cmp.Or(p.Filter, other.Filter)
	if len(p.Mean) == 0 {
		p.Mean, p.Std = other.Mean, other.Std
	}
	return p
}

// size says what becomes of a picture.
func (p Preparation) size() string {
	size := fmt.Sprintf("%d×%d", p.Height, p.Width)
	if p.CropPct == 0 {
		return size
	}
	height, width := int(float64(p.Height)/p.CropPct+1e-6), int(float64(p.Width)/p.CropPct+1e-6)
	switch {
	case p.Resize == "crop" && p.Height == p.Width:
		return fmt.Sprintf("the middle %s of a short side of %d", size, height)
	case p.Resize == "crop":
		return fmt.Sprintf("the middle %s of what just covers %d×%d", size, height, width)
	}
	return fmt.Sprintf("the middle %s of %d×%d", size, height, width)
}

func list(values []float32) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(values), " ", ","), "[]")
}

// The means and deviations that networks are usually trained with.
var (
	imageNetMean, imageNetStd = []float32{0.485, 0.456, 0.406}, []float32{0.229, 0.224, 0.225}
	clipMean, clipStd         = []float32{0.48145466, 0.4578275, 0.40821073}, []float32{0.26862954, 0.26130258, 0.27577711}
	half                      = []float32{0.5, 0.5, 0.5}
)

// shortSide is the preparation that resizes the short side and takes the middle.
func shortSide(side, size int, filter string, mean, std []float32) Preparation {
	return Preparation{Height: size, Width: size, CropPct: float64(size) / float64(side), Resize: "crop", Filter: filter, Mean: mean, Std: std}
}

// squeezed is the preparation that gives up the aspect ratio.
func squeezed(size int, filter string, mean, std []float32) Preparation {
	return Preparation{Height: size, Width: size, Resize: "squeeze", Filter: filter, Mean: mean, Std: std}
}

// releases are weights of torchvision that were trained otherwise than its first ones, by the beginnings of their files'
// checksums, which are in the files' names too: https://github.com/pytorch/vision, torchvision/models.
var releases = map[string]Preparation{
	"11ad3fa6": shortSide(232, 224, "bilinear", imageNetMean, imageNetStd), // resnet50, V2
	"cd907fc2": shortSide(232, 224, "bilinear", imageNetMean, imageNetStd), // resnet101, V2
	"5c1a4163": shortSide(232, 224, "bilinear", imageNetMean, imageNetStd), // mobilenet_v3_large, V2
	"9ac1b537": shortSide(384, 384, "bicubic", imageNetMean, imageNetStd),  // vit_b_16, SWAG
	"4e70ced5": shortSide(224, 224, "bicubic", imageNetMean, imageNetStd),  // vit_b_16, SWAG, linear
}

// usual is how the library prepares pictures whose names the weights have. sum is the checksum of the file.
func (l *loading) usual(sum string) Preparation {
	if len(sum) >= 8 {
		if p, ok := releases[sum[:8]]; ok {
			p.From = "torchvision prepares them for this release"
			return p
		}
	}
	p := l.byName()
	if p.From == "" && p.Height > 0 {
		p.From = l.spelling.name + " networks usually have them"
	}
	return p
}

// byName is the preparation that the names tell, and the backbone.
func (l *loading) byName() Preparation {
	if p, ok := preparationOf[l.spelling.name]; ok {
		if l.spelling.samePad && l.cfg.Backbone == "efficientnet-lite0" {
			p.Mean, p.Std = half, half
		}
		if l.spelling.name == "torchvision's ConvNeXt" && l.cfg.Backbone == "convnext-small" {
			p = shortSide(230, 224, "bilinear", imageNetMean, imageNetStd)
		}
		return p
	}
	return l.ofTimm()
}

// preparationOf is what libraries do by default, by the names of their tensors.
var preparationOf = map[string]Preparation{
	"DINOv2's":                        shortSide(256, 224, "bicubic", imageNetMean, imageNetStd),
	"Hugging Face's ResNet":           shortSide(256, 224, "bicubic", imageNetMean, imageNetStd),
	"OpenAI's CLIP":                   shortSide(224, 224, "bicubic", clipMean, clipStd),
	"EfficientNet-PyTorch's":          shortSide(256, 224, "bicubic", imageNetMean, imageNetStd),
	"torchvision's ViT":               shortSide(256, 224, "bilinear", imageNetMean, imageNetStd),
	"torchvision's ConvNeXt":          shortSide(236, 224, "bilinear", imageNetMean, imageNetStd),
	"torchvision's EfficientNet":      shortSide(256, 224, "bicubic", imageNetMean, imageNetStd),
	"torchvision's MobileNetV3":       shortSide(256, 224, "bilinear", imageNetMean, imageNetStd),
	"torchvision's small MobileNetV3": shortSide(256, 224, "bilinear", imageNetMean, imageNetStd),
}

// ofTimm is the preparation of networks whose names are timm's own, or those of several libraries.
func (l *loading) ofTimm() Preparation {
	b := l.cfg.Backbone
	begins := func(with string) bool { return strings.HasPrefix(b, with) }
	from := func(who string, p Preparation) Preparation { p.From = who; return p }
	switch {
	case begins("resnet") && l.file.Format == "pytorch":
		return from("torchvision prepares them", shortSide(256, 224, "bilinear", imageNetMean, imageNetStd))
	case begins("resnet"):
		return from("timm prepares them", shortSide(235, 224, "bicubic", imageNetMean, imageNetStd))
	case begins("mobilenet"), begins("efficientnet"), begins("convnext"):
		return from("timm prepares them", shortSide(256, 224, "bicubic", imageNetMean, imageNetStd))
	case begins("dinov2") && l.plainSpelling():
		return from("transformers prepares them", shortSide(256, 224, "bicubic", imageNetMean, imageNetStd))
	case begins("dinov2") && l.holds("mask_token"):
		return from("DINOv2's authors prepare them", shortSide(256, 224, "bicubic", imageNetMean, imageNetStd))
	case begins("dinov2"):
		return from("timm prepares them", shortSide(518, 518, "bicubic", imageNetMean, imageNetStd))
	case begins("vit") && l.plainSpelling():
		return from("transformers prepares them", squeezed(224, "bilinear", half, half))
	case begins("vit") && l.holds("head."):
		return from("timm prepares them for a ViT with a classifier", shortSide(248, 224, "bicubic", half, half))
	case begins("vit"):
		return from("timm prepares them for DINO", shortSide(248, 224, "bicubic", imageNetMean, imageNetStd))
	case begins("clip"):
		return from("CLIP's authors prepare them", shortSide(224, 224, "bicubic", clipMean, clipStd))
	case begins("siglip"):
		return from("transformers prepares them", squeezed(224, "bicubic", half, half))
	case begins("iresnet"), begins("mobilefacenet"):
		p := squeezed(112, "bilinear", half, half)
		p.Aligned = true
		return from("InsightFace prepares aligned faces", p)
	}
	return Preparation{}
}

// plainSpelling reports whether the names are those of Hugging Face's ViT and DINOv2.
func (l *loading) plainSpelling() bool { return l.spelling.plain }

// holds reports whether the file has a tensor of a name that begins so, behind the prefix.
func (l *loading) holds(beginning string) bool {
	for _, name := range l.leftOut {
		if strings.HasPrefix(strings.TrimPrefix(name, l.prefix), beginning) {
			return true
		}
	}
	return false
}
