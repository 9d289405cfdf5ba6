package sct

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ocsp"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/lab"
)

func TestHonest(t *testing.T) {
	for _, c := range []lab.Config{{}, {RSA: true}} {
		l := lab.New(c)
		leaf := issue(t, l, l.LeafTemplate(), l.At.Add(-29*24*time.Hour), logA, logB, logRSA, logTiled)
		in := input(t, l, leaf, logA, logB, logRSA, logTiled)
		got := InCertificate(in)
		if diff := cmp.Diff([]string{OK, OK, OK, OK}, verdicts(got)); diff != "" {
			t.Fatalf("verdicts (-want +got):\n%s", diff)
		}
		if len(in.Reasons) != 0 {
			t.Errorf("reasons left: %v", in.Reasons)
		}
		s := got[3]
		if s.Source != Embedded || !s.LogKnown || s.Log != "Log D" || s.Operator != "D" || !s.Tiled || !s.LeafIndex || s.State != "usable" ||
			s.StateNow != "usable" || s.InInterval != nil || s.AfterEnd || s.Future || s.Before != 0 || s.After != 24 || s.AfterUntil ||
			s.Duplicate || s.BelongsTo != "" {
			t.Errorf("tiled SCT = %+v", s)
		}
		if got[0].LeafIndex || got[0].Tiled {
			t.Errorf("SCT of an RFC 6962 log = %+v", got[0])
		}
	}
}

// Every way of having SCTs that a log did not make for this certificate is
// called bad, beside its honest twin.
func TestForged(t *testing.T) {
	l := lab.New(lab.Config{})
	honest := issue(t, l, l.LeafTemplate(), l.At, logA, logB)
	list := lab.Extension{ID: lab.IDSCTs, Value: honest.Extension(cert.OIDSCTList).Value}

	transplanted := l.LeafTemplate()
	transplanted.Key, transplanted.Serial = lab.ForgedKey(), []byte{1, 2, 3}
	transplanted.Set(list)
	altered := l.LeafTemplate()
	altered.NotBefore = altered.NotBefore.Add(-time.Second)
	altered.Set(list)
	impostor := l.SelfSignedCA(l.Intermediate.Name, lab.ImpostorKey())
	cloned := l.LeafTemplate()
	cloned.Set(list)

	for _, c := range []struct {
		name   string
		leaf   []byte
		issuer []byte
	}{
		{"transplanted into another certificate of the same CA", transplanted.Sign(l.Intermediate.Key, ""), l.Intermediate.DER},
		{"one second altered", altered.Sign(l.Intermediate.Key, ""), l.Intermediate.DER},
		{"cloned whole under an impostor CA", cloned.Sign(lab.ImpostorKey(), ""), impostor.DER},
		{"altered under the genuine issuer's identifier, signature left as it was", altered.Sign(lab.ForgedKey(), ""), l.Intermediate.DER},
	} {
		leaf := cert.Parse(c.leaf)
		in := input(t, l, leaf, logA, logB)
		in.Chain = []*cert.Certificate{leaf, cert.Parse(c.issuer)}
		if diff := cmp.Diff([]string{BadSignature, BadSignature}, verdicts(InCertificate(in))); diff != "" {
			t.Errorf("%s: verdicts (-want +got):\n%s", c.name, diff)
		}
		// Where the original is known, it is named.
		in.Known = &Index{}
		in.Known.Add(honest, []*cert.Certificate{cert.Parse(l.Intermediate.DER)})
		in.Known.Add(leaf, in.Chain)
		sum := honest.SHA256()
		for _, s := range InCertificate(in) {
			if want := "sha256:" + hex.EncodeToString(sum[:]); s.BelongsTo != want {
				t.Errorf("%s: BelongsTo = %q, want %q", c.name, s.BelongsTo, want)
			}
		}
	}
	twin := input(t, l, honest, logA, logB)
	if diff := cmp.Diff([]string{OK, OK}, verdicts(InCertificate(twin))); diff != "" {
		t.Errorf("the honest twin (-want +got):\n%s", diff)
	}
}

