package forge

import (
	"crypto/elliptic"
	"math/big"
)

// A domain is a curve that has a name; its cofactor is 1. No two in the list
// have the same field.
type domain struct {
	name             string
	p, a, b, n, x, y *big.Int
}

// domains are the curves that explicit parameters are compared with.
var domains = []domain{
	nistDomain(elliptic.P224()), nistDomain(elliptic.P256()), nistDomain(elliptic.P384()), nistDomain(elliptic.P521()),
	{ // FIPS 186-4 appendix D.1.2.1
		name: "P-192",
		p:    number16("fffffffffffffffffffffffffffffffeffffffffffffffff"),
		a:    number16("fffffffffffffffffffffffffffffffefffffffffffffffc"),
		b:    number16("64210519e59c80e70fa7e9ab72243049feb8deecc146b9b1"),
		n:    number16("ffffffffffffffffffffffff99def836146bc9b1b4d22831"),
		x:    number16("188da80eb03090f67cbf20eb43a18800f4ff0afd82ff1012"),
		y:    number16("7192b95ffc8da78631011ed6b24cdd573f977a11e794811"),
	},
	{ // SEC 2 section 2.4.1
		name: "secp256k1",
		p:    number16("fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f"),
		a:    number16("0"),
		b:    number16("7"),
		n:    number16("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"),
		x:    number16("79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"),
		y:    number16("483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"),
	},
	{ // RFC 5639 section 3.4
		name: "brainpoolP256r1",
		p:    number16("a9fb57dba1eea9bc3e660a909d838d726e3bf623d52620282013481d1f6e5377"),
		a:    number16("7d5a0975fc2c3057eef67530417affe7fb8055c126dc5c6ce94a4b44f330b5d9"),
		b:    number16("26dc5c6ce94a4b44f330b5d9bbd77cbf958416295cf7e1ce6bccdc18ff8c07b6"),
		n:    number16("a9fb57dba1eea9bc3e660a909d838d718c397aa3b561a6f7901e0e82974856a7"),
		x:    number16("8bd2aeb9cb7e57cb2c4b482ffc81b7afb9de27e1e3bd23c23a4453bd9ace3262"),
		y:    number16("547ef835c3dac4fd97f8461a14611dc9c27745132ded8e545c1d54c72f046997"),
	},
	{ // RFC 5639 section 3.6
		name: "brainpoolP384r1",
		p:    number16("8cb91e82a3386d280f5d6f7e50e641df152f7109ed5456b412b1da197fb71123acd3a729901d1a71874700133107ec53"),
		a:    number16("7bc382c63d8c150c3c72080ace05afa0c2bea28e4fb22787139165efba91f90f8aa5814a503ad4eb04a8c7dd22ce2826"),
		b:    number16("4a8c7dd22ce28268b39b55416f0447c2fb77de107dcd2a62e880ea53eeb62d57cb4390295dbc9943ab78696fa504c11"),
		n:    number16("8cb91e82a3386d280f5d6f7e50e641df152f7109ed5456b31f166e6cac0425a7cf3ab6af6b7fc3103b883202e9046565"),
		x:    number16("1d1c64f068cf45ffa2a63a81b7c13f6b8847a3e77ef14fe3db7fcafe0cbd10e8e826e03436d646aaef87b2e247d4af1e"),
		y:    number16("8abe1d7520f9c2a45cb1eb8e95cfd55262b70b29feec5864e19c054ff99129280e4646217791811142820341263c5315"),
	},
	{ // RFC 5639 section 3.7
		name: "brainpoolP512r1",
		p:    number16("aadd9db8dbe9c48b3fd4e6ae33c9fc07cb308db3b3c9d20ed6639cca703308717d4d9b009bc66842aecda12ae6a380e62881ff2f2d82c68528aa6056583a48f3"),
		a:    number16("7830a3318b603b89e2327145ac234cc594cbdd8d3df91610a83441caea9863bc2ded5d5aa8253aa10a2ef1c98b9ac8b57f1117a72bf2c7b9e7c1ac4d77fc94ca"),
		b:    number16("3df91610a83441caea9863bc2ded5d5aa8253aa10a2ef1c98b9ac8b57f1117a72bf2c7b9e7c1ac4d77fc94cadc083e67984050b75ebae5dd2809bd638016f723"),
		n:    number16("aadd9db8dbe9c48b3fd4e6ae33c9fc07cb308db3b3c9d20ed6639cca70330870553e5c414ca92619418661197fac10471db1d381085ddaddb58796829ca90069"),
		x:    number16("81aee4bdd82ed9645a21322e9c4c6a9385ed9f70b5d916c1b43b62eef4d0098eff3b1f78e2d0d48d50d1687b93b97d5f7c6d5047406a5e688b352209bcb9f822"),
		y:    number16("7dde385d566332ecc0eabfa9cf7822fdf209f70024a57b1aa000c55b881f8111b2dcde494a5f485e5bca4bd88a2763aed1ca2b2fa8f0540678cd1e0f3ad80892"),
	},
	{ // RFC 5639 section 3.3
		name: "brainpoolP224r1",
		p:    number16("d7c134aa264366862a18302575d1d787b09f075797da89f57ec8c0ff"),
		a:    number16("68a5e62ca9ce6c1c299803a6c1530b514e182ad8b0042a59cad29f43"),
		b:    number16("2580f63ccfe44138870713b1a92369e33e2135d266dbb372386c400b"),
		n:    number16("d7c134aa264366862a18302575d0fb98d116bc4b6ddebca3a5a7939f"),
		x:    number16("d9029ad2c7e5cf4340823b2a87dc68c9e4ce3174c1e6efdee12c07d"),
		y:    number16("58aa56f772c0726f24c6b89e4ecdac24354b9e99caa3f6d3761402cd"),
	},
	{ // RFC 5639 section 3.5
		name: "brainpoolP320r1",
		p:    number16("d35e472036bc4fb7e13c785ed201e065f98fcfa6f6f40def4f92b9ec7893ec28fcd412b1f1b32e27"),
		a:    number16("3ee30b568fbab0f883ccebd46d3f3bb8a2a73513f5eb79da66190eb085ffa9f492f375a97d860eb4"),
		b:    number16("520883949dfdbc42d3ad198640688a6fe13f41349554b49acc31dccd884539816f5eb4ac8fb1f1a6"),
		n:    number16("d35e472036bc4fb7e13c785ed201e065f98fcfa5b68f12a32d482ec7ee8658e98691555b44c59311"),
		x:    number16("43bd7e9afb53d8b85289bcc48ee5bfe6f20137d10a087eb6e7871e2a10a599c710af8d0d39e20611"),
		y:    number16("14fdd05545ec1cc8ab4093247f77275e0743ffed117182eaa9c77877aaac6ac7d35245d1692e8ee1"),
	},
	{ // GB/T 32918.5
		name: "SM2",
		p:    number16("fffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffff"),
		a:    number16("fffffffeffffffffffffffffffffffffffffffff00000000fffffffffffffffc"),
		b:    number16("28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93"),
		n:    number16("fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123"),
		x:    number16("32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7"),
		y:    number16("bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0"),
	},
}

func nistDomain(c elliptic.Curve) domain {
	k := c.Params()
	return domain{name: k.Name, p: k.P, a: new(big.Int).Sub(k.P, big.NewInt(3)), b: k.B, n: k.N, x: k.Gx, y: k.Gy}
}

// number16 reads a constant of this file.
func number16(s string) *big.Int {
	v, ok := new(big.Int).SetString(s, 16)
	if !ok {
		panic("forge: reading constant " + s)
	}
	return v
}
