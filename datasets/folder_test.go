package datasets

import (
	"image/color"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// files makes a file system of small pictures: a name that ends in / is an empty folder.
func files(t *testing.T, names ...string) fstest.MapFS {
	t.Helper()
	fsys := fstest.MapFS{}
	for i, name := range names {
		if strings.HasSuffix(name, "/") {
			fsys[strings.TrimSuffix(name, "/")] = &fstest.MapFile{Mode: os.ModeDir | 0o777}
			continue
		}
		fsys[name] = &fstest.MapFile{Data: pngOf(t, 5, 4, func(x, y int) byte { return byte(9*i + x + 30*y) })}
	}
	return fsys
}

// listing returns what d holds as "class: path path …".
func listing(d *Dataset) []string {
	if d == nil {
		return nil
	}
	lines := slices.Clone(d.Classes())
	for i, c := range d.Labels() {
		lines[c] += " " + d.Path(i)
	}
	return lines
}

func TestOpenFolderLayouts(t *testing.T) {
	tests := map[string]struct {
		files            []string
		train, val, test []string
	}{
		"one folder a class": {
			files: []string{"b/2.png", "a/1.png", "b/1.png"},
			train: []string{"a a/1.png", "b b/1.png b/2.png"},
		},
		"any depth": {
			files: []string{"Latin/character01/1.png", "Latin/character02/1.png", "Greek/character01/1.png", "Greek/2.png"},
			train: []string{"Greek Greek/2.png", "Greek/character01 Greek/character01/1.png", "Latin/character01 Latin/character01/1.png", "Latin/character02 Latin/character02/1.png"},
		},
		"train and test": {
			files: []string{"train/a/1.png", "train/b/1.png", "test/c/1.png", "test/d/e/1.png"},
			train: []string{"a train/a/1.png", "b train/b/1.png"},
			test:  []string{"c test/c/1.png", "d/e test/d/e/1.png"},
		},
		"all three, otherwise spelt": {
			files: []string{"Train/a/1.png", "Train/b/1.png", "validation/c/1.png", "validation/d/1.png", "testing/e/1.png", "testing/f/1.png", "README"},
			train: []string{"a Train/a/1.png", "b Train/b/1.png"},
			val:   []string{"c validation/c/1.png", "d validation/d/1.png"},
			test:  []string{"e testing/e/1.png", "f testing/f/1.png"},
		},
		"train and test in the one folder of an archive": {
			files: []string{"set-1.0/train/a/1.png", "set-1.0/train/b/1.png", "set-1.0/test/c/1.png", "set-1.0/test/d/1.png", "__MACOSX/set-1.0/x.png"},
			train: []string{"a set-1.0/train/a/1.png", "b set-1.0/train/b/1.png"},
			test:  []string{"c set-1.0/test/c/1.png", "d set-1.0/test/d/1.png"},
		},
		"a folder train alone": {
			files: []string{"train/a/1.png", "train/b/1.png"},
			train: []string{"a train/a/1.png", "b train/b/1.png"},
		},
		"a class named train": {
			files: []string{"train/1.png", "plane/1.png", "car/1.png"},
			train: []string{"car car/1.png", "plane plane/1.png", "train train/1.png"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s, err := OpenFS(files(t, tt.files...), Options{})
			require.NoError(t, err)
			require.Equal(t, tt.train, listing(s.Train))
			require.Equal(t, tt.val, listing(s.Val))
			require.Equal(t, tt.test, listing(s.Test))
		})
	}
}

func TestOpenFolderErrors(t *testing.T) {
	bad := fstest.MapFS{"a/1.jpg": {Data: []byte("no")}, "b/1.png": {Data: nil}}
	tests := map[string]struct {
		fsys    fstest.MapFS
		options Options
		want    string
	}{
		"nothing":           {fstest.MapFS{}, Options{}, "no pictures under file system: give a folder"},
		"hidden only":       {files(t, ".git/1.png", ".git/2.png"), Options{}, "hidden file or folder: 1 (.git)"},
		"no class folders":  {files(t, "1.png", "2.png"), Options{}, "in no class folder: make one folder a class"},
		"one class":         {files(t, "cats/1.png", "cats/2.png"), Options{}, `has only the class "cats"`},
		"one class to test": {files(t, "train/a/1.png", "train/b/2.png", "test/c/3.png"), Options{}, `(test) has only the class "c"`},
		"nothing readable":  {bad, Options{}, "no readable pictures in file system\n  empty file: 1 (b/1.png)\n  not a picture: 1 (a/1.jpg): text"},
		"strict":            {bad, Options{Strict: true}, "a/1.jpg: not a picture: text"},
		"mode":              {files(t, "a/1.png"), Options{Resize: "stretch"}, `Options.Resize is "stretch", want`},
		"channels":          {files(t, "a/1.png"), Options{Channels: 2}, "Channels is 2"},
		"negative":          {files(t, "a/1.png"), Options{Workers: -1}, "Workers is -1"},
		"huge":              {files(t, "a/1.png"), Options{Height: 1 << 20}, "want at most 8192"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := OpenFS(tt.fsys, tt.options)
			require.ErrorContains(t, err, tt.want)
			require.Regexp(t, "^datasets: ", err.Error())
		})
	}
	_, err := OpenFolder(filepath.Join(t.TempDir(), "none"), Options{})
	require.ErrorIs(t, err, os.ErrNotExist)
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o666))
	_, err = OpenFolder(file, Options{})
	require.ErrorContains(t, err, "is a file")
}

