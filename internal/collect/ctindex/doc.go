// Package ctindex asks third-party indexes of CT logs which certificates they know
// for a domain: crt.sh, and the issuances API of Cert Spotter.
//
// An index is somebody's database. What is taken from it are the bytes of
// certificates and nothing else: the issuers, names and times that stand beside
// them are not read. What it does not show is not thereby missing: no answer, also
// a whole and empty one, says that nothing was issued. Whether the bytes are a
// certificate that somebody issued is for the caller to establish, by its
// signature: an index can invent what it likes.
package ctindex
