// Package samplesets makes small copies of the arrangements in which data sets come: the
// well-known ones with their own lists and names, tables of many kinds, archives. Tests
// open them and train on them.
package samplesets

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"embed"
	"fmt"
	"hash/fnv"
	"image"
	"image/color"
	"image/png"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"unicode/utf16"
)

// Set is a small data set and what should be found in it.
type Set struct {
	Name    string
	Files   map[string][]byte
	Path    string // what is opened, below the folder of the files; "" is that folder
	Columns string // as Options has it
	Layout  string // what is recognised
	Parts   map[string]Counts
	Asks    string // part of the question that opening it raises; the other expectations are void then
}

// Counts is what a part holds. Queries and Gallery are 0 where both are simply all pictures.
type Counts struct{ Classes, Pictures, Queries, Gallery int }

// Write puts the files below dir and returns what is to be opened.
func (s Set) Write(dir string) (string, error) {
	for name, data := range s.Files {
		to := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
			return "", err
		}
		if err := os.WriteFile(to, data, 0o666); err != nil {
			return "", err
		}
	}
	return filepath.Join(dir, filepath.FromSlash(s.Path)), nil
}

// files collects what is in a set.
type files map[string][]byte

// picture adds a picture that shows its class, a slope of some direction, and is like no
// other by its noise.
func (f files) picture(name, class string) {
	h := fnv.New64a()
	h.Write([]byte(class))
	slope := h.Sum64()
	h.Write([]byte(name))
	noise := rand.New(rand.NewPCG(h.Sum64(), 1))
	img := image.NewGray(image.Rect(0, 0, 12, 12))
	for y := range 12 {
		for x := range 12 {
			v := int(slope%7)*x + int(slope/7%9)*y + int(slope/63%60) + noise.IntN(90)
			img.SetGray(x, y, color.Gray{Y: uint8(v)})
		}
	}
	var b bytes.Buffer
	if err := encoder.Encode(&b, img); err != nil {
		panic(err) // into memory
	}
	f[name] = b.Bytes()
}

// encoder uses its large buffers again.
var encoder = png.Encoder{CompressionLevel: png.BestSpeed, BufferPool: &buffers{}}

type buffers struct{ last *png.EncoderBuffer }

func (b *buffers) Get() *png.EncoderBuffer  { return b.last }
func (b *buffers) Put(e *png.EncoderBuffer) { b.last = e }

func (f files) text(name, format string, args ...any) {
	f[name] = fmt.Appendf(f[name], format, args...)
}

//go:embed testdata/*.mat
var mats embed.FS

// MAT returns one of the files that testdata/make_cars.py wrote.
func MAT(name string) []byte {
	data, err := mats.ReadFile("testdata/" + name)
	if err != nil {
		panic(err) // a programmer's mistake
	}
	return data
}

// All returns the sets, in the order of docs/datasets.md. They are shared: do not change
// their files.
var All = sync.OnceValue(func() []Set {
	return slices.Concat(wellKnown(), parts(), tables(), archives(), questions())
})

// Named returns one of them, with files of its own.
func Named(name string) Set {
	for _, s := range All() {
		if s.Name == name {
			s.Files = maps.Clone(s.Files)
			return s
		}
	}
	panic("no set " + name) // a programmer's mistake
}

