// Package known says whether a public key's private key is known to others than
// its owner: published by mistake or on purpose, shared by every device of a
// kind, or made by a generator with so few states that all its keys were listed
// (Debian's OpenSSL of 2006 to 2008, CVE-2008-0166).
//
// Keys are looked up by hash in tables. Two are built in; the owner can add more
// in the format of badkeys' blocklist.dat, which holds some millions of keys and
// is too large to ship.
//
// # Design
//
// The built-in table keeps 120 bits of each hash, as badkeys does, so that a hit
// is proof by itself: among all certificates ever issued one honest key would be
// taken for a listed one with a chance below 2^-68. A filter with 24 bits of each of
// the 671 124 keys that are at hand would be larger (2.1 MB against 1.3 MB) and
// accuse one key in 16 million; with 40 bits it is 3.4 MB. What is left out are
// the 590 028 keys of Debian's generator on hand: 589 824 of them are for P-256
// and P-384, which hardly anybody used in certificates at that time, and the
// complete lists for RSA come with badkeys.
package known
