// Package sct turns the signed certificate timestamps that came with a
// certificate into facts: it reads and verifies each, and says what they amount
// to together.
//
// # Verdicts
//
// A log signs a precertificate together with the key of its issuer. An SCT is
// called bad only where nothing honest is left: its log's key is known, the
// precertificate could be rebuilt, every certificate with the issuer's name was
// tried, in the chain and among the known CAs, and one of them is certainly the
// issuer, because its key made the certificate's own signature or bears the key
// identifier that the certificate names. Otherwise there is no verdict, and a
// reason.
package sct

import (
	"encoding/hex"
	"fmt"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/ocsp"
	"github.com/certassay/certassay/internal/trust"
)

// Sources of SCTs, as the fact names them.
const (
	Embedded = "embedded" // X.509 extension, RFC 6962 section 3.3
	TLS      = "tls"      // TLS extension
	OCSP     = "ocsp"     // extension of a stapled OCSP response
)

// Verdicts, as the fact names them.
const (
	OK           = "ok"
	BadSignature = "bad-signature"
	Malformed    = "malformed"
)

// VerdictPath is under what name reasons for missing verdicts are left.
const VerdictPath = "scts[].verdict"

// Input is what SCTs are judged by.
type Input struct {
	// Certificate is the one that they belong to.
	Certificate *cert.Certificate
	// Chain are other certificates of the subject; which of them may be the
	// issuer is found out here.
	Chain []*cert.Certificate
	// Trust knows CAs by name; nil knows none.
	Trust *trust.Store
	// Logs are the known logs; nil knows none, and nothing is verified.
	Logs *ct.LogList
	// Signed says whether the key of issuer made the signature on child.
	Signed func(child, issuer *cert.Certificate) cert.Outcome
	// Verify answers signature checks of SCTs; nil checks each.
	Verify *Verifier
	// Known are other certificates that an SCT may have been taken from; nil
	// knows none.
	Known *Index
	// At is the time of judgement.
	At time.Time
	// Reasons, if not nil, receives why verdicts are unknown.
	Reasons map[string]string
}

// InCertificate gives the SCTs embedded in the certificate. It is empty where
// there are none, and holds one that could not be read for a list that could
// not. It is nil where the extensions could not be reached.
func InCertificate(in *Input) []facts.SCT {
	if in.Certificate.SPKI == nil {
		return nil
	}
	list := in.Certificate.SCTList()
	if !list.Present {
		return []facts.SCT{}
	}
	parts, err := ct.SplitList(list.Value)
	if list.Err != nil || err != nil {
		return []facts.SCT{unreadable(Embedded)}
	}
	return in.readAll(parts, Embedded)
}

// InHandshake gives the SCTs of the TLS extension and of a stapled OCSP
// response, which may be empty.
func InHandshake(in *Input, extension [][]byte, staple []byte) []facts.SCT {
	out := in.readAll(extension, TLS)
	if len(staple) == 0 || in.Certificate.SerialErr != nil {
		return out
	}
	response, err := ocsp.Parse(staple)
	// What a damaged response says of the server is no matter of SCTs.
	if err != nil {
		return out
	}
	list, err := response.For(in.Certificate.Serial).SCTList()
	if err != nil || list == nil {
		return out
	}
	parts, err := ct.SplitList(list)
	if err != nil {
		return append(out, unreadable(OCSP))
	}
	return append(out, in.readAll(parts, OCSP)...)
}

// Join puts SCTs of several sources together and says anew which are
// duplicates. It changes neither argument.
func Join(a, b []facts.SCT) []facts.SCT {
	out := append(append(make([]facts.SCT, 0, len(a)+len(b)), a...), b...)
	seen := map[string]bool{}
	for i := range out {
		if out[i].Parsed {
			out[i].Duplicate = seen[out[i].LogID]
			seen[out[i].LogID] = true
		}
	}
	return out
}

func (in *Input) readAll(parts [][]byte, source string) []facts.SCT {
	out := make([]facts.SCT, 0, len(parts))
	if len(parts) == 0 {
		return out
	}
	q := newQuestion(in)
	seen := map[[32]byte]bool{}
	for _, part := range parts {
		s, err := ct.ParseSCT(part)
		if err != nil {
			out = append(out, unreadable(source))
			continue
		}
		f := in.read(&s, source)
		f.Duplicate = seen[s.LogID]
		seen[s.LogID] = true
		if log := in.Logs.Log(s.LogID); log != nil && !f.Mimic {
			in.describe(&f, &s, log)
			f.Verdict = q.verdict(&s, log, source)
			if f.Verdict != nil && *f.Verdict == BadSignature {
				f.BelongsTo = in.Known.owner(part, &s, log)
			}
		} else if in.Reasons[VerdictPath] == "" {
			in.because(in.unknownLog(s.Time))
		}
		out = append(out, f)
	}
	return out
}

// unknownLog says why the key of a log is not known, as far as the dates tell.
func (in *Input) unknownLog(signed time.Time) string {
	const ask = "give a list that has it with --log-list"
	if in.Logs == nil || in.Logs.Date.IsZero() || !signed.After(in.Logs.Date) {
		return "the key of the log is not known; " + ask
	}
	return fmt.Sprintf("the key of the log is not known, and the list of logs of %s is older than the SCT; %s",
		in.Logs.Date.Format(time.DateOnly), ask)
}

// read gives what the SCT and the certificate alone say.
func (in *Input) read(s *ct.SCT, source string) facts.SCT {
	f := facts.SCT{
		Source: source, Parsed: true, Version: int64(s.Version), LogID: hex.EncodeToString(s.LogID[:]),
		Mimic: ct.Mimic(s.LogID), Time: s.Time, Future: s.Time.Sub(in.At) > futureSlack,
	}
	_, present, valid := s.LeafIndex()
	f.LeafIndex = present && valid
	c := in.Certificate
	if c.NotBeforeErr == nil {
		f.Before = hours(c.NotBefore.Sub(s.Time))
		f.After = hours(s.Time.Sub(c.NotBefore))
	}
	f.AfterUntil = c.NotAfterErr == nil && s.Time.After(c.NotAfter)
	return f
}

// futureSlack is how far a log's clock may be ahead of the one that judges.
const futureSlack = 5 * time.Minute

func hours(d time.Duration) int64 { return max(0, int64(d/time.Hour)) }

// describe adds what the log list says.
func (in *Input) describe(f *facts.SCT, s *ct.SCT, log *ct.Log) {
	f.LogKnown, f.Log, f.Operator, f.Tiled = true, log.Name, log.OperatorAt(s.Time), log.Tiled
	f.State, f.StateNow = string(log.StateAt(s.Time)), string(log.StateAt(in.At))
	if gone, ok := log.Gone(); ok {
		f.AfterEnd = !s.Time.Before(gone)
	}
	if in.Certificate.NotAfterErr == nil {
		if yes, known := log.Accepts(in.Certificate.NotAfter); known {
			f.InInterval = &yes
		}
	}
}

// because leaves a reason. One about an SCT of a known log is of more use than
// one about an unknown log, and stands in its place.
func (in *Input) because(reason string) {
	if in.Reasons != nil {
		in.Reasons[VerdictPath] = reason
	}
}

func unreadable(source string) facts.SCT {
	verdict := Malformed
	return facts.SCT{Source: source, Verdict: &verdict}
}