func wellKnown() []Set {
	both := func(classes, pictures int) map[string]Counts {
		return map[string]Counts{"train": {Classes: classes, Pictures: pictures}, "test": {Classes: classes, Pictures: pictures}}
	}
	return []Set{
		{Name: "cub", Files: cub(), Layout: "CUB-200-2011", Parts: both(4, 16)},
		{Name: "cars", Files: cars(), Layout: "Cars196", Parts: both(3, 12)},
		{Name: "cars-devkit", Files: carsKit(), Layout: "Cars196", Parts: both(3, 12)},
		{Name: "sop", Files: products(), Layout: "Stanford Online Products", Parts: both(4, 16)},
		{Name: "inshop", Files: inShop(), Layout: "In-shop Clothes Retrieval", Parts: map[string]Counts{
			"train": {Classes: 4, Pictures: 16}, "test": {Classes: 3, Pictures: 12, Queries: 3, Gallery: 9}}},
		{Name: "market", Files: reID("%s_c%ds1_000%d51_0%d.jpg", true), Layout: "Market-1501", Parts: map[string]Counts{
			"train": {Classes: 4, Pictures: 16}, "test": {Classes: 3, Pictures: 17, Queries: 3, Gallery: 14}}},
		{Name: "duke", Files: reID("%s_c%d_f00%d61%d2.jpg", false), Layout: "DukeMTMC-reID", Parts: map[string]Counts{
			"train": {Classes: 4, Pictures: 16}, "test": {Classes: 3, Pictures: 15, Queries: 3, Gallery: 12}}},
		{Name: "lfw", Files: lfw(), Layout: "Labeled Faces in the Wild", Parts: map[string]Counts{"train": {Classes: 6, Pictures: 18}}},
		{Name: "omniglot", Files: folders("images_background/Latin/character0%d", 4, 4, "images_evaluation/Greek/character0%d", 3, 4),
			Layout: "Omniglot, as it is published", Parts: map[string]Counts{"train": {Classes: 4, Pictures: 16}, "test": {Classes: 3, Pictures: 12}}},
		{Name: "imagenet", Files: folders("ILSVRC/Data/CLS-LOC/train/n0144076%d", 4, 4, "ILSVRC/Data/CLS-LOC/val/n0144076%d", 4, 2),
			Layout: "ImageNet", Parts: map[string]Counts{"train": {Classes: 4, Pictures: 16}, "val": {Classes: 4, Pictures: 8}}},
		{Name: "imagenet-contest", Files: contest(), Layout: "ImageNet", Parts: map[string]Counts{"train": {Classes: 4, Pictures: 16}}},
		{Name: "imagenet-solutions", Files: solved(), Layout: "ImageNet", Parts: map[string]Counts{
			"train": {Classes: 4, Pictures: 16}, "val": {Classes: 4, Pictures: 8}}},
		{Name: "imagenet-solution-table", Files: solvedFlat(), Layout: "table LOC_val_solution.csv", Parts: map[string]Counts{"train": {Classes: 4, Pictures: 8}}},
	}
}

// contest is ImageNet as Kaggle packs it: validation and test pictures lie in no folders.
func contest() files {
	f := folders("ILSVRC/Data/CLS-LOC/train/n0144076%d", 4, 4, "ILSVRC/Data/CLS-LOC/val", 1, 3, "ILSVRC/Data/CLS-LOC/test", 1, 3)
	f.text("ILSVRC/Annotations/CLS-LOC/train/n01440760/x.xml", "<annotation/>")
	f.text("ILSVRC/ImageSets/CLS-LOC/test.txt", "0 1\n")
	f.text("LOC_sample_submission.csv", "ImageId,PredictionString\n0,n01440760 1 2 3 4\n")
	return f
}

// solved is the same with the classes of train and validation in tables.
func solved() files {
	f := contest()
	for i := range 3 {
		delete(f, fmt.Sprintf("ILSVRC/Data/CLS-LOC/val/%d.png", i))
	}
	f.text("LOC_train_solution.csv", "ImageId,PredictionString\n")
	for c := range 4 {
		for i := range 4 {
			f.text("LOC_train_solution.csv", "%d,n0144076%d 1 2 3 4 n0144076%d 5 6 7 8 \n", i, c, c)
		}
	}
	maps.Copy(f, validation("ILSVRC/Data/CLS-LOC/val/"))
	return f
}

// solvedFlat is the validation pictures alone, beside their table.
func solvedFlat() files { return validation("val/") }

func validation(dir string) files {
	f := files{}
	f.text("LOC_val_solution.csv", "ImageId,PredictionString\n")
	for i := range 8 {
		class := fmt.Sprintf("n0144076%d", i%4)
		f.picture(fmt.Sprintf("%sILSVRC2012_val_%08d.JPEG", dir, i), class)
		f.text("LOC_val_solution.csv", "ILSVRC2012_val_%08d,%s 85 1 499 272 \n", i, class)
	}
	return f
}

func cub() files {
	f := files{}
	n := 0
	for c := 1; c <= 8; c++ {
		class := fmt.Sprintf("%03d.Bird_%d", c, c)
		f.text("CUB_200_2011/classes.txt", "%d %s\n", c, class)
		for i := range 4 {
			n++
			name := fmt.Sprintf("%s/Bird_%d_%04d.jpg", class, c, i)
			f.picture("CUB_200_2011/images/"+name, class)
			f.text("CUB_200_2011/images.txt", "%d %s\n", n, name)
			f.text("CUB_200_2011/image_class_labels.txt", "%d %d\n", n, c)
			f.text("CUB_200_2011/train_test_split.txt", "%d %d\n", n, i%2)
			f.text("CUB_200_2011/bounding_boxes.txt", "%d 2.0 2.0 8.0 8.0\n", n)
		}
	}
	f.text("CUB_200_2011/README", "about\n")
	f.text("CUB_200_2011/attributes/certainties.txt", "1 not visible\n")
	return f
}

