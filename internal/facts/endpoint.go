package facts

// Endpoint is a live server.
type Endpoint struct {
	Protocol   string `fact:"protocol" doc:"scheme spoken: https, tls, ..."`
	Port       int64  `fact:"port" doc:"TCP port"`
	Private    bool   `fact:"private_address" doc:"the address is not of the public Internet"`
	Answered   bool   `fact:"answered" doc:"at least one handshake delivered certificates"`
	Completed  bool   `fact:"completed" doc:"a handshake was completed"`
	Possession *bool  `fact:"possession" doc:"the server proved in every handshake that got that far that it holds the leaf's private key; unknown where none did"`
	Version    string `fact:"tls_version" doc:"1.0, 1.1, 1.2, 1.3; empty where none was negotiated"`
	Cipher     string `fact:"cipher" doc:"cipher suite by its IANA name"`
	Group      string `fact:"group" doc:"key exchange group"`
	ALPN       string `fact:"alpn" doc:"application protocol; empty where none"`
	Stapled    bool   `fact:"ocsp_stapled" doc:"an OCSP response was stapled"`
	HelloReset *bool  `fact:"large_hello_reset" doc:"the first ClientHello was reset or went unanswered and a small one was answered; unknown where only one was sent and failed"`
	Refused    bool   `fact:"refused_by_library" doc:"the TLS library refused the certificates; they were taken from the recorded bytes"`
	Answers    int64  `fact:"distinct_leaves" doc:"number of different leaves over all handshakes"`

	// Preambles are empty where TLS begins with the first byte.
	Preambles []string `fact:"starttls" doc:"how asking for TLS ended, in order: ready, missing, refused, malformed, too-long, too-slow, closed; empty where the protocol begins with TLS"`
	Said      string   `fact:"preamble" doc:"what the server said before TLS, escaped; empty where it said nothing"`
	Pipelined bool     `fact:"pipelined_plaintext" doc:"bytes came in the clear together with the go-ahead for TLS"`
	// Probed is false where nobody asked for it; then Probe is unknown.
	Probed bool   `fact:"probed" doc:"the path was probed with invented names (--probe-path)"`
	Probe  *Probe `fact:"probe" doc:"what the probes of the path showed"`

	Hops *Hops `fact:"hops" doc:"how many routers away the address answers; unknown where that was not counted, or could not be"`

	Cookies *int64 `fact:"nts_cookies" doc:"cookies that NTS key establishment gave; unknown where it was not asked"`
}

// Probe is what an address answered to names that exist nowhere, to none, and to
// the same name once more.
type Probe struct {
	Invented int64    `fact:"invented" doc:"invented names that were asked for, in the ClientHello or of the proxy"`
	Answered int64    `fact:"answered" doc:"invented names that were answered with a certificate, whatever its names are"`
	Minted   []Minted `fact:"minted" doc:"certificates that bear an invented name letter for letter: they were made on demand"`

	// Again is unknown where the second connection showed no certificate.
	Again *string `fact:"again" doc:"what the same ClientHello got once more: same, new-certificate (another leaf under the same issuer), other (one of another issuer); unknown where nothing came"`
	// Connects is empty where the connection was direct, or had been asked for by
	// name from the start.
	Connects []string `fact:"connects" doc:"what came when a proxy that had been asked for the address was asked for the name, with the same ClientHello: same, follows (another certificate of the same issuer, each for just what the proxy was asked for), other"`
	NoName   *string  `fact:"no_name" doc:"what a ClientHello without a name got: same, other, nothing; unknown where the usual one has no name either, or no connection came about"`
}

// Hops are distances in routers: 1 is a neighbour, or this machine.
type Hops struct {
	Port   int64       `fact:"port" doc:"distance of whoever answers on the port of the target"`
	Others []OtherPort `fact:"others" doc:"other ports of the same address whose distance is known"`
	Nearer *int64      `fact:"nearer" doc:"by how many hops the port answers nearer than the farthest of the others; 0 or less where it does not; unknown where no other answered"`
}

// OtherPort is a port that the target's is compared with.
type OtherPort struct {
	Port   int64  `fact:"port" doc:"TCP port"`
	Hops   int64  `fact:"hops" doc:"distance of whoever answers there"`
	Answer string `fact:"answer" doc:"accepted, or refused where nothing listens"`
}

// Minted is a certificate for an invented name.
type Minted struct {
	Name       string `fact:"name" doc:"the invented name"`
	Reserved   bool   `fact:"reserved" doc:"it is below .invalid, for which no CA may ever issue"`
	Leaf       string `fact:"leaf" doc:"SHA-256 of the certificate, sha256:hex"`
	SameIssuer *bool  `fact:"same_issuer" doc:"the key that signed the judged leaf signed this one too, or, where that key is not at hand, both give the same issuer and authority key identifier; unknown where it could not be checked"`
	// SameSigner is what an accusation of a CA has to rest on: names and
	// identifiers are anybody's to write.
	SameSigner *bool `fact:"same_signer" doc:"the key that signed the judged leaf signed this one too; unknown where that key is not at hand"`
	SameKey    bool  `fact:"same_key" doc:"it has the judged leaf's key"`
}
