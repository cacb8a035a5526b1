// Package cli is what people call: the programs in cmd. A Program is a small tree of commands, each
// in a file of its own: its flags, which are the fields of a struct with tags (package settings),
// its page of help, and what it does. A configuration file has the same names, and messages speak
// of what was typed: -lr, not Solver.LR.
//
// A new command is a value of type command, a struct of options, and a line in commands.
package cli