func cars() files {
	f := files{"cars_annos.mat": MAT("cars_annos.mat")}
	for i := range 24 {
		f.picture(fmt.Sprintf("car_ims/%06d.jpg", i+1), fmt.Sprint(i/4))
	}
	return f
}

func carsKit() files {
	f := files{
		"stanford_cars/devkit/cars_train_annos.mat":         MAT("cars_train_annos.mat"),
		"stanford_cars/devkit/cars_test_annos.mat":          MAT("cars_test_annos.mat"),
		"stanford_cars/devkit/cars_meta.mat":                MAT("cars_meta.mat"),
		"stanford_cars/cars_test_annos_withlabels.mat":      MAT("cars_test_annos_withlabels.mat"),
		"stanford_cars/cars_test/cars_test/not_a_picture.x": []byte("x"),
	}
	for i := range 12 {
		f.picture(fmt.Sprintf("stanford_cars/cars_train/%05d.jpg", i+1), fmt.Sprint(i/2))
		f.picture(fmt.Sprintf("stanford_cars/cars_test/cars_test/%05d.jpg", i+1), fmt.Sprint(i/2))
	}
	return f
}

func products() files {
	f := files{}
	n := 0
	for _, list := range []string{"Ebay_train.txt", "Ebay_test.txt"} {
		f.text(list, "image_id class_id super_class_id path\n")
		for range 4 {
			class := n/4 + 1
			super := []string{"bicycle_final", "mug_final"}[class%2]
			for i := range 4 {
				n++
				name := fmt.Sprintf("%s/1110%d_%d.JPG", super, class, i)
				f.picture(name, fmt.Sprint(class))
				f.text(list, "%d %d %d %s\n", n, class, class%2+1, name)
			}
		}
	}
	f.text("Ebay_info.txt", "image_id class_id super_class_id path\n")
	return f
}

func inShop() files {
	f := files{}
	rows := ""
	for c := range 7 {
		for i := range 4 {
			name := fmt.Sprintf("img/WOMEN/Tees/id_%08d/0%d_1_front.jpg", c, i)
			f.picture("Img/"+name, fmt.Sprint(c))
			status := "train"
			if c >= 4 {
				status = []string{"query", "gallery", "gallery", "gallery"}[i]
			}
			rows += fmt.Sprintf("%-60s id_%08d %s\n", name, c, status)
		}
	}
	f.text("Eval/list_eval_partition.txt", "28\nimage_name item_id evaluation_status\n%s", rows)
	return f
}

// reID is pictures under names of this format: person, camera, two numbers.
func reID(format string, extras bool) files {
	f := files{}
	add := func(folder, person string, camera, i int) {
		f.picture(folder+"/"+fmt.Sprintf(format, person, camera, i, i), person)
	}
	for p := 1; p <= 7; p++ {
		for i := range 4 {
			folder := "bounding_box_train"
			if p > 4 {
				folder = "bounding_box_test"
			}
			add(folder, fmt.Sprintf("%04d", p), i%3+1, i)
		}
		if p > 4 {
			add("query", fmt.Sprintf("%04d", p), 1, 9)
		}
	}
	if extras {
		add("bounding_box_test", "-1", 1, 5)
		add("bounding_box_test", "0000", 2, 6)
		add("bounding_box_test", "0000", 3, 7)
		f.text("readme.txt", "about\n")
	}
	return f
}

func lfw() files {
	f := files{}
	for p := range 6 {
		for i := 1; i <= 3; i++ {
			f.picture(fmt.Sprintf("lfw-py/lfw_funneled/Person_%d/Person_%d_%04d.jpg", p, p, i), fmt.Sprint(p))
		}
	}
	f.text("lfw-py/pairs.txt", "2\t2\n")
	for fold := range 2 {
		for k := range 2 {
			f.text("lfw-py/pairs.txt", "Person_%d\t1\t%d\n", 3*fold, 2+k)
		}
		for k := range 2 {
			f.text("lfw-py/pairs.txt", "Person_%d\t1\tPerson_%d\t2\n", 3*fold, 3*fold+1+k)
		}
	}
	f.text("lfw-py/people.txt", "about\n")
	return f
}

