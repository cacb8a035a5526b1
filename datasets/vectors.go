package datasets

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pkg/errors"
)

// vectors are the items of a Dataset that are lists of numbers, such as the embeddings of
// another network, in place of pictures: shape (D, 1, 1).
type vectors struct {
	matrix
	name  string               // of the file, safe to print
	paths func(row int) string // what each row is about; nil if nothing is known
	close io.Closer            // nil if nothing is open
}

// labelled are vectors with what is known of each row.
type labelled struct {
	vectors *vectors
	labels  labelling
	splits  []string // of each row, train, val or test; nil if nothing is said
}

// path is what row is called.
func (v *vectors) path(row int) string {
	if v.paths != nil {
		return v.paths(row)
	}
	return fmt.Sprintf("%s[%d]", v.name, row)
}

// filler returns a function that puts a row, normalised, into dst. It serves one goroutine.
func (v *vectors) filler(norm Normalisation) func(dst []float32, row int) error {
	var buffer []byte
	return func(dst []float32, row int) error {
		if err := v.read(dst, row, &buffer); err != nil {
			return errors.WithMessagef(err, "datasets: %s", v.name)
		}
		for i := range norm.Mean {
			dst[i] = (dst[i] - norm.Mean[i]) / norm.Std[i]
		}
		return nil
	}
}

// moments returns mean and deviation of every column over some rows. The sums are taken
// block by block in the order of the rows: they do not depend on the number of goroutines.
func (v *vectors) moments(rows []int32, progress func(done, total int)) (Normalisation, error) {
	told := newTally(len(rows), progress)
	const most = 512 // blocks, so that their sums stay small beside the vectors
	block := max(1024, (len(rows)+most-1)/most)
	blocks := (len(rows) + block - 1) / block
	shift := make([]float32, v.cols) // near the mean, lest squares swallow the deviation
	if err := v.filler(Normalisation{})(shift, int(rows[0])); err != nil {
		return Normalisation{}, err
	}
	sums := make([][]float64, blocks) // of values, then of squares
	err := inParallel(blocks, block*v.rowBytes(), func(from, to int) error {
		fill := v.filler(Normalisation{})
		line := make([]float32, v.cols)
		for b := from; b < to; b++ {
			own := make([]float64, 2*v.cols)
			for _, row := range rows[b*block : min((b+1)*block, len(rows))] {
				if err := fill(line, int(row)); err != nil {
					return err
				}
				for i, x := range line {
					d := float64(x) - float64(shift[i])
					own[i] += d
					own[v.cols+i] += d * d
				}
			}
			sums[b] = own
			told.add(min(block, len(rows)-b*block))
		}
		return nil
	})
	if err != nil {
		return Normalisation{}, err
	}
	total := make([]float64, 2*v.cols)
	for _, own := range sums {
		for i, s := range own {
			total[i] += s
		}
	}
	n := float64(len(rows))
	norm := Normalisation{Mean: make([]float32, v.cols), Std: make([]float32, v.cols)}
	for i := range v.cols {
		mean := total[i] / n
		norm.Mean[i] = float32(float64(shift[i]) + mean)
		norm.Std[i] = float32(math.Sqrt(max(0, total[v.cols+i]/n-mean*mean)))
		if norm.Std[i] == 0 { // a column of one value
			norm.Std[i] = 1
		}
	}
	return norm, nil
}

// OpenVectors reads vectors in place of pictures, such as embeddings of another network on
// which a head is to be trained: a file, or a folder of files,
//
//	.npz          an array of vectors (N, D) and one of labels (N)
//	.npy          vectors (N, D), with the labels in a file beside it: labels.npy or
//	              labels.txt beside embeddings.npy, y_train.npy beside x_train.npy …
//	.safetensors  tensors "embeddings" (N, D) and "labels" (N), as a run leaves them
//	.csv, .tsv    a line a vector: a column label, further columns of numbers, optionally split
//
// Names that begin or end with train, val or test make the parts of the split. Numbers of
// any width are taken, labels may be numbers or texts. Vectors are not loaded: .npy files,
// .npz files that are not compressed and .safetensors files are read row by row when they
// are needed, so that they may be larger than memory.
//
// Each vector is an item of D channels of one pixel. Fields of Options about pictures are
// not used.
func OpenVectors(path string, o Options) (Split, error) {
	o, err := o.withDefaults()
	if err != nil {
		return Split{}, err
	}
	files, err := vectorFiles(path)
	if err != nil {
		return Split{}, err
	}
	var s Split
	for _, f := range files {
		err := f.addTo(&s, o)
		if err != nil {
			s.Close()
			return Split{}, err
		}
	}
	if err := s.checkWidths(); err != nil {
		s.Close()
		return Split{}, err
	}
	s.log(o.Logger)
	return s, nil
}

