package cli

import (
	"fmt"
	"strconv"
	"strings"

	"medusa/internal/field"
	"medusa/internal/settings"
)

// forms are the flags whose value is written otherwise than that of their field, or that set
// several.
var forms = map[string]settings.Form{
	"size": {
		Fields: []string{"Data.Height", "Data.Width"},
		Set: func(config any, text string) (err error) {
			c := config.(*options)
			c.Data.Height, c.Data.Width, err = side(text)
			return err
		},
		Text: func(config any) string {
			c := config.(*options)
			switch {
			case c.Data.Height == 0 && c.Data.Width == 0:
				return ""
			case c.Data.Height == c.Data.Width:
				return strconv.Itoa(c.Data.Height)
			}
			return fmt.Sprintf("%dx%d", c.Data.Height, c.Data.Width)
		},
	},
	"colour": {
		Fields: []string{"Data.Channels"},
		Set: func(config any, text string) error {
			channels, known := map[string]int{"": 0, "auto": 0, "grey": 1, "gray": 1, "rgb": 3}[text]
			if !known {
				return wrong("%s is %q, want auto, grey or rgb", field.Name("-colour"), text)
			}
			config.(*options).Data.Channels = channels
			return nil
		},
		Text: func(config any) string {
			return map[int]string{1: "grey", 3: "rgb"}[config.(*options).Data.Channels]
		},
	},
	"normalise": {
		Fields: []string{"Data.Normalise", "Data.Mean", "Data.Std"},
		Set: func(config any, text string) (err error) {
			c := config.(*options)
			c.Data.Normalise, c.Data.Mean, c.Data.Std, err = normalisation(text)
			return err
		},
		Text: func(config any) string {
			c := config.(*options)
			if c.Data.Normalise != "given" {
				return c.Data.Normalise
			}
			return numbers(c.Data.Mean) + "/" + numbers(c.Data.Std)
		},
	},
	"cache": {
		Fields: []string{"Data.CacheBytes"},
		Set: func(config any, text string) error {
			mib, err := strconv.ParseInt(text, 0, 40)
			if err != nil {
				return wrong("%s is %q, want a whole number of MiB", field.Name("-cache"), text)
			}
			config.(*options).Data.CacheBytes = mib << 20
			return nil
		},
		Text: func(config any) string { return strconv.FormatInt(config.(*options).Data.CacheBytes>>20, 10) },
	},
}

// side reads "64" or "64x48", height before width.
func side(text string) (height, width int, err error) {
	if text == "" {
		return 0, 0, nil
	}
	h, w, both := strings.Cut(text, "x")
	if !both {
		w = h
	}
	height, err = strconv.Atoi(h)
	if err == nil {
		width, err = strconv.Atoi(w)
	}
	if err != nil || height < 1 || width < 1 {
		return 0, 0, wrong("%s is %q, want a number of pixels such as 64, or HEIGHTxWIDTH such as 128x64", field.Name("-size"), text)
	}
	return height, width, nil
}

func normalisation(text string) (mode string, mean, std []float32, err error) {
	switch text {
	case "", "auto", "none":
		return text, nil, nil, nil
	}
	m, s, ok := strings.Cut(text, "/")
	if ok {
		if mean, err = floats(m); err == nil {
			std, err = floats(s)
		}
	}
	if !ok || err != nil || len(mean) == 0 || len(mean) != len(std) {
		return "", nil, nil, wrong("%s is %q, want auto, none, or MEAN/STD such as 0.5/0.25, a number a channel", field.Name("-normalise"), text)
	}
	return "given", mean, std, nil
}

func floats(text string) ([]float32, error) {
	var out []float32
	for part := range strings.SplitSeq(text, ",") {
		v, err := strconv.ParseFloat(strings.TrimSpace(part), 32)
		if err != nil {
			return nil, err
		}
		out = append(out, float32(v))
	}
	return out, nil
}

func numbers(list []float32) string {
	parts := make([]string, len(list))
	for i, v := range list {
		parts[i] = strconv.FormatFloat(float64(v), 'g', -1, 32)
	}
	return strings.Join(parts, ",")
}
