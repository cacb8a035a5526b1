package trainer

import (
	"cmp"
	"fmt"
	"strconv"

	"medusa/internal/field"
)

// WithModel is c with the sizes of pictures that the backbone fixes, where it is a model of ONNX (onnx:FILE) and they are
// left open: Data.Channels, Data.Height and Data.Width. It is called before Load, since these say how pictures are read. told
// are sentences for a person, in which names calls settings: what the model decided, and what of it may not be meant. A size
// that is given and that the model does not take is an error.
func (c Config) WithModel(names Naming) (with Config, told []string, err error) {
	channels, height, width, err := c.Net.FixedInput()
	if err != nil {
		return c, nil, field.Under(err, "trainer", "Net")
	}
	open := c.Data.Height == 0 && c.Data.Width == 0
	if open && height != 0 && width != 0 {
		c.Data.Height, c.Data.Width = height, width
		told = append(told, fmt.Sprintf("pictures are %d×%d, which the backbone takes alone (%s)", height, width, names.of("Data.Height", sizeText(height, width))))
	}
	if c.Data.Channels == 0 && (channels == 1 || channels == 3) {
		c.Data.Channels = channels
	}
	for _, f := range []struct {
		field       field.Name
		given, want int
	}{
		{"Data.Channels", c.Data.Channels, channels},
		{"Data.Height", cmp.Or(c.Data.Height, c.Data.Width), height}, {"Data.Width", cmp.Or(c.Data.Width, c.Data.Height), width},
	} {
		if f.want != 0 && f.given != 0 && f.given != f.want {
			return c, nil, field.Errorf("trainer", "", "%s is %d, and the backbone takes pictures of %s channels, %s rows and %s columns and no others: leave it out, or export the model with an input of that size",
				f.field, f.given, anyOr(channels), anyOr(height), anyOr(width))
		}
	}
	return c, append(told, c.Net.Warnings()...), nil
}

// sizeText is a size as a flag takes it.
func sizeText(height, width int) string {
	if height == width {
		return strconv.Itoa(height)
	}
	return fmt.Sprintf("%dx%d", height, width)
}

// anyOr is a side that a model fixes, or any.
func anyOr(n int) string {
	if n == 0 {
		return "any"
	}
	return strconv.Itoa(n)
}