// Under Strict what is no picture by name or content does no harm.
func TestStrictIgnoresOtherFiles(t *testing.T) {
	fsys := files(t, "a/1.png", "b/1.png")
	fsys["a/notes.txt"] = &fstest.MapFile{Data: []byte("bought on Monday")}
	fsys["b/Thumbs.db"] = &fstest.MapFile{Data: []byte("\xd0\xcf\x11\xe0")}
	s, err := OpenFS(fsys, Options{Strict: true})
	require.NoError(t, err)
	require.Equal(t, 2, s.Train.Len())
	require.Len(t, s.Train.Skipped(), 2)
	_, err = OpenFS(fsys, Options{Strict: true, MaxPixels: 19})
	require.ErrorContains(t, err, "datasets: a/1.png: too many pixels: 5×4 is above the limit of 19 pixels")
	_, err = OpenFS(fsys, Options{Strict: true, MaxFileBytes: 10})
	require.ErrorContains(t, err, "a/1.png: file too large")
}

func TestSummary(t *testing.T) {
	fsys := files(t, "a/1.png", "a/2.png", "a/3.png", "A/4.png", "A/5.png", "single/6.png", "empty/", "bad/")
	fsys["bad/1.png"] = &fstest.MapFile{Data: []byte("\x89PNG\r\n\x1a\n")}
	fsys["a/copy.png"] = fsys["a/1.png"]
	fsys["a/same.png"], fsys["A/same.png"] = fsys["single/6.png"], fsys["single/6.png"]
	fsys["a/.hidden.png"] = fsys["a/1.png"]
	fsys["stray.png"] = fsys["a/1.png"]
	fsys["A/black.png"] = &fstest.MapFile{Data: plainPNG(t, 9, 9, color.Black)}
	s, err := OpenFS(fsys, Options{Height: 4, Width: 6})
	require.NoError(t, err)
	require.Equal(t, Summary{
		Source: "file system", Kind: "folder", Classes: 3, Pictures: 10,
		Smallest: ClassSize{"single", 1}, Largest: ClassSize{"a", 5}, Singletons: 1,
		Channels: 1, Height: 4, Width: 6, Bytes: 11 * 24, Originals: "5×4 … 9×9",
		Formats: []Count{{What: "PNG", Count: 10}},
		Skipped: []Count{
			{What: "broken picture", Count: 1, Examples: []string{"bad/1.png"}, Detail: "PNG, unexpected EOF"},
			{What: "hidden file or folder", Count: 1, Examples: []string{"a/.hidden.png"}},
			{What: "in no class folder", Count: 1, Examples: []string{"stray.png"}},
		},
		Notes: []Count{
			{What: "picture that repeats another of its class", Count: 1, Examples: []string{"a/copy.png"}},
			{What: "picture that stands in several classes", Count: 3, Examples: []string{"A/same.png", "a/same.png", "single/6.png"}},
			{What: "empty class folder", Count: 1, Examples: []string{"empty"}},
			{What: "class without a readable picture", Count: 1, Examples: []string{"bad"}},
			{What: "class name that looks like another's", Count: 1, Examples: []string{"a like A"}},
			{What: "picture of a single colour", Count: 1, Examples: []string{"A/black.png"}},
		},
	}, s.Train.Summary())
	require.Equal(t, "broken picture: 1 (bad/1.png): PNG, unexpected EOF", s.Train.Summary().Skipped[0].String())

	s, err = OpenFS(fsys, Options{DropDuplicates: true})
	require.NoError(t, err)
	require.Equal(t, []string{"A A/4.png A/5.png A/black.png", "a a/1.png a/2.png a/3.png"}, listing(s.Train))
	require.Contains(t, s.Train.Skipped(), Skip{Path: "a/copy.png", Reason: "duplicate", Detail: "the same file as a/1.png"})
	require.Contains(t, s.Train.Skipped(), Skip{Path: "single/6.png", Reason: "duplicate", Detail: "the same file stands in several classes"})
}

