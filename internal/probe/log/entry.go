package log

import (
	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/facts"
)

// entry gives what the leaf says, and what of the rest belongs to it; precert
// says that it is the leaf of a precertificate.
func (in *Input) entry(record *evidence.Log, log *ct.Log) (f *facts.LogEntry, precert bool) {
	r := record.Entry
	if r == nil {
		return nil, false
	}
	f = &facts.LogEntry{Index: clamp(r.Index), NoChain: r.NoChain}
	if head := record.Head; r.Verified && head != nil {
		signed := in.Heads.signed(log, headOf(head))
		f.Verified = new(signed != nil && *signed)
	} else if r.Unchecked == "" {
		f.Verified = new(false)
	}
	e, _, err := ct.ParseLeaf(r.Leaf, nil)
	if err != nil {
		return f, false
	}
	f.Readable = true
	if at := e.Time(); !at.IsZero() {
		f.Time, f.Future = &at, new(at.Sub(in.At) > slack)
	} else {
		f.Future = new(true)
	}
	index, present, valid := e.LeafIndex()
	f.LeafIndex = new(indexVerdict(index == r.Index, present, valid))
	in.submitted(f, &e)
	c := in.signed(&e, *f.Submitted == ok)
	f.Parsed = c.SPKI != nil
	if c.NotAfterErr == nil && !c.NotAfter.IsZero() {
		if f.Time != nil {
			f.AfterEnd = new(f.Time.After(c.NotAfter))
		}
		if yes, known := log.Accepts(c.NotAfter); known {
			f.Interval = &yes
		}
	}
	return f, e.Precert
}

func indexVerdict(own, present, valid bool) string {
	switch {
	case !present:
		return absent
	case !valid:
		return malformed
	case !own:
		return other
	}
	return ok
}

// signed is the certificate of the leaf, parsed: the subject's own where it is
// that one, or the precertificate that the leaf was made of, so that it is not read
// twice.
func (in *Input) signed(e *ct.LogEntry, same bool) *cert.Certificate {
	if same {
		return in.Certificates[0]
	}
	return e.Certificate()
}

// submitted compares what the leaf does not cover with what it does.
func (in *Input) submitted(f *facts.LogEntry, e *ct.LogEntry) {
	if !e.Precert {
		verdict := ok
		switch {
		case len(in.Certificates) == 0:
			verdict = missing
		case string(in.Certificates[0].Raw) != string(e.Signed):
			verdict = other
		}
		f.Submitted = &verdict
		return
	}
	issuer, signer := in.issuer()
	f.IssuerKey = new(issuerVerdict(issuer, e))
	if len(in.Certificates) == 0 {
		f.Submitted = new(missing)
		return
	}
	pre := in.Certificates[0]
	poison := poisonVerdict(pre)
	tbs, err := ct.PrecertificateTBS(pre, signer)
	switch {
	case string(tbs) == string(e.Signed):
		f.Submitted, f.Poison = new(ok), &poison
	case poison == missing && string(pre.TBS) == string(e.Signed):
		// The log took it without poison: that is what is to be said.
		f.Submitted, f.Poison = new(ok), &poison
	case err != nil:
		f.Submitted = new(malformed)
	default:
		f.Submitted = new(other)
	}
}

// issuer is the certificate of the issuing CA among those that were handed out,
// and that of a precertificate signer before it; nil where there is none.
func (in *Input) issuer() (issuer, signer *cert.Certificate) {
	if len(in.Certificates) < 2 {
		return nil, nil
	}
	issuer = in.Certificates[1]
	if !ct.IsPrecertSigner(issuer) {
		return issuer, nil
	}
	if len(in.Certificates) < 3 {
		return nil, issuer
	}
	return in.Certificates[2], issuer
}

func issuerVerdict(issuer *cert.Certificate, e *ct.LogEntry) string {
	if issuer == nil {
		return missing
	}
	if sum, readable := issuer.SPKISHA256(); !readable || sum != e.IssuerKeyHash {
		return other
	}
	return ok
}

func poisonVerdict(pre *cert.Certificate) string {
	switch p := pre.Poison(); {
	case !p.Present:
		return missing
	case p.Err != nil:
		return malformed
	}
	return ok
}

// Belongs says how many of the subject's certificates may be judged as those of
// its entry: none where the log hands out another certificate than the leaf
// covers, the first where the issuer behind it is not the one that the entry
// names, else all.
func Belongs(f *facts.Log, n int) int {
	switch {
	case f == nil || f.Entry == nil:
		return n
	case f.Entry.Submitted == nil || *f.Entry.Submitted != ok:
		return 0
	case f.Entry.IssuerKey != nil && *f.Entry.IssuerKey == other:
		return min(n, 1)
	}
	return n
}
