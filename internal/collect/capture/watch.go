package capture

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/gopacket/gopacket/reassembly"

	"github.com/certassay/certassay/internal/collect/tlsdial"
	"github.com/certassay/certassay/internal/evidence"
)

// A watch is the reading of one capture.
type watch struct {
	path      string
	assembler *reassembly.Assembler
	failures  []evidence.Failure

	count, truncated, undecoded int64
	fragments                   fragments
	open, flows, buffered       int
	flushed                     bool

	observations []*observation
	known        map[string]*observation
	kept         int
	full         bool // there are more observations than are kept
	// certificates are shared: a thousand servers have the same intermediate.
	certificates map[[32]byte]evidence.DER

	// What handshakes came to that show no chain.
	hidden, resumed, cut int
	shown                map[netip.Addr]bool // servers that showed a chain
	unshown              []netip.Addr        // servers of resumed handshakes
	datagrams            map[pair]*dtlsFlow
	quic                 map[pair]bool // connections
}

// An observation is a chain that a server, or a client, showed.
type observation struct {
	number         int // of the connection
	server, client netip.AddrPort
	isClient       bool
	protocol       string
	name           string
	seen           time.Time
	handshake      evidence.Handshake
	failures       []evidence.Failure
}

func newWatch(path string) *watch {
	w := &watch{path: path, known: map[string]*observation{}, certificates: map[[32]byte]evidence.DER{},
		shown: map[netip.Addr]bool{}, datagrams: map[pair]*dtlsFlow{}, quic: map[pair]bool{}}
	w.assembler = reassembly.NewAssembler(reassembly.NewStreamPool(w))
	w.assembler.MaxBufferedPagesTotal, w.assembler.MaxBufferedPagesPerConnection = maxPages, maxPagesPerFlow
	return w
}

func (w *watch) fail(text, hint string) {
	w.failures = append(w.failures, evidence.Failure{Stage: evidence.StageDecode, Error: w.path + ": " + text, Hint: hint})
}

// conclude takes what a connection showed.
func (w *watch) conclude(f *flow) {
	client, server := &f.halves[0], &f.halves[1]
	from, to := f.from, f.to
	if client.hello == serverHello || client.hello == serverHelloV2 || server.hello == clientHello {
		client, server, from, to = server, client, to, from
	}
	switch {
	case server.hello != serverHello && server.hello != serverHelloV2:
		// No handshake, or none that was answered.
		if client.hello == clientHello && server.lost {
			w.cut++
		}
		return
	case client.hello != clientHello && client.seen > 0:
		return // see the package comment
	}
	o := &observation{number: f.number, server: to, client: from, protocol: "tls", seen: f.seen}
	if server.hello == serverHelloV2 {
		w.oldServer(o, server)
		return
	}
	// Behind a hello of SSL 2.0 the client goes on with records; its random is
	// in the hello.
	r := tlsdial.ReadRecorded(client.raw, server.raw)
	if client.v2 > 0 && client.v2 <= len(client.raw) {
		r.ClientCertificates = tlsdial.ReadRecorded(client.raw[client.v2:], nil).ClientCertificates
	}
	w.handshake(o, r, server.raw, server.lost)
}

// handshake files a handshake under what it came to.
func (w *watch) handshake(o *observation, r *tlsdial.Recorded, server []byte, lost bool) {
	o.handshake, o.name = r.Handshake, nameOf(r.ServerName)
	o.handshake.Started = o.seen
	switch {
	case len(r.Certificates) > 0 || r.Cut:
		if r.Cut || r.Dropped > 0 {
			o.fail(fmt.Sprintf("%d certificates of the chain are whole, the rest was not captured", len(r.Certificates)),
				"capture whole packets (tcpdump -s 0), and none that are dropped")
		}
		w.add(o)
	case hides(r, server):
		w.hidden++
	case lost || !r.ServerHello:
		w.cut++
	default:
		w.resumed++
		if len(w.unshown) < MaxObservations {
			w.unshown = append(w.unshown, o.server.Addr())
		}
	}
	if len(r.ClientCertificates) > 0 {
		w.add(&observation{number: o.number, server: o.server, client: o.client, isClient: true, seen: o.seen,
			handshake: evidence.Handshake{Certificates: r.ClientCertificates}})
	}
}

// hides says whether a handshake is of TLS 1.3 or one of its drafts, whose
// certificates are encrypted.
func hides(r *tlsdial.Recorded, server []byte) bool {
	draft := func(v uint16) bool { return v == 0x0304 || v == 0xfefc || v>>8 == 0x7f || v>>8 == 0x7e }
	return r.Retried || draft(r.Version) || len(server) >= helloSize && draft(uint16(server[9])<<8|uint16(server[10]))
}

// oldServer reads the SERVER-HELLO of SSL 2.0, which holds one certificate.
func (w *watch) oldServer(o *observation, h *half) {
	if len(h.raw) < 13 {
		w.cut++
		return
	}
	length := int(h.raw[7])<<8 | int(h.raw[8])
	rest := h.raw[13:]
	if len(rest) < length || length == 0 {
		w.cut++
		return
	}
	o.handshake = evidence.Handshake{Profile: tlsdial.ProfileRecorded, Version: 2, Started: o.seen, Certificates: []evidence.DER{rest[:length:length]}}
	w.add(o)
}

func (o *observation) fail(text, hint string) {
	o.failures = append(o.failures, evidence.Failure{Stage: evidence.StageHandshake, Error: text, Hint: hint})
}

