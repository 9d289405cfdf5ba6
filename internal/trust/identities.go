package trust

import (
	"regexp"
	"regexp/syntax"
	"strings"
)

// An Identity is a name or key that a known interceptor or attack tool puts
// into certificates. Names are chosen by whoever runs the software, so a name is
// a sign and not proof; a key is proof.
type Identity struct {
	Product string
	// CN, O, OU and L are matched whole against every value of that attribute;
	// all that are set have to match.
	CN, O, OU, L *Pattern
	// NoProvince says that a stateOrProvinceName rules the identity out.
	NoProvince bool
	// Sure is false where the name is only usual, or seen in few places.
	Sure bool
	// Source says where the fact comes from.
	Source string
}

// DN is the part of a distinguished name that identities are matched against.
type DN struct {
	CN, O, OU, L, ST []string
}

// Sources of the names below.
const (
	srcChromium  = "Chromium ssl_error_assistant, version_id 4: names that the browser reports as interception software"
	srcBlocklist = "Chromium net/data/ssl/blocklist"
	srcMeasured  = "certificates that the software made in our own test runs, November 2026"
	srcPublic    = "several independent public certificate collections agree; no vendor document"
	srcSource    = "default in the program's source code"
	srcTemplates = "published detection templates for default certificates"
)

// A Pattern is what a whole value has to be.
type Pattern struct {
	re *regexp.Regexp
	// prefix is what every match begins with, and one of needs is in it unless there
	// are none; most values lack them, which is said without the expression.
	prefix string
	needs  []string
}

func whole(pattern string) *Pattern {
	if pattern == "" {
		return nil
	}
	prefix, _ := regexp.MustCompile(pattern).LiteralPrefix()
	p := &Pattern{re: regexp.MustCompile(`^(?:` + pattern + `)$`), prefix: prefix}
	if prefix == "" {
		p.needs = needs(pattern)
	}
	return p
}

// needs are texts of which every match has one; nil where that cannot be said.
func needs(pattern string) []string {
	tree, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil
	}
	return needed(tree.Simplify())
}

func needed(tree *syntax.Regexp) (out []string) {
	switch tree.Op {
	case syntax.OpLiteral:
		if tree.Flags&syntax.FoldCase == 0 {
			return []string{string(tree.Rune)}
		}
	case syntax.OpCapture, syntax.OpPlus:
		return needed(tree.Sub[0])
	case syntax.OpConcat:
		for _, sub := range tree.Sub {
			if n := needed(sub); shortestOf(n) > shortestOf(out) {
				out = n
			}
		}
	case syntax.OpAlternate:
		for _, sub := range tree.Sub {
			n := needed(sub)
			if n == nil {
				return nil
			}
			out = append(out, n...)
		}
	}
	return out
}

// shortestOf is the length of the shortest text; zero where there are none.
func shortestOf(texts []string) (n int) {
	for i, s := range texts {
		if i == 0 || len(s) < n {
			n = len(s)
		}
	}
	return n
}

// MatchString says whether the whole value is so.
func (p *Pattern) MatchString(s string) bool {
	if !strings.HasPrefix(s, p.prefix) {
		return false
	}
	for _, part := range p.needs {
		if strings.Contains(s, part) {
			return p.re.MatchString(s)
		}
	}
	return p.needs == nil && p.re.MatchString(s)
}

func product(name, cn, o string, sure bool, source string) Identity {
	return Identity{Product: name, CN: whole(cn), O: whole(o), Sure: sure, Source: source}
}