// Missing knowledge is never held against a certificate.
func TestNoVerdict(t *testing.T) {
	l := lab.New(lab.Config{})
	leaf := issue(t, l, l.LeafTemplate(), l.At, logA)
	twice := l.LeafTemplate()
	twice.Extensions = append(twice.Extensions, extension(logA.sign(t, ct.Entry{}, l.At)), extension(logB.sign(t, ct.Entry{}, l.At)))
	// Another CA of the same name, whose key did not sign the leaf and whose
	// identifier the leaf does not bear.
	other := cert.Parse(l.SelfSignedCA(l.Intermediate.Name, lab.ImpostorKey()).DER)
	for _, c := range []struct {
		name   string
		change func(*Input)
		reason string
	}{
		{"unknown log", func(in *Input) { in.Logs = logs(t, logB) }, "key of the log is not known"},
		{"an older list", func(in *Input) { in.Logs = logs(t, logB); in.Logs.Date = l.At.AddDate(0, -2, 0) }, "older than the SCT"},
		{"a newer list", func(in *Input) { in.Logs = logs(t, logB); in.Logs.Date = l.At.AddDate(0, 2, 0) }, "not known; give"},
		{"no list at all", func(in *Input) { in.Logs = nil }, "key of the log is not known"},
		{"no issuer", func(in *Input) { in.Chain = []*cert.Certificate{leaf} }, "no certificate of the issuer"},
		{"a wrong issuer of the same name", func(in *Input) { in.Chain = []*cert.Certificate{leaf, other} }, "signed this one"},
		{"two lists", func(in *Input) { in.Certificate = cert.Parse(twice.Sign(l.Intermediate.Key, "")) }, "2 SCT lists"},
	} {
		in := input(t, l, leaf, logA)
		c.change(in)
		if got := verdicts(InCertificate(in))[0]; got != "?" {
			t.Errorf("%s: verdict %s, want none", c.name, got)
		}
		if !strings.Contains(in.Reasons[VerdictPath], c.reason) {
			t.Errorf("%s: reason %q, want one with %q", c.name, in.Reasons[VerdictPath], c.reason)
		}
	}
	// A missing issuer is what a person can do something about.
	both := input(t, l, issue(t, l, l.LeafTemplate(), l.At, logA, logB, logA), logB)
	both.Chain = nil
	if InCertificate(both); !strings.Contains(both.Reasons[VerdictPath], "no certificate of the issuer") {
		t.Errorf("reason %q, want the one about the known log", both.Reasons[VerdictPath])
	}
	// With the right one beside it the wrong issuer does no harm, in any order.
	right := cert.Parse(l.Intermediate.DER)
	for _, chain := range [][]*cert.Certificate{{leaf, other, right}, {leaf, right, other}} {
		in := input(t, l, leaf, logA)
		in.Chain = chain
		if got := verdicts(InCertificate(in))[0]; got != OK {
			t.Errorf("verdict %s beside a wrong issuer, want ok", got)
		}
	}
	// Two that lack a key identifier do not share one.
	bare := l.LeafTemplate()
	bare.Drop(lab.IDAKI)
	nameless := cert.Parse(withoutKeyID(l, lab.ImpostorKey()))
	in := input(t, l, issue(t, l, bare, l.At, logA), logA)
	in.Chain = []*cert.Certificate{in.Certificate, nameless}
	if got := verdicts(InCertificate(in))[0]; got != "?" || !strings.Contains(in.Reasons[VerdictPath], "signed this one") {
		t.Errorf("verdict %s, reasons %v, want none where neither has a key identifier", got, in.Reasons)
	}
	// More names than are tried prove nothing.
	in = input(t, l, leaf, logA)
	in.Chain = []*cert.Certificate{leaf}
	for i := range maxIssuers + 1 {
		k := *lab.ImpostorKey()
		k.SPKI = append(bytes.Clone(k.SPKI[:len(k.SPKI)-1]), byte(i))
		in.Chain = append(in.Chain, cert.Parse(l.SelfSignedCA(l.Intermediate.Name, &k).DER))
	}
	in.Chain = append(in.Chain, right)
	if got := verdicts(InCertificate(in))[0]; got != "?" || !strings.Contains(in.Reasons[VerdictPath], "too many") {
		t.Errorf("verdict %s, reasons %v, want none for too many issuers", got, in.Reasons)
	}
}

// withoutKeyID is a CA of the intermediate's name that has no key identifier.
func withoutKeyID(l *lab.Lab, k *lab.Key) []byte {
	t := lab.Template{
		Serial: []byte{7}, Subject: l.Intermediate.Name, Issuer: l.Intermediate.Name, Key: k,
		NotBefore: l.At.AddDate(-1, 0, 0), NotAfter: l.At.AddDate(1, 0, 0), Extensions: []lab.Extension{lab.Basic(true, -1).MakeCritical()},
	}
	return t.Sign(k, "")
}

