package datasets

import (
	"archive/tar"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pkg/errors"
	"github.com/stretchr/testify/require"

	"medusa/internal/samplesets"
)

// counts is what a test expects of a part.
func counts(d *Dataset) samplesets.Counts {
	s := d.Summary()
	return samplesets.Counts{Classes: s.Classes, Pictures: s.Pictures, Queries: s.Queries, Gallery: s.Gallery}
}

func TestLayouts(t *testing.T) {
	for _, set := range samplesets.All() {
		t.Run(set.Name, func(t *testing.T) {
			path, err := set.Write(t.TempDir())
			require.NoError(t, err)
			s, err := Open(path, Options{Columns: set.Columns})
			if set.Asks != "" {
				var q *Question
				require.ErrorContains(t, err, set.Asks)
				require.Regexp(t, "^datasets: ", err.Error())
				require.True(t, errors.As(err, &q))
				require.NotEmpty(t, q.Answers)
				return
			}
			require.NoError(t, err)
			defer s.Close()
			got := make(map[string]samplesets.Counts)
			names, sets := s.parts()
			for i, name := range names {
				got[name] = counts(sets[i])
				require.Equal(t, set.Layout, sets[i].Summary().Layout)
			}
			require.Equal(t, set.Parts, got)
			for _, d := range sets {
				for i := range d.Len() {
					_, err := d.Image(i)
					require.NoError(t, err)
				}
			}
		})
	}
}

// The table of layouts in docs/datasets.md has a row for each set, and a set for each row.
func TestLayoutsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../docs/datasets.md")
	require.NoError(t, err)
	_, table, found := strings.Cut(string(text), "| test |")
	require.True(t, found)
	documented := make(map[string]bool)
	for _, line := range strings.Split(table, "\n")[2:] {
		cells := strings.Split(line, "|")
		if len(cells) < 5 {
			break
		}
		for _, name := range regexp.MustCompile("`[^`]+`").FindAllString(cells[len(cells)-2], -1) {
			require.False(t, documented[name], "%s stands twice", name)
			documented[strings.Trim(name, "`")] = true
		}
	}
	for _, set := range samplesets.All() {
		require.True(t, documented[set.Name], "%s is not documented", set.Name)
		delete(documented, set.Name)
	}
	require.Empty(t, documented, "no such sets")
}

// An answer to a question opens what raised it.
func TestQuestionsCanBeAnswered(t *testing.T) {
	for _, set := range samplesets.All() {
		if set.Asks == "" {
			continue
		}
		path, err := set.Write(t.TempDir())
		require.NoError(t, err)
		_, err = Open(path, Options{})
		var q *Question
		require.True(t, errors.As(err, &q), set.Name)
		for _, a := range q.Answers {
			o, places := Options{}, []string{path}
			for _, s := range a.Settings {
				switch s.Name {
				case "Path":
					places[0] = s.Value
				case "Test":
					places = append(places, s.Value)
				case "Layout":
					o.Layout = Layout(s.Value)
				case "Columns":
					o.Columns = s.Value
				default:
					t.Errorf("%s: setting %s", set.Name, s.Name)
				}
			}
			for _, place := range places {
				s, err := Open(place, o)
				require.NoError(t, err, "%s: %+v", set.Name, a)
				require.NoError(t, s.Close())
			}
		}
	}
}

