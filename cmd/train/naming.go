package main

// flagOf names the flags of the settings that the trainer speaks of; others have the names
// of their flags.
var flagOf = map[string]string{
	"data.val": "val", "data.test": "test", "data.train_classes": "train-classes",
	"data.height": "size", "data.width": "size", "data.channels": "colour", "data.resize": "resize", "data.invert": "invert", "data.detail": "detail",
	"data.range": "range", "data.drop_duplicates": "drop-duplicates", "data.copies": "copies",
	"data.augment.random_crop": "crop", "data.augment.resized_crop_min": "resized-crop", "data.augment.flip_h": "flip",
	"data.augment.flip_v": "flip-vertical", "data.augment.rotation": "rotate", "data.augment.brightness": "brightness",
	"data.augment.contrast": "contrast", "data.augment.erase": "erase",
	"net.backbone": "backbone", "net.hidden": "hidden",
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