// vectorFile is a file of vectors and the part that its name speaks of.
type vectorFile struct {
	path   string
	part   string // train, val or test; "" if nothing is said
	labels string // file of the labels; "" if they are in the same one
}

// HoldsVectors reports whether path is a file of vectors, or a folder with such files and
// neither folders nor pictures, which OpenVectors reads.
func HoldsVectors(path string) bool {
	info, err := os.Stat(path)
	if err != nil {
		return false
	}
	if !info.IsDir() {
		return isVectorFile(path)
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return false
	}
	found := false
	for _, e := range entries {
		switch name := e.Name(); {
		case ignoreReason(name) != "":
		case e.IsDir(), hasPictureName(name):
			return false
		default:
			found = found || isVectorFile(filepath.Join(path, name))
		}
	}
	return found
}

// isVectorFile goes by the name, and by the content of tables, which may also list pictures.
func isVectorFile(path string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".npy", ".npz", ".safetensors":
		return true
	case ".csv", ".tsv", ".txt":
		return isVectorTable(path)
	}
	return false
}

// namesIn lists the files of a folder that are looked at.
func namesIn(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		if ignoreReason(e.Name()) == "" && !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}

// vectorFiles finds the files of vectors at path, with their labels and parts.
func vectorFiles(path string) ([]vectorFile, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, errors.Wrap(err, "datasets: vectors")
	}
	if !info.IsDir() {
		f := vectorFile{path: path}
		if strings.EqualFold(filepath.Ext(path), ".npy") {
			f.labels = labelsBeside(filepath.Dir(path), filepath.Base(path), namesIn(filepath.Dir(path)))
		}
		return []vectorFile{f}, nil
	}
	names := namesIn(path)
	labels := make(map[string]bool)
	var files []vectorFile
	for _, name := range names {
		if !isVectorFile(filepath.Join(path, name)) {
			continue
		}
		f := vectorFile{path: filepath.Join(path, name), part: partOfName(name)}
		if strings.EqualFold(filepath.Ext(name), ".npy") {
			f.labels = labelsBeside(path, name, names)
			labels[f.labels] = true
		}
		files = append(files, f)
	}
	files = slices.DeleteFunc(files, func(f vectorFile) bool { return labels[f.path] })
	if len(files) == 0 {
		return nil, errors.Errorf("datasets: no vectors in %s: want .npy files with labels beside them, .npz, .safetensors or tables of numbers", printable(path))
	}
	seen := make(map[string]string)
	for i := range files {
		f := &files[i]
		if f.part == "" && len(files) > 1 {
			return nil, errors.Errorf("datasets: %s holds %d files of vectors, and the name of %s says of no part that it is: name them after train, val and test, or give one file",
				printable(path), len(files), printable(filepath.Base(f.path)))
		}
		if other := seen[f.part]; other != "" {
			return nil, errors.Errorf("datasets: %s and %s are both for the part %q: give one file, or take one away", printable(other), printable(f.path), f.part)
		}
		seen[f.part] = f.path
	}
	return files, nil
}

// partOfName finds train, val or test as a word of a file's name.
func partOfName(name string) string {
	for _, word := range nameWords(name) {
		if title := partNames[word]; title != "" {
			return title
		}
	}
	return ""
}

// nameWords cuts a file's name without ending into words in lower case.
func nameWords(name string) []string {
	return strings.FieldsFunc(strings.ToLower(strings.TrimSuffix(name, filepath.Ext(name))), func(r rune) bool {
		return strings.ContainsRune("_-. ()", r)
	})
}

