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
}
