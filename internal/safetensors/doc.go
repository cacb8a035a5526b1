// Package safetensors reads and writes the safetensors format: a length (8 bytes, little
// endian), a JSON header that names each tensor's type, shape and place, and the tensors'
// bytes, row-major and little endian.
//
// https://github.com/huggingface/safetensors describes the format. Read is strict: sizes
// are checked before memory is made for them, tensors must cover the data without gap or
// overlap, and names are unique. Write adds to the metadata the key sha256, the checksum
// of the whole file with the checksum's own 64 digits taken as zeros; Read compares it,
// and so finds truncated and altered files. Files of other writers have none and are
// read as they are.
package safetensors
