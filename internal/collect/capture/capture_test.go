package capture

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/lab"
)

// Who talks in the captures of these tests, and when.
var (
	client = netip.MustParseAddrPort("192.0.2.7:50000")
	server = netip.MustParseAddrPort("198.51.100.1:443")
	began  = time.Date(2026, 10, 3, 12, 0, 0, 0, time.UTC)
)

// A turn is what one side sends before the other answers.
type turn struct {
	fromServer bool
	data       []byte
}

// taped is a connection that writes down what is sent, in order.
type taped struct {
	net.Conn
	mu         *sync.Mutex
	turns      *[]turn
	fromServer bool
}

func (c taped) Write(b []byte) (int, error) {
	c.mu.Lock()
	*c.turns = append(*c.turns, turn{c.fromServer, bytes.Clone(b)})
	c.mu.Unlock()
	return c.Conn.Write(b)
}

// A setting is a handshake.
type setting struct {
	chain   [][]byte
	version uint16
	name    string
	mutual  bool   // the client shows a certificate
	suite   uint16 // 0 for any
}

// handshake makes a real handshake, then some data, and gives what was sent.
func handshake(tb testing.TB, s setting) []turn {
	tb.Helper()
	var mu sync.Mutex
	var turns []turn
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	own := tls.Certificate{Certificate: s.chain, PrivateKey: lab.LeafKey()}
	sc := &tls.Config{Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS10, MaxVersion: s.version, SessionTicketsDisabled: true}
	cc := &tls.Config{ServerName: s.name, InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: s.version}
	if s.mutual {
		sc.ClientAuth, cc.Certificates = tls.RequireAnyClientCert, []tls.Certificate{own}
	}
	if s.suite != 0 {
		cc.CipherSuites, sc.CipherSuites = []uint16{s.suite}, []uint16{s.suite}
	}
	done := make(chan error, 1)
	go func() {
		conn := tls.Server(taped{b, &mu, &turns, true}, sc)
		_, err := conn.Read(make([]byte, 10))
		done <- err
	}()
	conn := tls.Client(taped{a, &mu, &turns, false}, cc)
	_, err := conn.Write([]byte("GET /"))
	if err := errors.Join(err, <-done); err != nil {
		tb.Fatal(err)
	}
	return turns
}

// A scene is a capture to be made.
type scene struct {
	client, server netip.AddrPort
	segment        int // bytes of a segment; 0 for 700
	before         []turn
	turns          []turn
	noSYN          bool
	oneWay         bool // nothing of the client was recorded
	// change may drop, repeat and reorder the packets with data.
	change func([][]byte) [][]byte
}

// packets are the Ethernet frames of a scene.
func (s scene) packets(tb testing.TB) [][]byte {
	tb.Helper()
	if !s.client.IsValid() {
		s.client, s.server = client, cmpOr(s.server, server)
	}
	size := s.segment
	if size == 0 {
		size = 700
	}
	seq := map[bool]uint32{false: 0xffffff00, true: 1000} // the client's wraps round
	var head, out [][]byte
	send := func(fromServer bool, set func(*layers.TCP), data []byte) []byte {
		from, to := s.client, s.server
		if fromServer {
			from, to = to, from
		}
		tcp := &layers.TCP{SrcPort: layers.TCPPort(from.Port()), DstPort: layers.TCPPort(to.Port()), Seq: seq[fromServer], Ack: seq[!fromServer], ACK: true, Window: 65535}
		set(tcp)
		seq[fromServer] += uint32(len(data))
		if tcp.SYN || tcp.FIN {
			seq[fromServer]++
		}
		return frame(tb, from, to, tcp, data)
	}
	syn := func(t *layers.TCP) { t.SYN = true }
	head = append(head, send(false, func(t *layers.TCP) { t.SYN, t.ACK = true, false }, nil), send(true, syn, nil))
	for _, turn := range append(slices.Clone(s.before), s.turns...) {
		for part := range slices.Chunk(turn.data, size) {
			p := send(turn.fromServer, func(t *layers.TCP) { t.PSH = true }, part)
			if turn.fromServer || !s.oneWay {
				out = append(out, p)
			}
		}
	}
	if s.change != nil {
		out = s.change(out)
	}
	if s.noSYN {
		head = nil
	}
	return slices.Concat(head, out, [][]byte{send(false, func(t *layers.TCP) { t.FIN = true }, nil), send(true, func(t *layers.TCP) { t.FIN = true }, nil)})
}

