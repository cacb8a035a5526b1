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

// onDisk reports whether src is a folder of the operating system.
func onDisk(src source) bool {
	if t, ok := src.(*toldSource); ok {
		src = t.source
	}
	_, disk := src.(diskSource)
	return disk
}
