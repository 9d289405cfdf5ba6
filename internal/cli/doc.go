// Package cli is the command line: one file per subcommand, each with its flags,
// its help and the wiring of what it runs. Nothing else in the program knows
// flags, standard streams or exit codes.
package cli
