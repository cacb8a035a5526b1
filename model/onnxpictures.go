package model

import (
	"fmt"
	"math"
	"slices"

	"medusa/datasets"
	"medusa/internal/onnx"
)

// stages writes down what is done to pictures before a network sees them, and with the embeddings of
// several views afterwards.
type stages struct {
	*tracer
	info  Info
	input ONNXInput
}

// arrange writes down all of a model: from its inputs to the embeddings.
func (s *stages) arrange(views Views) error {
	kinds := s.kindsOf(views)
	out, err := s.traceNetwork(s.info.Net, s.prepared(kinds))
	if err != nil {
		return err
	}
	name, size := out.name, out.shape[1].size
	if len(kinds) > 0 {
		name = s.meanOf(views, kinds, name, size)
	}
	s.graph.Nodes = append(s.graph.Nodes, onnx.Node{Op: "Identity", Name: s.unique("output"), In: []string{name}, Out: []string{outputName}})
	doc := "a row for each picture"
	if !s.info.Net.Raw {
		doc += ", of length 1: compare rows by their dot product"
	}
	s.graph.Outputs = []onnx.Value{{Name: outputName, Doc: doc, Elem: onnx.Float32, Shape: []onnx.Dim{{Param: "N"}, {Size: int64(views.Size(size))}}}}
	return nil
}

// outputName is the name of the output.
const outputName = "embeddings"

// prepared is what the network reads: the pictures, or all views of them one behind the other.
func (s *stages) prepared(kinds []viewsOfKind) string {
	if len(kinds) == 0 {
		name := "pictures"
		if s.info.isVectors() {
			name = "vectors"
		}
		x := s.read(name, s.info.Net.Height, s.info.Net.Width, false)
		if s.input == InputNormalised {
			return x
		}
		return s.normalised(x)
	}
	var seen []string
	for _, k := range kinds {
		seen = append(seen, s.seen(k))
	}
	x := seen[0]
	if len(seen) > 1 {
		x = s.add("views", "Concat", seen, named("axis", int64(1)))
	}
	return s.normalised(s.reshape("pictures.views", x, s.pictureShape()))
}

// pictureShape is that of what the network reads.
func (s *stages) pictureShape() []axis {
	n := s.info.Net
	return []axis{{1, true}, {size: n.InChannels}, {size: n.Height}, {size: n.Width}}
}

// isVectors reports whether the network reads vectors, which have an axis less each way.
func (i Info) isVectors() bool { return i.Resize == "" && i.Net.Height*i.Net.Width == 1 }

// read adds an input and writes down what makes it a tensor of floats: (N, C, H, W), and if stored is
// set on the scale of the values that are stored, 0 to 255.
func (s *stages) read(name string, height, width int, stored bool) string {
	in := onnx.Value{Name: s.unique(name), Elem: onnx.Float32, Doc: s.inputDoc(height, width)}
	in.Shape = []onnx.Dim{{Param: "N"}, {Size: int64(s.info.Net.InChannels)}}
	if !s.info.isVectors() {
		in.Shape = append(in.Shape, onnx.Dim{Size: int64(height)}, onnx.Dim{Size: int64(width)})
	}
	if s.input == InputPixels {
		in.Elem = onnx.Uint8
	}
	s.graph.Inputs = append(s.graph.Inputs, in)
	x := in.Name
	if s.info.isVectors() {
		x = s.reshape("vectors.pictures", x, s.pictureShape())
	}
	white := 1.0
	switch {
	case s.input == InputPixels:
		x = s.add(name+".float", "Cast", []string{x}, named("to", int64(onnx.Float32)))
		white = 255
	case s.input == InputNormalised && stored:
		x = s.perChannel(name+".std", "Mul", x, s.info.Normalisation.Std)
		x = s.perChannel(name+".mean", "Add", x, s.info.Normalisation.Mean)
	}
	if stored && s.input != InputPixels {
		x = s.add(name+".rounded", "Floor", []string{s.by(name+".half", "Add", s.by(name+".scale", "Mul", x, 255), 0.5)})
		white = 255
	}
	if s.info.Invert && s.input != InputNormalised {
		x = s.add(name+".inverted", "Sub", []string{s.scalar("white", white), x})
	}
	if !stored && s.input == InputPixels {
		x = s.by(name+".unit", "Div", x, 255)
	}
	return x
}