// What files and arrays of vectors and of labels are called.
var (
	vectorWords = []string{"embeddings", "embedding", "embs", "emb", "vectors", "features", "feature", "feats", "data", "x"}
	labelWords  = []string{"labels", "label", "targets", "target", "classes", "y"}
)

// labelsBeside finds the file of labels that belongs to a .npy file: its name with another
// word for the vectors' one, or with that word added; "" if there is none.
func labelsBeside(dir, name string, names []string) string {
	without := func(words, drop []string) string {
		return strings.Join(slices.DeleteFunc(slices.Clone(words), func(w string) bool { return slices.Contains(drop, w) }), " ")
	}
	mine := nameWords(name)
	for _, other := range names {
		switch strings.ToLower(filepath.Ext(other)) {
		case ".npy", ".txt", ".csv", ".tsv":
		default:
			continue
		}
		words := nameWords(other)
		if other == name || !slices.ContainsFunc(words, func(w string) bool { return slices.Contains(labelWords, w) }) ||
			slices.ContainsFunc(mine, func(w string) bool { return slices.Contains(labelWords, w) }) {
			continue
		}
		rest := without(words, labelWords)
		if rest == without(mine, vectorWords) || rest == strings.Join(mine, " ") {
			return filepath.Join(dir, other)
		}
	}
	return ""
}

// addTo opens the file and adds its part, or the parts that its rows speak of.
func (f vectorFile) addTo(s *Split, o Options) error {
	l, err := f.open(o)
	if err != nil {
		return errors.WithMessagef(err, "datasets: vectors %s", printable(f.path))
	}
	name := printable(f.path)
	if row, value, err := l.vectors.firstNotFinite(o.Progress); err != nil || row >= 0 {
		l.vectors.closeFile()
		if err == nil {
			err = errors.Errorf("row %d holds %v: a network learns nothing from that; mend it, or leave the row out", row, value)
		}
		return errors.WithMessagef(err, "datasets: vectors %s", name)
	}
	st := &store{channels: l.vectors.cols, height: 1, width: 1, vectors: l.vectors, told: o.Progress}
	parts := map[string][]int32{}
	for row := range l.vectors.rows {
		part := cmp.Or(f.part, "train")
		if l.splits != nil {
			part = l.splits[row]
		}
		parts[part] = append(parts[part], int32(row))
	}
	for part, rows := range parts {
		d := l.dataset(st, rows)
		d.report.source, d.report.kind = name, "vectors"
		if len(d.classes) < 2 {
			l.vectors.closeFile()
			return errors.Errorf("datasets: vectors %s: %d rows of classes %q: metric learning compares classes, so at least two are needed", name, len(rows), d.classes)
		}
		switch part {
		case "val":
			s.Val = d
		case "test":
			s.Test = d
		default:
			s.Train = d
		}
	}
	return nil
}

// dataset is some rows, of the classes that they have.
func (l *labelled) dataset(st *store, rows []int32) *Dataset {
	present := make([]bool, len(l.labels.names))
	for _, row := range rows {
		present[l.labels.of[row]] = true
	}
	d := &Dataset{store: st, rows: rows, labels: make([]int, len(rows))}
	number := make([]int, len(present))
	for c, name := range l.labels.names {
		if number[c] = len(d.classes); present[c] {
			d.classes = append(d.classes, printable(name))
		}
	}
	for i, row := range rows {
		d.labels[i] = number[l.labels.of[row]]
	}
	d.report.note("class name that looks like another's", lookalikes(d.classes)...)
	if slices.Contains(d.classes, "-1") {
		d.report.note("label −1, here a class like any other", "-1")
	}
	return d
}

// closeFile gives the file back.
func (v *vectors) closeFile() error {
	if v.close == nil {
		return nil
	}
	if err := v.close.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return errors.Wrapf(err, "datasets: %s", v.name)
	}
	return nil
}

// checkWidths refuses parts whose vectors are of different lengths.
func (s Split) checkWidths() error {
	names, sets := s.parts()
	for i := range sets {
		if a, b := sets[0].store.channels, sets[i].store.channels; a != b {
			return errors.Errorf("datasets: the vectors of %s have %d numbers, those of %s %d: want the same of all", names[0], a, names[i], b)
		}
	}
	return nil
}
