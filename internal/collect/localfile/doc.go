// Package localfile reads certificates from files, directories and standard
// input.
//
// It understands PEM (many blocks, with text around them), DER (several
// certificates one after the other), PKCS #7 and CMS SignedData in DER or BER,
// base64 without armour, the key stores of package keystore, and Kubernetes
// Secrets and ConfigMaps in YAML or JSON. Packet captures and the logs of network
// sensors it leaves to packages capture and sensorlog. Any file may be packed by
// gzip. What a file is, its bytes say and not
// its name. Certificates are kept byte for byte, including
// those that no parser accepts. What cannot be read is reported with its file,
// block and line, and reading goes on; the contents of private keys are never
// read.
//
// # Design
//
// One file is one subject: a chain in the order of the file, the first
// certificate being the leaf, as servers read such files. A bundle of roots is
// no chain, though, and one verdict over 140 unrelated roots helps nobody. So a
// file with more than [MaxChain] certificates in which the first one's issuer
// is not found becomes one subject per certificate. The number matters: a
// chain copied from a misconfigured or hostile server may be of unrelated
// certificates as well, and must be judged as what it is, a chain. Somebody may
// also have put several chains into one file, and a forgery must not hide behind
// the first of them: for whoever asks (Options.Beside), each further certificate
// of a server, which no other one names as its issuer, is besides a subject of
// its own, with its issuers. No name that was asked for holds for it.
//
// In a PKCS #7 the certificates are a set, whose order means nothing; there the
// one that none of the others names as its issuer comes first.
//
// Key stores and Kubernetes objects keep several things apart, by name: there
// each one is a subject, called after the file and that name.
package localfile