func cmpOr(a, b netip.AddrPort) netip.AddrPort {
	if a.IsValid() {
		return a
	}
	return b
}

func frame(tb testing.TB, from, to netip.AddrPort, tcp *layers.TCP, data []byte) []byte {
	tb.Helper()
	eth := &layers.Ethernet{SrcMAC: make(net.HardwareAddr, 6), DstMAC: make(net.HardwareAddr, 6), EthernetType: layers.EthernetTypeIPv4}
	var ip gopacket.SerializableLayer
	var network gopacket.NetworkLayer
	if from.Addr().Is4() {
		v4 := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolTCP, SrcIP: from.Addr().AsSlice(), DstIP: to.Addr().AsSlice()}
		ip, network = v4, v4
	} else {
		eth.EthernetType = layers.EthernetTypeIPv6
		v6 := &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: layers.IPProtocolTCP, SrcIP: from.Addr().AsSlice(), DstIP: to.Addr().AsSlice()}
		ip, network = v6, v6
	}
	if err := tcp.SetNetworkLayerForChecksum(network); err != nil {
		tb.Fatal(err)
	}
	buffer := gopacket.NewSerializeBuffer()
	err := gopacket.SerializeLayers(buffer, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, eth, ip, tcp, gopacket.Payload(data))
	if err != nil {
		tb.Fatal(err)
	}
	return bytes.Clone(buffer.Bytes())
}

