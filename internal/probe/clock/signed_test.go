package clock

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/lab"
	"github.com/certassay/certassay/internal/trust"
)

func verdict(s string) *string { return &s }

func sctAt(at time.Time, v *string) facts.SCT {
	return facts.SCT{Parsed: true, Log: "Lab Log", LogID: "00", Time: at, Verdict: v}
}

func signed(child, issuer *cert.Certificate) cert.Outcome {
	out, _ := child.CheckSignature(&issuer.Key)
	return out
}

func parsed(ders ...[]byte) (out []*cert.Certificate) {
	for _, der := range ders {
		out = append(out, cert.Parse(der))
	}
	return out
}

func store(t testing.TB, roots ...[]byte) *trust.Store {
	t.Helper()
	s, err := trust.New([]trust.Set{{Name: "lab", Certificates: roots}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Only what is proven binds; what is claimed raises doubt a day later; what is
// refuted or worthless does nothing.
func TestClock(t *testing.T) {
	l := lab.New(lab.Config{})
	certs := parsed(l.Chain()...)
	serial := certs[0].Serial
	mimic, unread := sctAt(noon.Add(9*day), verdict("ok")), sctAt(noon.Add(9*day), nil)
	mimic.Mimic, unread.Parsed = true, false
	type want struct {
		Floor, Behind, Claims, Sound, SeenBehind bool
		BehindBy                                 int64
	}
	for _, tt := range []struct {
		name string
		in   Input
		want want
	}{
		{"nothing signed", Input{}, want{Sound: true}},
		{"an SCT of the past", Input{SCTs: []facts.SCT{sctAt(noon.Add(-day), verdict("ok"))}}, want{Floor: true, Sound: true}},
		{"an SCT just within the slack", Input{SCTs: []facts.SCT{sctAt(noon.Add(provenSlack), verdict("ok"))}}, want{Floor: true, Sound: true}},
		{"an SCT from later", Input{SCTs: []facts.SCT{sctAt(noon.Add(provenSlack+time.Second), verdict("ok"))}}, want{Floor: true, Behind: true}},
		{"the latest counts", Input{SCTs: []facts.SCT{sctAt(noon.Add(3*time.Hour), verdict("ok")), sctAt(noon.Add(-day), verdict("ok"))}}, want{Floor: true, Behind: true, BehindBy: 3}},
		{"an SCT that does not verify", Input{SCTs: []facts.SCT{sctAt(noon.Add(9*day), verdict("bad-signature"))}}, want{Sound: true}},
		{"an SCT of a published key", Input{SCTs: []facts.SCT{mimic}}, want{Sound: true}},
		{"an SCT that could not be read", Input{SCTs: []facts.SCT{unread}}, want{Sound: true}},
		{"an SCT of an unknown log, a day ahead", Input{SCTs: []facts.SCT{sctAt(noon.Add(claimSlack), nil)}}, want{Sound: true}},
		{"an SCT of an unknown log, later still", Input{SCTs: []facts.SCT{sctAt(noon.Add(claimSlack+time.Second), nil)}}, want{Claims: true, BehindBy: 24}},
		{"a staple from later", Input{Staples: []Staple{{DER: staple(t, l, serial, noon.Add(2*day), noon.Add(3*day))}}}, want{Claims: true, BehindBy: 48}},
		{"a tree head that was verified", Input{More: []facts.Stamp{{Source: FromTreeHead, Of: "Log", Time: noon.Add(time.Hour), Proven: true}}}, want{Floor: true, Behind: true, BehindBy: 1}},
		{"a CRL that was not", Input{More: []facts.Stamp{{Source: FromCRL, Of: "CA", Time: noon.Add(time.Hour)}}}, want{Sound: true}},
		{"the collector's clock is behind", Input{Seen: noon.Add(-2 * day), SCTs: []facts.SCT{sctAt(noon.Add(-day), verdict("ok"))}}, want{Floor: true, Sound: true, SeenBehind: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			reasons := map[string]string{}
			tt.in.Certificates, tt.in.At, tt.in.Reasons = certs, noon, reasons
			f := Clock(&tt.in)
			got := want{f.Floor != nil, f.Behind, f.BehindClaims, f.Sound != nil && *f.Sound, f.SeenBehind, f.BehindBy}
			// A staple's producedAt is the time at which the test runs.
			if len(tt.in.Staples) > 0 && got.BehindBy > 48 {
				got.BehindBy = 48
			}
			if got != tt.want {
				t.Errorf("Clock() = %+v, want %+v", got, tt.want)
			}
			if reason := reasons[SoundPath]; (reason == "") != tt.want.Sound || !tt.want.Sound && !strings.Contains(reason, "--at") {
				t.Errorf("reason = %q with sound %v", reason, tt.want.Sound)
			}
		})
	}
	if Clock(&Input{At: noon}) != nil {
		t.Error("Clock() without certificates is known")
	}
}

func TestStaples(t *testing.T) {
	l := lab.New(lab.Config{})
	certs := parsed(l.Chain()...)
	serial := certs[0].Serial
	// producedAt is that of the run; the time of judgement is far behind it.
	at := time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name string
		der  []byte
		want facts.Staple
	}{
		{"in time", staple(t, l, serial, at.Add(-day), at), facts.Staple{Readable: true, Answers: true}},
		{"out of date", staple(t, l, serial, at.Add(-day), at.Add(-time.Second)), facts.Staple{Readable: true, Answers: true, Stale: true}},
		{"without an end", staple(t, l, serial, at.Add(-day), time.Time{}), facts.Staple{Readable: true, Answers: true}},
		{"from later", staple(t, l, serial, at.Add(time.Hour), at.Add(day)), facts.Staple{Readable: true, Answers: true, Future: true}},
		{"for another certificate", staple(t, l, []byte{7}, at.Add(-2*day), at.Add(-day)), facts.Staple{Readable: true}},
		{"garbage", []byte("garbage"), facts.Staple{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := Clock(&Input{Certificates: certs, At: at, Staples: []Staple{{DER: tt.der}}})
			if len(f.Staples) != 1 {
				t.Fatalf("%d staples, want 1", len(f.Staples))
			}
			got := f.Staples[0]
			if (got.ProducedAt != nil) != tt.want.Readable || (got.ThisUpdate != nil) != tt.want.Answers {
				t.Errorf("times = %v, %v", got.ProducedAt, got.ThisUpdate)
			}
			got.ProducedAt, got.ThisUpdate, got.NextUpdate = nil, nil, nil
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	if f := Clock(&Input{Certificates: certs, At: at, Staples: make([]Staple, 1000)}); len(f.Staples) != maxStaples {
		t.Errorf("%d staples were looked at, want %d", len(f.Staples), maxStaples)
	}
}

// The leaf's dates are compared with those of every certificate of the key that
// signed it, and a stranger's certificate of the same name does not count.
func TestIssuerDates(t *testing.T) {
	l := lab.New(lab.Config{})
	proxy := l.SelfSignedCA(lab.Named("CN=Proxy"), lab.ForgedKey()) // begins five years before
	other := lab.New(lab.Config{At: noon.Add(10 * 365 * day)}).SelfSignedCA(lab.Named("CN=Proxy"), lab.ForgedKey())
	stranger := l.SelfSignedCA(lab.Named("CN=Proxy"), lab.RootKey())
	leaf := l.LeafTemplate()
	leaf.Issuer = lab.Named("CN=Proxy")
	honest := leaf.Sign(proxy.Key, "")
	leaf.NotBefore = noon.Add(-6 * 365 * day)
	old := leaf.Sign(proxy.Key, "")
	leaf.NotBefore, leaf.NotAfter = noon, noon.Add(16*365*day)
	long := leaf.Sign(proxy.Key, "")
	for _, tt := range []struct {
		name            string
		chain           [][]byte
		older, outlives int64
		root            bool
	}{
		{"honest", [][]byte{honest, proxy.DER}, 0, 0, true},
		{"older than its CA", [][]byte{old, proxy.DER}, 365, 0, true},
		{"the CA renewed its certificate", [][]byte{honest, other.DER, proxy.DER}, 0, 0, true},
		{"and serves only the new one", [][]byte{honest, other.DER}, 5*365 + 30, 0, true},
		{"outlives its CA", [][]byte{long, proxy.DER}, 0, 365, true},
		{"a stranger of the same name", [][]byte{old, stranger.DER}, 0, 0, false},
		{"no issuer at hand", [][]byte{old}, 0, 0, false},
		{"self-signed", [][]byte{proxy.DER, proxy.DER}, 0, 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := Clock(&Input{Certificates: parsed(tt.chain...), At: noon, Signed: signed, Trust: store(t, l.Roots()...)})
			if f.OlderBy != tt.older || f.OutlivesBy != tt.outlives || f.IssuerRoot != tt.root {
				t.Errorf("older %d, outlives %d, root %v, want %d, %d, %v", f.OlderBy, f.OutlivesBy, f.IssuerRoot, tt.older, tt.outlives, tt.root)
			}
			if (f.Issuer != "") != tt.root {
				t.Errorf("issuer = %q", f.Issuer)
			}
		})
	}
}

// The date of an intermediate counts where a known CA signed it, and of nobody
// else's.
func TestVouchedIssuers(t *testing.T) {
	l := lab.New(lab.Config{})
	early := noon.Add(-3 * 365 * day) // the intermediate is a year old
	for _, tt := range []struct {
		name  string
		roots [][]byte
		sound bool
	}{
		{"signed by a known root", l.Roots(), false},
		{"of strangers", [][]byte{lab.New(lab.Config{RSA: true}).Root.DER}, true},
	} {
		f := Clock(&Input{Certificates: parsed(l.Chain()...), At: early, Signed: signed, Trust: store(t, tt.roots...)})
		if (f.Sound != nil) != tt.sound || f.BehindClaims == tt.sound {
			t.Errorf("%s: sound = %v, claims %v, want sound %v", tt.name, f.Sound, f.BehindClaims, tt.sound)
		}
	}
}

func BenchmarkClock(b *testing.B) {
	l := lab.New(lab.Config{})
	certs := parsed(l.Chain()...)
	in := &Input{
		Certificates: certs, At: noon, Signed: func(_, _ *cert.Certificate) cert.Outcome { return cert.Verified }, Trust: store(b, l.Roots()...),
		SCTs:    []facts.SCT{sctAt(noon.Add(-day), verdict("ok")), sctAt(noon.Add(-day), verdict("ok"))},
		Staples: []Staple{{DER: staple(b, l, certs[0].Serial, noon.Add(-day), noon.Add(day))}},
	}
	b.ReportAllocs()
	for b.Loop() {
		Clock(in)
	}
}
