package fetch

import (
	"bytes"
	"fmt"
	"mime"
	"slices"
	"strings"
	"time"
)

// A Kind is what is asked for: it decides how long an answer may be and how it
// may be labelled.
type Kind struct {
	// Name is what errors call it.
	Name string
	// Limit is the longest answer in bytes.
	Limit int64
	// Types are the media types that an answer may have, besides those that
	// servers give to files they do not know.
	Types []string
	// Strict refuses the types that servers give to files they do not know.
	Strict bool
	// Unlabelled takes whatever an answer is labelled. Random says that its first
	// byte may be any: it is not looked at for HTML.
	Unlabelled, Random bool
	// Accept is the media type of a question that is posted.
	Accept string
	// Age is how long an answer may be used again from a cache; 0 keeps none.
	Age time.Duration
	// Until says when an answer itself is out of date, zero for never, and whether
	// it is of the kind at all: what is not is never kept. Nil keeps any.
	Until func(body []byte) (t time.Time, sound bool)
}

// Certificates are those of an issuer (RFC 5280 section 4.2.2.1). The limits of
// all kinds are far above any honest answer of the kind:
// an endless one would fill memory.
func Certificates() Kind {
	return Kind{Name: "certificate", Limit: 64 << 10, Age: 30 * 24 * time.Hour, Types: []string{
		"application/pkix-cert", "application/x-x509-ca-cert", "application/x-x509-user-cert", "application/x-x509-server-cert",
		"application/pkcs7-mime", "application/x-pkcs7-certificates", "application/x-pkcs7-mime",
		"application/x-pem-file", "application/pem-certificate-chain", "application/x-pkcs7-crl", "application/pkix-crl",
	}}
}

// OCSP is an answer of an OCSP responder (RFC 6960 appendix A). It is used again for
// half a day, lists for a day: longer, and a revocation would be seen too late.
func OCSP() Kind {
	return Kind{Name: "OCSP response", Limit: 64 << 10, Age: 12 * time.Hour, Types: []string{"application/ocsp-response"}, Accept: "application/ocsp-request"}
}

// CRL is a revocation list. The longest of public CAs, before they were sharded,
// had 30 MB.
func CRL() Kind {
	return Kind{Name: "CRL", Limit: 32 << 20, Age: 24 * time.Hour, Types: []string{
		"application/pkix-crl", "application/x-pkcs7-crl", "application/x-x509-crl", "application/pkcs7-mime", "application/pkix-cert",
	}}
}

// MTASTS is the policy of a mail domain (RFC 8461 section 3.2 and 3.3).
func MTASTS() Kind {
	return Kind{Name: "MTA-STS policy", Limit: 64 << 10, Types: []string{"text/plain"}, Strict: true}
}

// Data is a list of logs or CAs of at most limit bytes. Servers label them as they
// like: who reads them says what they are.
func Data(name string, limit int64) Kind {
	return Kind{Name: name, Limit: limit, Unlabelled: true}
}

// Signature is a bare signature beside data.
func Signature() Kind {
	return Kind{Name: "signature", Limit: 4096, Unlabelled: true, Random: true}
}

// unlabelled are the types that servers give to files whose kind they do not
// know. A page in HTML is none of them: it is what portals and error handlers
// answer in place of what was asked for.
var unlabelled = []string{"", "application/octet-stream", "binary/octet-stream", "application/x-octet-stream", "application/unknown", "text/plain", "application/x-download", "application/force-download"}

// check says why an answer is not of the kind.
func (k *Kind) check(contentType string, body []byte) error {
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		media, _, _ = strings.Cut(contentType, ";")
	}
	media = strings.ToLower(strings.TrimSpace(media))
	if !k.Unlabelled && !slices.Contains(k.Types, media) && (k.Strict || !slices.Contains(unlabelled, media)) {
		return fmt.Errorf("%w: it is labelled %.80q, which is no %s", ErrContent, media, k.Name)
	}
	if start := bytes.TrimLeft(body, "\ufeff \t\r\n"); !k.Random && len(start) > 0 && start[0] == '<' {
		return fmt.Errorf("%w: a page of HTML or XML came in place of a %s", ErrContent, k.Name)
	}
	if len(body) == 0 {
		return fmt.Errorf("%w: it is empty", ErrContent)
	}
	return nil
}