func open(t *testing.T, name string, o Options) Split {
	t.Helper()
	set := samplesets.Named(name)
	path, err := set.Write(t.TempDir())
	require.NoError(t, err)
	o.Columns = set.Columns
	s, err := Open(path, o)
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

func TestClassesOfHalves(t *testing.T) {
	s := open(t, "cub", Options{})
	require.Equal(t, []string{"001.Bird_1", "002.Bird_2", "003.Bird_3", "004.Bird_4"}, s.Train.Classes())
	require.Equal(t, "005.Bird_5", s.Test.Classes()[0])
	whole := s.Whole()
	require.Equal(t, 8, whole.NumClasses())
	require.Equal(t, 32, whole.Len())
	for i, c := range whole.Labels() {
		require.Contains(t, whole.Path(i), whole.Classes()[c])
	}
	require.Empty(t, whole.Summary().Protocol)
	require.Nil(t, open(t, "sop", Options{}).Whole())

	s = open(t, "cars-devkit", Options{})
	require.Equal(t, []string{"001.AM General Hummer SUV 2000", "002.Acura RL Sedan 2012", "003.Acura TL Sedan 2012"}, s.Train.Classes())
	require.Equal(t, []string{"004.Ram C/V Cargo Van Minivan 2012", "005.Audi S4 Sedan 2007", "006.Citroën — no such car 2012"}, s.Test.Classes())
}

func TestRolesAndCameras(t *testing.T) {
	market := open(t, "market", Options{})
	test := market.Test
	require.Equal(t, "junk by the protocol", test.Summary().Skipped[0].What)
	require.Equal(t, "beside the train and test folders", market.Train.Summary().Skipped[0].What)
	require.Equal(t, Count{What: "distractor in the gallery, of no class", Count: 2}, test.Summary().Notes[0])
	cameras := test.Cameras()
	require.Equal(t, []string{"1", "2", "3"}, cameras.Names)
	distractors := 0
	for i := range test.Len() {
		name := filepath.Base(test.Path(i))
		require.Contains(t, name, "_c"+cameras.Names[cameras.Of[i]]+"s")
		isQuery := strings.Contains(test.Path(i), "query")
		require.Equal(t, map[bool]Role{true: Query, false: Gallery}[isQuery], test.Role(i))
		if strings.HasPrefix(name, "0000") {
			distractors++
			require.Equal(t, NoClass, test.Labels()[i])
			continue
		}
		require.Equal(t, name[:4], test.Classes()[test.Labels()[i]])
	}
	require.Equal(t, 2, distractors)
}

func TestPairsOfFaces(t *testing.T) {
	d := open(t, "lfw", Options{}).Train
	pairs := d.Pairs()
	require.Len(t, pairs, 8)
	for n, p := range pairs {
		require.Equal(t, n%4 < 2, p.Same)
		require.Equal(t, p.Same, d.Labels()[p.A] == d.Labels()[p.B])
		require.Equal(t, n/4, p.Fold)
	}
	require.True(t, strings.HasSuffix(filepath.ToSlash(d.Path(pairs[1].B)), "Person_0/Person_0_0003.jpg"))
	some := d.Subset(func(c int) bool { return c < 2 })
	require.Len(t, some.Pairs(), 3, "pairs of people 0 and 1")
	for _, s := range d.Skipped() {
		require.NotContains(t, s.Path, "pairs.txt", "it was read")
	}
	require.Equal(t, 3, some.Summary().Pairs)
}

// A list of one part, as those for development are, stands for pairs.txt, or is asked for by
// its name.
func TestOtherListsOfPairs(t *testing.T) {
	set := samplesets.Named("lfw")
	const whole, test, learn = "lfw-py/pairs.txt", "lfw-py/pairsDevTest.txt", "lfw-py/pairsDevTrain.txt"
	set.Files[test] = []byte("2\nPerson_0\t1\t2\nPerson_1 1 2\nPerson_0 1 Person_1 2\nPerson_2 1 Person_1 2\n")
	set.Files[learn] = []byte("1\nPerson_4\t1\t2\nPerson_5 1 Person_4 3\n")
	dir := t.TempDir()
	_, err := set.Write(dir)
	require.NoError(t, err)
	count := func(opened string, want int) {
		t.Helper()
		s, err := Open(filepath.Join(dir, opened), Options{})
		require.NoError(t, err)
		defer s.Close()
		require.Equal(t, "Labeled Faces in the Wild", s.Train.Summary().Layout)
		require.Len(t, s.Train.Pairs(), want)
		for _, p := range s.Train.Pairs() {
			require.True(t, want == 8 || p.Fold == 0)
		}
	}
	for opened, want := range map[string]int{"": 8, "lfw-py": 8, whole: 8, test: 4, learn: 2, "lfw-py/people.txt": 8} {
		count(opened, want)
	}
	require.NoError(t, os.Remove(filepath.Join(dir, whole)))
	count("", 4)
}

// What is no list of pairs is refused in words that help.
func TestListOfPeopleInPlaceOfPairs(t *testing.T) {
	set := samplesets.Named("lfw")
	set.Files["lfw-py/pairs.txt"] = []byte("2\n3\nPerson_0\t3\nPerson_1\t3\nPerson_2\t3\n3\nPerson_3\t3\n")
	dir := t.TempDir()
	_, err := set.Write(dir)
	require.NoError(t, err)
	_, err = Open(dir, Options{})
	require.ErrorContains(t, err, "pairs.txt lists people and the number of their pictures, as people.txt does, and no pairs")
	require.ErrorContains(t, err, "Options.Layout to folders")
	s, err := Open(dir, Options{Layout: LayoutFolders})
	require.NoError(t, err)
	require.Equal(t, 6, s.Train.NumClasses())
	require.NoError(t, s.Close())
}

// The people may stand beside other folders, but not twice.
func TestWhereThePeopleAre(t *testing.T) {
	for name, c := range map[string]struct {
		extra string // a picture besides
		move  string // put in place of lfw_funneled
		want  string
	}{
		"beside the list":            {move: ""},
		"two folders down":           {move: "a/b/"},
		"beside a folder of others":  {move: "lfw/", extra: "papers/1.png"},
		"twice":                      {move: "lfw/", extra: "copy/Person_0/Person_0_0001.jpg", want: "leave one of these beside it"},
		"a folder of a class beside": {move: "", extra: "Person_7/Person_7_0001.jpg"},
	} {
		set := samplesets.Named("lfw")
		moved := map[string][]byte{}
		for file, data := range set.Files {
			moved[strings.Replace(file, "lfw_funneled/", c.move, 1)] = data
		}
		if c.extra != "" {
			moved["lfw-py/"+c.extra] = pngOf(t, 12, 12, func(x, y int) byte { return byte(x * y) })
		}
		set.Files = moved
		dir := t.TempDir()
		_, err := set.Write(dir)
		require.NoError(t, err)
		s, err := Open(dir, Options{})
		if c.want != "" {
			require.ErrorContains(t, err, c.want, name)
			continue
		}
		require.NoError(t, err, name)
		require.Len(t, s.Train.Pairs(), 8, name)
		require.Equal(t, "Person_0", s.Train.Classes()[0], name)
		var left []string
		for _, skip := range s.Train.Skipped() {
			left = append(left, filepath.Base(skip.Path))
		}
		want := []string{"people.txt"}
		if strings.HasPrefix(c.extra, "papers") {
			want = []string{"papers", "people.txt"}
		}
		require.Equal(t, want, left, name)
		require.NoError(t, s.Close())
	}
}

// Pairs of which a picture is lacking are told, and counted among those listed.
func TestPairsThatLackAPicture(t *testing.T) {
	set := samplesets.Named("lfw")
	delete(set.Files, "lfw-py/lfw_funneled/Person_0/Person_0_0002.jpg")
	set.Files["lfw-py/lfw_funneled/Person_4/Person_4_0002.jpg"] = []byte("no picture")
	dir := t.TempDir()
	_, err := set.Write(dir)
	require.NoError(t, err)
	s, err := Open(dir, Options{})
	require.NoError(t, err)
	defer s.Close()
	summary := s.Train.Summary()
	require.Equal(t, []int{6, 8}, []int{summary.Pairs, summary.Listed})
	i := slices.IndexFunc(summary.Notes, func(c Count) bool { return c.What == "pair of which a picture is lacking" })
	require.GreaterOrEqual(t, i, 0)
	require.Equal(t, 2, summary.Notes[i].Count)
}

func TestOMLColumns(t *testing.T) {
	val := open(t, "oml", Options{}).Val
	require.Equal(t, []string{"animal"}, val.Categories().Names)
	require.Equal(t, []string{"s0", "s1"}, val.Sequences().Names)
	box, ok := val.Box(0)
	require.True(t, ok)
	require.Equal(t, "(0,1)-(10,11)", box.String(), "x_1 and y_1 are the near corner, in x_1, x_2, y_1, y_2")
	require.Zero(t, val.Cameras())
}

func TestListsLeadToTheirFolder(t *testing.T) {
	for _, set := range samplesets.All() {
		list := map[string]string{"cub": "CUB_200_2011/images.txt", "cars": "cars_annos.mat", "inshop": "Eval/list_eval_partition.txt", "lfw": "lfw-py/pairs.txt"}[set.Name]
		if list == "" {
			continue
		}
		dir := t.TempDir()
		_, err := set.Write(dir)
		require.NoError(t, err)
		s, err := Open(filepath.Join(dir, list), Options{})
		require.NoError(t, err, set.Name)
		require.Equal(t, set.Layout, s.Train.Summary().Layout)
		require.NoError(t, s.Close())
	}
}

func TestFoldersAsClassesWhateverTheyAreCalled(t *testing.T) {
	s := open(t, "market", Options{Layout: LayoutFolders})
	require.Nil(t, s.Test)
	require.Equal(t, []string{"bounding_box_test", "bounding_box_train", "query"}, s.Train.Classes())
}

func TestPicturesInNoListAreTold(t *testing.T) {
	for name, extra := range map[string]string{
		"cub": "CUB_200_2011/images/001.Bird_1/extra.jpg", "cars": "car_ims/999999.jpg", "sop": "bicycle_final/extra.JPG",
		"inshop": "Img/img/extra.jpg", "kaggle": "train/extra.png", "hugging-face": "test/extra.png",
	} {
		set := samplesets.Named(name)
		set.Files[extra] = pngOf(t, 12, 12, func(x, y int) byte { return byte(x * y) })
		dir := t.TempDir()
		_, err := set.Write(dir)
		require.NoError(t, err)
		s, err := Open(dir, Options{})
		require.NoError(t, err, name)
		var told []Skip
		_, sets := s.parts()
		for _, d := range sets {
			told = append(told, d.Skipped()...)
		}
		require.Contains(t, told, Skip{Path: filepath.Join(dir, filepath.FromSlash(extra)), Reason: "in no list of pictures"}, name)
		require.NoError(t, s.Close())
	}
}

// A folder of a part without classes, as contests have it to be labelled, is no part.
func TestPartWithoutClasses(t *testing.T) {
	s, err := OpenFS(files(t, "train/a/1.png", "train/b/2.png", "test/3.png", "test/4.png"), Options{})
	require.NoError(t, err)
	require.Nil(t, s.Test)
	require.Equal(t, []Count{{What: "in no class folder", Count: 2, Examples: []string{"test/3.png", "test/4.png"}}}, s.Train.Summary().Skipped)
}

func TestLayoutErrors(t *testing.T) {
	edit := func(name, file string, change func(string) string) error {
		set := samplesets.Named(name)
		set.Files[file] = []byte(change(string(set.Files[file])))
		path, err := set.Write(t.TempDir())
		require.NoError(t, err)
		_, err = Open(path, Options{})
		return err
	}
	cut := func(s string) string { return s[:len(s)/2] }
	with := func(text string) func(string) string { return func(string) string { return text } }
	for _, tt := range []struct {
		set, file string
		change    func(string) string
		want      string
	}{
		{"cub", "CUB_200_2011/images.txt", with("one two\n"), `images.txt: line 1: "one two", want a number and a value`},
		{"cub", "CUB_200_2011/images.txt", with("1 a\n1 b\n"), "line 2: number 1 stands twice"},
		{"cub", "CUB_200_2011/image_class_labels.txt", cut, "picture 18 of images.txt has label"},
		{"cars", "cars_annos.mat", cut, "cars_annos.mat: the MAT file is cut off or damaged"},
		{"cars", "cars_annos.mat", with(string(samplesets.MAT("cars_meta.mat"))), `no structure "annotations"`},
		{"cars-devkit", "stanford_cars/cars_test_annos_withlabels.mat", with(string(samplesets.MAT("cars_test_annos.mat"))), `annotations has no field "class"`},
		{"inshop", "Eval/list_eval_partition.txt", func(s string) string { return strings.Replace(s, "28", "29", 1) }, "announces 29 rows, and there are 28"},
		{"sop", "Ebay_test.txt", func(s string) string { return s + "1 2\n" }, "line 18 has 2 words between blanks, want 4"},
		{"lfw", "lfw-py/pairs.txt", func(s string) string { return s + "Person_1\t1\n" }, "line 10: 2 words, want NAME N M, or NAME N NAME M"},
	} {
		require.ErrorContains(t, edit(tt.set, tt.file, tt.change), tt.want, tt.set)
	}
	_, err := OpenFS(files(t, "a/1.png", "b/1.png"), Options{Columns: "path,label"})
	require.ErrorContains(t, err, `columns are named, "path,label", but file system is read by its folders`)
	for columns, want := range map[string]string{
		"path":             `no label among "path"`,
		"path,label,path":  "stands twice",
		"path=a,label":     "mixes the names",
		"colour=a":         `"colour=a", want one of path, label`,
		"label=a,label=b":  "label is given twice",
		"path,label,class": "",
	} {
		_, err := OpenFS(files(t, "a/1.png", "b/1.png"), Options{Columns: columns})
		require.ErrorContains(t, err, want, columns)
	}
}

// A table beside class folders is read where it parts the pictures in another way than the
// folders do, and told where it does not.
func TestTableBesideFolders(t *testing.T) {
	fsys := files(t, "a/1.png", "a/2.png", "b/3.png", "b/4.png")
	fsys["list.csv"] = manifestOver(t, "path,label\na/1.png,x\na/2.png,x\nb/3.png,y\nb/4.png,y\n")["pics/list.csv"]
	s, err := OpenFS(fsys, Options{})
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b"}, s.Train.Classes())
	require.Contains(t, s.Train.Summary().Notes, Count{What: "table beside the folders that was not read", Count: 1, Examples: []string{"list.csv"}})
	for _, text := range []string{
		"path,label\na/1.png,x\na/2.png,y\nb/3.png,y\nb/4.png,x\n",
		"path,label,split\na/1.png,x,train\na/2.png,x,train\nb/3.png,y,train\nb/4.png,y,train\n",
	} {
		fsys["list.csv"].Data = []byte(text)
		s, err = OpenFS(fsys, Options{})
		require.NoError(t, err)
		require.Equal(t, []string{"x", "y"}, s.Train.Classes(), text)
		require.Equal(t, "table list.csv", s.Train.Summary().Layout)
	}
	fsys["list.csv"].Data = []byte("when,what\nMonday,rain\n")
	s, err = OpenFS(fsys, Options{})
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b"}, s.Train.Classes(), "a table of something else")
}

// The inputs that an earlier edition read wrongly.
func TestArchivedLayouts(t *testing.T) {
	root := untar(t, "testdata/layouts.tgz")
	one := func(classes, pictures int) map[string]samplesets.Counts {
		return map[string]samplesets.Counts{"train": {Classes: classes, Pictures: pictures}}
	}
	for name, want := range map[string]map[string]samplesets.Counts{
		"CUB_200_2011":     {"train": {Classes: 4, Pictures: 24}, "test": {Classes: 4, Pictures: 24}},
		"Market-1501":      {"train": {Classes: 5, Pictures: 30}, "test": {Classes: 3, Pictures: 22, Queries: 3, Gallery: 19}},
		"SOP":              {"train": {Classes: 5, Pictures: 30}, "test": {Classes: 3, Pictures: 18}},
		"class_first":      {"train": {Classes: 8, Pictures: 32}, "test": {Classes: 8, Pictures: 16}},
		"hf":               one(8, 48),
		"imagenet":         {"train": {Classes: 8, Pictures: 48}, "val": {Classes: 8, Pictures: 48}},
		"inshop":           {"train": {Classes: 5, Pictures: 30}, "test": {Classes: 3, Pictures: 18, Queries: 6, Gallery: 12}},
		"kaggle":           one(8, 48),
		"lfw":              one(8, 48),
		"shard-000000.tar": one(8, 48),
	} {
		s, err := Open(filepath.Join(root, name), Options{})
		require.NoError(t, err, name)
		got := make(map[string]samplesets.Counts)
		titles, sets := s.parts()
		for i, title := range titles {
			got[title] = counts(sets[i])
			require.NotEmpty(t, sets[i].Summary().Layout)
		}
		require.Equal(t, want, got, name)
	}
}

// untar unpacks an archive below a new folder.
func untar(t *testing.T, name string) string {
	t.Helper()
	f, err := os.Open(name)
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	dir := t.TempDir()
	for files := tar.NewReader(z); ; {
		h, err := files.Next()
		if err == io.EOF {
			return dir
		}
		require.NoError(t, err)
		to := filepath.Join(dir, filepath.FromSlash(h.Name))
		require.NoError(t, os.MkdirAll(filepath.Dir(to), 0o777))
		if h.Typeflag == tar.TypeReg {
			data, err := io.ReadAll(files)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(to, data, 0o666))
		}
	}
}

