package dns

import (
	"cmp"
	"errors"
	"strings"

	"github.com/miekg/dns"

	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/mtasts"
)

// mailDomain is the domain whose MX records led to the server, or that the user
// named; empty where neither.
func (in *Input) mailDomain() string {
	if led := in.of(evidence.DNSForMX); len(led) > 0 {
		return led[0].Name
	}
	return in.Subject.MailDomain
}

// mtaSTS gives what the mail domain of the server demands; nil where that is not
// known, or what it demands could not be had. A policy that did not come is never
// taken for none.
func mtaSTS(in *Input) *facts.MTASTS {
	domain := in.mailDomain()
	if domain == "" {
		in.unknown("dns.mta_sts", errors.New("the mail domain is not known (--follow mx goes from it to its servers, --mail-domain names it)"))
		return nil
	}
	f := &facts.MTASTS{Domain: domain, MX: []string{}}
	for _, l := range in.of(evidence.DNSForMTASTS) {
		if l.Name != mtasts.RecordName(f.Domain) || len(l.Answers) == 0 {
			continue
		}
		r, err := read(&l.Answers[0])
		if err != nil {
			in.unknown("dns.mta_sts", err)
			return nil
		}
		var texts []string
		for _, txt := range records[*dns.TXT](r) {
			texts = append(texts, strings.Join(txt.Txt, ""))
		}
		var ok bool
		if f.ID, ok = mtasts.Find(texts); !ok {
			f.ID = ""
			return f
		}
		return in.demanded(f)
	}
	in.unknown("dns.mta_sts", errors.New("the domain was not asked for a policy"))
	return nil
}

// demanded adds the policy; nil where it did not come, or cannot be read.
func (in *Input) demanded(f *facts.MTASTS) *facts.MTASTS {
	for i := range in.Subject.Fetches {
		got := &in.Subject.Fetches[i]
		if got.Kind != evidence.FetchMTASTS || got.URL != mtasts.URL(f.Domain) {
			continue
		}
		if got.Failure != nil {
			in.unknown("dns.mta_sts", errors.New(got.Failure.Error))
			return nil
		}
		p, err := mtasts.ParsePolicy(got.Body)
		if err != nil {
			in.unknown("dns.mta_sts", err)
			return nil
		}
		f.Mode, f.MaxAge, f.MX = string(p.Mode), p.MaxAge, append(f.MX, p.MX...)
		f.Listed = p.Allows(cmp.Or(in.Subject.Host, in.Subject.Name))
		return f
	}
	in.unknown("dns.mta_sts", errors.New("the policy of the domain was not fetched"))
	return nil
}
