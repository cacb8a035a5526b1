package datasets

import "io/fs"

// listing is a source that tells how many files and folders were seen in it.
type listing struct {
	source
	seen int
	told func(seen int)
}

func (l *listing) readDir(dir string) ([]fs.DirEntry, error) {
	entries, err := l.source.readDir(dir)
	l.seen += len(entries)
	l.told(l.seen)
	return entries, err
}