func TestUnreadable(t *testing.T) {
	l := lab.New(lab.Config{})
	tmpl := l.LeafTemplate()
	none := InCertificate(input(t, l, cert.Parse(tmpl.Sign(l.Intermediate.Key, ""))))
	if none == nil || len(none) != 0 {
		t.Errorf("without a list: %v, want known to be none", none)
	}
	if got := InCertificate(input(t, l, cert.Parse([]byte("garbage")))); got != nil {
		t.Errorf("garbage: %v, want unknown", got)
	}
	tmpl.Set(lab.Extension{ID: lab.IDSCTs, Value: []byte{4, 3, 0, 9, 1}})
	if got := InCertificate(input(t, l, cert.Parse(tmpl.Sign(l.Intermediate.Key, "")))); len(got) != 1 || got[0].Parsed || *got[0].Verdict != Malformed {
		t.Errorf("damaged list: %+v", got)
	}
	tmpl.Set(extension([]byte{1, 2}, []byte{0}))
	if got := verdicts(InCertificate(input(t, l, cert.Parse(tmpl.Sign(l.Intermediate.Key, ""))))); !cmp.Equal(got, []string{Malformed, Malformed}) {
		t.Errorf("damaged SCTs: %v", got)
	}
}

func TestDates(t *testing.T) {
	l := lab.New(lab.Config{})
	tmpl := l.LeafTemplate()
	sealed := testLog{key: logA.key, operator: "A", state: "retired", since: "2026-10-20T00:00:00Z", from: "2025-01-01T00:00:00Z", to: "2026-12-01T00:00:00Z"}
	at := func(when time.Time) (s struct{ Before, After int64 }, f, gone, late bool, within *bool) {
		got := InCertificate(input(t, l, issue(t, l, tmpl, when, sealed), sealed))[0]
		if *got.Verdict != OK {
			t.Fatalf("verdict %s", *got.Verdict)
		}
		s.Before, s.After = got.Before, got.After
		return s, got.Future, got.AfterEnd, got.AfterUntil, got.InInterval
	}
	if s, future, gone, late, within := at(tmpl.NotBefore.Add(-49 * time.Hour)); s.Before != 49 || s.After != 0 || future || gone || late || within == nil || *within {
		t.Errorf("49 h before notBefore: %+v %v %v %v %v", s, future, gone, late, within)
	}
	if s, future, gone, _, _ := at(l.At.Add(4 * time.Minute)); s.After != 720 || future || !gone {
		t.Errorf("4 min ahead: %+v future %v gone %v", s, future, gone)
	}
	if _, future, _, late, _ := at(tmpl.NotAfter.Add(time.Second)); !future || !late {
		t.Errorf("after notAfter: future %v late %v", future, late)
	}
}

func TestInHandshake(t *testing.T) {
	l := lab.New(lab.Config{})
	leaf := cert.Parse(l.Leaf)
	entry, err := ct.X509Entry(leaf.Raw)
	if err != nil {
		t.Fatal(err)
	}
	other, _ := ct.X509Entry(l.Intermediate.DER)
	good, foreign := logA.sign(t, entry, l.At), logB.sign(t, other, l.At)
	in := input(t, l, leaf, logA, logB)
	if diff := cmp.Diff([]string{OK, BadSignature}, verdicts(InHandshake(in, [][]byte{good, foreign}, nil))); diff != "" {
		t.Errorf("TLS extension (-want +got):\n%s", diff)
	}
	// An SCT over the precertificate may be delivered in the handshake too, and
	// one over the certificate needs no issuer.
	tbs, err := ct.CertificateTBS(leaf)
	if err != nil {
		t.Fatal(err)
	}
	over := logB.sign(t, precertEntry(t, tbs, l.Intermediate.Key), l.At)
	in.Chain = []*cert.Certificate{leaf}
	if got := verdicts(InHandshake(in, [][]byte{good}, nil)); !cmp.Equal(got, []string{OK}) {
		t.Errorf("without an issuer: %v", got)
	}
	got := InHandshake(input(t, l, leaf, logA, logB), [][]byte{over}, stapled(t, l, leaf, good))
	if diff := cmp.Diff([]string{OK, OK}, verdicts(got)); diff != "" || got[0].Source != TLS || got[1].Source != OCSP {
		t.Errorf("both sources (-want +got):\n%s%+v", diff, got)
	}
	if got := InHandshake(in, nil, []byte("garbage")); len(got) != 0 {
		t.Errorf("a damaged staple: %+v", got)
	}
}

