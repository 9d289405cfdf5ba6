package inventory

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/certassay/certassay/internal/expect"
	"github.com/certassay/certassay/internal/finding"
	"github.com/certassay/certassay/internal/target"
)

// The layers that say what holds.
const (
	layerDefaults = "defaults"
	layerGroup    = "group"
	layerTarget   = "target"
)

// A reader collects the settings of one layer.
type reader struct {
	*source
	layer    string
	settings []Setting
	trust    []trustRef
}

// A trustRef is a name of a set, which may be defined in another file.
type trustRef struct {
	src  *source
	node *yaml.Node
}

func (r *reader) set(key string, n *yaml.Node, value []string, apply func(*Terms)) {
	r.settings = append(r.settings, Setting{
		Key: key, Value: value, List: n.Kind == yaml.SequenceNode, Place: r.place(n), Layer: r.layer, apply: apply,
	})
}

func (r *reader) one(key string, n *yaml.Node, apply func(*Terms)) {
	r.set(key, n, []string{n.Value}, apply)
}

// terms are the keys that defaults, groups and targets share.
func (r *reader) terms() fields {
	return fields{
		"owner": func(n *yaml.Node) {
			owner := r.text(n, "owner")
			r.one("owner", n, func(t *Terms) { t.Expect.Owner = owner })
		},
		"fail_on": func(n *yaml.Node) {
			if r.failOn(n) {
				r.one("fail_on", n, func(t *Terms) { t.FailOn = n.Value })
			}
		},
		"trust": func(n *yaml.Node) {
			var names []string
			r.list(n, "trust", func(n *yaml.Node) {
				if name := r.text(n, "name of a trust set"); name != "" {
					names = append(names, name)
					r.trust = append(r.trust, trustRef{r.source, n})
				}
			})
			r.set("trust", n, names, func(t *Terms) { t.Trust, t.TrustSaid = names, true })
		},
		"expect": r.expectation,
	}
}

func (s *source) failOn(n *yaml.Node) bool {
	words := []string{"info", "low", "medium", "high", "critical", "suspicious", "forged", "inconclusive", "never"}
	word := s.word(n, "fail_on", words...)
	if word == "" {
		return false
	}
	_, severity := finding.ParseSeverity(word)
	_, verdict := finding.ParseVerdict(word)
	return word == "never" || severity == nil || verdict == nil
}

var expectHints = map[string]string{
	"issuer": "write issuers: a list of keys, or of CAs as {ca: \"letsencrypt.org\"}", "pins": "write keys", "key": "write keys",
	"pin": "write keys", "validity": "write max_validity", "tls": "write min_tls or tlsa", "tls_version": "write min_tls",
	"ocsp": "write stapling or must_staple", "dane": "write tlsa", "domains": "domains stand beside expect, or write names",
}

// expectation reads the keys of expect.
func (r *reader) expectation(n *yaml.Node) {
	flag := func(key, on, off string, field func(*expect.Expectation) *bool) func(*yaml.Node) {
		return func(n *yaml.Node) {
			if word := r.word(n, key, on, off); word != "" {
				r.one("expect."+key, n, func(t *Terms) { *field(&t.Expect) = word == on })
			}
		}
	}
	r.mapping(n, "expect", expectHints, fields{
		"issuers":   r.issuers,
		"keys":      r.keys,
		"names":     r.names,
		"key_types": r.keyTypes,
		"names_exactly": func(n *yaml.Node) {
			if v, ok := r.boolean(n, "names_exactly"); ok {
				r.one("expect.names_exactly", n, func(t *Terms) { t.Expect.NamesExactly = v })
			}
		},
		"max_validity": func(n *yaml.Node) {
			if d, ok := r.duration(n); ok {
				r.one("expect.max_validity", n, func(t *Terms) { t.Expect.MaxValidity = d })
			}
		},
		"min_tls": func(n *yaml.Node) {
			if v, ok := r.version(n); ok {
				r.one("expect.min_tls", n, func(t *Terms) { t.Expect.MinTLS = v })
			}
		},
		"caa":         flag("caa", "match", "ignore", func(e *expect.Expectation) *bool { return &e.CAA }),
		"tlsa":        flag("tlsa", "match", "ignore", func(e *expect.Expectation) *bool { return &e.TLSA }),
		"ct":          flag("ct", "required", "optional", func(e *expect.Expectation) *bool { return &e.CT }),
		"stapling":    flag("stapling", "required", "optional", func(e *expect.Expectation) *bool { return &e.Stapling }),
		"must_staple": flag("must_staple", "required", "optional", func(e *expect.Expectation) *bool { return &e.MustStaple }),
		"starttls":    flag("starttls", "required", "optional", func(e *expect.Expectation) *bool { return &e.StartTLS }),
	})
}

