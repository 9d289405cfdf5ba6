package dns

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/lab"
	"github.com/certassay/certassay/internal/trust"
)

// climb makes the lookup for a domain from the answers to it and its parents; a
// name without one was answered that there is nothing.
func (s site) climb(t *testing.T, domain string, said map[string]answer) evidence.DNSLookup {
	t.Helper()
	l := lookup(evidence.DNSForCAA, domain)
	for name := dns.Fqdn(strings.TrimPrefix(domain, "*.")); name != "."; name = parent(name) {
		a, ok := said[strings.TrimSuffix(name, ".")]
		if !ok {
			a = answer{ad: true}
		}
		l.Answers = append(l.Answers, asked(t, name, dns.TypeCAA, a))
	}
	return l
}

func TestCAAVerdict(t *testing.T) {
	const host = "a.b.example.org"
	org := func(records ...string) map[string]answer {
		a := answer{ad: true}
		for _, r := range records {
			a.records = append(a.records, "example.org. 60 IN CAA "+r)
		}
		return map[string]answer{"example.org": a}
	}
	for _, tt := range []struct {
		name    string
		ca      string
		anchor  trust.Anchor
		domain  string
		said    map[string]answer
		verdict string
		found   string
	}{
		{"no records at all", "Let's Encrypt", trust.Public, host, nil, "unrestricted", ""},
		{"the issuer", "Let's Encrypt", trust.Public, host, org(`0 issue "letsencrypt.org"`), "allowed", "example.org"},
		{"case of tag and value", "Let's Encrypt", trust.Public, host, org(`0 ISSUE "LetsEncrypt.ORG"`), "allowed", "example.org"},
		{"another", "Let's Encrypt", trust.Public, host, org(`0 issue "pki.goog"`), "forbidden", "example.org"},
		{"one of two", "Let's Encrypt", trust.Public, host, org(`0 issue "pki.goog"`, `0 issue "letsencrypt.org"`), "allowed", "example.org"},
		{"nobody", "Let's Encrypt", trust.Public, host, org(`0 issue ";"`), "forbidden", "example.org"},
		{"nobody, and the issuer", "Let's Encrypt", trust.Public, host, org(`0 issue ";"`, `0 issue "letsencrypt.org"`), "allowed", "example.org"},
		{"malformed is nobody", "Let's Encrypt", trust.Public, host, org(`0 issue "%%%%%"`), "forbidden", "example.org"},
		{"empty is nobody", "Let's Encrypt", trust.Public, host, org(`0 issue ""`), "forbidden", "example.org"},
		{"iodef alone restricts nothing", "Let's Encrypt", trust.Public, host, org(`0 iodef "mailto:a@example.org"`), "unrestricted", "example.org"},
		{"issuemail alone restricts nothing", "Let's Encrypt", trust.Public, host, org(`0 issuemail "pki.goog"`), "unrestricted", "example.org"},
		{"issuewild is for wildcards", "Let's Encrypt", trust.Public, host, org(`0 issuewild "pki.goog"`), "unrestricted", "example.org"},
		{"a wildcard", "Let's Encrypt", trust.Public, "*.b.example.org", org(`0 issue "letsencrypt.org"`, `0 issuewild "pki.goog"`), "forbidden", "example.org"},
		{"a wildcard without issuewild", "Let's Encrypt", trust.Public, "*.b.example.org", org(`0 issue "letsencrypt.org"`), "allowed", "example.org"},
		{"a name that is not in the table", "Let's Encrypt", trust.Public, host, org(`0 issue "ca.example"`), "undecided", "example.org"},
		{"an issuer that is not in the table", "Somebody", trust.Public, host, org(`0 issue "pki.goog"`), "undecided", "example.org"},
		{"an issuer that is not in the table, nobody", "Somebody", trust.Public, host, org(`0 issue ";"`), "forbidden", "example.org"},
		{"the owner's CA", "Somebody", trust.Inventory, host, org(`0 issue "pki.goog"`), "forbidden", "example.org"},
		{"the owner's CA beside a stranger", "Somebody", trust.Inventory, host, org(`0 issue "ca.example"`), "undecided", "example.org"},
		{"a name without a root is a claim", "Let's Encrypt", trust.None, host, org(`0 issue "letsencrypt.org"`), "undecided", "example.org"},
		{"and accuses nobody", "Let's Encrypt", trust.None, host, org(`0 issue "pki.goog"`), "undecided", "example.org"},
		{"the machine's own root is a claim", "Let's Encrypt", trust.Local, host, org(`0 issue "letsencrypt.org"`), "undecided", "example.org"},
		{"critical and unknown", "Let's Encrypt", trust.Public, host, org(`128 tbs "x"`, `0 issue "pki.goog"`), "undecided", "example.org"},
		{"unknown and not critical", "Let's Encrypt", trust.Public, host, org(`0 tbs "x"`, `0 issue "letsencrypt.org"`), "allowed", "example.org"},
		{"critical and known", "Let's Encrypt", trust.Public, host, org(`128 issue "letsencrypt.org"`), "allowed", "example.org"},
		{"a nearer set wins", "Let's Encrypt", trust.Public, host, map[string]answer{
			"example.org": {ad: true, records: []string{`example.org. CAA 0 issue "pki.goog"`}},
			host:          {ad: true, records: []string{host + `. CAA 0 issue "letsencrypt.org"`}},
		}, "allowed", host},
		{"behind an alias", "Let's Encrypt", trust.Public, host, map[string]answer{
			host: {ad: true, records: []string{host + ". CNAME x.example.", `x.example. CAA 0 issue "letsencrypt.org"`}},
		}, "allowed", host},
		{"of somebody else in the same answer", "Let's Encrypt", trust.Public, host, map[string]answer{
			host: {ad: true, records: []string{`other.example. CAA 0 issue "pki.goog"`}},
		}, "unrestricted", ""},
		{"no such name", "Let's Encrypt", trust.Public, host, map[string]answer{
			host:          {ad: true, rcode: dns.RcodeNameError},
			"example.org": {ad: true, records: []string{`example.org. CAA 0 issue "pki.goog"`}},
		}, "forbidden", "example.org"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t, tt.ca, tt.anchor)
			f, reasons := s.facts("https", s.climb(t, tt.domain, tt.said))
			if len(f.CAA) != 1 || f.CAA[0].Verdict == nil {
				t.Fatalf("CAA = %+v, reasons %v", f.CAA, reasons)
			}
			c := f.CAA[0]
			if *c.Verdict != tt.verdict || c.FoundAt != tt.found || *c.Security != "validated" {
				t.Errorf("verdict %s, found at %q, %s; want %s, %q, validated", *c.Verdict, c.FoundAt, *c.Security, tt.verdict, tt.found)
			}
			if wantAllowed := tt.verdict != "forbidden"; (c.Allowed == nil) != (tt.verdict == "undecided") || c.Allowed != nil && *c.Allowed != wantAllowed {
				t.Errorf("allowed is %v with verdict %s", c.Allowed, tt.verdict)
			}
		})
	}
}

