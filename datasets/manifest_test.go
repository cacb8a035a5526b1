package datasets

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

// manifestOver is four pictures in pics/ and a manifest pics/list.csv.
func manifestOver(t *testing.T, text string) fstest.MapFS {
	t.Helper()
	fsys := files(t, "pics/1.png", "pics/2.png", "pics/sub/3.png", "4.png")
	fsys["pics/list.csv"] = &fstest.MapFile{Data: []byte(text)}
	return fsys
}

func TestOpenManifest(t *testing.T) {
	tests := map[string]struct {
		text             string
		train, val, test []string
	}{
		"path and label": {
			text:  "path,label\n1.png,cat\nsub/3.png,dog\n../4.png,\"dog\"\n",
			train: []string{"cat pics/1.png", "dog 4.png pics/sub/3.png"},
		},
		"as a spreadsheet writes it": {
			text:  "\xef\xbb\xbfLabel; Path \r\ncat;1.png\r\n\"a;b\";2.png\r\n",
			train: []string{"a;b pics/2.png", "cat pics/1.png"},
		},
		"split, tabs": {
			text:  "path\tlabel\tsplit\n1.png\ta\ttrain\n2.png\tb\t\nsub/3.png\tc\tTest\n../4.png\td\ttest\n",
			train: []string{"a pics/1.png", "b pics/2.png"},
			test:  []string{"c pics/sub/3.png", "d 4.png"},
		},
		"val": {
			text: "path,label,split\n1.png,a,valid\n2.png,b,val\n",
			val:  []string{"a pics/1.png", "b pics/2.png"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s, err := OpenManifestFS(manifestOver(t, tt.text), "pics/list.csv", Options{})
			require.NoError(t, err)
			require.Equal(t, tt.train, listing(s.Train))
			require.Equal(t, tt.val, listing(s.Val))
			require.Equal(t, tt.test, listing(s.Test))
		})
	}
}

func TestManifestBoxes(t *testing.T) {
	fsys := manifestOver(t, "label,path,x0,y0,x1,y1\na,1.png,1,0,3,2\na,1.png,,,,\nb,2.png,3.2,1,9,9\nb,2.png,5,0,7,1\n")
	s, err := OpenManifestFS(fsys, "pics/list.csv", Options{Height: 2, Width: 2})
	require.NoError(t, err)
	require.Equal(t, []string{"a pics/1.png pics/1.png", "b pics/2.png"}, listing(s.Train))
	// Picture 1 is 0 + x + 30y: its box is columns 1 and 2.
	got := make([]float32, 4)
	require.NoError(t, s.Train.Fill(got, []int{0}, Normalisation{}))
	require.Equal(t, []float32{1. / 255, 2. / 255, 31. / 255, 32. / 255}, got)
	require.Equal(t, "box outside of the picture", s.Train.Skipped()[0].Reason)
	require.Empty(t, s.Train.Summary().Notes, "two boxes of a file are two pictures")
}

func TestManifestMissingPicture(t *testing.T) {
	fsys := manifestOver(t, "path,label,photographer\n1.png,a,x\nnone.png,a,x\n2.png,b,y\n")
	s, err := OpenManifestFS(fsys, "pics/list.csv", Options{})
	require.NoError(t, err)
	require.Equal(t, []Skip{{Path: "pics/none.png", Reason: "cannot be read", Detail: "file does not exist"}}, s.Train.Skipped())
	require.Equal(t, []Count{{What: "column of the table not used", Count: 1, Examples: []string{"photographer"}}}, s.Train.Summary().Notes)
	_, err = OpenManifestFS(fsys, "pics/list.csv", Options{Strict: true})
	require.ErrorContains(t, err, "pics/none.png: cannot be read")
}

func TestManifestErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                                                              "empty file, want a line",
		"path,label\n":                                                  "no line below the header",
		"path,fine_id,coarse_id\n1.png,2,3":                             `no column "label": the header has "path", "fine_id", "coarse_id"; if it is called otherwise, such as fine_id: set Options.Columns to "label=fine_id"`,
		"where,label\n1.png,a":                                          `no column "path"`,
		"path,lable\n1.png,a":                                           `column "lable" is unknown; did you mean "label"?`,
		"path,label,spilt\n1.png,a,test":                                `did you mean "split"?`,
		"path,label,path\n1.png,a,b":                                    `column "path" stands twice`,
		"path,label,x0,y0\n1.png,a,1,1":                                 "2 of the four columns",
		"path,label\n1.png,a\n2.png":                                    "on line 3: wrong number of fields",
		"path,label\n1.png,a\n,b\n":                                     `line 3: path "" names no file`,
		"path,label\n1.png, \n":                                         `line 2: picture "1.png" has no label`,
		"path,label,split\n1.png,a,holdout":                             `split "holdout" is unknown`,
		"path,label,x0,y0,x1,y1\n1,a,1,1,1,":                            "box with empty cells",
		"path,label,x0,y0,x1,y1\n1,a,3,0,3,4":                           "box [3 0 3 4] is empty",
		"path,label,x0,y0,x1,y1\n1,a,3,0,x,4":                           `x1 is "x", want a number`,
		"path,label\n\"1.png,a\n":                                       `on line 2`,
		"path,label\n1.png,a\n2.png,a\n":                                `only the class "a"`,
		"path,label\n1.png,a\n./1.png,b\n":                              `line 3: picture "pics/1.png" is "b" here and "a" on line 2; which is right?`,
		"path,label\n1.png,a\n1.png,A\n":                                `which is right?`,
		"3\npath,label\n1.png,a\n2.png,b\n":                             "the first line announces 3 rows, and there are 2",
		"path,label,split,is_query,is_gallery\n1.png,a,val,False,False": `line 2: picture "1.png": is neither query nor gallery`,
		"path,label,split,is_query\n1.png,a,val,maybe":                  `is_query is "maybe", want true or false`,
		"path,label,x_1,y_1,x_2\n1.png,a,1,1,2":                         "3 of the four columns x1, y1, x2, y2",
		"path label\n1.png a\nmy 2.png b":                               "line 3 has 3 words between blanks, want 2",
		"path label\n1.png a\n\"2.png b":                                "line 3: a quote has no end",
	} {
		_, err := OpenManifestFS(manifestOver(t, text), "pics/list.csv", Options{})
		require.ErrorContains(t, err, want, text)
		require.Regexp(t, "^datasets: ", err.Error())
	}
	_, err := OpenManifest(filepath.Join(t.TempDir(), "none.csv"), Options{})
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestManifestOfAbsolutePaths(t *testing.T) {
	pictures := plant(t, files(t, "1.png", "2.png"))
	list := filepath.Join(t.TempDir(), "list.csv")
	text := "path,label\n" + filepath.Join(pictures, "1.png") + ",a\n" + filepath.Join(pictures, "2.png") + ",b\n"
	require.NoError(t, os.WriteFile(list, []byte(text), 0o666))
	s, err := OpenManifest(list, Options{})
	require.NoError(t, err)
	require.Equal(t, filepath.Join(pictures, "2.png"), s.Train.Path(1))
}

func TestSlip(t *testing.T) {
	for _, tt := range []struct {
		name, want string
		slip       bool
	}{
		{"lable", "label", true}, {"splits", "split", true}, {"path", "path", true}, {"", "abc", false},
		{"kitten", "sitting", false}, {"läbél", "label", true}, {"label日本", "label", true}, {"label日本語", "label", false},
		{strings.Repeat("label", 1<<16), "label", false},
	} {
		require.Equal(t, tt.slip, isTypo(tt.name, tt.want), "%.20s", tt.name)
	}
}

// tableOf reads text as a table beside no pictures.
func tableOf(name, text, columns string) ([]*part, error) {
	src := fsSource{fstest.MapFS{name: {Data: []byte(text)}}}
	t, err := readTable(src, name, Options{Columns: columns})
	if err != nil {
		return nil, err
	}
	b := newPartsByTitle()
	err = t.addTo(b, "train")
	return b.list(), err
}

func FuzzManifest(f *testing.F) {
	f.Add("path,label,split,x0,y0,x1,y1\na.png,b,test,1,2,3,4\n", "", false)
	f.Add("\xef\xbb\xbflabel;path\n\"x\ny\";z\n", "", false)
	f.Add("path,label\n\"", "", false)
	f.Add("sep=;\n2\nImage;Id\na.png;1\nb.png;1.0\n", "", false)
	f.Add("\xff\xfep\x00a\x00t\x00h\x00,\x00", "", false)
	f.Add("a.png x 1\n\"b c.png\" y 2\n", "path,label,-", false)
	f.Add("{\"file_name\":\"a.png\",\"label\":3}\n", "", true)
	f.Fuzz(func(t *testing.T, text, columns string, lines bool) {
		name := "t.csv"
		if lines {
			name = "t.jsonl"
		}
		parts, err := tableOf(name, text, columns)
		if err != nil {
			return
		}
		require.NotEmpty(t, parts)
		for _, p := range parts {
			require.NotEmpty(t, p.candidates)
			for _, c := range p.candidates {
				require.NotEmpty(t, c.name)
				require.NotEmpty(t, c.class)
				require.Equal(t, trimCell(c.class), c.class)
				require.True(t, c.box == nil || !c.box.Empty())
			}
		}
	})
}