// interceptors are CA names of interception products, matched against issuers
// and against CA certificates themselves.
var interceptors = []Identity{
	product("Avast", `avast! Web/Mail Shield Root`, `avast! Web/Mail Shield`, true, srcChromium),
	product("Bitdefender", `Bitdefender Personal CA\.Net-Defender`, `Bitdefender`, true, srcChromium),
	product("Cisco Umbrella", `Cisco Umbrella (?:Root CA|Primary SubCA)`, `Cisco`, true, srcChromium),
	product("ContentKeeper", `ContentKeeper Appliance CA \(\d+\)`, `ContentKeeper Technologies`, true, srcChromium),
	product("Cyberoam", ``, `Cyberoam Certificate Authority`, true, srcChromium),
	product("Cyberoam", `Cyberoam SSL CA.*`, `Cyberoam`, true, srcPublic),
	product("Forcepoint", `Forcepoint Cloud CA`, `Forcepoint LLC`, true, srcChromium),
	product("Fortinet FortiGate", `FortiGate CA`, `Fortinet(?: Ltd\.)?`, true, srcChromium),
	product("Kaspersky", `Kaspersky Anti-Virus Personal Root Certificate`, ``, true, srcChromium),
	product("McAfee Web Gateway", `McAfee Web Gateway`, ``, true, srcChromium),
	product("NetSpark", `www\.netspark\.com`, `NetSpark`, true, srcChromium),
	product("Smoothwall", `Smoothwall-default-root-certificate-authority`, ``, true, srcChromium),
	product("SonicWall", ``, `HTTPS Management Certificate for SonicWALL.*`, true, srcChromium),
	product("Sophos", `Sophos SSL CA_[A-Z0-9\-]+|Sophos_CA_[A-Z0-9]+|sophosutm Proxy CA|Sophos Web Appliance`, `Sophos|sophosutm|Sophos Plc`, true, srcChromium),
	product("Symantec Blue Coat", ``, `Blue Coat.*`, true, srcChromium),
	product("Trend Micro IWSS", `IWSS\.TREND`, ``, true, srcChromium),
	product("Zscaler", ``, `Zscaler Inc\.`, true, srcChromium),
	product("Zscaler", `Zscaler (?:Intermediate )?Root CA.*`, ``, true, srcPublic),
	product("Netskope", `.*Netskope Certificate Authority.*`, ``, false, srcPublic),
	product("Palo Alto Networks", `Forward (?:Trust|Untrust) CA`, ``, false, srcPublic),
	product("Cloudflare Gateway", `Gateway CA - Cloudflare Managed G\d [0-9a-f]{32}`, ``, true, srcPublic),
	product("ESET", `ESET SSL Filter CA`, `ESET, spol\. s r\. ?o\.`, true, srcPublic),
	product("AdGuard", `Ad[gG]uard Personal CA`, ``, true, srcPublic),
	product("WatchGuard", `Fireware HTTPS Proxy.*`, ``, false, srcPublic),
	product("mitmproxy", `mitmproxy`, ``, true, srcMeasured),
	product("Burp Suite", `PortSwigger CA`, `PortSwigger`, true, srcPublic),
	product("Charles Proxy", `Charles Proxy (?:CA|Custom Root Certificate|SSL Proxying).*`, ``, true, srcPublic),
	product("Fiddler", `DO_NOT_TRUST_FiddlerRoot`, `DO_NOT_TRUST`, true, srcPublic),
	product("Proxyman", `Proxyman CA.*`, `Proxyman (?:LLC|Inc)`, true, srcPublic),
	product("bettercap", `bettercap`, `bettercap devteam`, true, srcMeasured),
	{Product: "bettercap", CN: whole(`Go Daddy Secure Certificate Authority - G2`), L: whole(`Scottsdale`), NoProvince: true, Sure: true, Source: srcMeasured},
	product("goproxy", `goproxy\.github\.io`, ``, true, srcMeasured),
	product("Ettercap", ``, `Ettercap`, true, srcMeasured),
	product("Martian", `martian\.proxy`, ``, true, srcMeasured),
	product("http-mitm-proxy", `NodeMITMProxyCA`, ``, true, srcMeasured),
	product("AnyProxy", `AnyProxy`, ``, true, srcMeasured),
	product("whistle", `whistle\.[0-9]{16}`, ``, true, srcMeasured),
	product("mockttp", `Mockttp Testing CA - DO NOT TRUST - TESTING ONLY`, ``, true, srcMeasured),
	product("Caddy internal CA", `Caddy Local Authority - .*`, ``, true, srcMeasured),
	product("mkcert", `mkcert .*`, `mkcert development CA`, true, srcMeasured),
	product("Superfish", `Superfish, Inc\.`, ``, true, srcBlocklist),
	product("Dell eDellRoot", `eDellRoot|DSDTestProvider`, ``, true, srcBlocklist),
	product("Komodia SDK", `.*(?:Komodia|PrivDog|Wajam).*`, ``, false, srcPublic),
	product("Kazakhstan state interception", `Qaznet Trust Network|Information Security Certification Authority(?: CA)?`, ``, true, srcBlocklist),
	product("Hacking Team RCS", `RCS Certification Authority`, `HT srl`, true, srcPublic),
	product("StaffCop", `master\.staffcop\.su`, ``, true, srcPublic),
	product("OWASP ZAP", `OWASP Zed Attack Proxy Root CA`, `OWASP Root CA`, true, srcSource),
	product("Russian Ministry of Digital Development", `Russian Trusted (?:Root|Sub) CA`, ``, false, srcPublic),
}