func TestLeaksAreTold(t *testing.T) {
	fsys := files(t, "train/a/1.png", "train/b/2.png", "test/c/3.png", "test/d/4.png")
	fsys["test/d/leak.png"] = fsys["train/a/1.png"]
	s, err := OpenFS(fsys, Options{})
	require.NoError(t, err)
	s, err = s.TellCopies(false)
	require.NoError(t, err)
	require.Empty(t, s.Train.Summary().Notes)
	require.Equal(t, []Count{{What: "picture that train has too", Count: 1, Examples: []string{"test/d/leak.png"}}}, s.Test.Summary().Notes)
}

func TestSizeAndChannelsFromTheData(t *testing.T) {
	shape := func(fsys fstest.MapFS, o Options) [3]int {
		s, err := OpenFS(fsys, o)
		require.NoError(t, err)
		c, h, w := s.Train.Shape()
		return [3]int{c, h, w}
	}
	grey := files(t, "a/1.png", "b/1.png")
	require.Equal(t, [3]int{1, 4, 5}, shape(grey, Options{}))
	require.Equal(t, [3]int{3, 4, 5}, shape(grey, Options{Channels: 3}))
	require.Equal(t, [3]int{1, 7, 7}, shape(grey, Options{Width: 7}))
	grey["b/2.png"] = &fstest.MapFile{Data: plainPNG(t, 100, 90, color.White)}
	require.Equal(t, [3]int{1, 28, 28}, shape(grey, Options{}))
	grey["b/3.png"] = &fstest.MapFile{Data: plainPNG(t, 10, 9, color.RGBA{200, 0, 0, 255})}
	require.Equal(t, [3]int{3, 64, 64}, shape(grey, Options{}))
	s, err := OpenFS(grey, Options{Channels: 1})
	require.NoError(t, err)
	notes := s.Train.Summary().Notes
	require.Contains(t, notes, Count{What: "colour picture made grey", Count: 1, Examples: []string{"b/3.png"}})
}

// plant writes the files of fsys below a new folder.
func plant(t *testing.T, fsys fstest.MapFS) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, fsys))
	return dir
}

func TestLinks(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need rights there")
	}
	dir := plant(t, files(t, "set/apple/1.png", "set/apple/2.png", "set/kiwi/1.png", "elsewhere/3.png", "elsewhere/more/4.png"))
	set := filepath.Join(dir, "set")
	link := func(target, name string) { require.NoError(t, os.Symlink(target, filepath.Join(set, name))) }
	link("apple", "another-apple")
	link("..", "up")
	link("../..", "kiwi/far-up")
	link("/", "kiwi/root")
	link("../elsewhere", "pear")
	link("../elsewhere", "plum")
	link("loop-b", "loop-a")
	link("loop-a", "loop-b")
	link("self", "self")
	link("1.png", "apple/same.png")
	link("nowhere", "kiwi/broken.png")
	link("../../elsewhere/3.png", "kiwi/3.png")
	s, err := OpenFolder(set, Options{})
	require.NoError(t, err)
	got := strings.ReplaceAll(strings.Join(listing(s.Train), "\n"), set+"/", "")
	require.Equal(t, "apple apple/1.png apple/2.png\nkiwi kiwi/1.png kiwi/3.png\npear/more pear/more/4.png", got)
	var skips []string
	for _, k := range s.Train.Skipped() {
		skips = append(skips, strings.TrimPrefix(k.Path, set+"/")+": "+k.Reason)
	}
	require.Equal(t, []string{
		"another-apple: another name of what is read already",
		"apple/same.png: another name of what is read already",
		"kiwi/broken.png: broken link",
		"kiwi/far-up: another name of what is read already",
		"kiwi/root: another name of what is read already",
		"loop-a: broken link", "loop-b: broken link",
		"pear/3.png: another name of what is read already",
		"plum: another name of what is read already",
		"self: broken link",
		"up: another name of what is read already",
	}, skips)
}

