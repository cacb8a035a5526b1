package cli

import (
	"os"
	"path/filepath"

	"medusa/internal/terminal"
)

// sayHowLabelled says where labels come from, of pictures that came without any.
func sayHowLabelled(w *terminal.Screen, paths []string) {
	if how := howLabelled(paths); how != "" {
		w.Say("no picture has a label: " + how)
	}
}

// howLabelled says how folders give labels where several PATHs are folders, as photos/* is of a shell; else empty.
func howLabelled(paths []string) string {
	var folders []string
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			folders = append(folders, path)
		}
	}
	if len(folders) < 2 {
		return ""
	}
	parent, shared := filepath.Dir(filepath.Clean(folders[0])), true
	for _, path := range folders[1:] {
		shared = shared && filepath.Dir(filepath.Clean(path)) == parent
	}
	const rule = "a label is the name of a folder inside a PATH"
	if !shared {
		return rule + ", and not of the PATH itself: give the folder that these are in"
	}
	return rule + ", and not of the PATH itself: give " + parent + " in the place of the folders in it"
}
