// Package cli is what people call: the programs in cmd. A Program is a small tree of commands, each
// in a file of its own: its flags, which are the fields of a struct with tags (package settings),
// its page of help, and what it does. A configuration file has the same names, and messages speak
// of what was typed: -lr, not Solver.LR.
//
// Commands, the order of flags and arguments, and the scripts by which shells complete come from
// github.com/urfave/cli, which takes long flags with one dash as with two, and lets a flag be any
// type. Which flags there are, their help and all messages come from the schema.
//
// A new command is a value of type command, a struct of options, and a line in commands.
package cli