// folders makes pictures in folders of these formats: format, classes, pictures of each.
func folders(args ...any) files {
	f := files{}
	for ; len(args) > 0; args = args[3:] {
		format := args[0].(string)
		for c := range args[1].(int) {
			dir := format
			if strings.Contains(format, "%") {
				dir = fmt.Sprintf(format, c)
			}
			for i := range args[2].(int) {
				f.picture(fmt.Sprintf("%s/%d.png", dir, i), path.Base(dir))
			}
		}
	}
	return f
}

func parts() []Set {
	return []Set{
		{Name: "folders", Files: folders("set/class%d", 6, 4), Parts: map[string]Counts{"train": {Classes: 6, Pictures: 24}}},
		{Name: "train-val-test", Files: folders("train/a%d", 4, 4, "validation/b%d", 3, 4, "test/c%d", 3, 4), Layout: "folders train, validation, test",
			Parts: map[string]Counts{"train": {Classes: 4, Pictures: 16}, "val": {Classes: 3, Pictures: 12}, "test": {Classes: 3, Pictures: 12}}},
		{Name: "train-query-gallery", Files: folders("pytorch/train/000%d", 4, 4, "pytorch/query/010%d", 3, 1, "pytorch/gallery/010%d", 3, 4),
			Layout: "folders train, query, gallery", Parts: map[string]Counts{
				"train": {Classes: 4, Pictures: 16}, "test": {Classes: 3, Pictures: 15, Queries: 3, Gallery: 12}}},
		{Name: "class-first", Files: folders("k0/train", 1, 4, "k0/test", 1, 2, "k1/train", 1, 4, "k1/test", 1, 2, "k2/train", 1, 4, "k2/test", 1, 2),
			Layout: "train and test folders in each class", Parts: map[string]Counts{"train": {Classes: 3, Pictures: 12}, "test": {Classes: 3, Pictures: 6}}},
	}
}

