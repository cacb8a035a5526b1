package main

import "strings"

// asFlag is a setting of the trainer, such as data.train_classes, as it is typed here.
func asFlag(setting, value string) string {
	name := setting
	for path, flag := range flagOf {
		if strings.EqualFold(path, strings.ReplaceAll(setting, "_", "")) {
			name = flag
		}
	}
	if value == "" || value == "true" {
		return "-" + name
	}
	return "-" + name + " " + shellWord(value)
}
