package facts

// Key is the subject public key.
type Key struct {
	Algorithm   string `fact:"algorithm" doc:"rsa, ecdsa, ed25519, dsa, other"`
	Bits        int64  `fact:"bits" doc:"RSA modulus or curve size in bits, 0 where unknown"`
	Curve       string `fact:"curve" doc:"P-256, P-384, ..., the OID where it has no name, explicit for explicit parameters; empty for other keys"`
	Exponent    int64  `fact:"exponent" doc:"RSA public exponent, -1 where it is negative or above 2^62"`
	Modulo      bool   `fact:"modulus_odd" doc:"RSA modulus is odd and positive; true for other keys"`
	Readable    bool   `fact:"readable" doc:"the key could be read"`
	MatchesSKI  *bool  `fact:"matches_ski" doc:"the subject key identifier is one of the usual hashes of this key; unknown without the extension"`
	SPKIHashSKI bool   `fact:"ski_hashes_whole_spki" doc:"the subject key identifier is SHA-1 over the whole SubjectPublicKeyInfo, which one library does by mistake"`

	// Weaknesses is unknown for RSA moduli above 16384 bits. Keys of a kind or
	// on a curve that is not looked into have none.
	Weaknesses []string  `fact:"weaknesses" doc:"what is wrong with the numbers of the key itself: exponent-one, exponent-even, exponent-not-positive, exponent-too-large, modulus-not-positive, modulus-prime, modulus-power, small-factor, close-primes, roca, small-private-exponent, biased-modulus, patterned-modulus, off-curve, infinity, point-length, trivial-scalar, small-order, non-canonical"`
	Broken     bool      `fact:"broken" doc:"what is needed to sign as the owner of this key was computed from it, and checked; it is not shown"`
	Known      *KnownKey `fact:"known" doc:"where the private key is known to be public; unknown where a table could not be read"`
}

// KnownKey is what the tables of known private keys say of a key.
type KnownKey struct {
	List   string `fact:"list" doc:"list that holds the key: debianssl (CVE-2008-0166), another of badkeys' lists, or the name of an incident; empty if none does"`
	Source string `fact:"source" doc:"built-in, or the name of the table; empty if none holds it"`
}
