package facts

// Sig is the signature on a certificate.
type Sig struct {
	Algorithm  string `fact:"algorithm" doc:"name such as SHA256-RSA, ECDSA-SHA384, or the OID"`
	Hash       string `fact:"hash" doc:"md2, md5, sha1, sha256, sha384, sha512, none; empty where unknown"`
	InnerOuter bool   `fact:"inner_outer_equal" doc:"the algorithm inside the signed part is byte for byte the one outside"`
	Bits       int64  `fact:"bits" doc:"length of the signature in bits"`
	Empty      bool   `fact:"empty" doc:"there is no signature"`
	Parameters string `fact:"parameters" doc:"how the algorithm's parameters depart from the form that the standards require: absent, present, other; of RSA-PSS pss-unreadable, pss-sha1, pss-mask-hash, pss-salt, pss-trailer, pss-encoding; empty where they do not or the algorithm is unknown"`
	Form       string `fact:"form" doc:"of an ECDSA or DSA signature: pair, not-der, not-a-pair, zero (r or s is), negative; empty for other algorithms"`

	// Collision is known for every signature whose hash is known.
	Collision *Collision `fact:"collision" doc:"what the signed part says of a collision of its hash"`
}

// Collision says whether the signed part of a certificate is one half of a pair
// with the same hash, by its own bytes.
type Collision struct {
	Found  bool   `fact:"found" doc:"a block of it collides with a sibling block; never so for hashes other than MD5 and SHA-1"`
	Hash   string `fact:"hash" doc:"the hash that was looked at: md5 or sha1; empty for others"`
	Block  int64  `fact:"block" doc:"the first such block of 64 octets, from 0; -1 where there is none"`
	Class  string `fact:"class" doc:"the difference of the two blocks, such as m11.9 (message word 11, bit 9) or a disturbance vector; empty if none"`
	Family string `fact:"family" doc:"the published attack that makes such blocks; empty if none"`
}

// Curve is how a key gives its elliptic curve (RFC 5480 section 2.1.1).
type Curve struct {
	Kind           string `fact:"kind" doc:"named, implicit, standard (written out, and one that has a name), foreign-generator, altered, unnamed, unreadable; empty for other keys"`
	Like           string `fact:"like" doc:"the named curve with the same field as the one written out; empty if none"`
	Differs        string `fact:"differs" doc:"what of an altered curve is not that of the named one: coefficients, order, cofactor"`
	GeneratorIsKey bool   `fact:"generator_is_key" doc:"the public key has the x coordinate of the generator written out, so that the private key is 1 or -1"`
}

// BadSignature is a signature in a chain that no key of its issuer's name made
// as it should be, and what it is instead.
type BadSignature struct {
	Index    int64  `fact:"index" doc:"position in the chain of the certificate that bears it"`
	Subject  string `fact:"subject" doc:"that certificate's subject as text"`
	Issuer   string `fact:"issuer" doc:"subject of the certificate whose key explains it best, as text"`
	Served   bool   `fact:"issuer_served" doc:"that certificate is in the chain; otherwise it is a known CA"`
	Trick    string `fact:"trick" doc:"trailing-garbage, ber-length, transplant, ...; foreign-key where the key has nothing to do with it"`
	Detail   string `fact:"detail" doc:"more in a few words; may be empty"`
	NoKey    bool   `fact:"no_private_key" doc:"anybody can compute it: it is a made-up value or a root in whole numbers"`
	Hash     string `fact:"hash" doc:"the hash that was found in it; empty if none"`
	Original string `fact:"original" doc:"SHA-256 of the certificate of the chain to which the signature belongs, sha256:hex; empty if there is none"`
}

// NonceReuse is two signatures of one key with the same number r.
type NonceReuse struct {
	First     int64  `fact:"first" doc:"position in the chain of the one certificate"`
	Second    int64  `fact:"second" doc:"position of the other"`
	Issuer    string `fact:"issuer" doc:"subject of their issuer as text"`
	Key       string `fact:"issuer_key" doc:"its public key, as pins name it: sha256/base64"`
	Recovered bool   `fact:"recovered" doc:"the issuer's private key was computed from them and fits its public key"`
	Malleated bool   `fact:"malleated" doc:"both are over the same bytes, and s is negated in one"`
}