// add keeps an observation that is new.
func (w *watch) add(o *observation) {
	key := fmt.Sprintf("%v|%v|%s|%s|", o.isClient, o.server, o.name, o.protocol)
	if o.isClient {
		key += o.client.Addr().String() + "|"
	}
	for i, der := range o.handshake.Certificates {
		sum := der.SHA256()
		if _, ok := w.certificates[sum]; !ok {
			w.certificates[sum] = slices.Clone(der)
			w.kept += len(der) + sha256.Size
		}
		o.handshake.Certificates[i] = w.certificates[sum]
		key += string(sum[:])
	}
	w.shown[o.server.Addr()] = w.shown[o.server.Addr()] || !o.isClient
	if first := w.known[key]; first != nil {
		// One that proves the key is worth more than one that does not, and
		// one that refutes it more than either.
		if o.handshake.Refuted && !first.handshake.Refuted || o.handshake.Possession && !first.handshake.Possession && !first.handshake.Refuted {
			number := first.number
			*first = *o
			first.number = number
		}
		return
	}
	if len(w.observations) >= MaxObservations || w.kept > maxKept {
		w.full = true
		return
	}
	w.known[key] = o
	w.observations = append(w.observations, o)
}

// nameOf is an SNI that can be a name; nothing else is one, least of all what
// might be taken for an order to a terminal.
func nameOf(sni string) string {
	if len(sni) > 253 || strings.ContainsFunc(sni, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsPrint(r) || r == ' ' }) {
		return ""
	}
	return strings.TrimSuffix(sni, ".")
}

// emit gives what was seen in the order of the connections.
func (w *watch) emit(emit func(*evidence.Subject)) {
	w.flushDTLS()
	slices.SortStableFunc(w.observations, func(a, b *observation) int {
		return cmp.Or(cmp.Compare(a.number, b.number), cmp.Compare(a.key(), b.key()))
	})
	for i, o := range w.observations {
		emit(o.subject(w.path, i+1))
	}
	w.remainder()
	if len(w.failures) > 0 || len(w.observations) == 0 {
		if len(w.failures) == 0 {
			w.fail(fmt.Sprintf("there is no certificate in this capture (%d packets, %d connections)", w.count, w.flows), "")
		}
		emit(&evidence.Subject{ID: w.path, Target: w.path, Kind: evidence.Chain, Failures: w.failures})
	}
}

// key orders what one connection showed: the server before the client.
func (o *observation) key() string {
	if o.isClient {
		return "client"
	}
	return o.name
}

func (o *observation) subject(path string, n int) *evidence.Subject {
	s := &evidence.Subject{
		ID: fmt.Sprintf("%s#%d %s", path, n, o.server), Target: strings.TrimSuffix(fmt.Sprintf("%s#%d %s", path, n, o.name), " "), Kind: evidence.Endpoint, Name: o.name,
		Protocol: o.protocol, Address: o.server.String(), Vantage: "capture of " + o.client.Addr().String(), Seen: o.seen,
		Certificates: o.handshake.Certificates, Failures: o.failures,
	}
	if o.isClient {
		s.ID, s.Kind = fmt.Sprintf("%s#%d client %s", path, n, o.client.Addr()), evidence.Chain
		s.Target, s.Name, s.Address, s.Protocol = s.ID, "", "", ""
		if len(s.Certificates) == 1 {
			s.Kind = evidence.Certificate
		}
		return s
	}
	s.Handshakes = []evidence.Handshake{o.handshake}
	return s
}

// remainder says what could not be checked.
func (w *watch) remainder() {
	if w.hidden > 0 {
		w.fail(fmt.Sprintf("%d connections are of TLS 1.3, which encrypts certificates: they could not be checked", w.hidden),
			`audit those servers with "certassay scan"`)
	}
	if len(w.quic) > 0 {
		w.fail(fmt.Sprintf("%d connections are of QUIC, which encrypts certificates: they could not be checked", len(w.quic)),
			`audit those servers with "certassay scan"`)
	}
	resumed := 0
	for _, addr := range w.unshown {
		if !w.shown[addr] {
			resumed++
		}
	}
	if resumed > 0 {
		w.fail(fmt.Sprintf("%d connections show no certificate, being continued sessions or malformed, nor do their servers elsewhere in the capture: they could not be checked", resumed),
			`audit those servers with "certassay scan"`)
	}
	if w.cut > 0 {
		w.fail(fmt.Sprintf("%d connections have gaps where the certificates should be: they could not be checked", w.cut),
			"capture whole packets (tcpdump -s 0), and none that are dropped")
	}
	if w.truncated > 0 && w.cut > 0 {
		w.fail(fmt.Sprintf("%d packets were not captured whole", w.truncated), "capture whole packets (tcpdump -s 0)")
	}
	w.fragments.finish()
	if w.fragments.lost > 0 {
		w.fail(fmt.Sprintf("%d IP fragments are of packets that were not captured whole, and were left out", w.fragments.lost),
			"capture whole packets (tcpdump -s 0), and none that are dropped; a filter by port lets no fragment pass but the first")
	}
	if w.fragments.refused > 0 {
		w.fail(fmt.Sprintf("%d packets have IP fragments that overlap or contradict each other: they were left out", w.fragments.refused),
			"honest systems send none such, and most take none: look at them with a protocol analyser")
	}
	if w.fragments.crowded {
		w.fail("so many fragmented packets wait for the rest of them at once that some were given up early", "split the capture")
	}
	if w.undecoded > 0 {
		w.fail(fmt.Sprintf("%d packets are of a kind or form that cannot be read", w.undecoded), "")
	}
	if w.flushed {
		w.fail("so many connections are open at once that some were given up early", "split the capture")
	}
	if w.full {
		w.fail(fmt.Sprintf("more than %d different chains, or too many bytes of them: the rest was left out", MaxObservations), "split the capture")
	}
}