// interceptedLeaves are subject attributes that interception software writes
// into the leaves it makes.
var interceptedLeaves = []Identity{
	product("goproxy", ``, `GoProxy untrusted MITM proxy Inc`, true, srcMeasured),
	product("Martian", ``, `Martian Proxy`, true, srcMeasured),
	product("gomitmproxy", ``, `gomitmproxy`, true, srcSource),
	product("mitmproxy", ``, `mitmproxy`, true, srcSource),
	product("hoxy", ``, `ACME Tech Inc`, false, srcMeasured),
	product("mkcert", ``, `mkcert development certificate`, true, srcMeasured),
	product("Zscaler", ``, `Zscaler Inc\.`, true, srcChromium),
}

// attackTools are default names of command-and-control frameworks, matched
// against subject and issuer.
var attackTools = []Identity{
	{Product: "Cobalt Strike", CN: whole(`Major Cobalt Strike`), Sure: true, Source: srcSource},
	{Product: "Cobalt Strike", OU: whole(`AdvancedPenTesting`), O: whole(`cobaltstrike`), Sure: true, Source: srcSource},
	{Product: "Metasploit", CN: whole(`MetasploitSelfSignedCA`), Sure: true, Source: srcTemplates},
	{Product: "PoshC2", CN: whole(`P18055077`), Sure: true, Source: srcTemplates},
	{Product: "Covenant", CN: whole(`Covenant`), Sure: true, Source: srcTemplates},
	{Product: "Mythic", O: whole(`Mythic`), Sure: true, Source: srcTemplates},
	{Product: "AsyncRAT", CN: whole(`AsyncRAT Server(?: CA)?`), Sure: true, Source: srcTemplates},
	{Product: "Sliver", CN: whole(`operators|multiplayer`), Sure: true, Source: srcTemplates},
	{Product: "ShadowPad", CN: whole(`myServer`), O: whole(`myorganization`), OU: whole(`mygroup`), L: whole(`mycity`), Sure: true, Source: srcTemplates},
	{Product: "Gozi", CN: whole(`\*`), O: whole(`1`), OU: whole(`1`), L: whole(`1`), Sure: true, Source: srcTemplates},
}

// exampleNames are the values that software and its manuals put into
// certificates whose maker changed nothing.
var exampleNames = []Identity{
	{Product: "OpenSSL req defaults", O: whole(`Internet Widgits Pty Ltd`), Sure: true, Source: srcSource},
	{Product: "Go crypto/tls generate_cert", O: whole(`Acme Co`), Sure: true, Source: srcSource},
	{Product: "OpenSSL req defaults", O: whole(`Default Company Ltd`), L: whole(`Default City`), Sure: true, Source: srcSource},
}

// magicSerials are serial numbers, as content octets in hexadecimal, that one
// program always writes.
var magicSerials = map[string]string{
	"e77ee77e":   "Ettercap",
	"00e77ee77e": "Ettercap",
	"08bb00ee":   "Cobalt Strike",
}

// Interceptor gives the interception product whose CA name dn is.
func Interceptor(dn DN) (Identity, bool) { return match(interceptors, dn) }

// InterceptedLeaf gives the product that writes such a subject into its leaves.
func InterceptedLeaf(dn DN) (Identity, bool) { return match(interceptedLeaves, dn) }

// AttackTool gives the command-and-control framework whose default name dn is.
func AttackTool(dn DN) (Identity, bool) { return match(attackTools, dn) }

// ExampleName gives the software whose example values dn holds.
func ExampleName(dn DN) (Identity, bool) { return match(exampleNames, dn) }

// MagicSerial gives the program that always writes this serial number, given as
// content octets in hexadecimal.
func MagicSerial(hex string) string { return magicSerials[strings.ToLower(hex)] }

func match(list []Identity, dn DN) (Identity, bool) {
	for i := range list {
		if list[i].matches(dn) {
			return list[i], true
		}
	}
	return Identity{}, false
}

func (id *Identity) matches(dn DN) bool {
	if id.NoProvince && len(dn.ST) > 0 {
		return false
	}
	return anyOf(id.CN, dn.CN) && anyOf(id.O, dn.O) && anyOf(id.OU, dn.OU) && anyOf(id.L, dn.L)
}

// anyOf says whether a value matches; an attribute that is not asked for does.
func anyOf(re *Pattern, values []string) bool {
	if re == nil {
		return true
	}
	for _, v := range values {
		if re.MatchString(v) {
			return true
		}
	}
	return false
}