const dnHint = `name a CA by its key, "sha256/…", or by its identifier in CAA records, {ca: "letsencrypt.org"}: the text of a distinguished name is what a forger copies`

func (r *reader) issuers(n *yaml.Node) {
	issuers, value := []expect.Issuer{}, []string{}
	add := func(n *yaml.Node, i expect.Issuer, err error, hint string) {
		if err != nil {
			r.bad(n, hint, "issuer %q: %v", n.Value, err)
			return
		}
		i.Place = r.place(n)
		i.Key.Place = i.Place
		issuers, value = append(issuers, i), append(value, i.String())
	}
	r.list(n, "issuers", func(n *yaml.Node) {
		if n.Kind == yaml.ScalarNode {
			i, err := expect.ParseIssuerKey(n.Value)
			add(n, i, err, dnHint)
			return
		}
		seen := r.mapping(n, "issuer", map[string]string{"name": dnHint, "dn": dnHint, "cn": dnHint, "subject": dnHint}, fields{
			"ca": func(n *yaml.Node) {
				if text := r.text(n, "ca"); text != "" {
					i, err := expect.ParseCA(text)
					add(n, i, err, dnHint)
				}
			},
		})
		r.need(n, "issuer", seen, "ca")
	})
	r.set("expect.issuers", n, value, func(t *Terms) { t.Expect.Issuers = issuers })
}

// pinHint tells people where pins come from.
const pinHint = `"certassay learn HOST" shows the pin of what is served; of a file: openssl x509 -in cert.pem -noout -pubkey | openssl pkey -pubin -outform DER | openssl dgst -sha256 -binary | base64`

func (r *reader) keys(n *yaml.Node) {
	pins, value := []expect.Pin{}, []string{}
	r.list(n, "keys", func(n *yaml.Node) {
		p, ok := r.pin(n)
		if !ok {
			return
		}
		for _, earlier := range pins {
			if earlier.Same(p) {
				r.bad(n, "take one of them out", "this pin is already there in line %d", earlier.Place.Line)
				return
			}
		}
		text := p.String()
		if !p.Until.IsZero() {
			text += " until " + p.Until.AddDate(0, 0, -1).Format(time.DateOnly)
		}
		pins, value = append(pins, p), append(value, text)
	})
	r.set("expect.keys", n, value, func(t *Terms) { t.Expect.Keys = pins })
}

// pin reads one pin: text, or a mapping with what else is to be said of it.
func (r *reader) pin(n *yaml.Node) (p expect.Pin, ok bool) {
	parse := func(n *yaml.Node) {
		var err error
		if n.Kind != yaml.ScalarNode {
			r.wrong(n, "pin", "text")
		} else if p, err = expect.ParsePin(n.Value); err != nil {
			r.bad(n, pinHint, "pin: %v", err)
		} else {
			ok = true
		}
	}
	place := r.place(n)
	if n.Kind == yaml.ScalarNode {
		parse(n)
		p.Place = place
		return p, ok
	}
	var until time.Time
	var note string
	seen := r.mapping(n, "pin", map[string]string{"expires": "write until"}, fields{
		"pin":  parse,
		"note": func(n *yaml.Node) { note = r.text(n, "note") },
		"until": func(n *yaml.Node) {
			day, err := time.Parse(time.DateOnly, n.Value)
			if n.Kind != yaml.ScalarNode || err != nil {
				r.bad(n, "year-month-day; leave it out for a pin that does not end", "until: want the last day on which the pin counts, such as 2027-05-01")
				return
			}
			until = day.AddDate(0, 0, 1)
		},
	})
	r.need(n, "pin", seen, "pin")
	p.Place, p.Until, p.Note = place, until, note
	return p, ok
}

func (r *reader) names(n *yaml.Node) {
	names := []string{}
	r.list(n, "names", func(n *yaml.Node) {
		text := r.text(n, "name")
		if text == "" {
			return
		}
		if name, ok := r.host(n, strings.TrimPrefix(text, "*.")); ok {
			if strings.HasPrefix(text, "*.") {
				name = "*." + name
			}
			names = append(names, name)
		}
	})
	r.set("expect.names", n, names, func(t *Terms) { t.Expect.Names = names })
}

// host gives a name or address in its one form.
func (s *source) host(n *yaml.Node, text string) (string, bool) {
	if strings.ContainsAny(text, "/:[]") && strings.Count(text, ":") < 2 {
		s.bad(n, "scheme and port belong to targets", "%q is no name: want one such as mail.example.org, without scheme and port", n.Value)
		return "", false
	}
	spec, err := target.Parse(text, target.Defaults{})
	if err != nil {
		s.bad(n, "write a name such as mail.example.org, or an IP address", "%v", err)
		return "", false
	}
	for t := range spec.All() {
		return t.Host, true
	}
	return "", false
}

