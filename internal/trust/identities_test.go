package trust

import (
	"slices"
	"testing"
)

func TestIdentities(t *testing.T) {
	for _, c := range []struct {
		name string
		find func(DN) (Identity, bool)
		dn   DN
		want string // empty for none
	}{
		{"mitmproxy", Interceptor, DN{CN: []string{"mitmproxy"}, O: []string{"mitmproxy"}}, "mitmproxy"},
		{"not part of a longer name", Interceptor, DN{CN: []string{"mitmproxy.example.org"}}, ""},
		{"CN and O both have to match", Interceptor, DN{CN: []string{"FortiGate CA"}, O: []string{"Somebody"}}, ""},
		{"FortiGate", Interceptor, DN{CN: []string{"FortiGate CA"}, O: []string{"Fortinet"}}, "Fortinet FortiGate"},
		{"bettercap without province", Interceptor, DN{CN: []string{"Go Daddy Secure Certificate Authority - G2"}, L: []string{"Scottsdale"}}, "bettercap"},
		{"the genuine Go Daddy has one", Interceptor, DN{CN: []string{"Go Daddy Secure Certificate Authority - G2"}, L: []string{"Scottsdale"}, ST: []string{"Arizona"}}, ""},
		{"second value of an attribute", Interceptor, DN{O: []string{"x", "Blue Coat Systems"}}, "Symantec Blue Coat"},
		{"goproxy's leaves", InterceptedLeaf, DN{O: []string{"GoProxy untrusted MITM proxy Inc"}}, "goproxy"},
		{"Cobalt Strike", AttackTool, DN{CN: []string{"Major Cobalt Strike"}, OU: []string{"AdvancedPenTesting"}}, "Cobalt Strike"},
		{"a name with operators in it", AttackTool, DN{CN: []string{"network operators"}}, ""},
		{"openssl req", ExampleName, DN{O: []string{"Internet Widgits Pty Ltd"}}, "OpenSSL req defaults"},
		{"nothing at all", Interceptor, DN{}, ""},
	} {
		id, ok := c.find(c.dn)
		if ok != (c.want != "") || id.Product != c.want {
			t.Errorf("%s: found %q, %v, want %q", c.name, id.Product, ok, c.want)
		}
	}
}

// An identity without any condition would match every name.
func TestIdentitiesHaveConditions(t *testing.T) {
	for _, list := range [][]Identity{interceptors, interceptedLeaves, attackTools, exampleNames} {
		for _, id := range list {
			if id.CN == nil && id.O == nil && id.OU == nil && id.L == nil {
				t.Errorf("%s matches every name", id.Product)
			}
			if id.Product == "" || id.Source == "" {
				t.Errorf("an identity has no product or no source: %+v", id)
			}
		}
	}
}

func TestMagicSerial(t *testing.T) {
	for hex, want := range map[string]string{"E77EE77E": "Ettercap", "08bb00ee": "Cobalt Strike", "01": "", "": ""} {
		if got := MagicSerial(hex); got != want {
			t.Errorf("MagicSerial(%q) = %q, want %q", hex, got, want)
		}
	}
}

func TestNeeds(t *testing.T) {
	for pattern, want := range map[string][]string{
		`.*(?:Komodia|PrivDog|Wajam).*`:   {"Komodia", "PrivDog", "Wajam"},
		`.*Netskope CA.*`:                 {"Netskope CA"},
		`operators|multiplayer`:           {"operators", "multiplayer"},
		`a+bc`:                            {"bc"},
		`(?i)word`:                        nil,
		`one|`:                            nil,
		`x*`:                              nil,
		`Sophos_CA|sophosutm (?:A|B) end`: {"Sophos_CA", "sophosutm "},
	} {
		if got := needs(pattern); !slices.Equal(got, want) {
			t.Errorf("needs(%q) = %q, want %q", pattern, got, want)
		}
	}
}

// FuzzPattern: what a pattern asks for first changes no answer.
func FuzzPattern(f *testing.F) {
	f.Add("DigiCert Global G2")
	f.Add("Sophos SSL CA_A1-B2")
	f.Add("Example Komodia CA")
	f.Add("operators")
	var patterns []*Pattern
	for _, list := range [][]Identity{interceptors, interceptedLeaves, attackTools, exampleNames} {
		for _, id := range list {
			patterns = append(patterns, id.CN, id.O, id.OU, id.L)
		}
	}
	f.Fuzz(func(t *testing.T, value string) {
		for _, p := range patterns {
			if p == nil {
				continue
			}
			for _, v := range slices.Concat(p.needs, []string{p.prefix, p.prefix + value, value}) {
				if got, want := p.MatchString(v), p.re.MatchString(v); got != want {
					t.Errorf("MatchString(%q) of %s = %v, want %v", v, p.re, got, want)
				}
			}
		}
	})
}