func TestNamesThatAreNotUTF8(t *testing.T) {
	dir := t.TempDir()
	picture := pngOf(t, 3, 3, func(x, y int) byte { return byte(x * 50) })
	for _, class := range []string{"caf\xe9", "tab\there", "plain"} {
		if err := os.Mkdir(filepath.Join(dir, class), 0o777); err != nil {
			t.Skipf("this file system refuses %q: %v", class, err)
		}
		require.NoError(t, os.WriteFile(filepath.Join(dir, class, "x.png"), picture, 0o666))
	}
	s, err := OpenFolder(dir, Options{})
	require.NoError(t, err)
	require.Equal(t, []string{`caf\xe9`, "plain", `tab\there`}, s.Train.Classes())
	require.Equal(t, dir+`/caf\xe9/x.png`, s.Train.Path(0))
	require.Equal(t, dir+"/caf\xe9/x.png", s.Train.Origin(0))
	img, err := s.Train.Image(0)
	require.NoError(t, err)
	require.Equal(t, 3, img.Bounds().Dx())
}

func TestPrintable(t *testing.T) {
	for name, want := range map[string]string{
		"Äpfel/りんご/🍏 1.png": "Äpfel/りんご/🍏 1.png",
		`back\slash`:        `back\slash`,
		"new\nline":         `new\nline`,
		"a\u202eb":          `a\u202eb`, // would turn the rest of a line around
		"\xff\xfe":          `\xff\xfe`,
		"👩\u200d🔬":          "👩\u200d🔬",
		"esc\x1b[31m":       `esc\x1b[31m`,
	} {
		require.Equal(t, want, printable(name))
	}
}

// A pipe must not be opened: reading would wait for ever.
func TestSpecialFiles(t *testing.T) {
	fsys := files(t, "a/1.png", "b/1.png")
	fsys["a/pipe.png"] = &fstest.MapFile{Mode: os.ModeNamedPipe}
	s, err := OpenFS(fsys, Options{})
	require.NoError(t, err)
	require.Equal(t, []Skip{{Path: "a/pipe.png", Reason: "not an ordinary file", Detail: "p---------"}}, s.Train.Skipped())
}

func TestUnreadableFolder(t *testing.T) {
	dir := plant(t, files(t, "a/1.png", "b/1.png", "locked/1.png"))
	locked := filepath.Join(dir, "locked")
	require.NoError(t, os.Chmod(locked, 0))
	t.Cleanup(func() { os.Chmod(locked, 0o777) })
	if _, err := os.ReadDir(locked); err == nil {
		t.Skip("this user may read everything")
	}
	s, err := OpenFolder(dir, Options{})
	require.NoError(t, err)
	require.Equal(t, []Skip{{Path: locked, Reason: "folder that cannot be read", Detail: "permission denied"}}, s.Train.Skipped())
}

// lockedFS is a file system of which nobody may list one folder.
type lockedFS struct {
	fstest.MapFS
	locked string
}

func (f lockedFS) ReadDir(name string) ([]fs.DirEntry, error) {
	if name == f.locked {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return f.MapFS.ReadDir(name)
}

func TestFolderThatNobodyMayList(t *testing.T) {
	s, err := OpenFS(lockedFS{files(t, "a/1.png", "b/1.png", "locked/1.png"), "locked"}, Options{})
	require.NoError(t, err)
	require.Equal(t, []Skip{{Path: "locked", Reason: "folder that cannot be read", Detail: "permission denied"}}, s.Train.Skipped())
	require.True(t, s.Train.Skipped()[0].IsFolder())
	require.False(t, s.Train.Skipped()[0].Expected())
	require.Empty(t, s.Train.Skipped()[0].Limit())
	require.Equal(t, "MaxPixels", Skip{Reason: reasonPixels}.Limit())
}

func TestProgress(t *testing.T) {
	var told []int
	progress := func(done, total int) {
		if total == 0 { // the folder is being listed
			return
		}
		require.Equal(t, 200, total)
		told = append(told, done)
	}
	_, err := OpenFS(toyFS(t, 10, 20), Options{Progress: progress})
	require.NoError(t, err)
	require.True(t, slices.IsSorted(told), told)
	require.Equal(t, []int{0, 200}, []int{told[0], told[len(told)-1]})
	require.GreaterOrEqual(t, len(told), 5)
}

// slowFS takes its time over pictures.
type slowFS struct{ fs.FS }

func (s slowFS) Open(name string) (fs.File, error) {
	if strings.HasSuffix(name, ".png") {
		time.Sleep(progressGap + 1)
	}
	return s.FS.Open(name)
}

func TestProgressOfFewSlowPictures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []int
		_, err := OpenFS(slowFS{toyFS(t, 2, 4)}, Options{Workers: 1, Progress: func(done, total int) {
			if total > 0 {
				told = append(told, done)
			}
		}})
		require.NoError(t, err)
		require.Equal(t, []int{0, 1, 2, 3, 4, 5, 6, 7, 8}, told)
	})
}
