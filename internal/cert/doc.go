// Package cert is a tolerant view of one X.509 certificate.
//
// [Parse] never fails and never loses a certificate: it keeps the bytes as they
// were met and gives, for each field, a value or an error beside it. Whatever
// departs from DER or from RFC 5280 is recorded as a [Quirks] bit, not refused.
// Every slice of a [Certificate] lies within the bytes given to Parse, which
// must not be changed afterwards.
//
// [Certificate.Libraries] then shows the same bytes to crypto/x509, zcrypto and
// certificate-transparency-go behind a guard, and [Certificate.Disagreements]
// says which fields they read differently: what two programs read differently
// in one certificate is what a forger hides in.
//
// # Design
//
// The walker is written by hand rather than taken from a library because each
// library refuses about a quarter to a half of the odd certificates that other
// TLS software accepts, and a refused certificate is one that is not judged. It
// interprets as little as it can: a field is located by Parse and decoded by a
// method, so that a certificate costs about 2 µs where only its shape matters.
//
// The methods compute their answer on every call. A Certificate is never
// written after Parse and can be shared by goroutines; who asks often keeps the
// answer.
//
// The package reads no file, no network, no clock and no environment. Two runs
// over the same bytes give the same answer, with the one exception that
// [ParserBudget] describes.
package cert
