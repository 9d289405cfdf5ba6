package sct

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/facts"
)

// Results of looking up an SCT, as the fact names them.
const (
	Included = "included"
	Pending  = "pending" // the log has time left
	Denied   = "denied"
	Unknown  = "unknown"
)

// lateness is what a log is granted beyond its merge delay, and the merge delay
// where no list says one: a day, the longest that browsers allow.
const lateness = 24 * time.Hour

// InclusionPath is under what name the reason for an unknown answer is left.
const InclusionPath = "inclusion.logged"

// Inclusion says whether logs kept the promises of SCTs. Signatures of SCT and
// tree head, and the proof, are verified again, so that a bundle that was tampered
// with shows nothing. It is never nil.
func Inclusion(in *Input, list []evidence.Inclusion) *facts.Inclusion {
	f := &facts.Inclusion{Asked: len(list) > 0, SCTs: []facts.IncludedSCT{}}
	reason := ""
	for i := range list {
		x := in.included(&list[i])
		f.SCTs = append(f.SCTs, x)
		if in.stranger(&list[i]) {
			// Its log may well hold the certificate that others lost.
			f.Unknown++
			reason = fmt.Sprintf("%s: %s", x.Log, cmp.Or(x.Reason, "the key of the log is not known"))
			continue
		}
		if x.Result == Included {
			f.Included++
		}
		if !x.Due {
			continue
		}
		f.Due++
		switch x.Result {
		case Denied:
			f.Broken++
		case Unknown, Pending:
			f.Unknown++
			reason = fmt.Sprintf("%s: %s", x.Log, x.Reason)
		}
	}
	switch {
	case f.Included > 0:
		f.Logged = new(true)
	case f.Unknown == 0 && f.Broken > 0:
		f.Logged = new(false)
	case in.Reasons != nil:
		in.Reasons[InclusionPath] = cmp.Or(reason, "no log owes the entry yet")
	}
	return f
}

// stranger says that an SCT is of a log whose key is not at hand.
func (in *Input) stranger(x *evidence.Inclusion) bool {
	s, err := ct.ParseSCT(x.SCT)
	return err == nil && in.Logs.Log(s.LogID) == nil && sha256.Sum256(x.Key) != s.LogID && !ct.Mimic(s.LogID)
}

// included judges one lookup.
func (in *Input) included(x *evidence.Inclusion) facts.IncludedSCT {
	f := facts.IncludedSCT{Result: Unknown, Index: -1, Log: x.Name}
	if x.Failure != nil {
		f.Reason = x.Failure.Error
	}
	s, err := ct.ParseSCT(x.SCT)
	if err != nil {
		return f
	}
	f.Time, f.Log = s.Time, cmp.Or(x.Name, hex.EncodeToString(s.LogID[:]))
	log := in.Logs.Log(s.LogID)
	if log == nil && sha256.Sum256(x.Key) == s.LogID {
		log = ct.NewLog(x.Name, x.Key, false, x.URL, "")
	}
	if log == nil || ct.Mimic(s.LogID) || !in.promised(log, &s, x.Leaf) {
		f.Reason = cmp.Or(f.Reason, "the SCT could not be verified over this certificate")
		return f
	}
	mmd := cmp.Or(log.MMD, x.MMD, lateness)
	f.Due = in.At.Sub(s.Time) > mmd+lateness
	if x.Head == nil {
		return f
	}
	head := &ct.TreeHead{Size: x.Head.Size, Time: x.Head.Time, Signature: x.Head.Signature}
	if copy(head.Root[:], x.Head.Root) != len(head.Root) || log.VerifyHead(head) != nil {
		f.Reason = cmp.Or(f.Reason, "the tree head is not signed by the log")
		return f
	}
	f.Size = int64(min(head.Size, 1<<62))
	switch late := head.Time.Sub(s.Time) > mmd+lateness; {
	case x.Found && proven(head, x):
		f.Result, f.Index = Included, int64(min(x.Index, 1<<62))
	case x.Found:
		f.Reason = "the proof does not lead to the signed root"
	case x.Denied && late:
		f.Result = Denied
	case x.Denied && !f.Due:
		f.Result = Pending
	case x.Denied:
		f.Reason = fmt.Sprintf("the log shows a tree of %s only, which need not have it", head.Time.UTC().Format(time.RFC3339))
	}
	return f
}

func proven(head *ct.TreeHead, x *evidence.Inclusion) bool {
	proof := make([][32]byte, len(x.Proof))
	for i, h := range x.Proof {
		if len(h) != len(proof[i]) {
			return false
		}
		proof[i] = [32]byte(h)
	}
	return ct.CheckInclusion(head, x.Index, ct.LeafHash(x.Leaf), proof) == nil
}

// promised says that the log signed the SCT over the leaf, and that the leaf is of
// this certificate.
func (in *Input) promised(log *ct.Log, s *ct.SCT, leaf []byte) bool {
	e, _, err := ct.ParseLeaf(leaf, nil) // there is no extra data to be wrong
	if err != nil || log.CheckKey() != nil {
		return false
	}
	if signed := e.Entry(); !bytes.Equal(ct.LeafOf(s, signed), leaf) || !in.Verify.verify(log, s, signed) {
		return false
	}
	if !e.Precert {
		return bytes.Equal(e.Signed, in.Certificate.Raw)
	}
	tbs := in.Certificate.TBS
	if in.Certificate.Extension(cert.OIDSCTList) != nil {
		if tbs, err = ct.CertificateTBS(in.Certificate); err != nil {
			return false
		}
	}
	return bytes.Equal(e.Signed, tbs)
}
