package audit

import (
	"crypto/x509"
	"encoding/hex"
	"sync"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/rule"
	"github.com/certassay/certassay/internal/trust"
)

// Roles of certificates in a chain, as the fact cert.role names them.
const (
	roleLeaf   = "leaf"
	roleIssuer = "issuer"
	// roleLogged is that of a leaf that is from an entry of a log.
	roleLogged = "logged"
)

// A certificate is one certificate in one role with all that is true of it
// alone, and, once judged, of it and its issuers. It never changes once made.
type certificate struct {
	sha256 [32]byte
	role   string
	parsed *cert.Certificate
	// above is one whose subject is the issuer's name, in the same bytes, so that
	// the same is said of it; nil where none is at hand.
	above *certificate
	std   *x509.Certificate // nil where crypto/x509 refuses it
	libs  *cert.Libraries
	// plain says that nobody asks for its profile.
	plain   bool
	facts   *facts.Cert
	scts    []facts.SCT
	reasons map[string]string
	results []rule.Result // of certificate scope, findings and gaps only
}

// maxMemory is how many certificates of each role are kept, about 40 kB each.
const maxMemory = 2048

// A memory keeps certificates by hash. The zero value is ready; it is safe for
// concurrent use.
type memory struct {
	mu            sync.Mutex
	recent, older map[memoryKey]*certificate
}

// A memoryKey is what an answer depends on. issuers is zero where they do not
// matter, and for a certificate whose SCTs were not looked at yet.
type memoryKey struct {
	sha256  [32]byte
	role    string
	judged  bool
	issuers [32]byte
	trust   *trust.Store
}

func (m *memory) get(k memoryKey) *certificate {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c := m.recent[k]; c != nil {
		return c
	}
	return m.older[k]
}

func (m *memory) put(k memoryKey, c *certificate) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.recent == nil || len(m.recent) >= maxMemory/2 {
		m.older, m.recent = m.recent, make(map[memoryKey]*certificate)
	}
	m.recent[k] = c
}

func hexOf(sum [32]byte) string { return hex.EncodeToString(sum[:]) }
