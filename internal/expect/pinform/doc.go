// Package pinform reads and writes pins in the forms in which people have them:
// headers of RFC 7469, "sha256/…" texts, curl's option, Android's
// network_security_config.xml, NSPinnedDomains of iOS, TLSA records of a zone
// file, fingerprints as openssl prints them, and keys or certificates in PEM.
//
// # Promise
//
// A key that is pinned in any of the forms becomes the same [expect.Pin], and
// what [Parse] reads of a form, [Print] writes so that Parse reads it again.
// Where a form cannot hold what a pin says, Print either refuses, when the pin
// would mean something else there, or says what was left out.
//
// # What the forms do not agree on
//
// HPKP, Android and bare texts compare with every certificate of the verified
// chain; curl with the leaf alone; iOS and TLSA keep leaves apart from CAs, and
// iOS wants both to match where both are listed. [Role] and [Set.Both] carry this.
// Whether a TLSA record asks for a path to a public root as well (usages 0 and 1)
// is not kept: an audit always looks for one.
//
// # Hostile input
//
// A file of pins may come from anybody. Its size, its number of pins and hosts,
// and the depth and number of its elements are bounded; XML with declarations of its
// own is refused. Nothing here reads a file or contacts anybody.
//
// Binary property lists, the form in which an app's Info.plist is shipped, are read
// by code of our own: their objects may stand in many places and in themselves, so
// that a few bytes can mean more than any memory holds, and the library for them
// (howett.net/plist) has no bound on what it unfolds.
package pinform