// by applies an operator to x and a number.
func (s *stages) by(label, operator, x string, v float64) string {
	return s.add(label, operator, []string{x, s.scalar(label+".constant", v)})
}

// perChannel applies an operator to x and one number for each channel; there may be none.
func (s *stages) perChannel(label, operator, x string, values []float32) string {
	if len(values) == 0 {
		return x
	}
	constant := s.constant(onnx.Floats(s.unique(label+".constant"), values, 1, int64(len(values)), 1, 1))
	return s.add(label, operator, []string{x, constant})
}

// normalised is what the network learned from, of values from 0 to 1.
func (s *stages) normalised(x string) string {
	x = s.perChannel("pictures.centred", "Sub", x, s.info.Normalisation.Mean)
	return s.perChannel("pictures.normalised", "Div", x, s.info.Normalisation.Std)
}

// viewsOfKind are the views that are taken of one of the pictures that are kept: of the larger ones or
// of the others.
type viewsOfKind struct {
	detail        bool
	height, width int
	views         []datasets.View
	maps          []datasets.ViewMap
}

// kindsOf are the views of all lists, each once, by the pictures that they are taken of; none if there
// are no lists.
func (s *stages) kindsOf(v Views) (kinds []viewsOfKind) {
	n := s.info.Net
	stored := datasets.Options{Height: n.Height, Width: n.Width, Channels: n.InChannels, Detail: v.detail}.Stored()
	for _, list := range v.lists {
		for _, view := range list {
			m := stored.ViewMap(view)
			at := slices.IndexFunc(kinds, func(k viewsOfKind) bool { return k.detail == m.Detail })
			if at < 0 {
				at, kinds = len(kinds), append(kinds, viewsOfKind{detail: m.Detail, height: m.Height, width: m.Width})
			}
			if k := &kinds[at]; !slices.Contains(k.views, view) {
				k.views, k.maps = append(k.views, view), append(k.maps, m)
			}
		}
	}
	return kinds
}

// seen adds the input that the views are taken of, and writes down how: (N, V, C, H, W), values from 0
// to 1. Each value is the weighted mean of up to four, rounded as stored values are.
func (s *stages) seen(k viewsOfKind) string {
	name := "pictures"
	if k.detail {
		name = "detail"
	}
	x := s.read(name, k.height, k.width, true)
	n := s.info.Net
	size := n.Height * n.Width
	flat := s.reshape(name+".flat", x, []axis{{1, true}, {size: n.InChannels}, {size: k.height * k.width}})
	taps := 0
	for _, m := range k.maps {
		taps = max(taps, len(m.Places))
	}
	all := int64(size * len(k.maps))
	sum := ""
	for tap := range taps {
		places, weights := make([]int64, all), make([]float32, all)
		for v, m := range k.maps {
			if tap >= len(m.Places) {
				continue // its values are whole already
			}
			for i := range size {
				places[v*size+i], weights[v*size+i] = int64(m.Places[tap][i]), float32(m.Weights[tap][i])/(1<<16)
			}
		}
		at := s.constant(onnx.Ints(s.unique(name+".places"), places, all))
		part := s.add(name+".taken", "Gather", []string{flat, at}, named("axis", int64(2)))
		if taps > 1 {
			part = s.add(name+".weighted", "Mul", []string{part, s.constant(onnx.Floats(s.unique(name+".weights"), weights, all))})
		}
		if sum == "" {
			sum = part
			continue
		}
		sum = s.add(name+".blended", "Add", []string{sum, part})
	}
	if taps > 1 {
		sum = s.add(name+".blended", "Floor", []string{s.by(name+".half", "Add", sum, 0.5)})
	}
	sum = s.by(name+".unit", "Div", sum, 255)
	apart := s.reshape(name+".apart", sum, []axis{{1, true}, {size: n.InChannels}, {size: len(k.maps)}, {size: n.Height}, {size: n.Width}})
	return s.add(name+".views", "Transpose", []string{apart}, named("perm", []int64{0, 2, 1, 3, 4}))
}

