package main

// asFlag is a setting of the trainer, such as Data.TrainClasses, as it is typed here.
func asFlag(setting, value string) string {
	name, known := flagOf[setting]
	if !known {
		name = setting
	}
	if value == "" || value == "true" {
		return "-" + name
	}
	return "-" + name + " " + shellWord(value)
}