// Tables as people wrote them: see testdata/tables.
func TestTablesAsPeopleWriteThem(t *testing.T) {
	tables, err := filepath.Glob("testdata/tables/*.csv")
	require.NoError(t, err)
	require.Len(t, tables, 7)
	for _, table := range tables {
		text, err := os.ReadFile(table)
		require.NoError(t, err)
		fsys := fstest.MapFS{}
		for name, file := range toyFS(t, 8, 6) {
			fsys[strings.Replace(name, "/", "/p", 1)] = file
		}
		fsys["m.csv"] = manifestOver(t, string(text))["pics/list.csv"]
		s, err := OpenManifestFS(fsys, "m.csv", Options{})
		switch filepath.Base(table) {
		case "m_no_header.csv":
			var q *Question
			require.True(t, errors.As(err, &q))
			require.Equal(t, []Setting{{"Columns", "path,label"}}, q.Answers[0].Settings)
			s, err = OpenManifestFS(fsys, "m.csv", Options{Columns: "path,label"})
			require.NoError(t, err)
			require.Equal(t, 8, s.Train.NumClasses())
		case "m_num_labels.csv":
			require.NoError(t, err)
			require.Contains(t, s.Train.Summary().Notes, Count{What: "class name that looks like another's", Count: 2, Examples: []string{"1 like 01", "1.0 like 01"}})
		case "m_oml.csv":
			require.NoError(t, err)
			require.Equal(t, []int{6, 2}, []int{s.Train.NumClasses(), s.Val.NumClasses()})
		default:
			require.NoError(t, err, table)
			require.Equal(t, samplesets.Counts{Classes: 8, Pictures: 48}, counts(s.Train), table)
		}
	}
}