// meanOf is what Views.of makes of the embeddings (N·V, E) of all views.
func (s *stages) meanOf(v Views, kinds []viewsOfKind, x string, size int) string {
	var order []datasets.View
	for _, k := range kinds {
		order = append(order, k.views...) // a view is of one kind
	}
	x = s.reshape("embeddings.views", x, []axis{{1, true}, {size: len(order)}, {size: size}})
	var lists []string
	for _, list := range v.lists {
		var at []int64
		for _, view := range list {
			at = append(at, int64(slices.Index(order, view)))
		}
		own := s.add("list", "Gather", []string{x, s.ints("list.views", at...)}, named("axis", int64(1)))
		mean := s.add("list.mean", "ReduceMean", []string{own}, named("axes", []int64{1}), named("keepdims", int64(0)))
		if !s.info.Net.Raw {
			norm := s.add("list.norm", "ReduceL2", []string{mean}, named("axes", []int64{1}), named("keepdims", int64(1)))
			mean = s.add("list.unit", "Div", []string{mean, s.add("list.divisor", "Max", []string{norm, s.scalar("least", 1e-30)})})
		}
		lists = append(lists, mean)
	}
	if len(lists) == 1 {
		return lists[0]
	}
	x = s.add("lists", "Concat", lists, named("axis", int64(1)))
	if !s.info.Net.Raw {
		x = s.by("lists.unit", "Mul", x, 1/math.Sqrt(float64(len(lists))))
	}
	return x
}

// inputDoc says what an input is.
func (s *stages) inputDoc(height, width int) string {
	values := map[ONNXInput]string{
		InputNormalised: "normalised as the network learned: (value/255 - mean)/std of each channel",
		InputPixels:     "0 to 255, as the file has them",
		InputFloats:     "0 to 1, as the file has them, divided by 255",
	}[s.input]
	if s.info.isVectors() {
		if s.input == InputFloats {
			return "vectors as they are"
		}
		return "vectors, normalised as the network learned: (value - mean)/std of each column"
	}
	if s.info.Invert && s.input == InputNormalised {
		values += ", after 255 - value"
	}
	channels := "grey (JFIF's Y of sRGB)"
	if s.info.Net.InChannels == 3 {
		channels = "RGB (sRGB)"
	}
	return fmt.Sprintf("%s pictures of %d rows and %d columns, %s; %s", channels, height, width, s.info.resizing(height, width), values)
}

// resizing says what the caller does to bring a picture to the size of an input.
func (i Info) resizing(height, width int) string {
	with := "with a triangle filter that is widened where it reduces (Pillow's BILINEAR)"
	if i.Filter == datasets.Bicubic {
		with = "with a cubic filter that is widened where it reduces (Pillow's BICUBIC)"
	}
	larger := datasets.BeforeCrop(height, width, i.CropPct)
	switch {
	case i.Resize == "":
		return "items of a Set of one's own"
	case i.Align == datasets.AlignArcFace:
		return "faces aligned by a similarity of their five landmarks onto those of ArcFace (112x112, scaled with the height), bilinear, black outside"
	case i.Resize == datasets.Pad:
		return "the whole picture resized " + with + ", centred, white beside it"
	case i.CropPct != 0 && i.Resize == datasets.Crop:
		return fmt.Sprintf("resized %s so that it just covers %d rows and %d columns, its aspect ratio kept, and the middle of it taken", with, larger.Y, larger.X)
	case i.CropPct != 0:
		return fmt.Sprintf("the whole picture resized %s to %d rows and %d columns, and the middle of it taken", with, larger.Y, larger.X)
	case i.Resize == datasets.Crop:
		return "the largest centred part of that aspect ratio, resized " + with
	}
	return "the whole picture resized " + with + ", its aspect ratio given up"
}
