package facts

import "time"

// Revocation is what OCSP responses and revocation lists say of the chain. Only
// an answer that is signed by the issuer, or by whom it authorised, is about the
// certificate and is current counts; all others say something about who gave them.
type Revocation struct {
	Asked   bool   `fact:"asked" doc:"third parties were asked about the leaf (--online ocsp, crl)"`
	Exempt  string `fact:"exempt" doc:"why the leaf's status need not be known: self-issued and not signed by another key, expired, or short-lived; empty where it has to be"`
	Checked bool   `fact:"checked" doc:"somebody was asked about the leaf and its status has to be known, or a stapled answer that counts tells it"`
	// Status is unknown where nothing that counts was said.
	Status     *string    `fact:"status" doc:"what answers that count say of the leaf: good, revoked, never-issued (its CA says that it never issued this serial number), unknown (the responder knows no such certificate); unknown where there is none"`
	Reason     string     `fact:"reason" doc:"why it was revoked, as RFC 5280 names it; unspecified where no reason was given; empty where it was not revoked"`
	RevokedAt  *time.Time `fact:"revoked_at" doc:"since when; unknown where it is not revoked"`
	Young      *bool      `fact:"young" doc:"a log saw the leaf less than two days before the newest answer, by the earliest SCT that verifies: responders and lists may not know it yet; false where the leaf is a public CA's and has none; unknown where the leaf says it itself and is another CA's, or its SCTs could not be verified"`
	MustStaple bool       `fact:"must_staple" doc:"the leaf asks for a stapled OCSP response (RFC 7633)"`
	Conflict   bool       `fact:"conflict" doc:"one answer that counts says good, and another one says revoked or never-issued"`

	IssuersAsked  bool    `fact:"issuers_asked" doc:"third parties were asked about a certificate above the leaf"`
	IssuersStatus *string `fact:"issuers_status" doc:"good or revoked: what answers that count say of the certificates between leaf and root; unknown where there is none for one of them"`

	Answers []RevocationAnswer `fact:"answers" doc:"every answer and failure, the stapled ones first"`
}

// RevocationAnswer is one OCSP response or list about one certificate, or why
// there is none.
type RevocationAnswer struct {
	Source  string `fact:"source" doc:"staple, ocsp or crl"`
	URL     string `fact:"url" doc:"who was asked; empty for a staple"`
	Subject string `fact:"subject" doc:"subject of the certificate that was asked about"`
	Leaf    bool   `fact:"leaf" doc:"it is about the leaf"`
	Problem string `fact:"problem" doc:"why the answer does not count; empty where it does"`
	Fetched bool   `fact:"answered" doc:"something came, whatever it is"`

	Readable   bool   `fact:"readable" doc:"it is a response with answers, or a list"`
	Matches    *bool  `fact:"matches" doc:"it is about this certificate: issuer and serial number of a response, issuer and scope of a list; false where it cannot be read; unknown where the issuer is not at hand"`
	Verified   *bool  `fact:"verified" doc:"the issuer's key, or that of a responder which the issuer authorised, signed it; unknown where that could not be checked"`
	Stranger   bool   `fact:"signed_by_stranger" doc:"a certificate in the response has the key that signed it, and the issuer did not authorise that one"`
	Hash       string `fact:"signature_hash" doc:"hash algorithm of its signature, as in cert.sig.hash; empty where it is unknown"`
	Stale      bool   `fact:"stale" doc:"a newer answer was due before the time of judgement"`
	Future     bool   `fact:"future" doc:"it was made later than the time of judgement and the time at which it was fetched"`
	NonceWrong bool   `fact:"nonce_wrong" doc:"it repeats another nonce than the one that was sent: it answers somebody else's question"`
	WrongScope bool   `fact:"wrong_scope" doc:"the list is the issuer's, and says that it covers other certificates"`

	Status     string     `fact:"status" doc:"good, revoked, never-issued or unknown, whether or not it counts; empty where it says nothing of this certificate"`
	Counts     bool       `fact:"counts" doc:"it is verified, about this certificate, and current"`
	ThisUpdate *time.Time `fact:"this_update" doc:"when it was known to be correct; unknown where it does not say"`
	NextUpdate *time.Time `fact:"next_update" doc:"when newer information comes at the latest; unknown where it does not say"`
}
