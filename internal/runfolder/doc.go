// Package runfolder keeps the folder of a training run as files: who has it, what is written whole,
// which checkpoint a run goes on from, the lines of metrics.jsonl, TensorBoard's events, and
// what a killed process leaves behind. It knows nothing of networks, losses or pictures: to it a
// checkpoint is tensors and texts.
//
// Errors name the file and what happened to it, without the name of a package: the caller says
// whose they are.
package runfolder