// pcap writes frames, a millisecond apart, cut to snap bytes where that is set.
func pcap(tb testing.TB, frames [][]byte, snap int) []byte {
	tb.Helper()
	var out bytes.Buffer
	w := pcapgo.NewWriter(&out)
	err := w.WriteFileHeader(262144, layers.LinkTypeEthernet)
	for i, f := range frames {
		ci := gopacket.CaptureInfo{Timestamp: began.Add(time.Duration(i) * time.Millisecond), CaptureLength: len(f), Length: len(f)}
		if snap > 0 && len(f) > snap {
			f, ci.CaptureLength = f[:snap], snap
		}
		err = errors.Join(err, w.WritePacket(ci, f))
	}
	if err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

func pcapng(tb testing.TB, frames [][]byte) []byte {
	tb.Helper()
	var out bytes.Buffer
	w, err := pcapgo.NewNgWriter(&out, layers.LinkTypeEthernet)
	if err != nil {
		tb.Fatal(err)
	}
	for i, f := range frames {
		err = errors.Join(err, w.WritePacket(gopacket.CaptureInfo{Timestamp: began.Add(time.Duration(i) * time.Millisecond), CaptureLength: len(f), Length: len(f)}, f))
	}
	if err := errors.Join(err, w.Flush()); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

func read(tb testing.TB, file []byte) (out []*evidence.Subject) {
	tb.Helper()
	if err := Read(context.Background(), "c.pcap", bytes.NewReader(file), func(s *evidence.Subject) { out = append(out, s) }); err != nil {
		tb.Fatal(err)
	}
	return out
}

// lines says of subjects what matters.
func lines(subjects []*evidence.Subject) (out []string) {
	for _, s := range subjects {
		line := fmt.Sprintf("%s %s %q %d", s.ID, s.Kind, s.Name, len(s.Certificates))
		for _, h := range s.Handshakes {
			line += fmt.Sprintf(" %04x possession=%t", h.Version, h.Possession)
		}
		for _, f := range s.Failures {
			line += " / " + strings.TrimPrefix(f.Error, "c.pcap: ")
		}
		out = append(out, line)
	}
	return out
}

func TestRead(t *testing.T) {
	l := lab.New(lab.Config{})
	modern := handshake(t, setting{chain: l.Chain(), version: tls.VersionTLS12, name: "time.lab.example"})
	nameless := handshake(t, setting{chain: l.Chain(), version: tls.VersionTLS11})
	mutual := handshake(t, setting{chain: l.Chain(), version: tls.VersionTLS12, name: "a", mutual: true})
	hidden := handshake(t, setting{chain: l.Chain(), version: tls.VersionTLS13, name: "time.lab.example"})
	n := len(l.Chain())
	seen := fmt.Sprintf(`c.pcap#1 198.51.100.1:443 endpoint "time.lab.example" %d 0303 possession=true`, n)
	v6 := scene{client: netip.MustParseAddrPort("[2001:db8::1]:999"), server: netip.MustParseAddrPort("[2001:db8::2]:8443"), turns: modern}
	smtp := []turn{{true, []byte("220 mail ESMTP\r\n")}, {false, []byte("EHLO x\r\n")}, {true, []byte("250-mail\r\n250 STARTTLS\r\n")}, {false, []byte("STARTTLS\r\n")}, {true, []byte("220 go\r\n")}}
	swap := func(p [][]byte) [][]byte {
		slices.Reverse(p)
		return p
	}
	download := []turn{{false, []byte("GET /capture HTTP/1.0\r\n\r\n")}, {true, slices.Concat([]byte("HTTP/1.0 200 OK\r\n\r\n"), joined(modern, true))}}
	downloaded := scene{turns: download}.packets(t)
	for _, tt := range []struct {
		name string
		file []byte
		want []string
	}{
		{"TLS 1.2", pcap(t, scene{turns: modern}.packets(t), 0), []string{seen}},
		{"pcapng", pcapng(t, scene{turns: modern}.packets(t)), []string{seen}},
		{"gzip", compressed(t, pcap(t, scene{turns: modern}.packets(t), 0)), []string{seen}},
		{"tiny segments", pcap(t, scene{turns: modern, segment: 1}.packets(t), 0), []string{seen}},
		{"reversed", pcap(t, scene{turns: modern, segment: 100, change: swap}.packets(t), 0), []string{seen}},
		{"everything twice", pcap(t, scene{turns: modern, change: func(p [][]byte) [][]byte { return append(p, p...) }}.packets(t), 0), []string{seen}},
		{"begins in the middle", pcap(t, scene{turns: modern, noSYN: true}.packets(t), 0), []string{seen}},
		{"IPv6, another port", pcap(t, v6.packets(t), 0), []string{fmt.Sprintf(`c.pcap#1 [2001:db8::2]:8443 endpoint "time.lab.example" %d 0303 possession=true`, n)}},
		{"STARTTLS", pcap(t, scene{before: smtp, turns: modern, segment: 9}.packets(t), 0), []string{seen}},
		{"no name", pcap(t, scene{turns: nameless}.packets(t), 0), []string{fmt.Sprintf(`c.pcap#1 198.51.100.1:443 endpoint "" %d 0302 possession=true`, n)}},
		{"one way", pcap(t, scene{turns: modern, oneWay: true}.packets(t), 0), []string{fmt.Sprintf(`c.pcap#1 198.51.100.1:443 endpoint "" %d 0303 possession=false`, n)}},
		{"client certificate", pcap(t, scene{turns: mutual}.packets(t), 0), []string{
			fmt.Sprintf(`c.pcap#1 198.51.100.1:443 endpoint "a" %d 0303 possession=true`, n), fmt.Sprintf(`c.pcap#2 client 192.0.2.7 chain "" %d`, n)}},
		{"TLS 1.3", pcap(t, scene{turns: hidden}.packets(t), 0), []string{`c.pcap chain "" 0 / 1 connections are of TLS 1.3, which encrypts certificates: they could not be checked`}},
		{"a handshake in a download", pcap(t, downloaded, 0), []string{fmt.Sprintf(`c.pcap chain "" 0 / there is no certificate in this capture (%d packets, 1 connections)`, len(downloaded))}},
		{"two, and one again", pcap(t, slices.Concat(scene{turns: modern}.packets(t), v6.packets(t), scene{turns: modern}.packets(t)), 0), []string{
			seen, fmt.Sprintf(`c.pcap#2 [2001:db8::2]:8443 endpoint "time.lab.example" %d 0303 possession=true`, n)}},
		{"no packets", pcap(t, nil, 0), []string{`c.pcap chain "" 0 / there is no certificate in this capture (0 packets, 0 connections)`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := read(t, tt.file)
			if diff := cmp.Diff(tt.want, lines(got)); diff != "" {
				t.Errorf("subjects (-want +got):\n%s", diff)
			}
			for _, s := range got {
				for i, der := range s.Certificates {
					if !bytes.Equal(der, l.Chain()[i]) {
						t.Errorf("%s: certificate %d is not the one that was sent", s.ID, i)
					}
				}
			}
		})
	}
}

func joined(turns []turn, fromServer bool) (out []byte) {
	for _, t := range turns {
		if t.fromServer == fromServer {
			out = append(out, t.data...)
		}
	}
	return out
}

func compressed(tb testing.TB, b []byte) []byte {
	tb.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, err := z.Write(b)
	if err := errors.Join(err, z.Close()); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// The whole evidence of one connection, with the addresses and times of its
// packets, and nothing that was contacted.
func TestEvidence(t *testing.T) {
	l := lab.New(lab.Config{})
	got := read(t, pcap(t, scene{turns: handshake(t, setting{chain: l.Chain(), version: tls.VersionTLS12, name: "time.lab.example"})}.packets(t), 0))
	if len(got) != 1 {
		t.Fatalf("%d subjects, want 1", len(got))
	}
	s := got[0]
	if s.Address != "198.51.100.1:443" || s.Vantage != "capture of 192.0.2.7" || !s.Seen.Equal(began) || s.Target != "c.pcap#1 time.lab.example" {
		t.Errorf("address %s, vantage %s, seen %v, target %s", s.Address, s.Vantage, s.Seen, s.Target)
	}
	if h := s.Handshakes[0]; h.Address != "" || h.ServerName != "time.lab.example" || h.Cipher == 0 || h.Group == 0 || h.Completed {
		t.Errorf("handshake %+v", h)
	}
	if at := Began(bytes.NewReader(pcap(t, scene{}.packets(t), 0))); !at.Equal(began) {
		t.Errorf("Began = %v, want %v", at, began)
	}
}

// A server that shows a chain whose key it does not have is told from one that
// has it, also where both are seen.
func TestRefuted(t *testing.T) {
	l := lab.New(lab.Config{})
	turns := handshake(t, setting{chain: l.Chain(), version: tls.VersionTLS12, name: "time.lab.example"})
	wrong := slices.Clone(turns)
	for i, turn := range wrong {
		if at := bytes.Index(turn.data, []byte{12, 0}); turn.fromServer && at > 0 && bytes.Contains(turn.data, l.Chain()[0]) {
			b := bytes.Clone(turn.data)
			end := bytes.Index(b, l.Chain()[len(l.Chain())-1]) + len(l.Chain()[len(l.Chain())-1])
			b[end+5+4+40] ^= 1 // within the public point
			wrong[i].data = b
		}
	}
	for _, order := range [][][]turn{{turns, wrong}, {wrong, turns}} {
		first, second := scene{turns: order[0]}, scene{turns: order[1], client: netip.MustParseAddrPort("192.0.2.8:1"), server: server}
		got := read(t, pcap(t, append(first.packets(t), second.packets(t)...), 0))
		if len(got) != 1 || !got[0].Handshakes[0].Refuted {
			t.Errorf("subjects %q, want one that is refuted", lines(got))
		}
	}
}

// What is missing is missed, and what is there is used.
func TestLoss(t *testing.T) {
	l := lab.New(lab.Config{})
	turns := handshake(t, setting{chain: l.Chain(), version: tls.VersionTLS12, name: "time.lab.example"})
	leaf := len(l.Chain()[0])
	whole := scene{turns: turns, segment: 200}
	without := func(n int) []byte {
		s := whole
		s.change = func(p [][]byte) [][]byte { return slices.Delete(p, n, n+1) }
		return pcap(t, s.packets(t), 0)
	}
	var partial, none int
	for n := range len(whole.packets(t)) - 4 {
		for _, s := range read(t, without(n)) {
			switch {
			case len(s.Certificates) == len(l.Chain()):
			case len(s.Failures) == 0:
				t.Errorf("without packet %d: %q says nothing of what is missing", n, lines([]*evidence.Subject{s}))
			case len(s.Certificates) > 0:
				partial++
			default:
				none++
			}
			for i, der := range s.Certificates {
				if !bytes.Equal(der, l.Chain()[i]) {
					t.Fatalf("without packet %d: certificate %d is made up", n, i)
				}
			}
		}
	}
	if partial == 0 || none == 0 {
		t.Errorf("%d captures gave a part of the chain, %d none; the leaf has %d bytes", partial, none, leaf)
	}
	short := read(t, pcap(t, scene{turns: turns}.packets(t), 96))
	if text := strings.Join(lines(short), "\n"); !strings.Contains(text, "gaps") || !strings.Contains(text, "not captured whole") {
		t.Errorf("a capture of 96 bytes a packet gives %q", text)
	}
	file := pcap(t, whole.packets(t), 0)
	if text := strings.Join(lines(read(t, file[:len(file)-100])), "\n"); !strings.Contains(text, "cannot be read beyond packet") || !strings.Contains(text, "#1") {
		t.Errorf("a capture that is cut off gives %q", text)
	}
}

// Connections without end and number are given up, not kept.
func TestBounds(t *testing.T) {
	w := newWatch("c")
	ci := gopacket.CaptureInfo{Timestamp: began}
	hello := []byte{22, 3, 1, 0x40, 0, 2, 0, 0x3f, 0xfc, 3, 3}
	for i := range 2000 {
		from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 1)
		tcp := &layers.TCP{SrcPort: 1, DstPort: 443, Seq: 1, SYN: true}
		w.packet(frame(t, from, server, tcp, nil), ci, layers.LinkTypeEthernet)
		tcp = &layers.TCP{SrcPort: 1, DstPort: 443, Seq: 2, ACK: true}
		w.packet(frame(t, from, server, tcp, append(bytes.Clone(hello), make([]byte, 30000)...)), ci, layers.LinkTypeEthernet)
	}
	if w.open != 2000 || w.buffered == 0 {
		t.Errorf("%d connections are open with %d bytes", w.open, w.buffered)
	}
	w.buffered += maxBuffered
	w.packet(frame(t, client, server, &layers.TCP{SrcPort: 50000, DstPort: 443, SYN: true}, nil), ci, layers.LinkTypeEthernet)
	if w.buffered -= maxBuffered; w.open != 1 || w.buffered != 0 || !w.flushed {
		t.Errorf("after the limit %d connections are open with %d bytes", w.open, w.buffered)
	}
	var h half
	for range 100 {
		h.feed(append(bytes.Clone(hello), make([]byte, 0x4000-6)...))
	}
	if len(h.raw) > maxHandshake+1<<15 || !h.done {
		t.Errorf("one direction keeps %d bytes", len(h.raw))
	}
	h = half{}
	for range maxPreamble/1000 + 1 {
		h.feed(bytes.Repeat([]byte{22}, 1000))
	}
	if len(h.raw) > helloSize || !h.done {
		t.Errorf("a direction without a handshake keeps %d bytes, done = %t", len(h.raw), h.done)
	}
}

func TestReadStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Read(ctx, "c", bytes.NewReader(pcap(t, nil, 0)), func(*evidence.Subject) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("Read = %v, want it cancelled", err)
	}
}

func TestMeter(t *testing.T) {
	m := &meter{in: neverEnds{}}
	if n, err := io.Copy(io.Discard, m); !errors.Is(err, errLimit) || n > MaxOverhead+1<<20 {
		t.Errorf("%d bytes of no packet, %v", n, err)
	}
}

type neverEnds struct{}

func (neverEnds) Read(b []byte) (int, error) { return len(b), nil }

func TestNameOf(t *testing.T) {
	for sni, want := range map[string]string{"a.example": "a.example", "a.example.": "a.example", "\x1b[31m": "", "a b": "", "ä": "", strings.Repeat("a", 300): ""} {
		if got := nameOf(sni); got != want {
			t.Errorf("nameOf(%q) = %q, want %q", sni, got, want)
		}
	}
}

// FuzzRead checks that every certificate stands in the file's packets, that
// something is said of every capture, and that names can be printed.
func FuzzRead(f *testing.F) {
	l := lab.New(lab.Config{})
	turns := handshake(f, setting{chain: l.Chain()[:1], version: tls.VersionTLS12, name: "a"})
	f.Add(joined(turns, false), joined(turns, true), uint16(0), uint16(700))
	f.Add([]byte("\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00\x10"), []byte("\x80\x2e\x04\x00\x01\x00\x02\x00\x05\x00\x00\x00\x00hello"), uint16(3), uint16(3))
	f.Fuzz(func(t *testing.T, fromClient, fromServer []byte, drop, size uint16) {
		if len(fromClient)+len(fromServer) > 1<<16 {
			return
		}
		s := scene{turns: []turn{{false, fromClient}, {true, fromServer}}, segment: int(size%1400) + 20}
		if drop > 0 {
			s.change = func(p [][]byte) [][]byte {
				if len(p) == 0 {
					return p
				}
				n := int(drop) % len(p)
				return slices.Delete(p, n, n+1)
			}
		}
		got := read(t, pcap(t, s.packets(t), 0))
		if len(got) == 0 {
			t.Fatal("nothing is said")
		}
		for _, s := range got {
			if len(s.Certificates) == 0 && len(s.Failures) == 0 {
				t.Error("neither certificate nor failure")
			}
			if nameOf(s.Name) != s.Name {
				t.Errorf("name %q", s.Name)
			}
			for _, der := range s.Certificates {
				if len(der) < 1000 && !bytes.Contains(slices.Concat(fromServer, fromClient), der) && !inRecords(fromServer, der) && !inRecords(fromClient, der) {
					t.Errorf("certificate %x was never sent", der)
				}
			}
		}
	})
}

// inRecords says whether b stands in a stream that is cut by record headers.
func inRecords(stream, b []byte) bool {
	i := 0
	for _, one := range stream {
		if i < len(b) && b[i] == one {
			i++
		}
	}
	return i == len(b)
}

// FuzzFile reads any file.
func FuzzFile(f *testing.F) {
	l := lab.New(lab.Config{})
	frames := scene{turns: handshake(f, setting{chain: l.Chain()[:1], version: tls.VersionTLS12, name: "a"})}.packets(f)
	f.Add(pcap(f, frames, 0))
	f.Add(pcapng(f, frames))
	f.Fuzz(func(t *testing.T, file []byte) {
		if len(read(t, file)) == 0 {
			t.Error("nothing is said")
		}
	})
}