// Whoever has the key of a CA below a public root may write the name of another
// into it: that gives no permission, unless the key is known to be that one's.
func TestCAAOfARogueCA(t *testing.T) {
	s := newSite(t, "Let's Encrypt", trust.Public)
	other := newSite(t, "Sectigo Limited", trust.Public)
	rogue := s.lab.LeafTemplate()
	rogue.Subject, rogue.Issuer, rogue.Key = s.lab.Intermediate.Name, other.lab.Root.Name, lab.ForgedKey()
	leaf := s.lab.LeafTemplate()
	ca := cert.Parse(rogue.Sign(other.lab.Root.Key, ""))
	forged := cert.Parse(leaf.Sign(rogue.Key, ""))
	s.certs = []*cert.Certificate{forged, ca}
	s.chain.Paths = []facts.Path{{Anchor: "public", Certificates: []string{
		evidence.Hash(forged.SHA256()), evidence.Hash(ca.SHA256()), evidence.Hash(evidence.DER(other.lab.Root.DER).SHA256()),
	}}}
	list := trust.Options{Programs: []trust.Set{{Name: "lab", Certificates: other.lab.Roots()}}}
	for _, tt := range []struct {
		name, allows, want string
		listed             []byte
	}{
		{"the name it bears", "letsencrypt.org", "undecided", nil},
		{"the CA above it", "sectigo.com", "allowed", nil},
		{"neither", "pki.goog", "forbidden", nil},
		{"the name it bears, and its key is known", "letsencrypt.org", "allowed", ca.Raw},
		{"the name it bears, and the key of its bearer is known", "letsencrypt.org", "undecided", s.lab.Intermediate.DER},
	} {
		if list.CAData = nil; tt.listed != nil {
			list.CAData = []*trust.CAData{{Records: []trust.Record{{SHA256: cert.Parse(tt.listed).SHA256(), Certificate: cert.Parse(tt.listed)}}}}
		}
		var err error
		if s.trust, err = trust.Open(list); err != nil {
			t.Fatal(err)
		}
		f, reasons := s.facts("https", s.climb(t, "a.b.example.org", map[string]answer{
			"example.org": {ad: true, records: []string{`example.org. 60 IN CAA 0 issue "` + tt.allows + `"`}},
		}))
		if got := *f.CAA[0].Verdict; got != tt.want || (reasons["dns.caa"] != "") != (tt.want == "undecided") {
			t.Errorf("CAA allows %s: %s (%q), want %s", tt.name, got, reasons["dns.caa"], tt.want)
		}
	}
}

