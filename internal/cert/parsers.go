package cert

import (
	"crypto/x509"
	"errors"
	"fmt"
	"time"
)

// Limits on what the libraries are shown.
const (
	// MaxLibraryBytes is the largest certificate: at up to 0.1 µs per byte a
	// certificate of 16 MB would cost more than a second in each.
	MaxLibraryBytes = 256 << 10
	// MaxLibraryElements is the most values (TLVs) in a certificate: 4 000
	// relative names cost 10 ms together, 36 000 values more than 50 ms.
	MaxLibraryElements = 16_000
	// MaxOID is the longest object identifier in octets. zcrypto writes the
	// identifier of every extension in decimal, in time that grows with the
	// square of its arcs: one of 200 000 costs more than 5 s.
	MaxOID = 256
	// ParserBudget is how long one library may take. The guard before it keeps
	// every certificate known to be expensive away, so that a certificate takes
	// a hundredth of this; the budget is for those that are not known. It is
	// so long that load never makes it fire, as then the answer would depend
	// on the machine. A library that is given up keeps its core busy until it
	// ends: Go cannot stop it.
	ParserBudget = 5 * time.Second
)

// A Result is what one library made of a certificate.
type Result[C any] struct {
	// Certificate is nil unless the library accepted it.
	Certificate *C
	// Err says why it was refused.
	Err error
	// Lax is what certificate-transparency-go complained about and still
	// accepted; nil for the other libraries.
	Lax error
	// Panic is what the library panicked with; Err is set, too.
	Panic any
	// Skipped says why the library was not asked; Err is nil.
	Skipped error
}

// Accepted says that the library read the certificate.
func (r Result[C]) Accepted() bool { return r.Certificate != nil }

// Status is "ok", "skipped" or "error".
func (r Result[C]) Status() string {
	switch {
	case r.Certificate != nil:
		return "ok"
	case r.Skipped != nil:
		return "skipped"
	}
	return "error"
}

// Libraries is what three X.509 libraries made of one certificate.
type Libraries struct {
	Stdlib  Result[x509.Certificate]
	ZCrypto Result[ZCryptoCertificate]
	CTGo    Result[CTGoCertificate]
}

// Libraries shows the certificate to all three libraries, behind the guard of
// [Certificate.Guard]. crypto/x509 refuses negative serial numbers unless the
// program sets GODEBUG x509negativeserial=1.
func (c *Certificate) Libraries() *Libraries {
	l := &Libraries{Stdlib: c.Stdlib()}
	// The second opinions share a goroutine: its stack grows as large for one
	// as for both, and that is a quarter of what they cost.
	type both struct {
		zcrypto Result[ZCryptoCertificate]
		ctgo    Result[CTGoCertificate]
	}
	opinions, err := inTime(func() both {
		return both{recovered(c.Guard(), c.zcrypto), recovered(c.tooLarge(), c.ctgo)}
	})
	if err != nil {
		opinions = both{Result[ZCryptoCertificate]{Err: err}, Result[CTGoCertificate]{Err: err}}
	}
	l.ZCrypto, l.CTGo = opinions.zcrypto, opinions.ctgo
	return l
}

// Stdlib shows the certificate to crypto/x509, once: later calls give the same
// certificate, which must not be changed. It has no time budget: within the limits
// on size the dearest certificate known costs it 30 ms.
func (c *Certificate) Stdlib() Result[x509.Certificate] {
	c.shown.Do(func() {
		c.stdlib = recovered(c.tooLarge(), func() (r Result[x509.Certificate]) {
			r.Certificate, r.Err = x509.ParseCertificate(c.Raw)
			return r
		})
	})
	return c.stdlib
}

// ZCrypto shows the certificate to zcrypto's x509.
func (c *Certificate) ZCrypto() Result[ZCryptoCertificate] { return guarded(c.Guard(), c.zcrypto) }

// CTGo shows the certificate to certificate-transparency-go's x509.
func (c *Certificate) CTGo() Result[CTGoCertificate] { return guarded(c.tooLarge(), c.ctgo) }

// guarded runs a library with a recover and a budget, unless skip says not to.
func guarded[C any](skip error, parse func() Result[C]) Result[C] {
	r, err := inTime(func() Result[C] { return recovered(skip, parse) })
	if err != nil {
		return Result[C]{Err: err}
	}
	return r
}

// recovered runs a library with a recover, unless skip says not to.
func recovered[C any](skip error, parse func() Result[C]) (r Result[C]) {
	if skip != nil {
		return Result[C]{Skipped: skip}
	}
	defer func() {
		if p := recover(); p != nil {
			r = Result[C]{Err: fmt.Errorf("the library panicked: %v", p), Panic: p}
		}
	}()
	return parse()
}

// inTime gives what f returns, or an error where it takes too long.
func inTime[R any](f func() R) (r R, err error) {
	done := make(chan R, 1)
	go func() { done <- f() }()
	budget := time.NewTimer(ParserBudget)
	defer budget.Stop()
	select {
	case r = <-done:
		return r, nil
	case <-budget.C:
		return r, fmt.Errorf("the library took more than %v", ParserBudget)
	}
}

// tooLarge says why no library is shown the certificate.
func (c *Certificate) tooLarge() error {
	if len(c.Raw) > MaxLibraryBytes {
		return fmt.Errorf("the certificate has %d bytes, more than %d", len(c.Raw), MaxLibraryBytes)
	}
	if c.elements > MaxLibraryElements {
		return fmt.Errorf("the certificate has %d values, more than %d", c.elements, MaxLibraryElements)
	}
	return nil
}

// Guard says why zcrypto must not be shown the certificate; nil where it may.
//
// zcrypto verifies a self-issued certificate with its own key while parsing it,
// without a bound: an RSA key of 65 536 bits with an exponent as long costs it
// 104 s, and a negative exponent with an even modulus makes it panic. So every
// number of the key has to be read by the walker first and be within bounds;
// a key that the walker cannot read is not shown. A key with unused bits is not
// shown either: zcrypto shifts it, and so would read another key than the walker.
func (c *Certificate) Guard() error {
	if err := c.tooLarge(); err != nil {
		return err
	}
	k := &c.Key
	switch {
	case c.longestOID > MaxOID:
		return fmt.Errorf("an object identifier has %d octets, more than %d", c.longestOID, MaxOID)
	case k.Algorithm == "":
		return fmt.Errorf("the key is unreadable: %w", cause(k.Err))
	case k.Unused != 0:
		return errors.New("the key has unused bits")
	case !minimalOID(k.OID):
		return errors.New("the key's algorithm is not in its shortest form")
	case k.Algorithm == RSA:
		return k.boundedRSA()
	case k.Algorithm == DSA && k.Err != nil:
		return fmt.Errorf("the key is unreadable: %w", k.Err)
	case k.Algorithm == DSA:
		return k.boundedDSA()
	}
	return nil
}

func (k *Key) boundedRSA() error {
	const maxExponent = 32 // bits; no genuine key has a larger one
	switch {
	case k.Err != nil:
		return fmt.Errorf("the key is unreadable: %w", k.Err)
	case !k.positive(k.N) || !k.positive(k.E):
		return errors.New("the RSA modulus or exponent is not positive")
	case k.Bits > MaxRSABits || bitLen(k.E) > maxExponent:
		return fmt.Errorf("the RSA key (%d bits, exponent of %d bits) is beyond %d and %d bits",
			k.Bits, bitLen(k.E), MaxRSABits, maxExponent)
	}
	return nil
}
