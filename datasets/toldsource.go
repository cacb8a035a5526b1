package datasets

import "io/fs"

// toldSource is a source that tells how many files and folders were seen in it.
type toldSource struct {
	source
	seen int
	told func(seen int)
}

func (l *toldSource) readDir(dir string) ([]fs.DirEntry, error) {
	entries, err := l.source.readDir(dir)
	l.seen += len(entries)
	l.told(l.seen)
	return entries, err
}