// listed is a set of a table of four classes of four pictures in a flat folder. line makes
// a row of path, class and number.
func listed(folder, table, before, head, row string) files {
	f := files{}
	f.text(table, "%s%s\n", before, head)
	for c := range 4 {
		for i := range 4 {
			name := fmt.Sprintf("p%d_%d.png", c, i)
			f.picture(folder+name, fmt.Sprint(c))
			f.text(table, "%s\n", strings.NewReplacer("PATH", folder+name, "NAME", name, "STEM", fmt.Sprintf("p%d_%d", c, i),
				"BACK", strings.ReplaceAll(folder+name, "/", `\`), "CLASS", fmt.Sprintf("cat%d", c), "NUMBER", fmt.Sprint(c),
				"BLANKS", []string{"", " ", "\u00a0", "\t"}[i]).Replace(row))
		}
	}
	return f
}

func tables() []Set {
	plain := map[string]Counts{"train": {Classes: 4, Pictures: 16}}
	table := func(name, table, head, row string) Set {
		return Set{Name: name, Files: listed("pics/", table, "", head, row), Path: table, Parts: plain}
	}
	sets := []Set{
		table("csv", "list.csv", "path,label", "PATH,CLASS"),
		table("semicolons", "list.csv", "Label; Path ", "CLASS;PATH"),
		table("tabs", "list.tsv", "path\tsplit\tlabel", "PATH\t\tCLASS"),
		table("blanks", "list.txt", "image_id class_id super_class_id path", "7 NUMBER 1 PATH"),
		table("image-class", "list.csv", "image,class", "PATH,CLASS"),
		table("filename-label-id", "list.csv", "filename,label_id,label_name", "PATH,NUMBER,CLASS"),
		table("trimmed", "list.csv", "path,label", `PATH,BLANKS"CLASS"`),
		table("backslashes", "list.csv", "path,label", "BACK,CLASS"),
		table("names-only", "pics.csv", "Image,Id", "NAME,CLASS"),
		table("without-endings", "labels.csv", "id,label", "STEM,CLASS"),
	}
	noHeader := table("no-header", "list.csv", "pics/p0_0.png,cat0", "PATH,CLASS")
	noHeader.Files["list.csv"] = noHeader.Files["list.csv"][len("pics/p0_0.png,cat0\n"):]
	noHeader.Columns = "path,label"
	named := table("named-columns", "list.csv", "Foto,Art,Ort", "PATH,CLASS,hier")
	named.Columns = "path=Foto,label=Art"
	sep := table("sep-line", "list.csv", "path;label", "PATH;CLASS")
	sep.Files["list.csv"] = append([]byte("sep=;\r\n"), sep.Files["list.csv"]...)
	wide := table("utf-16", "list.csv", "path\tlabel", "PATH\tCLASS")
	wide.Files["list.csv"] = utf16File(wide.Files["list.csv"])
	boxes := table("boxes", "list.csv", "path,label,xmin,ymin,xmax,ymax", "PATH,CLASS,1,1,9,8")
	lines := table("json-lines", "list.jsonl", "", `{"file_name": "PATH", "label": NUMBER, "objects": {"bbox": [1]}}`)
	sets = append(sets, noHeader, named, sep, wide, boxes, lines)
	return append(sets,
		Set{Name: "oml", Files: oml(), Path: "df.csv", Parts: map[string]Counts{
			"train": {Classes: 3, Pictures: 12}, "val": {Classes: 3, Pictures: 12, Queries: 3, Gallery: 9}}},
		Set{Name: "kaggle", Files: listed("train/", "train.csv", "", "Image,Id", "NAME,CLASS"), Layout: "table train.csv", Parts: plain},
		Set{Name: "hugging-face", Files: huggingFace(), Layout: "folders train, test", Parts: map[string]Counts{
			"train": {Classes: 4, Pictures: 16}, "test": {Classes: 4, Pictures: 16}}},
		Set{Name: "hugging-face-lines", Files: listed("train/", "train/metadata.jsonl", "", "", `{"file_name": "NAME", "label": "CLASS"}`),
			Layout: "table metadata.jsonl", Parts: plain},
	)
}

func utf16File(text []byte) []byte {
	b := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(string(text))) {
		b = append(b, byte(u), byte(u>>8))
	}
	return b
}

func oml() files {
	f := files{}
	f.text("df.csv", ",label,path,split,is_query,is_gallery,x_1,x_2,y_1,y_2,category,sequence\n")
	for c := range 6 {
		for i := range 4 {
			name := fmt.Sprintf("images/%d_%d.png", c, i)
			f.picture(name, fmt.Sprint(c))
			split := "train,,"
			if c >= 3 {
				split = []string{"validation,True,False", "validation,False,True"}[min(i, 1)]
			}
			f.text("df.csv", "%d,%d,%s,%s,0,10,1,11,animal,s%d\n", 4*c+i, c, name, split, i/2)
		}
	}
	return f
}

func huggingFace() files {
	f := listed("train/", "train/metadata.csv", "", "file_name,label", "NAME,CLASS")
	maps.Copy(f, listed("test/", "test/metadata.csv", "", "file_name,label", "NAME,un-CLASS"))
	return f
}

func archives() []Set {
	inside := listed("pics/", "list.csv", "", "image,class", "PATH,CLASS")
	plain := map[string]Counts{"train": {Classes: 4, Pictures: 16}}
	market := map[string]Counts{"train": {Classes: 4, Pictures: 16}, "test": {Classes: 3, Pictures: 17, Queries: 3, Gallery: 14}}
	classes := files{}
	for c := range 4 {
		for i := range 4 {
			classes.picture(fmt.Sprintf("%d%d.png", c, i), fmt.Sprint(c))
			classes.text(fmt.Sprintf("%d%d.cls", c, i), "%d", c)
		}
	}
	shards, parts, perClass := files{"README.md": []byte("about")}, files{}, files{}
	for n := range 4 {
		shards[fmt.Sprintf("shard-%06d.tar", n)] = tarred(shard(n, 4))
		parts[fmt.Sprintf("faces-train-%03d.tar", n)] = tarred(shard(n, 4))
		perClass[fmt.Sprintf("n0144076%d.tar", n)] = tarred(flat(n))
	}
	for n := range 2 {
		parts[fmt.Sprintf("faces-val-%d.tar", n)] = tarred(shard(4+n, 3))
	}
	four, three := Counts{Classes: 4, Pictures: 16}, Counts{Classes: 3, Pictures: 6}
	spread := files{}
	for n := range 4 {
		spread[fmt.Sprintf("pics-%d.tar", n)] = tarred(numbered(n))
	}
	return []Set{
		{Name: "webdataset-shards", Files: shards, Layout: "WebDataset", Parts: plain},
		{Name: "webdataset-pattern", Files: shards, Path: "shard-{000001..000003}.tar", Layout: "WebDataset", Parts: map[string]Counts{"train": {Classes: 4, Pictures: 12}}},
		{Name: "webdataset-parts", Files: parts, Layout: "WebDataset", Parts: map[string]Counts{"train": four, "val": three}},
		{Name: "class-archives", Files: perClass, Layout: "", Parts: plain},
		{Name: "numbered-archives", Files: spread, Layout: "folders of classes in several archives", Parts: plain},
		{Name: "zip", Files: files{"set.zip": zipped(inside)}, Path: "set.zip", Layout: "table list.csv", Parts: plain},
		{Name: "tar", Files: files{"set.tar": tarred(inside)}, Path: "set.tar", Layout: "table list.csv", Parts: plain},
		{Name: "tar-gz", Files: files{"Market.tar.gz": gzipped(tarred(reID("%s_c%ds1_000%d51_0%d.jpg", true)))}, Path: "Market.tar.gz", Layout: "Market-1501", Parts: market},
		{Name: "webdataset", Files: files{"shard-000000.tar": tarred(classes)}, Path: "shard-000000.tar", Layout: "WebDataset", Parts: plain},
	}
}

// flat is pictures of one class in no folder.
func flat(class int) files {
	f := files{}
	for i := range 4 {
		f.picture(fmt.Sprintf("p%d_%d.png", class, i), fmt.Sprint(class))
	}
	return f
}

// numbered is a folder a class, of one picture, of that number.
func numbered(number int) files {
	f := files{}
	for c := range 4 {
		f.picture(fmt.Sprintf("class%d/%d.png", c, number), fmt.Sprint(c))
	}
	return f
}

// shard is a picture of each class, with a file of its class.
func shard(number, classes int) files {
	f := files{}
	for c := range classes {
		f.picture(fmt.Sprintf("%d%d.png", number, c), fmt.Sprint(c))
		f.text(fmt.Sprintf("%d%d.cls", number, c), "%d", c)
	}
	return f
}

func zipped(f files) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(f)) {
		out, err := w.Create(name)
		if err == nil {
			_, err = out.Write(f[name])
		}
		if err != nil {
			panic(err) // into memory
		}
	}
	w.Close()
	return b.Bytes()
}

func tarred(f files) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(f)) {
		err := w.WriteHeader(&tar.Header{Name: name, Mode: int64(fs.FileMode(0o644)), Size: int64(len(f[name]))})
		if err == nil {
			_, err = w.Write(f[name])
		}
		if err != nil {
			panic(err) // into memory
		}
	}
	w.Close()
	return b.Bytes()
}

func gzipped(data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(data)
	w.Close()
	return b.Bytes()
}

func questions() []Set {
	loose := files{}
	for n := range 3 {
		loose[fmt.Sprintf("part-%d.tar", n)] = tarred(flat(n))
	}
	two := listed("pics/", "a.csv", "", "path,label", "PATH,CLASS")
	two["b.csv"] = two["a.csv"]
	noHeader := listed("pics/", "list.csv", "", "pics/p0_0.png,cat0", "PATH,CLASS")
	return []Set{
		{Name: "seen-unseen", Files: folders("seen/a%d", 3, 3, "unseen/b%d", 3, 3), Asks: "the folders seen, unseen look like parts"},
		{Name: "query-gallery-flat", Files: folders("query", 1, 4, "gallery", 1, 4), Asks: "the folders gallery, query look like parts"},
		{Name: "nested-parts", Files: folders("site0/a/val", 1, 2, "site0/a/test", 1, 2, "site1/b/val", 1, 2, "site1/b/test", 1, 2),
			Asks: "the folders test, val look like parts"},
		{Name: "archives-without-classes", Files: loose, Asks: "the archives part-0, part-1 … are numbered, and nothing in them says which class"},
		{Name: "sop-without-lists", Files: folders("bicycle_final", 1, 4, "mug_final", 1, 4), Asks: "super-classes of Stanford Online Products"},
		{Name: "two-tables", Files: two, Asks: "the tables a.csv, b.csv all list these pictures"},
		{Name: "header-missing", Files: noHeader, Path: "list.csv", Asks: "is a picture and names no columns"},
		{Name: "two-labels", Files: listed("pics/", "list.csv", "", "path,class,item_id", "PATH,CLASS,STEM"), Path: "list.csv",
			Asks: `the columns "class" and "item_id" could each be the label`},
	}
}
