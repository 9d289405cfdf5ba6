package facts

// Sig is the signature on a certificate.
type Sig struct {
	Algorithm  string `fact:"algorithm" doc:"name such as SHA256-RSA, ECDSA-SHA384, or the OID"`
	Hash       string `fact:"hash" doc:"md2, md5, sha1, sha256, sha384, sha512, none; empty where unknown"`
	InnerOuter bool   `fact:"inner_outer_equal" doc:"the algorithm inside the signed part is byte for byte the one outside"`
	Bits       int64  `fact:"bits" doc:"length of the signature in bits"`
	Empty      bool   `fact:"empty" doc:"there is no signature"`
}
