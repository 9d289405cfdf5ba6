package tlsdial

import (
	"crypto/rand"
	"net/netip"
	"strings"

	"golang.org/x/crypto/cryptobyte"
)

// A clientHello is our own ClientHello, for TLS up to 1.2.
type clientHello struct {
	record []byte // ready to be written
	random []byte
}

// The groups and signature schemes that are offered.
var (
	fastGroups   = []uint16{29, 23, 24, 25}                     // X25519, P-256, P-384, P-521
	legacyGroups = []uint16{29, 23, 24, 25, 30, 28, 27, 26, 22} // and X448, brainpool, secp256k1
	fastSchemes  = []uint16{0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0603, 0x0806, 0x0601, 0x0807}
	oldSchemes   = []uint16{0x0808, 0x0303, 0x0301, 0x0203, 0x0201, 0x0402, 0x0302, 0x0202, 0x0101}
)

// newHello makes the ClientHello of the fast or the legacy profile. The record
// says TLS 1.0, which servers of every age read (RFC 5246 appendix E.1).
func newHello(profile, serverName string, alpn []string) clientHello {
	random := make([]byte, 32)
	rand.Read(random) // never fails
	suites, groups, schemes := ecdheSuites, fastGroups, fastSchemes
	if profile == profileLegacy {
		suites = concat(ecdheSuites, dheSuites, rsaSuites, otherECDHESuites)
		groups, schemes = legacyGroups, concat(fastSchemes, oldSchemes)
	}
	b := cryptobyte.NewBuilder(make([]byte, 0, 768))
	b.AddUint8(recordHandshake)
	b.AddUint16(tls10)
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
		b.AddUint8(1) // ClientHello
		b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) {
			b.AddUint16(tls12)
			b.AddBytes(random)
			b.AddUint8(0) // no session
			addUint16s(b, suites)
			b.AddBytes([]byte{1, 0}) // no compression
			b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
				addExtensions(b, serverName, alpn, groups, schemes)
			})
		})
	})
	return clientHello{record: b.BytesOrPanic(), random: random}
}

func addExtensions(b *cryptobyte.Builder, serverName string, alpn []string, groups, schemes []uint16) {
	if serverName != "" {
		addExtension(b, 0, func(b *cryptobyte.Builder) {
			b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
				b.AddUint8(0) // host_name
				b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes([]byte(serverName)) })
			})
		})
	}
	addExtension(b, extStatusRequest, func(b *cryptobyte.Builder) { b.AddBytes([]byte{1, 0, 0, 0, 0}) })
	addExtension(b, 10, func(b *cryptobyte.Builder) { addUint16s(b, groups) })
	addExtension(b, 11, func(b *cryptobyte.Builder) { b.AddBytes([]byte{1, 0}) }) // uncompressed points
	addExtension(b, 13, func(b *cryptobyte.Builder) { addUint16s(b, schemes) })
	if len(alpn) > 0 {
		addExtension(b, extALPN, func(b *cryptobyte.Builder) {
			b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
				for _, p := range alpn {
					b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes([]byte(p)) })
				}
			})
		})
	}
	addExtension(b, extSCT, func(*cryptobyte.Builder) {})
	addExtension(b, 23, func(*cryptobyte.Builder) {})                      // extended_master_secret
	addExtension(b, 0xff01, func(b *cryptobyte.Builder) { b.AddUint8(0) }) // renegotiation_info
}

func addExtension(b *cryptobyte.Builder, kind uint16, data func(*cryptobyte.Builder)) {
	b.AddUint16(kind)
	b.AddUint16LengthPrefixed(data)
}

func addUint16s(b *cryptobyte.Builder, values []uint16) {
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
		for _, v := range values {
			b.AddUint16(v)
		}
	})
}

func concat(lists ...[]uint16) (all []uint16) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// sniFor is what crypto/tls sends for a name: nothing for an address, and no
// trailing dot (RFC 6066 section 3).
func sniFor(name string) string {
	name = strings.TrimRight(name, ".")
	if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		return ""
	}
	return name
}