// stapled is an OCSP response that holds SCTs.
func stapled(t *testing.T, l *lab.Lab, leaf *cert.Certificate, scts ...[]byte) []byte {
	t.Helper()
	issuer, err := x509.ParseCertificate(l.Intermediate.DER)
	if err != nil {
		t.Fatal(err)
	}
	value, err := asn1.Marshal(tlsList(scts...))
	if err != nil {
		t.Fatal(err)
	}
	der, err := ocsp.CreateResponse(issuer, issuer, ocsp.Response{
		Status: ocsp.Good, SerialNumber: new(big.Int).SetBytes(leaf.Serial), ThisUpdate: l.At, IssuerHash: crypto.SHA1,
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 5}, Value: value}},
	}, l.Intermediate.Key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// An SCT of a log whose private key is published is no evidence, even where a
// list names that log.
func TestMimic(t *testing.T) {
	l := lab.New(lab.Config{})
	s := ct.SCT{Time: l.At, Hash: 4, Algorithm: 3, Signature: []byte{1}}
	b, err := hex.DecodeString("b22f7edeb5af6afe503de04081b2d74c12538492fedf2cb2a526503cef53ced2")
	if err != nil {
		t.Fatal(err)
	}
	copy(s.LogID[:], b)
	tmpl := l.LeafTemplate()
	tmpl.Set(extension(s.Append(nil)))
	got := InCertificate(input(t, l, cert.Parse(tmpl.Sign(l.Intermediate.Key, "")), logA))[0]
	if !got.Mimic || got.LogKnown || got.Verdict != nil {
		t.Errorf("SCT of a mimic log = %+v", got)
	}
}

func TestJoinFindsDuplicates(t *testing.T) {
	l := lab.New(lab.Config{})
	leaf := issue(t, l, l.LeafTemplate(), l.At, logA, logB)
	own := InCertificate(input(t, l, leaf, logA, logB))
	joined := Join(own, own[:1])
	if len(joined) != 3 || joined[0].Duplicate || joined[1].Duplicate || !joined[2].Duplicate || own[0].Duplicate {
		t.Errorf("Join = %+v", joined)
	}
}

// Answers are remembered, and one never stands for another.
func TestVerifierRemembers(t *testing.T) {
	l := lab.New(lab.Config{})
	leaf := issue(t, l, l.LeafTemplate(), l.At, logA)
	in := input(t, l, leaf, logA)
	for range 2 {
		if got := verdicts(InCertificate(in)); !cmp.Equal(got, []string{OK}) {
			t.Errorf("verdicts = %v", got)
		}
	}
	if n := len(in.Verify.recent); n != 1 {
		t.Errorf("%d answers remembered, want 1", n)
	}
	tmpl := l.LeafTemplate()
	tmpl.Set(lab.Extension{ID: lab.IDSCTs, Value: leaf.Extension(cert.OIDSCTList).Value}, lab.SAN("other.example"))
	in.Certificate = cert.Parse(tmpl.Sign(l.Intermediate.Key, ""))
	if got := verdicts(InCertificate(in)); !cmp.Equal(got, []string{BadSignature}) {
		t.Errorf("verdicts = %v", got)
	}
	for i := range 2 * maxMemory {
		in.Verify.remember([32]byte{byte(i), byte(i >> 8), byte(i >> 16)}, false)
	}
	if n := len(in.Verify.recent) + len(in.Verify.older); n > maxMemory {
		t.Errorf("%d answers remembered, more than %d", n, maxMemory)
	}
}

func BenchmarkTwoSCTs(b *testing.B) {
	l := lab.New(lab.Config{})
	in := input(b, l, issue(b, l, l.LeafTemplate(), l.At, logA, logB), logA, logB)
	in.Verify = nil
	b.ReportAllocs()
	for b.Loop() {
		if got := InCertificate(in); *got[1].Verdict != OK {
			b.Fatal(*got[1].Verdict)
		}
	}
}