// Whatever is missing of a climb makes the answer unknown, even where a parent
// would have one.
func TestCAAUnknown(t *testing.T) {
	s := newSite(t, "Let's Encrypt", trust.Public)
	said := map[string]answer{"example.org": {ad: true, records: []string{`example.org. CAA 0 issue "letsencrypt.org"`}}}
	for _, tt := range []struct {
		name   string
		change func(*evidence.DNSLookup)
		want   string
	}{
		{"SERVFAIL", func(l *evidence.DNSLookup) {
			l.Answers[0] = asked(t, "a.b.example.org", dns.TypeCAA, answer{rcode: dns.RcodeServerFailure})
		}, "SERVFAIL"},
		{"refused", func(l *evidence.DNSLookup) {
			l.Answers[1] = asked(t, "b.example.org", dns.TypeCAA, answer{rcode: dns.RcodeRefused})
		}, "REFUSED"},
		{"failed", func(l *evidence.DNSLookup) {
			l.Answers[0] = evidence.DNSAnswer{Name: "a.b.example.org.", Type: dns.TypeCAA, Failure: &evidence.Failure{Error: "timed out"}}
		}, "timed out"},
		{"never asked", func(l *evidence.DNSLookup) { l.Answers = l.Answers[1:] }, "was not asked for"},
		{"not asked on purpose", func(l *evidence.DNSLookup) {
			l.Answers = []evidence.DNSAnswer{{Failure: &evidence.Failure{Error: "more than 10 names"}}}
		}, "more than 10 names"},
		{"another question", func(l *evidence.DNSLookup) {
			l.Answers[0].Message = asked(t, "other.example.org", dns.TypeCAA, answer{ad: true}).Message
		}, "another question"},
		{"another type", func(l *evidence.DNSLookup) {
			l.Answers[0].Message = asked(t, "a.b.example.org", dns.TypeTXT, answer{ad: true}).Message
		}, "another question"},
		{"a question for an answer", func(l *evidence.DNSLookup) { l.Answers[0].Message[2] &^= 0x80 }, "another question"},
		{"cut short", func(l *evidence.DNSLookup) { l.Answers[0].Message[2] |= 0x02 }, "cut short"},
		{"garbage", func(l *evidence.DNSLookup) { l.Answers[0].Message = []byte{1, 2, 3} }, "cannot be read"},
		{"empty", func(l *evidence.DNSLookup) { l.Answers[0].Message = nil }, "cannot be read"},
		{"a ring of aliases", func(l *evidence.DNSLookup) {
			l.Answers[0] = asked(t, "a.b.example.org", dns.TypeCAA, answer{ad: true, records: []string{"a.b.example.org. CNAME x.example.", "x.example. CNAME a.b.example.org."}})
		}, "alias"},
		{"too many records", func(l *evidence.DNSLookup) {
			var many []string
			for i := range maxRecords + 1 {
				many = append(many, fmt.Sprintf(`a.b.example.org. CAA 0 issue "ca%d.example"`, i))
			}
			l.Answers[0] = asked(t, "a.b.example.org", dns.TypeCAA, answer{ad: true, records: many})
		}, "more than"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := s.climb(t, "a.b.example.org", said)
			tt.change(&l)
			f, reasons := s.facts("https", l)
			if c := f.CAA[0]; c.Verdict != nil || c.Allowed != nil || c.Security != nil || c.SignedBefore != nil {
				t.Errorf("CAA = %+v, want it unknown", c)
			}
			if !strings.Contains(reasons["dns.caa"], tt.want) {
				t.Errorf("the reason is %q, want it to say %q", reasons["dns.caa"], tt.want)
			}
		})
	}
}

