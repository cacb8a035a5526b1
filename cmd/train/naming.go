package main

// flagOf names the flags of the settings that the trainer speaks of; others have the names
// of their flags.
var flagOf = map[string]string{
	"data.val": "val", "data.test": "test", "data.train_classes": "train-classes",
	"sampler.p": "p", "sampler.k": "k", "sampler.batch": "batch", "sampler.repeat": "repeat",
}

// asFlag is a setting of the trainer as it is typed here.
func asFlag(field, value string) string {
	name, ok := flagOf[field]
	if !ok {
		name = field
	}
	if value == "" || value == "true" {
		return "-" + name
	}
	return "-" + name + " " + value
}
