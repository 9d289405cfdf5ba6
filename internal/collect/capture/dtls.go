package capture

import (
	"encoding/binary"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"github.com/certassay/certassay/internal/collect/tlsdial"
)

// Limits of DTLS; those of the package hold as well.
const (
	// maxMessage is the longest handshake message: each fragment names the
	// length of the whole, up to 16 MiB.
	maxMessage = 256 << 10
	// maxMessages is the most messages of one direction: numbers cost nothing.
	maxMessages = 64
	// maxFragments is the most fragments of a message that wait for earlier
	// ones: they may be of one byte each.
	maxFragments = 256
)

// A pair is who talks to whom.
type pair struct{ from, to netip.AddrPort }

// A dtlsFlow is a handshake over UDP (RFC 6347). Its directions are by the
// packet that it was met with, and against it.
type dtlsFlow struct {
	number int
	pair
	seen   time.Time
	halves [2]dtlsHalf
}

// A dtlsHalf is one direction: the messages that were sent in the clear, by
// their numbers.
type dtlsHalf struct{ messages map[uint16]*dtlsMessage }

// A dtlsMessage is put together from fragments (RFC 6347 section 4.2.3).
type dtlsMessage struct {
	kind   byte
	length int
	body   []byte // without a gap, from its beginning
	later  []fragment
}

type fragment struct {
	offset int
	data   []byte
}

// datagram looks for DTLS, and counts QUIC, which encrypts certificates.
func (w *watch) datagram(network gopacket.NetworkLayer, udp *layers.UDP, ci gopacket.CaptureInfo) {
	if network == nil || len(udp.Payload) < 13 {
		return
	}
	p := pair{endpoint(network.NetworkFlow().Src(), udp.TransportFlow().Src()), endpoint(network.NetworkFlow().Dst(), udp.TransportFlow().Dst())}
	b := udp.Payload
	if version := binary.BigEndian.Uint32(b[1:]); b[0]&0xc0 == 0xc0 && (version == 1 || version == 0x6b3343cf) {
		if len(w.quic) < maxFlows && !w.quic[pair{p.to, p.from}] {
			w.quic[p] = true
		}
		return
	}
	for len(b) >= 13 && b[0] >= 20 && b[0] <= 23 && b[1] == 0xfe {
		size := 13 + int(binary.BigEndian.Uint16(b[11:]))
		if size > len(b) {
			return
		}
		// Epoch 0 is in the clear.
		if b[0] == 22 && binary.BigEndian.Uint16(b[3:]) == 0 {
			w.dtlsMessages(p, b[13:size], ci)
		}
		b = b[size:]
	}
}

// dtlsMessages reads the fragments in one record.
func (w *watch) dtlsMessages(p pair, b []byte, ci gopacket.CaptureInfo) {
	for len(b) >= 12 {
		kind, length := b[0], int(b[1])<<16|int(b[2])<<8|int(b[3])
		number := binary.BigEndian.Uint16(b[4:])
		offset, size := int(b[6])<<16|int(b[7])<<8|int(b[8]), int(b[9])<<16|int(b[10])<<8|int(b[11])
		if 12+size > len(b) || offset+size > length || length > maxMessage {
			return
		}
		if h := w.dtlsHalf(p, kind, ci); h != nil {
			w.buffered += h.add(kind, number, length, fragment{offset, b[12 : 12+size]})
		}
		b = b[12+size:]
	}
}

// dtlsHalf finds the direction of a message. Only a hello begins a flow.
func (w *watch) dtlsHalf(p pair, kind byte, ci gopacket.CaptureInfo) *dtlsHalf {
	if f := w.datagrams[p]; f != nil {
		return &f.halves[0]
	}
	if f := w.datagrams[pair{p.to, p.from}]; f != nil {
		return &f.halves[1]
	}
	if kind != clientHello && kind != serverHello {
		return nil
	}
	if len(w.datagrams) >= maxFlows || w.buffered >= maxBuffered {
		w.flushDTLS()
		w.flushed = true
	}
	w.flows++
	f := &dtlsFlow{number: w.flows, pair: p, seen: ci.Timestamp.UTC()}
	w.datagrams[p] = f
	return &f.halves[0]
}