// The least answer on the way counts.
func TestCAASecurity(t *testing.T) {
	s := newSite(t, "Let's Encrypt", trust.Public)
	set := []string{`example.org. CAA 0 issue "pki.goog"`}
	for _, tt := range []struct {
		name   string
		nearer answer
		parent answer
		want   string
	}{
		{"all validated here", answer{ad: true}, answer{ad: true, records: set}, "validated"},
		{"one is not signed", answer{}, answer{ad: true, records: set}, "unsigned"},
		{"the records are not", answer{ad: true}, answer{records: set}, "unsigned"},
		{"one came from elsewhere", answer{ad: true, remote: true}, answer{ad: true, records: set}, "claimed"},
		{"claimed and unsigned", answer{ad: true, remote: true}, answer{records: set}, "unsigned"},
	} {
		l := s.climb(t, "a.b.example.org", map[string]answer{"b.example.org": tt.nearer, "example.org": tt.parent})
		f, _ := s.facts("https", l)
		if got := *f.CAA[0].Security; got != tt.want {
			t.Errorf("%s: security is %s, want %s", tt.name, got, tt.want)
		}
	}
}

// Records were there at issuance where the signatures over them, and over the
// proof that no nearer ones exist, are older than the certificate.
func TestCAASignedBefore(t *testing.T) {
	s := newSite(t, "Let's Encrypt", trust.Public)
	const record, hour = `example.org. CAA 0 issue "pki.goog"`, time.Hour
	nsec := "a.b.example.org. NSEC z.example.org. A RRSIG NSEC"
	denial := func(before time.Duration) answer {
		return answer{ad: true, authority: []string{nsec, s.rrsig("a.b.example.org.", "NSEC", before), s.rrsig("example.org.", "SOA", -hour)}}
	}
	positive := func(before time.Duration) answer {
		return answer{ad: true, records: []string{record, s.rrsig("example.org.", "CAA", before)}}
	}
	for _, tt := range []struct {
		name                     string
		nearer, between, records answer
		want                     bool
	}{
		{"all before", denial(72 * hour), denial(72 * hour), positive(72 * hour), true},
		{"two days to the minute", denial(48 * hour), denial(48 * hour), positive(48 * hour), true},
		{"records a day before", denial(72 * hour), denial(72 * hour), positive(24 * hour), false},
		{"records after", denial(72 * hour), denial(72 * hour), positive(-72 * hour), false},
		{"denial after", denial(-72 * hour), denial(72 * hour), positive(72 * hour), false},
		{"no signature came along", denial(72 * hour), denial(72 * hour), answer{ad: true, records: []string{record}}, false},
		{"denial without a proof", answer{ad: true}, denial(72 * hour), positive(72 * hour), false},
		{"nobody vouches", denial(72 * hour), denial(72 * hour), answer{records: positive(72 * hour).records}, false},
		{"a later signature beside it", denial(72 * hour), denial(72 * hour), answer{ad: true, records: append(positive(72*hour).records, s.rrsig("example.org.", "CAA", 0))}, false},
	} {
		l := s.climb(t, "a.b.example.org", map[string]answer{"a.b.example.org": tt.nearer, "b.example.org": tt.between, "example.org": tt.records})
		f, _ := s.facts("https", l)
		if got := *f.CAA[0].SignedBefore; got != tt.want {
			t.Errorf("%s: signed before issue is %t, want %t", tt.name, got, tt.want)
		}
	}
}

