package datasets

import (
	"archive/tar"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// unpack writes the archive that MESSY_ARCHIVE names below a new folder and returns
// that folder, which holds messy/.
func unpack(t *testing.T) string {
	t.Helper()
	name := os.Getenv("MESSY_ARCHIVE")
	if name == "" || runtime.GOOS == "windows" {
		t.Skip("MESSY_ARCHIVE does not name messy.tar.gz")
	}
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
		to := filepath.Join(dir, h.Name)
		require.NoError(t, os.MkdirAll(filepath.Dir(to), 0o777))
		switch h.Typeflag {
		case tar.TypeDir:
			require.NoError(t, os.MkdirAll(to, 0o777))
		case tar.TypeSymlink:
			require.NoError(t, os.Symlink(h.Linkname, to))
		case tar.TypeLink:
			require.NoError(t, os.Link(filepath.Join(dir, h.Linkname), to))
		case tar.TypeReg:
			data, err := io.ReadAll(files)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(to, data, 0o666))
		}
	}
}

// rule is a line of the table in docs/datasets.md.
type rule struct {
	patterns  []string
	treatment string
}

func documented(t *testing.T) []rule {
	t.Helper()
	text, err := os.ReadFile("../docs/datasets.md")
	require.NoError(t, err)
	_, table, found := strings.Cut(string(text), "| input | in messy.tar.gz |")
	require.True(t, found)
	code := regexp.MustCompile("`[^`]+`")
	var rules []rule
	for _, line := range strings.Split(table, "\n")[2:] {
		cells := strings.Split(line, "|")
		if len(cells) < 5 {
			break
		}
		r := rule{treatment: strings.TrimSpace(cells[3])}
		for _, p := range code.FindAllString(cells[2], -1) {
			r.patterns = append(r.patterns, strings.ReplaceAll(strings.Trim(p, "`"), "[!", "[^"))
		}
		rules = append(rules, r)
	}
	return rules
}

// treatments returns what became of each path below root.
func treatments(d *Dataset, root string) func(name string) string {
	known := make(map[string]string)
	for i := range d.Len() {
		known[d.Path(i)] = "read"
	}
	for _, s := range d.Skipped() {
		known[s.Path] = "left out: " + s.Reason
	}
	for _, name := range d.Classes() {
		known[filepath.Join(root, name)] = "class"
	}
	for _, n := range d.Summary().Notes {
		if n.What == "empty class folder" {
			for _, name := range n.Examples {
				known[filepath.Join(root, name)] = "told: " + n.What
			}
		}
	}
	return func(name string) string {
		shown := printable(filepath.Join(root, name))
		for ; shown != root; shown = path.Dir(shown) {
			if what := known[shown]; what != "" {
				return what
			}
		}
		return "nothing is known of it"
	}
}

// Every file of the archive is treated as docs/datasets.md says, and nothing there is
// left unsaid.
func TestMessyArchive(t *testing.T) {
	root := filepath.Join(unpack(t), "messy")
	text, err := os.ReadFile(filepath.Join(root, "MANIFEST.json"))
	require.NoError(t, err)
	var manifest struct {
		Entries []struct {
			Path, Type string
			PathHex    string `json:"path_hex"`
		}
	}
	require.NoError(t, json.Unmarshal(text, &manifest))
	require.Len(t, manifest.Entries, 149)
	s, err := OpenFolder(root, Options{})
	require.NoError(t, err)
	actual := treatments(s.Train, root)
	rules := documented(t)
	used := make(map[string]bool)
	for _, e := range manifest.Entries {
		name := e.Path
		if e.PathHex != "" {
			raw, err := hex.DecodeString(e.PathHex)
			require.NoError(t, err)
			name = string(raw)
		}
		var says []string
		for _, r := range rules {
			for _, p := range r.patterns {
				ok, err := path.Match(p, name)
				require.NoError(t, err, p)
				if ok && (len(says) == 0 || p == name) {
					says = []string{r.treatment} // the very name goes before a pattern
					used[p] = true
				} else if ok {
					used[p] = true
				}
			}
		}
		require.Len(t, says, 1, "docs/datasets.md does not tell of %q", name)
		require.Equal(t, says[0], actual(name), "%q", name)
	}
	for _, r := range rules {
		for _, p := range r.patterns {
			require.True(t, used[p], "docs/datasets.md tells of %s, which is not there", p)
		}
	}
}

