// Package lab makes certificates for tests: an honest hierarchy, the forgeries of
// it, and servers that serve them. No part of the program imports it.
//
// Every byte is determined: the keys lie in testdata (they guard nothing), times
// hang on [Config.At], serial numbers are hashes of names, and signatures are
// deterministic (RFC 6979 for ECDSA, PKCS #1 v1.5 for RSA). Two runs give the
// same certificates, so a test may compare hashes.
//
// # Forgeries and twins
//
// A test that only shows a forgery being caught proves little: a rule that
// accuses everything passes it. Each [Case] that is forged or odd therefore names
// an honest one with the same subject and host, its twin, whose want is "ok". A
// table test runs both, and holds the case against the rules that it names: they
// have to speak of the forgery and be silent on the twin.
//
// What a forger computes without a key is computed here without one: the cube
// roots, the collision, the curve of CVE-2020-0601. Where that takes long, the
// result lies in testdata or the source, and a test checks what it is.
//
// # Design
//
// crypto/x509 refuses to write most of what forgers and broken software make:
// negative serial numbers, version 1 with extensions, MD5, a signature by the
// wrong key. [Template] is therefore written out by hand with cryptobyte and
// checks nothing. The honest hierarchy is held against crypto/x509 in the tests.
package lab
