package main

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/x509roots/fallback/bundle"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/trust"
	"github.com/certassay/certassay/internal/trust/disclosed"
)

// maxFile is the largest file that is searched for certificates.
const maxFile = 256 << 20

// A candidate is a certificate that the list has.
type candidate struct {
	seen  *cert.Certificate
	std   *x509.Certificate
	facts *disclosed.Facts // once it is below a root
}

// A collection is the certificates that were met.
type collection struct {
	list    *list
	revoked revoked
	// roots are those of Mozilla's program that no program decided against.
	roots []*x509.Certificate
	found map[[32]byte]*candidate
	// left says how many were left out for what.
	left map[string]int
}

func newCollection(l *list, r revoked) *collection {
	c := &collection{list: l, revoked: r, found: map[[32]byte]*candidate{}, left: map[string]int{}}
	for root := range bundle.Roots() {
		// What a program decided about a root is asked of the certificates on a path;
		// a CA that is known by facts alone has none.
		if _, distrusted := trust.DistrustedCA(cert.Parse(root.Certificate)); distrusted {
			continue
		}
		if std, err := x509.ParseCertificate(root.Certificate); err == nil {
			c.roots = append(c.roots, std)
		}
	}
	return c
}

// walk looks at a file, or at all files of a directory.
func (c *collection) walk(path string) error {
	return filepath.WalkDir(path, func(p string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		if info, err := e.Info(); err != nil || info.Size() > maxFile {
			return err
		}
		data, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		if len(data) > 0 && data[0] == 0x30 {
			c.add(data)
			return nil
		}
		for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
			if block.Type == "CERTIFICATE" {
				c.add(block.Bytes)
			}
		}
		return nil
	})
}

func (c *collection) add(der []byte) {
	seen := cert.Parse(der)
	spki, ok := seen.SPKISHA256()
	if !ok || !seen.BasicConstraints().Value.CA {
		return
	}
	sum := sha256.Sum256(der)
	if key, listed := c.list.keys[sum]; !listed || key != spki || c.found[sum] != nil {
		return
	}
	std, err := x509.ParseCertificate(der)
	if err != nil {
		return
	}
	c.found[sum] = &candidate{seen: seen, std: std}
}

// facts are those of the CAs that may be in the table: for each key one, the
// nearest to a root, and of those the one that is valid for longest.
func (c *collection) facts() (out []*disclosed.Facts) {
	c.left["not in the collection"] = len(c.list.keys) - len(c.found)
	for sum, x := range c.found {
		if why := c.unfit(x); why != "" {
			c.left[why]++
			delete(c.found, sum)
		}
	}
	for more := true; more; {
		more = false
		for _, x := range c.sorted() {
			if x.facts == nil && c.place(x) {
				more = true
			}
		}
	}
	best := map[[32]byte]*candidate{}
	for _, x := range c.sorted() {
		if x.facts == nil {
			c.left["below no root of the program that counts"]++
			continue
		}
		spki := x.facts.SPKISHA256()
		if best[spki] != nil {
			c.left["a second certificate of a key"]++
			continue
		}
		best[spki] = x
	}
	needed := map[[32]byte]bool{}
	for _, x := range best {
		for f := x.facts; f != nil; f = f.Above {
			needed[f.SHA256] = true
		}
	}
	for _, x := range c.sorted() {
		if x.facts != nil && needed[x.facts.SHA256] {
			out = append(out, x.facts)
		}
	}
	return out
}

// sorted are the candidates in the order in which they are preferred.
func (c *collection) sorted() (out []*candidate) {
	for _, x := range c.found {
		out = append(out, x)
	}
	slices.SortFunc(out, func(a, b *candidate) int {
		if d := depth(a.facts) - depth(b.facts); d != 0 {
			return d
		}
		if d := b.std.NotAfter.Compare(a.std.NotAfter); d != 0 {
			return d
		}
		return bytes.Compare(a.std.Raw, b.std.Raw)
	})
	return out
}

// depth is how many CAs stand between a CA and its root; large where it is below
// none.
func depth(f *disclosed.Facts) int {
	if f == nil {
		return 1 << 10
	}
	n := 0
	for ; f.Above != nil; f = f.Above {
		n++
	}
	return n
}

// place puts a candidate below a root, or below another one that is.
func (c *collection) place(x *candidate) bool {
	f := &disclosed.Facts{
		SHA256: sha256.Sum256(x.std.Raw), KeyID: x.std.SubjectKeyId, NotBefore: x.std.NotBefore, NotAfter: x.std.NotAfter, PathLen: x.seen.BasicConstraints().Value.PathLen,
		CA: &cert.Certificate{Subject: x.seen.Subject, SPKI: x.std.RawSubjectPublicKeyInfo, Key: x.seen.Key},
	}
	for _, root := range c.roots {
		if bytes.Equal(root.RawSubject, x.std.RawIssuer) && x.std.CheckSignatureFrom(root) == nil {
			f.Root = sha256.Sum256(root.RawSubjectPublicKeyInfo)
			x.facts = f
			return true
		}
	}
	for _, above := range c.sorted() {
		if above.facts != nil && above.facts.PathLen != 0 && bytes.Equal(above.std.RawSubject, x.std.RawIssuer) && x.std.CheckSignatureFrom(above.std) == nil {
			f.Above = above.facts
			x.facts = f
			return true
		}
	}
	return false
}

// unfit says why the facts of a certificate would not tell all that decides
// whether it may have issued another one; empty where they do.
func (c *collection) unfit(x *candidate) string {
	std := x.std
	serial, key := trimmed(x.seen.Serial), sha256.Sum256(std.RawSubjectPublicKeyInfo)
	listed, _ := time.Parse(time.DateOnly, c.list.date)
	has := func(oid string) bool { return x.seen.Extension(oid) != nil }
	switch {
	case c.revoked[[2]string{string(std.RawIssuer), serial}] || c.revoked[[2]string{string(std.RawSubject), string(key[:])}]:
		return "revoked by Mozilla"
	case std.NotAfter.Before(listed):
		return "expired"
	case std.Version != 3 || !std.BasicConstraintsValid || !std.IsCA || std.KeyUsage != 0 && std.KeyUsage&x509.KeyUsageCertSign == 0:
		return "no CA"
	case !forServers(std):
		return "not for TLS servers"
	case has(cert.OIDNameConstraints):
		return "bound to certain names"
	case has(cert.OIDPolicyConstraints) || has(oidInhibitAnyPolicy) || len(std.UnhandledCriticalExtensions) > 0:
		return "bound by policies or by critical extensions that are not understood"
	case strings.Contains(std.SignatureAlgorithm.String(), "SHA1") || strings.Contains(std.SignatureAlgorithm.String(), "MD5"):
		return "signed with SHA-1"
	case x.seen.Key.Algorithm == cert.RSA && x.seen.Key.Bits < 2048:
		return "a short key"
	case len(std.SubjectKeyId) > 255 || x.seen.Subject.Normal() == "":
		return "no usable name or key identifier"
	}
	for _, root := range c.roots {
		if bytes.Equal(root.RawSubjectPublicKeyInfo, std.RawSubjectPublicKeyInfo) {
			return "a cross-certificate of a root"
		}
	}
	return ""
}

// oidInhibitAnyPolicy is an extension of RFC 5280 section 4.2.1.14.
const oidInhibitAnyPolicy = "\x55\x1d\x36"

func forServers(c *x509.Certificate) bool {
	return len(c.ExtKeyUsage)+len(c.UnknownExtKeyUsage) == 0 ||
		slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageServerAuth) || slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageAny)
}
