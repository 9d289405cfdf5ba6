package weak

import (
	"math/big"
	"sync"
)

// A curve is y^2 = x^3 + ax + b modulo the prime p, with the generator (x, y).
type curve struct {
	size      int // octets of a coordinate
	p, a, b   *big.Int
	x, y      *big.Int
	multiples func() map[string]bool
}

// curves are those that certificates name, under the names that package cert
// gives them. Each is made when it is first met.
var curves = func() map[string]func() *curve {
	out := map[string]func() *curve{}
	for _, d := range domains {
		out[d.name] = sync.OnceValue(func() *curve {
			c := &curve{p: fromHex(d.p), a: fromHex(d.a), b: fromHex(d.b), x: fromHex(d.x), y: fromHex(d.y)}
			c.size = (c.p.BitLen() + 7) / 8
			c.multiples = sync.OnceValue(c.smallMultiples)
			return c
		})
	}
	return out
}()

// domains are the parameters of prime curves, in hexadecimal: FIPS 186-4
// appendix D.1.2 and SEC 2 (P-192 to P-521, secp256k1), RFC 5639 section 3
// (brainpool), GB/T 32918.5 (SM2).
var domains = [...]struct{ name, p, a, b, x, y string }{
	{
		name: "P-192",
		p:    "fffffffffffffffffffffffffffffffeffffffffffffffff",
		a:    "fffffffffffffffffffffffffffffffefffffffffffffffc",
		b:    "64210519e59c80e70fa7e9ab72243049feb8deecc146b9b1",
		x:    "188da80eb03090f67cbf20eb43a18800f4ff0afd82ff1012",
		y:    "07192b95ffc8da78631011ed6b24cdd573f977a11e794811",
	},
	{
		name: "P-224",
		p:    "ffffffffffffffffffffffffffffffff000000000000000000000001",
		a:    "fffffffffffffffffffffffffffffffefffffffffffffffffffffffe",
		b:    "b4050a850c04b3abf54132565044b0b7d7bfd8ba270b39432355ffb4",
		x:    "b70e0cbd6bb4bf7f321390b94a03c1d356c21122343280d6115c1d21",
		y:    "bd376388b5f723fb4c22dfe6cd4375a05a07476444d5819985007e34",
	},
	{
		name: "P-256",
		p:    "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
		a:    "ffffffff00000001000000000000000000000000fffffffffffffffffffffffc",
		b:    "5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b",
		x:    "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296",
		y:    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
	},
	{
		name: "P-384",
		p:    "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffff",
		a:    "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000fffffffc",
		b:    "b3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aef",
		x:    "aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7",
		y:    "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f",
	},
	{
		name: "P-521",
		p:    "1ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		a:    "1fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffc",
		b:    "51953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00",
		x:    "00c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3dbaa14b5e77efe75928fe1dc127a2ffa8de3348b3c1856a429bf97e7e31c2e5bd66",
		y:    "011839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e662c97ee72995ef42640c550b9013fad0761353c7086a272c24088be94769fd16650",
	},
	{
		name: "secp256k1",
		p:    "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f",
		a:    "0",
		b:    "7",
		x:    "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
		y:    "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8",
	},
	{
		name: "brainpoolP256r1",
		p:    "a9fb57dba1eea9bc3e660a909d838d726e3bf623d52620282013481d1f6e5377",
		a:    "7d5a0975fc2c3057eef67530417affe7fb8055c126dc5c6ce94a4b44f330b5d9",
		b:    "26dc5c6ce94a4b44f330b5d9bbd77cbf958416295cf7e1ce6bccdc18ff8c07b6",
		x:    "8bd2aeb9cb7e57cb2c4b482ffc81b7afb9de27e1e3bd23c23a4453bd9ace3262",
		y:    "547ef835c3dac4fd97f8461a14611dc9c27745132ded8e545c1d54c72f046997",
	},
	{
		name: "brainpoolP384r1",
		p:    "8cb91e82a3386d280f5d6f7e50e641df152f7109ed5456b412b1da197fb71123acd3a729901d1a71874700133107ec53",
		a:    "7bc382c63d8c150c3c72080ace05afa0c2bea28e4fb22787139165efba91f90f8aa5814a503ad4eb04a8c7dd22ce2826",
		b:    "4a8c7dd22ce28268b39b55416f0447c2fb77de107dcd2a62e880ea53eeb62d57cb4390295dbc9943ab78696fa504c11",
		x:    "1d1c64f068cf45ffa2a63a81b7c13f6b8847a3e77ef14fe3db7fcafe0cbd10e8e826e03436d646aaef87b2e247d4af1e",
		y:    "8abe1d7520f9c2a45cb1eb8e95cfd55262b70b29feec5864e19c054ff99129280e4646217791811142820341263c5315",
	},
	{
		name: "brainpoolP512r1",
		p:    "aadd9db8dbe9c48b3fd4e6ae33c9fc07cb308db3b3c9d20ed6639cca703308717d4d9b009bc66842aecda12ae6a380e62881ff2f2d82c68528aa6056583a48f3",
		a:    "7830a3318b603b89e2327145ac234cc594cbdd8d3df91610a83441caea9863bc2ded5d5aa8253aa10a2ef1c98b9ac8b57f1117a72bf2c7b9e7c1ac4d77fc94ca",
		b:    "3df91610a83441caea9863bc2ded5d5aa8253aa10a2ef1c98b9ac8b57f1117a72bf2c7b9e7c1ac4d77fc94cadc083e67984050b75ebae5dd2809bd638016f723",
		x:    "81aee4bdd82ed9645a21322e9c4c6a9385ed9f70b5d916c1b43b62eef4d0098eff3b1f78e2d0d48d50d1687b93b97d5f7c6d5047406a5e688b352209bcb9f822",
		y:    "7dde385d566332ecc0eabfa9cf7822fdf209f70024a57b1aa000c55b881f8111b2dcde494a5f485e5bca4bd88a2763aed1ca2b2fa8f0540678cd1e0f3ad80892",
	},
	{
		name: "SM2",
		p:    "fffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffff",
		a:    "fffffffeffffffffffffffffffffffffffffffff00000000fffffffffffffffc",
		b:    "28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93",
		x:    "32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7",
		y:    "bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0",
	},
}
