package trainer

import "medusa/internal/runfolder"

// StoredResult is the result of the run in the folder dir, as result.json has it; nil if the run is
// not finished. Paths of its files are not part of it.
func StoredResult(dir string) (*Result, error) {
	s, err := readResult(runfolder.Folder(dir))
	if s == nil || err != nil {
		return nil, err
	}
	return &s.Result, nil
}