// The tables of ImageNet's classes lead to the set around them, one alone is read as a table,
// and one picture has one class.
func TestSolutionsOfImageNet(t *testing.T) {
	set := samplesets.Named("imagenet-solutions")
	extra := "ILSVRC/Data/CLS-LOC/val/ILSVRC2012_val_00000099.JPEG"
	set.Files[extra] = pngOf(t, 12, 12, func(x, y int) byte { return byte(x * y) })
	dir := t.TempDir()
	_, err := set.Write(dir)
	require.NoError(t, err)
	for _, opened := range []string{"", "LOC_val_solution.csv", "LOC_train_solution.csv"} {
		s, err := Open(filepath.Join(dir, opened), Options{})
		require.NoError(t, err, opened)
		require.Equal(t, set.Parts["train"], counts(s.Train))
		require.Equal(t, set.Parts["val"], counts(s.Val))
		require.Equal(t, s.Train.Classes(), s.Val.Classes())
		for i, c := range s.Val.Labels() {
			require.Contains(t, string(set.Files["LOC_val_solution.csv"]), strings.TrimSuffix(filepath.Base(s.Val.Path(i)), ".JPEG")+","+s.Val.Classes()[c]+" ")
		}
		require.Contains(t, s.Val.Skipped(), Skip{Path: filepath.Join(dir, filepath.FromSlash(extra)), Reason: "in no list of pictures"})
		require.NoError(t, s.Close())
	}
	flat := samplesets.Named("imagenet-solution-table")
	flat.Path = "LOC_val_solution.csv"
	path, err := flat.Write(t.TempDir())
	require.NoError(t, err)
	s, err := Open(path, Options{})
	require.NoError(t, err)
	require.Equal(t, flat.Parts["train"], counts(s.Train))
	require.NoError(t, s.Close())

	flat.Files["LOC_val_solution.csv"] = append(flat.Files["LOC_val_solution.csv"], "x,n01440760 1 2 3 4 n01440761 1 2 3 4\n"...)
	path, err = flat.Write(t.TempDir())
	require.NoError(t, err)
	_, err = Open(path, Options{})
	require.ErrorContains(t, err, `line 10: PredictionString names the classes "n01440760" and "n01440761", want one a picture`)
}

// A column that nobody looked for is not the first one.
func TestCellOfNoColumn(t *testing.T) {
	c := &columns{at: map[string]int{"path": 0, "label": -1}}
	for name, want := range map[string]string{"path": "a.png", "label": "", "camera": ""} {
		require.Equal(t, want, c.cell([]string{"a.png"}, name), name)
	}
}
