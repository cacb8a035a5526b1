// Package readme tests what README, docs, help and package comments tell people to do: every
// command is run, every program is built and run, every link leads somewhere.
package readme
