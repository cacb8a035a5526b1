// Package losses holds the losses of deep metric learning as Gorgonia expression graphs,
// one loss a file.
package losses
