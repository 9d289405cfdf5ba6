package evidence

import "time"

// A Log is what a CT log signed and said: about one entry, about itself, or about
// a promise that it made. It belongs to subjects of kind [LogEntry].
//
// The subject's Certificates are, where it is about an entry, the certificate, or
// the precertificate as the log hands it out, and behind it the chain as the log
// hands it out. Whether these belong to the entry is not settled here: the leaf
// covers neither the precertificate's poison and signature nor the chain.
type Log struct {
	// Key is the log's public key, a SubjectPublicKeyInfo in DER. Its SHA-256 is
	// the log's id.
	Key  []byte `json:"key"`
	Name string `json:"name,omitempty"`
	// URL is where the log was read; empty where unknown.
	URL string `json:"url,omitempty"`
	// MMD is the maximum merge delay; zero where unknown.
	MMD time.Duration `json:"mmd,omitempty"`
	// Entry is the entry that the subject is; nil where it is the log.
	Entry *Entry `json:"entry,omitempty"`
	// Index says that the certificate is what a third party's index of logs shows,
	// whose name is Name: no log was asked, Key is empty, and there is no Entry.
	// nil for what is from a log.
	Index *Index `json:"index,omitempty"`
	// Head is the tree head that everything else was held against.
	Head *Head `json:"head,omitempty"`
	// Contradicts is a head that the same log had signed before and that Head
	// does not continue; nil where none is known.
	Contradicts *Head `json:"contradicts,omitempty"`
	// Missing are ranges that Head covers and that the log does not give.
	Missing []Range `json:"missing,omitempty"`
	// Read is the time of which all that the log took was read and verified, in
	// search of something; nil where that is not so.
	Read *Span `json:"read,omitempty"`
	// Promise is an SCT that was looked up; nil where none was.
	Promise *Promise `json:"promise,omitempty"`
}

// Certificate says that the subject is a logged certificate: an entry, or what an
// index shows as one. It is false for a log, and for nil.
func (l *Log) Certificate() bool { return l != nil && (l.Entry != nil || l.Index != nil) }

// An Index is what a third party's index of logs shows. It proves nothing: an
// index can invent certificates, and leave out any.
type Index struct {
	// Held is the certificate where it is not to be judged, because no known
	// issuer is seen to have signed it: the index may have made it up. It is
	// empty where the subject's Certificates are it and its issuers.
	Held DER `json:"held,omitempty"`
}

// An Entry is one entry of a log.
type Entry struct {
	Index uint64 `json:"index"`
	// Leaf is the MerkleTreeLeaf (RFC 6962 section 3.4), the leaf_input of
	// get-entries. It may be anything at all.
	Leaf []byte `json:"leaf"`
	// Time and Precert repeat what Leaf says, for those who read a bundle.
	Time    time.Time `json:"time,omitzero"`
	Precert bool      `json:"precert,omitempty"`
	// Verified says that the hash of Leaf leads to the root of Log.Head.
	Verified bool `json:"verified"`
	// Unchecked says why it is not known whether it does: reading ended before. It
	// is empty where Verified says all.
	Unchecked string `json:"unchecked,omitempty"`
	// NoChain says why the certificates behind the entry's own are not at
	// hand; empty where they are, or where the log gives none.
	NoChain string `json:"no_chain,omitempty"`
}

// A Head is a signed tree head (RFC 6962 section 3.5).
type Head struct {
	Size uint64    `json:"size"`
	Root []byte    `json:"root"`
	Time time.Time `json:"time"`
	// Signature is the digitally-signed struct over the head.
	Signature []byte `json:"signature"`
}

// An Inclusion is an SCT that came with a certificate and was looked up in its
// log, and what the log showed. What it amounts to is for a probe to say: head and
// proof are kept so that they can be verified again.
type Inclusion struct {
	// Key is the log's public key, a SubjectPublicKeyInfo in DER; empty where no
	// list has it. Name and URL are what the list says of the log.
	Key  []byte `json:"key,omitempty"`
	Name string `json:"name,omitempty"`
	URL  string `json:"url,omitempty"`
	// MMD is the maximum merge delay; zero where unknown.
	MMD time.Duration `json:"mmd,omitempty"`
	// SCT is the SignedCertificateTimestamp (RFC 6962 section 3.2), Leaf the
	// MerkleTreeLeaf that it promises to include; Leaf is empty where the
	// signature could not be verified over any.
	SCT   []byte    `json:"sct"`
	Leaf  []byte    `json:"leaf,omitempty"`
	Asked time.Time `json:"asked"`
	// Head is the tree head that the log showed; nil where it showed none.
	Head *Head `json:"head,omitempty"`
	// Index is where the log says that the leaf is, and Proof the hashes that
	// lead from there to the root of Head (RFC 6962 section 2.1.1). Both count
	// only where Found is true.
	Found bool     `json:"found,omitempty"`
	Index uint64   `json:"index,omitempty"`
	Proof [][]byte `json:"proof,omitempty"`
	// Denied says that the log shows that the leaf is not in the tree of Head: it
	// does not know the hash, or has another entry at the index of the SCT.
	Denied bool `json:"denied,omitempty"`
	// Failure says why there is no proof; nil where there is one.
	Failure *Failure `json:"failure,omitempty"`
}

// A Span is a time, To exclusive.
type Span struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// A Range is entries from one index to another, To exclusive, and why they are
// not at hand.
type Range struct {
	From  uint64 `json:"from"`
	To    uint64 `json:"to"`
	Error string `json:"error"`
}

// A Promise is an SCT whose signature the log made, and what became of it.
type Promise struct {
	// SCT is the SignedCertificateTimestamp (RFC 6962 section 3.2), Leaf the
	// leaf that it promises to include.
	SCT  []byte `json:"sct"`
	Leaf []byte `json:"leaf"`
	// Included says that the leaf is in the tree of Log.Head, Denied that the
	// log shows it is not: it does not know its hash, or has another entry at
	// its index. Neither is true where the log could not be asked.
	Included bool `json:"included,omitempty"`
	Denied   bool `json:"denied,omitempty"`
}