// add takes a fragment and says by how many bytes more is kept.
func (h *dtlsHalf) add(kind byte, number uint16, length int, f fragment) int {
	m := h.messages[number]
	if m == nil {
		if len(h.messages) >= maxMessages {
			return 0
		}
		if h.messages == nil {
			h.messages = map[uint16]*dtlsMessage{}
		}
		m = &dtlsMessage{kind: kind, length: length}
		h.messages[number] = m
	}
	if m.kind != kind || m.length != length {
		return 0
	}
	before := len(m.body)
	if f.offset > len(m.body) {
		if len(m.later) >= maxFragments {
			return 0
		}
		m.later = append(m.later, fragment{f.offset, slices.Clone(f.data)})
		return len(f.data)
	}
	m.extend(f)
	for again := true; again; {
		again = false
		for _, l := range m.later {
			again = m.extend(l) || again
		}
	}
	return len(m.body) - before
}

// extend appends what is new of a fragment and says whether anything is.
func (m *dtlsMessage) extend(f fragment) bool {
	if f.offset > len(m.body) || f.offset+len(f.data) <= len(m.body) {
		return false
	}
	m.body = append(m.body, f.data[len(m.body)-f.offset:]...)
	return true
}

// kept is how many bytes a direction keeps.
func (h *dtlsHalf) kept() (n int) {
	for _, m := range h.messages {
		n += len(m.body)
		for _, f := range m.later {
			n += len(f.data)
		}
	}
	return n
}

// stream writes the messages as TLS would send them, as far as they go without a
// gap, and says whether there is one.
func (h *dtlsHalf) stream() (out []byte, lost bool) {
	var messages []byte
	numbers := slices.Sorted(maps.Keys(h.messages))
	for i, number := range numbers {
		m := h.messages[number]
		if i > 0 && number != numbers[i-1]+1 {
			lost = true
			break
		}
		body := inTLS(m.kind, m.body)
		length := m.length - len(m.body) + len(body)
		messages = append(messages, m.kind, byte(length>>16), byte(length>>8), byte(length))
		messages = append(messages, body...)
		if lost = len(m.body) < m.length; lost {
			break
		}
	}
	for part := range slices.Chunk(messages, 1<<14) {
		out = append(out, 22, 3, 3, byte(len(part)>>8), byte(len(part)))
		out = append(out, part...)
	}
	return out, lost
}

// inTLS rewrites a hello as that of TLS: its version, and without the cookie of
// a ClientHello. Nothing of that is signed.
func inTLS(kind byte, b []byte) []byte {
	if kind != clientHello && kind != serverHello || len(b) < 35 {
		return b
	}
	out := slices.Clone(b)
	out[0], out[1] = 3, 3
	if b[0] == 0xfe && b[1] == 0xff { // DTLS 1.0 is TLS 1.1
		out[1] = 2
	}
	if session := 35 + int(b[34]); kind == clientHello && len(b) > session {
		if cookie := session + 1 + int(b[session]); len(b) >= cookie {
			out = slices.Delete(out, session, cookie)
		}
	}
	return out
}

func (w *watch) flushDTLS() {
	flows := slices.SortedFunc(maps.Values(w.datagrams), func(a, b *dtlsFlow) int { return a.number - b.number })
	for _, f := range flows {
		w.concludeDTLS(f)
		w.buffered -= f.halves[0].kept() + f.halves[1].kept()
	}
	clear(w.datagrams)
}

func (w *watch) concludeDTLS(f *dtlsFlow) {
	begins := func(h *dtlsHalf, kind byte) bool {
		for _, m := range h.messages {
			if m.kind == kind {
				return true
			}
		}
		return false
	}
	client, server, from, to := &f.halves[0], &f.halves[1], f.from, f.to
	if begins(client, serverHello) || begins(server, clientHello) {
		client, server, from, to = server, client, to, from
	}
	if !begins(server, serverHello) {
		return
	}
	sent, _ := client.stream()
	answered, lost := server.stream()
	o := &observation{number: f.number, server: to, client: from, protocol: "dtls", seen: f.seen}
	w.handshake(o, tlsdial.ReadRecorded(sent, answered), answered, lost)
}
