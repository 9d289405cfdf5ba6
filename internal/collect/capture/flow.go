package capture

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/reassembly"
)

// A flow is one TCP connection. It implements [reassembly.Stream].
type flow struct {
	watch  *watch
	number int // in the order in which connections begin
	from   netip.AddrPort
	to     netip.AddrPort
	seen   time.Time
	halves [2]half // by the direction that the first packet went, and against it
	over   bool    // concluded: nothing of it is needed any more
}

// New implements [reassembly.StreamFactory].
func (w *watch) New(network, transport gopacket.Flow, _ *layers.TCP, ac reassembly.AssemblerContext) reassembly.Stream {
	w.open++
	w.flows++
	return &flow{watch: w, number: w.flows, from: endpoint(network.Src(), transport.Src()), to: endpoint(network.Dst(), transport.Dst()),
		seen: ac.GetCaptureInfo().Timestamp.UTC()}
}

func endpoint(network, transport gopacket.Endpoint) netip.AddrPort {
	addr, _ := netip.AddrFromSlice(network.Raw())
	port := transport.Raw()
	if len(port) != 2 {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(addr.Unmap(), binary.BigEndian.Uint16(port))
}

// Accept implements [reassembly.Stream]. A connection whose beginning was not
// recorded is read from where it was.
func (f *flow) Accept(_ *layers.TCP, _ gopacket.CaptureInfo, _ reassembly.TCPFlowDirection, _ reassembly.Sequence, start *bool, _ reassembly.AssemblerContext) bool {
	*start = true
	return !f.over
}

// ReassembledSG implements [reassembly.Stream].
func (f *flow) ReassembledSG(sg reassembly.ScatterGather, _ reassembly.AssemblerContext) {
	if f.over {
		return
	}
	direction, _, _, skipped := sg.Info()
	h := &f.halves[0]
	if direction == reassembly.TCPDirServerToClient {
		h = &f.halves[1]
	}
	before := len(h.raw)
	if skipped > 0 {
		h.lose()
	}
	length, _ := sg.Lengths()
	if length > 0 {
		h.feed(sg.Fetch(length))
	}
	f.watch.buffered += len(h.raw) - before
	if f.halves[0].done && f.halves[1].done {
		f.conclude()
	}
}

// ReassemblyComplete implements [reassembly.Stream].
func (f *flow) ReassemblyComplete(reassembly.AssemblerContext) bool {
	f.watch.open--
	f.conclude()
	return true
}

func (f *flow) conclude() {
	if f.over {
		return
	}
	f.over = true
	f.watch.conclude(f)
	f.watch.buffered -= len(f.halves[0].raw) + len(f.halves[1].raw)
	f.halves[0].raw, f.halves[1].raw = nil, nil
}

// A half is one direction of a connection. It looks for the beginning of a
// handshake and keeps the records from there to where encryption begins.
type half struct {
	raw   []byte
	found bool // raw starts with a hello
	hello byte // the kind of message it begins with: client or server
	v2    int  // length of a hello in the form of SSL 2.0 that raw starts with
	next  int  // of the record in raw that was not looked at yet
	seen  int64
	lost  bool // bytes are missing before the end of what is needed
	done  bool
}

// Kinds of messages, of TLS and of SSL 2.0.
const (
	clientHello   = 1
	serverHello   = 2
	serverHelloV2 = 4
)

// helloSize is how many bytes tell that a handshake begins.
const helloSize = 11

// lose takes notice of bytes that were not captured.
func (h *half) lose() {
	if h.done {
		return
	}
	if h.lost = true; h.found {
		h.done = true
		return
	}
	h.raw = nil
	h.seen++ // what comes now is not the beginning
}

func (h *half) feed(b []byte) {
	if h.done {
		return
	}
	atStart := h.seen == int64(len(h.raw))
	h.seen += int64(len(b))
	h.raw = append(h.raw, b...)
	if !h.found && !h.search(atStart) {
		h.done = h.seen > maxPreamble
		return
	}
	h.walk()
}

// search looks for a hello, and leaves of what is none only what may be the
// beginning of one.
func (h *half) search(atStart bool) bool {
	if atStart {
		if h.old(); h.found {
			return true
		}
	}
	for i := 0; i+helloSize <= len(h.raw); i++ {
		if b := h.raw[i:]; helloLike(b) {
			h.found, h.hello, h.raw = true, b[5], append([]byte(nil), b...)
			return true
		}
	}
	if !atStart || len(h.raw) >= helloSize {
		keep := min(len(h.raw), helloSize-1)
		h.raw = append([]byte(nil), h.raw[len(h.raw)-keep:]...)
	}
	return false
}

// helloLike says whether b starts with a record (RFC 8446 section 5.1) that
// starts with a hello.
func helloLike(b []byte) bool {
	length := int(b[3])<<8 | int(b[4])
	return b[0] == 22 && b[1] == 3 && b[2] <= 4 && length >= 6 && length <= 1<<14+2048 &&
		(b[5] == clientHello || b[5] == serverHello) && b[6] == 0 &&
		(b[9] == 3 && b[10] <= 4 || b[9] == 0x7f || b[9] == 0x7e)
}

// old recognises the hellos of SSL 2.0 at the start of a connection.
func (h *half) old() {
	if len(h.raw) < helloSize || h.raw[0]&0x80 == 0 {
		return
	}
	length := int(h.raw[0]&0x7f)<<8 | int(h.raw[1])
	client := h.raw[2] == clientHello && h.raw[4] <= 4 && (h.raw[3] == 3 || h.raw[3] == 0 && h.raw[4] == 2)
	server := h.raw[2] == serverHelloV2 && h.raw[3] <= 1 && h.raw[4] == 1 && h.raw[5] == 0 && h.raw[6] == 2
	if length >= 9 && (client || server) {
		h.found, h.hello, h.v2, h.next = true, h.raw[2], 2+length, 2+length
	}
}

// walk goes from record to record to where the clear text ends.
func (h *half) walk() {
	for h.next+5 <= len(h.raw) {
		b := h.raw[h.next:]
		// 20 is ChangeCipherSpec, 23 is data: what follows is encrypted.
		if b[0] != 21 && b[0] != 22 || b[1] != 3 || h.hello == serverHelloV2 {
			h.raw, h.done = h.raw[:h.next], true
			return
		}
		h.next += 5 + int(binary.BigEndian.Uint16(b[3:]))
	}
	if len(h.raw) > maxHandshake {
		h.raw, h.done, h.lost = h.raw[:maxHandshake], true, true
	}
}