func TestMessyNotes(t *testing.T) {
	root := filepath.Join(unpack(t), "messy")
	s, err := OpenFolder(root, Options{})
	require.NoError(t, err)
	notes := make(map[string]Count)
	for _, n := range s.Train.Summary().Notes {
		notes[n.What] = n
	}
	require.Equal(t, []string{"only-bad-class"}, notes["class without a readable picture"].Examples)
	require.Equal(t, []string{"case like Case", "\u00c4pfel-gr\u00f6\u00dfe like A\u0308pfel-gro\u0308\u00dfe"}, notes["class name that looks like another's"].Examples,
		"two forms of the same letters")
	require.Equal(t, 3, notes["picture of a single colour"].Count) // transparent, black, one pixel
	require.Contains(t, notes["picture that stands in several classes"].Examples, filepath.Join(root, "duplicates-b/same.jpg"))
	require.NotZero(t, s.Train.Summary().Singletons)

	_, err = OpenFolder(root, Options{Strict: true})
	require.ErrorContains(t, err, filepath.Join(root, "corrupt/"))
	drop, err := OpenFolder(root, Options{DropDuplicates: true})
	require.NoError(t, err)
	require.Less(t, drop.Train.Len(), s.Train.Len())
}

// Files that hold one picture in several ways come out alike.
func TestMessyPicturesAlike(t *testing.T) {
	root := filepath.Join(unpack(t), "messy")
	s, err := OpenFolder(root, Options{Height: 64, Width: 64, Channels: 3})
	require.NoError(t, err)
	place := make(map[string]int)
	for i := range s.Train.Len() {
		place[strings.TrimPrefix(s.Train.Path(i), root+"/")] = i
	}
	const n = 3 * 64 * 64
	groups := map[string]struct {
		names []string
		worst float64 // mean difference allowed, in 255ths
	}{
		"exif-rotated/orientation_1.jpg":     {[]string{"orientation_2.jpg", "orientation_3.jpg", "orientation_4.jpg", "orientation_5.jpg", "orientation_6.jpg", "orientation_7.jpg", "orientation_8.jpg"}, 1.5},
		"formats-jpeg/UPPERCASE.JPG":         {[]string{"ext_jpeg.jpeg", "progressive.jpg", "restart_markers.jpg", "trailing_garbage.jpg", "yuv411.jpg", "yuv420.jpg", "yuv440.jpg", "yuv444.jpg", "rgb_components.jpg", "odd_size_347x461.jpg", "cmyk.jpg"}, 3},
		"formats-png/rgb8.png":               {[]string{"interlaced_adam7.png", "palette256.png"}, 3},
		"corrupt/truncated_last_2_bytes.jpg": {[]string{"../wrong-names/jpeg_named.png", "../wrong-names/no_extension"}, 0},
		"corrupt/missing_iend.png":           {[]string{"../wrong-names/png_named.jpg", "../formats-png/rgb8.png"}, 0},
	}
	for first, g := range groups {
		want, got := make([]float32, n), make([]float32, n)
		i, ok := place[first]
		require.True(t, ok, first)
		require.NoError(t, s.Train.Fill(want, []int{i}, Normalisation{}))
		for _, name := range g.names {
			i, ok := place[path.Join(path.Dir(first), name)]
			require.True(t, ok, name)
			require.NoError(t, s.Train.Fill(got, []int{i}, Normalisation{}))
			sum := 0.
			for j := range got {
				sum += float64(max(got[j]-want[j], want[j]-got[j])) * 255
			}
			require.LessOrEqual(t, sum/n, g.worst, "%s against %s", name, first)
		}
	}
}

// The small files of the archive that stand in testdata are treated the same way.
func TestMessySmallFiles(t *testing.T) {
	for name, want := range map[string]string{
		"bad.jpg":                       reasonBroken,
		"bilevel_1bit.png":              "",
		"constant_black.png":            "",
		"header_claims_0x0.png":         reasonBroken,
		"header_claims_60000x60000.png": reasonPixels,
		"header_only.jpg":               reasonBroken,
		"html_404.jpg":                  reasonNoPicture,
		"lfs_pointer.png":               reasonNoPicture,
		"one_pixel.png":                 "",
		"quality_1.jpg":                 "",
		"resource_fork.jpg":             reasonNoPicture,
		"soi_only.jpg":                  reasonNoPicture,
		"tall_3x2000.png":               "",
		"text.jpg":                      reasonNoPicture,
		"tiny_8x8.jpg":                  "",
		"wide_4000x2.jpg":               "",
	} {
		_, err := decode(name, readFile(t, filepath.Join("testdata/messy", name)), DefaultMaxPixels)
		if want == "" {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorContains(t, err, want, name)
	}
}
