// Package disclosed holds what is known of public intermediate CAs without their
// certificates: names, keys and what else decides whether one may have issued a
// certificate, and the hashes of keys of which nothing more is known.
//
// # Design
//
// The authority is Mozilla's list of intermediates that CAs disclosed, which
// gives the SHA-256 of each certificate and of its key, and mostly no key. A
// certificate is read for its facts only where that list has both hashes of it,
// so that it does not matter who kept it. Certificates themselves are not held:
// facts are enough to verify a signature, and a fact that is missing cannot be
// made up by whoever reads them as a certificate.
//
// What a browser would ask of the certificate and the facts do not tell was asked
// when the table was made, and CAs of which the answer is no are left out: those
// that may not issue for TLS servers, those that are bound to certain names, those
// with critical extensions that are not understood, those signed with SHA-1, those
// that Mozilla revoked, and those below no root of its program.
//
// The table is one block that costs nothing until somebody asks: JSON of the same
// facts took 9 ms to read and half as much space again.
package disclosed
