// Package limbo holds the judgement of chains against two public suites of path
// validation, x509-limbo and BetterTLS, beside crypto/x509, zcrypto and
// certificate-transparency-go on the same cases. It is all tests.
//
// The suites are not in the repository: their keys are made afresh with every
// release. CERTASSAY_CORPUS names a directory that holds limbo/*.json or
// limbo/*.json.xz.
package limbo
