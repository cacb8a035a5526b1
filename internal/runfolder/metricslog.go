package runfolder

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"hash"
	"io"
	"os"

	"github.com/pkg/errors"

	"medusa/internal/fileread"
)

// MetricsLog is metrics.jsonl: one JSON object a line, appended while the run goes on. A
// checkpoint knows its size and checksum, so that lines behind it are cut off where a run goes
// on from there.
type MetricsLog struct {
	file *os.File
	size int64
	sum  hash.Hash // of these bytes
	line bytes.Buffer
}

// MetricsLog makes the locked file the log, which holds the lock from then on, and cuts it to
// size bytes, its length at the checkpoint that the run goes on from, when their checksum was
// sum; sum is empty for checkpoints of earlier versions. A file that somebody emptied or
// removed, as the error advises, begins anew, and lost says so. On an error the lock is given
// back.
func (l *Lock) MetricsLog(size int64, sum string) (m *MetricsLog, lost bool, err error) {
	defer func() {
		if err != nil {
			l.file.Close()
			err = explain(err, "opening "+l.file.Name())
		}
	}()
	info, err := l.file.Stat()
	if err != nil {
		return nil, false, err
	}
	const way = "put it back, or remove it to go on without its lines"
	switch {
	case info.Size() == 0:
		lost, size, sum = size > 0, 0, ""
	case info.Size() < size:
		return nil, false, errors.Errorf("the file has %d bytes, the checkpoint knows of %d: it was cut; %s", info.Size(), size, way)
	}
	m = &MetricsLog{file: l.file}
	if err := m.forget(size); err != nil {
		return nil, false, err
	}
	if sum != "" && m.Checksum() != sum {
		return nil, false, errors.Errorf("the lines up to the checkpoint are not what they were: the file was altered or damaged; %s", way)
	}
	return m, lost, m.truncate()
}

// WholeMetricsLog is MetricsLog of the file as it is.
func (l *Lock) WholeMetricsLog() (m *MetricsLog, lost bool, err error) {
	info, err := l.file.Stat()
	if err != nil {
		l.file.Close()
		return nil, false, explain(err, "opening "+l.file.Name())
	}
	return l.MetricsLog(info.Size(), "")
}

// forget sets size and checksum to those of the first size bytes.
func (m *MetricsLog) forget(size int64) error {
	m.size, m.sum = size, sha256.New()
	_, err := io.Copy(m.sum, io.NewSectionReader(m.file, 0, size))
	return err
}

// truncate cuts the file to its size, and goes to its end.
func (m *MetricsLog) truncate() error {
	if err := m.file.Truncate(m.size); err != nil {
		return err
	}
	_, err := m.file.Seek(m.size, io.SeekStart)
	return err
}

// Rewind takes back everything behind size bytes; nothing if there are no more.
func (m *MetricsLog) Rewind(size int64) error {
	err := m.forget(min(size, m.size))
	if err == nil {
		err = m.truncate()
	}
	return explain(err, "writing "+m.file.Name())
}

// Name is the path of the file.
func (m *MetricsLog) Name() string { return m.file.Name() }

// Size is the length of the file in bytes.
func (m *MetricsLog) Size() int64 { return m.size }

// Checksum is the SHA-256 of the file.
func (m *MetricsLog) Checksum() string { return hex.EncodeToString(m.sum.Sum(nil)) }

// Add writes one line.
func (m *MetricsLog) Add(record any) error {
	m.line.Reset()
	if err := json.NewEncoder(&m.line).Encode(record); err != nil {
		return errors.Wrap(err, MetricsFile)
	}
	if _, err := m.file.Write(m.line.Bytes()); err != nil {
		return explain(err, "writing "+m.file.Name()) // a broken line is cut off when the run is resumed
	}
	m.size += int64(m.line.Len())
	m.sum.Write(m.line.Bytes())
	return nil
}

// Sync makes sure that what was added outlives the machine.
func (m *MetricsLog) Sync() error { return explain(m.file.Sync(), "writing "+m.file.Name()) }

// Close closes the file, and gives the folder back.
func (m *MetricsLog) Close() error { return m.file.Close() }

// ReadMetrics calls each with every line of the folder's metrics.jsonl. A last line that is not
// whole, as while the run goes on, is left out.
func (f Folder) ReadMetrics(each func(line []byte) error) error {
	path := f.Path(MetricsFile)
	file, err := fileread.Open(path)
	if err != nil {
		return explain(err, "opening "+path)
	}
	defer file.Close()
	return errors.Wrap(ReadLines(file, each), path)
}

// ReadLines calls each with every whole line of r, and names the line of an error.
func ReadLines(r io.Reader, each func(line []byte) error) error {
	lines := bufio.NewReader(r)
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := each(line); err != nil {
			return errors.Wrapf(err, "line %d", n)
		}
	}
}