func TestCAAParameters(t *testing.T) {
	s := newSite(t, "Let's Encrypt", trust.Public)
	l := s.climb(t, "a.b.example.org", map[string]answer{"example.org": {ad: true, records: []string{
		`example.org. CAA 0 issue "letsencrypt.org; accounturi=https://acme.example/1; validationmethods=dns-01,http-01"`,
		`example.org. CAA 0 issue "letsencrypt.org ; AccountURI = https://acme.example/2 ;"`,
		`example.org. CAA 0 issue "ca.example"`,
		`example.org. CAA 0 issuemail "mail.example"`,
		`example.org. CAA 0 iodef "mailto:a@example.org"`,
	}}})
	f, _ := s.facts("https", l)
	got := f.CAA[0]
	want := got
	want.Named, want.Strangers = []string{"letsencrypt.org", "ca.example"}, []string{"ca.example"}
	want.Accounts, want.Methods = []string{"https://acme.example/1", "https://acme.example/2"}, []string{"dns-01,http-01"}
	want.Mail, want.Reports, want.Critical = []string{"mail.example"}, []string{"mailto:a@example.org"}, []string{}
	want.Allows, want.Issuer = "letsencrypt.org or ca.example", "ISRG (Let's Encrypt)"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("CAA differs (-want +got):\n%s", diff)
	}
}

func TestParseIssue(t *testing.T) {
	for _, tt := range []struct {
		in, issuer string
		parameters int
	}{
		{"ca.example", "ca.example", 0},
		{" \tCA.example\t ", "ca.example", 0},
		{"ca.example;", "ca.example", 0},
		{"ca.example; a=b", "ca.example", 1},
		{"ca.example; a=b; c=", "ca.example", 2},
		{"ca.example; a", "", 0},
		{"ca.example; a b=c", "", 0},
		{"ca.example; a=b c", "", 0},
		{"ca.example; =b", "", 0},
		{"ca.example a=b", "", 0},
		{"ca..example", "", 0},
		{"-ca.example", "", 0},
		{"ca.example.", "", 0},
		{"ca_1.example", "", 0},
		{";", "", 0},
		{"; a=b", "", 1},
		{"", "", 0},
		{"ca.example; a=\x7f", "", 0},
		{"cä.example", "", 0},
	} {
		p := parseIssue(tt.in)
		if p.issuer != tt.issuer || len(p.parameters) != tt.parameters {
			t.Errorf("parseIssue(%q) = %q and %d parameters, want %q and %d", tt.in, p.issuer, len(p.parameters), tt.issuer, tt.parameters)
		}
	}
}

// What parseIssue reads, written in canonical form, is read the same.
func FuzzParseIssue(f *testing.F) {
	for _, s := range []string{"letsencrypt.org", "ca.example; a=b; c=d", ";", " x ; y = z ;;"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		p := parseIssue(in)
		again := p.issuer + ";"
		for tag, value := range p.parameters {
			again += tag + "=" + value + ";"
		}
		if diff := cmp.Diff(p.issuer, parseIssue(again).issuer); diff != "" {
			t.Errorf("%q is read as %+v, and that as another: %s", in, p, diff)
		}
		if len(p.parameters) != len(parseIssue(again).parameters) {
			t.Error(errors.New("parameters were lost"))
		}
	})
}
