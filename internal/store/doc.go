// Package store is what certassay remembers between runs, in one file of a state
// directory: how far each log was read and which head of it was verified, which
// certificates were seen, what is still to be told to whom, and which keys hosts
// showed when.
//
// Everything is written in transactions, and a transaction is on the disk when
// [Store.Update] returns: a process can be killed, and a machine can lose power,
// at any moment. What belongs together, such as the position in a log and the
// certificates found up to there, is written together or not at all.
//
// Several processes may use one state directory at the same time. They wait for
// each other for as long as a transaction takes; [Store.Hold] keeps a role, such
// as following the logs, to one process. The directory has to be on a file system
// of this machine: network file systems lack the shared memory that processes
// coordinate through.
//
// # Design
//
// The database is SQLite, compiled to Go (modernc.org/sqlite), and not bbolt.
// bbolt would add 0.3 MB to the program where SQLite adds 4.3 MB, but it lets in
// one process at a time, readers included: the health of a watch that runs could
// not be asked for, nor could a scan note what it saw meanwhile. It maps the file
// into memory, so that a damaged page ends the process instead of being an error.
// SQLite checks a file before it is used, and its tables can be read with tools
// that everybody has.
//
// The schema is a list of steps, and the file says how many were taken. A file
// with more steps than the program knows is refused, not guessed at.
package store