func (r *reader) keyTypes(n *yaml.Node) {
	types, value := []expect.KeyType{}, []string{}
	r.list(n, "key_types", func(n *yaml.Node) {
		k, err := expect.ParseKeyType(n.Value)
		if n.Kind != yaml.ScalarNode || err != nil {
			r.bad(n, "a plus is for that length and more: rsa-2048+", "key type %q: want one of %s", n.Value, strings.Join(expect.KeyTypes(), ", "))
			return
		}
		types, value = append(types, k), append(value, k.String())
	})
	r.set("expect.key_types", n, value, func(t *Terms) { t.Expect.KeyTypes = types })
}

// maxDays is the longest lifetime that can be asked for: more is a typing error.
const maxDays = 36_500

// duration reads days, weeks or hours, "100d", or "any".
func (r *reader) duration(n *yaml.Node) (time.Duration, bool) {
	if n.Kind == yaml.ScalarNode && n.Value == "any" {
		return 0, true
	}
	hours := map[byte]int{'h': 1, 'd': 24, 'w': 7 * 24}
	var number int
	if v := n.Value; n.Kind == yaml.ScalarNode && len(v) > 1 && len(v) < 8 {
		unit, known := hours[v[len(v)-1]]
		for _, c := range v[:len(v)-1] {
			if known = known && c >= '0' && c <= '9'; known {
				number = 10*number + int(c-'0')
			}
		}
		if known && v[0] != '0' && number*unit <= maxDays*24 {
			return time.Duration(number*unit) * time.Hour, true
		}
	}
	r.bad(n, "a number and its unit, without a space", "max_validity: want days, weeks or hours such as 100d, 14w, 36h, or any; at most %dd", maxDays)
	return 0, false
}

// version reads a version of TLS, in quotes or not.
func (r *reader) version(n *yaml.Node) (uint16, bool) {
	if n.Kind == yaml.ScalarNode && n.Value == "any" {
		return 0, true
	}
	text := n.Value
	if f, err := strconv.ParseFloat(text, 64); err == nil && n.Tag != "!!str" {
		text = strconv.FormatFloat(f, 'f', 1, 64) // not rounded: 1.25 must not become 1.2
		if g, _ := strconv.ParseFloat(text, 64); g != f {
			text = n.Value
		}
	}
	v, err := expect.ParseTLS(text)
	if n.Kind != yaml.ScalarNode || err != nil {
		r.bad(n, "the oldest version that may be negotiated; any lifts what the group asks for", "min_tls: want 1.0, 1.1, 1.2, 1.3 or any, found %s", describe(n))
		return 0, false
	}
	return v, true
}

// resolveTrust reports names of sets that nobody defined.
func (i *Inventory) resolveTrust(refs []trustRef) {
	var names []string
	for _, set := range i.Trust {
		names = append(names, set.Name)
	}
	for _, ref := range refs {
		if name := ref.node.Value; name != expect.PublicAnchors && i.TrustSet(name) == nil {
			hint := unknownHint(name, nil, append(names, expect.PublicAnchors))
			ref.src.bad(ref.node, hint, "no trust set is called %q", name)
		}
	}
}

// forms of trust set names; they stand in reports beside those of root programs.
var reserved = map[string]bool{expect.PublicAnchors: true, "mozilla": true, "chrome": true, "apple": true, "microsoft": true, "local": true, "known": true, "none": true}

func (s *source) trustSets(n *yaml.Node, base string, add func(*yaml.Node, *TrustSet)) {
	if n.Kind != yaml.MappingNode {
		s.wrong(n, "trust", "a mapping of names to sets")
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		set := &TrustSet{Name: s.text(key, "name of a trust set"), Place: s.place(key)}
		if reserved[set.Name] {
			s.bad(key, "choose another one: reports use this one for a root program", "the name %q is taken", set.Name)
			continue
		}
		what := fmt.Sprintf("trust set %q", set.Name)
		seen := s.mapping(value, what, nil, fields{"roots": func(n *yaml.Node) {
			s.list(n, "roots", func(n *yaml.Node) {
				if path := s.text(n, "root"); path != "" {
					set.Roots = append(set.Roots, Root{path, base, s.place(n)})
				}
			})
			if n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
				s.bad(n, "name files with CA certificates, or leave the set out", "%s has no roots: nothing would be trusted by it", what)
			}
		}})
		s.need(value, what, seen, "roots")
		if set.Name != "" {
			add(key, set)
		}
	}
}
