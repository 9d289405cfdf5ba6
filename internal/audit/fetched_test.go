package audit

import (
	"slices"
	"testing"

	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/finding"
	"github.com/certassay/certassay/internal/lab"
	"github.com/certassay/certassay/internal/report"
)

// alone is a leaf of the lab without its issuer, and what was fetched for it.
func alone(l *lab.Lab, leaf []byte, fetched ...[]byte) *evidence.Subject {
	s := &evidence.Subject{ID: "leaf", Kind: evidence.Endpoint, Name: l.Host, Certificates: []evidence.DER{leaf}}
	f := evidence.Fetch{Kind: evidence.FetchIssuer, URL: "http://ca.lab.example/issuer.der", For: evidence.Hash(s.Certificates[0].SHA256())}
	for _, der := range fetched {
		f.Certificates = append(f.Certificates, der)
	}
	if len(fetched) == 0 {
		f.Failure = &evidence.Failure{Stage: evidence.StageFetch, Error: "fetching certificate: the server answered 404 Not Found"}
	}
	s.Fetches = []evidence.Fetch{f}
	return s
}

// A fetched issuer completes a chain and is said to have been fetched; it is not
// served, and makes no trust. SCTs are verified with its key.
func TestFetchedIssuers(t *testing.T) {
	l := lab.New(lab.Config{})
	set := shippedRules(t)
	stranger := l.SelfSignedCA(l.Intermediate.Name, lab.ImpostorKey())
	copied := l.LeafTemplate()
	forged := copied.Sign(lab.ImpostorKey(), "")
	for _, tt := range []struct {
		name    string
		subject *evidence.Subject
		anchor  string
		want    []string
		silent  []string
		// verdict may be empty for any but ok.
		verdict string
	}{
		{"completed", alone(l, l.Leaf, l.Intermediate.DER), "inventory",
			[]string{"chain-completed-by-fetch"}, []string{"chain-fetch-failed", "chain-untrusted-root", "chain-issuer-missing"}, "ok"},
		{"with the root as well", alone(l, l.Leaf, l.Intermediate.DER, l.Root.DER), "inventory", []string{"chain-completed-by-fetch"}, nil, "ok"},
		{"nothing came", alone(l, l.Leaf), "none", []string{"chain-fetch-failed", "chain-untrusted-root"}, []string{"chain-completed-by-fetch"}, ""},
		{"a stranger of the name", alone(l, l.Leaf, stranger.DER), "none", []string{"chain-untrusted-root"}, []string{"chain-completed-by-fetch", "chain-fetched-issuer-not-signer"}, ""},
		{"a copied address", alone(l, forged, l.Intermediate.DER), "none", []string{"chain-fetched-issuer-not-signer", "chain-untrusted-root"}, []string{"chain-completed-by-fetch"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.subject.Name = "time.example.org" // a public name, so that the root is asked for
			judged := labAuditor(t, set, l.Roots(), l.At).Judge(tt.subject)
			r := judged.Subject
			var got []string
			for _, f := range r.Findings {
				got = append(got, f.Rule)
			}
			if r.Anchor != tt.anchor || (tt.verdict == "ok") != (r.Anchor == "inventory") {
				t.Errorf("anchor %s, want %s (findings %v)", r.Anchor, tt.anchor, got)
			}
			for _, id := range tt.want {
				if !slices.Contains(got, id) {
					t.Errorf("%s is silent; findings %v", id, got)
				}
			}
			for _, id := range tt.silent {
				if slices.Contains(got, id) {
					t.Errorf("%s speaks; findings %v", id, got)
				}
			}
			if len(r.Chain) != 1 || len(r.Fetched) != len(tt.subject.Fetches[0].Certificates) {
				t.Errorf("chain %v, fetched %v: what was fetched was not served", r.Chain, r.Fetched)
			}
			for _, hash := range r.Fetched {
				if !slices.ContainsFunc(judged.Certificates, func(c report.Certificate) bool { return c.Hash == hash }) {
					t.Errorf("certificate %s is not described", hash)
				}
			}
			if tt.verdict == "ok" && slices.Contains(got, "sct-signature-invalid") {
				t.Error("SCTs were not verified with the fetched key")
			}
		})
	}
}

// A root that was fetched is no root: nobody trusted it before.
func TestFetchedRootIsNoAnchor(t *testing.T) {
	l := lab.New(lab.Config{})
	s := alone(l, l.Leaf, l.Intermediate.DER, l.Root.DER)
	if r := labAuditor(t, shippedRules(t), nil, l.At).Judge(s).Subject; r.Anchor != "none" {
		t.Errorf("anchor = %s through a fetched root, want none", r.Anchor)
	}
}

// An address that gives an older certificate of the CA, under the same key
// identifier, accuses nobody where another address gives the issuer.
func TestFetchedFromTwoAddresses(t *testing.T) {
	l := lab.New(lab.Config{})
	old := l.LeafTemplate()
	old.Subject, old.Key = l.Intermediate.Name, lab.ImpostorKey()
	old.Set(lab.SKI(l.Intermediate.KeyID))
	s := alone(l, l.Leaf, old.Sign(l.Root.Key, ""))
	set := shippedRules(t)
	speaks := func() bool {
		j := labAuditor(t, set, l.Roots(), l.At).judge(s)
		return slices.ContainsFunc(j.findings, func(f finding.Finding) bool { return f.Rule == "chain-fetched-issuer-not-signer" })
	}
	if !speaks() {
		t.Error("the older certificate alone is not told from the issuer's")
	}
	s.Fetches = append(s.Fetches, alone(l, l.Leaf, l.Intermediate.DER).Fetches...)
	if speaks() {
		t.Error("the issuer is at hand, and the leaf is accused all the same")
	}
}
