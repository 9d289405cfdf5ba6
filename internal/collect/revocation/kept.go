package revocation

import (
	"encoding/pem"
	"slices"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/collect/fetch"
	"github.com/certassay/certassay/internal/crl"
	"github.com/certassay/certassay/internal/ocsp"
)

// unpacked is a list in DER, whether it came so or as PEM.
func unpacked(body []byte) []byte {
	if block, _ := pem.Decode(body); block != nil {
		return block.Bytes
	}
	return body
}

// listKind is a list that is out of date when it says so. What its issuer did not
// sign is neither kept nor taken from a cache: it is evidence of today alone.
func listKind(issuer *cert.Certificate) fetch.Kind {
	k := fetch.CRL()
	k.Until = func(body []byte) (time.Time, bool) {
		l, err := crl.Parse(unpacked(body))
		if err != nil || issuer == nil || signed(&issuer.Key, l.Algorithm, l.TBS, l.Signature) != cert.Verified {
			return time.Time{}, false
		}
		return l.Next, true
	}
	return k
}

func signed(key *cert.Key, algorithm, data, signature []byte) cert.Outcome {
	out, _ := cert.Check(key, cert.ParseAlgorithm(algorithm), data, signature)
	return out
}

// responseKind is a response with answers, which is out of date when the first of
// them says so, and which its issuer or a responder of the issuer's signed.
func responseKind(issuer *cert.Certificate) fetch.Kind {
	k := fetch.OCSP()
	k.Until = func(body []byte) (next time.Time, sound bool) {
		r, err := ocsp.Parse(body)
		if err != nil || len(r.Answers) == 0 || !vouched(r, issuer) {
			return next, false
		}
		for _, a := range r.Answers {
			if !a.Next.IsZero() && (next.IsZero() || a.Next.Before(next)) {
				next = a.Next
			}
		}
		return next, true
	}
	return k
}

// vouched says that the issuer signed a response, or a certificate in it that the
// issuer signed. Whether that one may is judged later.
func vouched(r *ocsp.Response, issuer *cert.Certificate) bool {
	if signed(&issuer.Key, r.Algorithm, r.Data, r.Signature) == cert.Verified {
		return true
	}
	return slices.ContainsFunc(r.Certificates[:min(len(r.Certificates), maxCandidates)], func(der []byte) bool {
		c := cert.Parse(der)
		if c.SPKI == nil || signed(&c.Key, r.Algorithm, r.Data, r.Signature) != cert.Verified {
			return false
		}
		out, _ := c.CheckSignature(&issuer.Key)
		return out == cert.Verified
	})
}
